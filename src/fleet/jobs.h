/* jobs.h: a job that several workers do: its document in the store, whose id is the job's name. It holds all that the
 * workers must agree on, the plan's bounds among it, and is written once: so of two that plan the same job at once
 * one makes it, and the other finds it. */
#ifndef BOBBIN_FLEET_JOBS_H
#define BOBBIN_FLEET_JOBS_H

#include "fleet/plan.h"
#include "fleet/shard.h"

enum { FLEET_NAME_MAX = 100, FLEET_ID_BYTES = 33 };

struct fleet_job {
    char name[FLEET_NAME_MAX + 1];
    char id[FLEET_ID_BYTES];
    json_t *body; // without its plan, that is beside it
    struct plan *plan;
    struct store_version version;
};

/* ERROR_USAGE unless NAME (or NULL) can be a job's: 1 to FLEET_NAME_MAX letters, digits, "-", "_" and ".". */
MUST_CHECK bool fleet_check_name(const char *name, struct error *err);

/* Read job NAME; *OUT is NULL when there is none. ERROR_CONFIG when the document is no job's, or a later version's. */
MUST_CHECK bool fleet_get_job(struct store *s, const char *name, struct fleet_job **out,
                              struct error *err);

/* The same; ERROR_CONFIG when there is none. */
MUST_CHECK bool fleet_need_job(struct store *s, const char *name, struct fleet_job **out,
                               struct error *err);

/* Make job NAME of PLAN, which is for O. When there is one already, *OUT is that: see fleet_check_job. */
MUST_CHECK bool fleet_make_job(struct store *s, const char *name, const struct job_options *o,
                               const struct plan *plan, struct fleet_job **out, struct error *err);
void fleet_free_job(struct fleet_job *job);

/* Is JOB what O asks for: the same query, key, index, and all else that makes a document? ERROR_CONFIG that names the
 * difference. */
MUST_CHECK bool fleet_check_job(const struct fleet_job *job, const struct job_options *o,
                                struct error *err);

/* ERROR_CONFIG when another version of bobbin has planned JOB. */
MUST_CHECK bool fleet_check_version(const struct fleet_job *job, struct error *err);

/* Look again: ERROR_CONFIG when JOB was cancelled, deleted, or planned anew. */
MUST_CHECK bool fleet_is_open(struct store *s, const struct fleet_job *job, struct error *err);

/* The job that shards' documents name; borrowed from JOB. */
struct shard_job fleet_shard_job(const struct fleet_job *job);

/* Read shard NUMBER of JOB; to be freed. */
MUST_CHECK bool fleet_get_shard(struct store *s, const struct fleet_job *job, size_t number,
                                struct shard *out, struct error *err);

/* Write SHARD if nobody else has since it was read. *IS_DONE false: somebody has, or so it seems (store.h). */
MUST_CHECK bool fleet_put_shard(struct store *s, const struct fleet_job *job, struct shard *shard,
                                bool *is_done, struct error *err);

/* No worker takes a shard of JOB any more, and those at work stop. Success when it was so already. */
MUST_CHECK bool fleet_cancel_job(struct store *s, const struct fleet_job *job, struct error *err);
bool fleet_is_cancelled(const struct fleet_job *job);

/* Remove JOB, then its shards' documents. */
MUST_CHECK bool fleet_delete_job(struct store *s, const struct fleet_job *job, struct error *err);

#endif
