/* split.h: the bounds of a plan's shards, as PostgreSQL tells them. */
#ifndef BOBBIN_FLEET_SPLIT_H
#define BOBBIN_FLEET_SPLIT_H

#include "fleet/plan.h"

struct split {
    char query[JOB_HASH_BYTES]; // the hash of the query and its key
    const char *key_type;
    size_t wanted;
    size_t count; // of shards; fewer than wanted when there are fewer rows
    uint64_t rows;
    bool is_exact; // else rows is the planner's estimate, and a shard's size about the same
    struct key_range shards[PLAN_SHARDS_MAX];
};

/* As plan_make says. */
MUST_CHECK bool split_make(struct split **out, const struct job_options *o, size_t shards,
                           enum plan_bounds bounds, struct error *err);
void split_free(struct split *split);

#endif
