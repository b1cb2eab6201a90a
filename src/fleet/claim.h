/* claim.h: take a shard that nobody holds, or whose holder was not heard of for the length of its lease. */
#ifndef BOBBIN_FLEET_CLAIM_H
#define BOBBIN_FLEET_CLAIM_H

#include "fleet/jobs.h"
#include "fleet/lease.h"

/* What one worker knows of a job's shards. */
struct claims {
    struct store *store;
    const struct fleet_job *job;
    char holder[SHARD_HOLDER_BYTES]; // who this worker is: no other one, ever, has the same name
    int64_t lease_ms;
    size_t first; // where looking begins: each worker begins elsewhere
    struct {
        bool is_done;
        uint64_t dead;
        struct lease_view view;
    } shards[PLAN_SHARDS_MAX];
};

enum claim {
    CLAIM_TAKEN,
    CLAIM_NONE, // others hold all that are not done
    CLAIM_ALL_DONE,
};

void claims_init(struct claims *c, struct store *store, const struct fleet_job *job,
                 int64_t lease_ms);

/* Take the first shard that may be taken; SHARD is then to be freed. Errors: the store's. */
MUST_CHECK bool claim_next(struct claims *c, struct shard *shard, enum claim *what,
                           struct error *err);

/* SHARD, which this worker held, is done. */
void claims_note_done(struct claims *c, const struct shard *shard);

/* Dead letters of all shards that are done. */
uint64_t claims_dead(const struct claims *c);

/* Write SHARD, which this worker holds. *IS_OURS false: it no longer does, as another one took it or the document is gone. An earlier
 * write whose answer was lost is no such thing. */
MUST_CHECK bool claim_write(struct claims *c, struct shard *shard, bool *is_ours,
                            struct error *err);

#endif
