/* fill.h: a refresh's load: by this process alone, as the usual job in a spool that earlier refreshes have used; or shared
 * with other workers (fleet/work.h). */
#ifndef BOBBIN_REFRESH_FILL_H
#define BOBBIN_REFRESH_FILL_H

#include "fleet/store.h"
#include "fleet/work.h"

/* What is to be told of the job, and, in the end, its record. */
struct fill_watch {
    job_observer *observe; // or NULL
    void *context;
    struct index_job last; // when has_last
    bool has_last;
};

/* The workers' part of what the user wants. */
struct fill_fleet {
    uint64_t shards; // 0: no other workers
    struct store_options store;
    int64_t lease_ms;
    bool takes_any_version;
};

/* O's index is about to be made: forget that one of that name was filled before. */
MUST_CHECK bool fill_begin(const struct job_options *o, const struct fill_fleet *fleet,
                           struct error *err);

/* Run O's job to its end. A finished job of its spool without dead letters, of another index or query, makes room for it. With
 * TAKES_DEAD dead letters are only warned of. Errors: those of job_run. */
MUST_CHECK bool fill_index(const struct job_options *o, bool takes_dead, struct fill_watch *watch,
                           struct error *err);

/* Plan job NAME, if nobody has yet, and work on it until all shards are done, by whomever. Errors: those of publish_plan and
 * work_run; what ended this worker's shard, when the log has said why. */
MUST_CHECK bool fill_with_others(const struct job_options *o, const struct fill_fleet *fleet,
                                 const char *name, bool takes_dead, struct error *err);

/* Forget the workers' job NAME; one that is not there is success. */
MUST_CHECK bool fill_forget(const struct fill_fleet *fleet, const char *name, struct error *err);

#endif
