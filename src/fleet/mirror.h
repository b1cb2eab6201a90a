/* mirror.h: what the spool of a held shard says, brought into the shard's document: the spool is the truth, and the
 * document its mirror, from which anybody can go on. */
#ifndef BOBBIN_FLEET_MIRROR_H
#define BOBBIN_FLEET_MIRROR_H

#include "fleet/shard.h"
#include "job/cluster.h"

struct mirror {
    const char *spool; // its path
    const char *index;
    struct cluster_questions questions;
    uint64_t acknowledged_before, dead_before; // by earlier holders
    uint64_t acknowledged;                     // at the last look
    int64_t looked_ms;
    bool is_finished;
};

/* O says which cluster, index and spool; SHARD, just taken, what was done before. O is borrowed, and M must stay where it is. To
 * be closed, also after an error. */
MUST_CHECK bool mirror_open(struct mirror *m, const struct job_options *o, int64_t timeout_ms,
                            const struct shard *shard, struct error *err);
void mirror_close(struct mirror *m);

/* Bring SHARD up to date. The spool's index is opened and closed again. When the index keeps its translog in memory for a
 * while (index.translog.durability is async), it is flushed first: *IS_DURABLE false, and SHARD's key left
 * as it was, when that could not be. Errors: the spool's; ERROR_DENIED when a held SHARD's index may not be flushed, which no waiting
 * mends: a shard that is given up keeps its key. */
MUST_CHECK bool mirror_update(struct mirror *m, struct shard *shard, bool *is_durable,
                              struct error *err);

#endif
