/* sizing.h: how large a bulk request may be, learned from the cluster's answers. Pure.
 *
 * 413 tells of a limit that stays. 429 may mean the same: a request that is larger than what the
 * cluster ever has free (indexing_pressure.memory.limit, a circuit breaker) is refused each time,
 * however long it waits. So one that is refused again and again while no other is in flight is
 * halved, and the size grows again, ever more rarely, when that goes well. */
#ifndef BOBBIN_SINK_SIZING_H
#define BOBBIN_SINK_SIZING_H

#include <stdbool.h>
#include <stdint.h>

struct sizing {
    uint64_t most;    // what 413 has taught
    uint64_t current; // what 429 has taught
    uint64_t passed;  // the largest that went well since `current` was lowered
    uint64_t needed;  // so many must go well until it grows
    uint64_t successes;
};

/* No limit is known. */
void sizing_init(struct sizing *s);

/* The most bytes for the next request. */
uint64_t sizing_limit(const struct sizing *s);

/* A request of BYTES was answered well. */
void sizing_passed(struct sizing *s, uint64_t bytes);

/* A request of BYTES is too large for good (413). */
void sizing_refused(struct sizing *s, uint64_t bytes);

/* A request of BYTES got 429 though it was alone in flight, for the TRIES-th time in a row. True: it
 * is to be sent in smaller ones from now on. */
bool sizing_overloaded(struct sizing *s, uint64_t bytes, unsigned tries);

#endif
