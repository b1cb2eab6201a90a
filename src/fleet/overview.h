/* overview.h: how far a job of several workers is: what its documents say. */
#ifndef BOBBIN_FLEET_OVERVIEW_H
#define BOBBIN_FLEET_OVERVIEW_H

#include "fleet/jobs.h"

struct overview {
    struct fleet_job *job;
    struct shard *shards; // plan_count
    size_t done, held;    // shards
    uint64_t acknowledged, dead, rows_per_s;
    int64_t eta_s; // -1: nobody can tell
};

/* Read job NAME and its shards; to be freed. */
MUST_CHECK bool overview_read(struct store *s, const char *name, struct overview *out,
                              struct error *err);
void overview_free(struct overview *o);

size_t overview_count(const struct overview *o);

/* It is done, or was cancelled: nothing more will happen. */
bool overview_is_over(const struct overview *o);

/* The JSON that is printed, to be given back. */
json_t *overview_json(const struct overview *o);

/* The shards of O that are done and have dead letters become free, as if nobody had done them yet. *COUNT: how many. */
MUST_CHECK bool overview_retry_dead(struct store *s, struct overview *o, size_t *count,
                                    struct error *err);

#endif
