/* fill.h: a refresh's load in one process: the usual job, in a spool that earlier refreshes have used. */
#ifndef BOBBIN_REFRESH_FILL_H
#define BOBBIN_REFRESH_FILL_H

#include "job/job.h"

/* What is to be told of the job, and, in the end, its record. */
struct fill_watch {
    job_observer *observe; // or NULL
    void *context;
    struct index_job last; // when has_last
    bool has_last;
};

/* Run O's job to its end. A finished job of its spool without dead letters, of another index or query, makes room for it. With
 * TAKES_DEAD dead letters are only warned of. Errors: those of job_run. */
MUST_CHECK bool fill_index(const struct job_options *o, bool takes_dead, struct fill_watch *watch,
                           struct error *err);

#endif
