/* steps.c: the way to the cluster that all steps share. See steps.h. */
#include "index/steps.h"

#include "base/log.h"

static void tell(const struct error *why)
{
    log_message(LOG_WARNING, "%s: it is tried again", why->message);
}

bool steps_open(struct steps *s, const struct job_options *job, const struct step_options *options,
                struct error *err)
{
    *s = (struct steps){.job = job, .options = options};
    if (!cluster_open(&s->cluster, job, err))
        return false;
    s->hosts = (struct question_hosts){.http = s->cluster.http,
                                       .urls = job->urls,
                                       .give_up_after_ms = job->give_up_after_ms,
                                       .tell = tell};
    return true;
}

void steps_close(struct steps *s)
{
    cluster_close(&s->cluster);
}
