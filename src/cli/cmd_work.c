/* cmd_work.c: work, one of several workers of a job. */
#include "cli/commands.h"
#include "fleet/work.h"

int command_work(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    bool is_told = false;
    int status = 0;
    if (o->job.index == NULL)
        o->job.index = o->job_name; // as refresh names its jobs
    const struct work_options work = {.job = &o->job,
                                      .name = o->job_name,
                                      .coordinator = o->coordinator,
                                      .lease_ms = o->lease_ms,
                                      .takes_any_version = o->takes_any_version};
    if (!command_check_options(&o->job, SPOOL_DUMP | SPOOL_REPLAY, &err) ||
        !work_run(&work, &is_told, &status, &err))
        return command_failed(&err);
    return is_told ? status : 0;
}
