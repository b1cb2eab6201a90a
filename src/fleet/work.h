/* work.h: one worker of a job: takes a shard, does it, takes the next, until all are done. docs/fleet.md explains it. */
#ifndef BOBBIN_FLEET_WORK_H
#define BOBBIN_FLEET_WORK_H

#include "job/job.h"

struct work_options {
    const struct job_options *job; // as for run; its spool holds a directory for each shard
    const char *name;              // the job's
    const char *coordinator;       // or NULL: the target cluster
    int64_t lease_ms;
    bool takes_any_version;
};

/* Work until all shards are done, by whomever. Errors: ERROR_DEAD_LETTERS: they are, but documents were refused;
 * ERROR_CONFIG: there is no such job, it is another query's or version's, or was cancelled; those of a job (job_run), whose line was
 * logged then: *IS_TOLD. */
MUST_CHECK bool work_run(const struct work_options *w, bool *is_told, int *status,
                         struct error *err);

#endif
