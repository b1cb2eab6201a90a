/* lease.h: when may a shard be taken from its holder? Pure: times are passed in, milliseconds of the caller's own clock
 * that only goes up. No two machines' clocks are ever compared.
 *
 * A holder raises its shard's beat again and again. Who wants the shard looks at it, and may take it when it saw the same
 * beat for the whole length of the lease. Taking raises the epoch; a holder that finds a newer epoch than
 * its own has lost the shard. */
#ifndef BOBBIN_FLEET_LEASE_H
#define BOBBIN_FLEET_LEASE_H

#include <stdbool.h>
#include <stdint.h>

/* What one contender saw of one shard; all zero at first. */
struct lease_view {
    bool has_seen;
    uint64_t epoch, beat;
    int64_t since_ms; // the first look that showed them was over then
};

/* A look that was begun at BEGUN_MS and over at OVER_MS has shown EPOCH and BEAT of a holder whose lease is LEASE_MS. May
 * the shard be taken? */
bool lease_has_ended(struct lease_view *v, uint64_t epoch, uint64_t beat, int64_t begun_ms,
                     int64_t over_ms, int64_t lease_ms);

/* How often a holder beats: eight times in a lease, and every 10 s at least. */
int64_t lease_beat_ms(int64_t lease_ms);

/* How long a contender waits between two looks; RANDOM spreads them. */
int64_t lease_poll_ms(int64_t lease_ms, uint32_t random);

/* How long one question to the store may take, so that several find room in a lease. */
int64_t lease_timeout_ms(int64_t lease_ms);

#endif
