/* lease.c: see lease.h. */
#include "fleet/lease.h"

enum {
    BEATS = 8, // in a lease: so many may be lost but one
    BEAT_MOST_MS = 10000,
    POLL_MOST_MS = 5000,
    TIMEOUTS = 6, // a beat is two questions, and the next host is tried once
    TIMEOUT_MOST_MS = 10000,
    TIMEOUT_LEAST_MS = 500,
};

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

bool lease_has_ended(struct lease_view *v, uint64_t epoch, uint64_t beat, int64_t begun_ms,
                     int64_t over_ms, int64_t lease_ms)
{
    if (v->has_seen && v->epoch == epoch && v->beat == beat)
        return begun_ms - v->since_ms >= lease_ms;
    *v = (struct lease_view){true, epoch, beat, over_ms};
    return false;
}

int64_t lease_beat_ms(int64_t lease_ms)
{
    return within(lease_ms / BEATS, 1, BEAT_MOST_MS);
}

int64_t lease_poll_ms(int64_t lease_ms, uint32_t random)
{
    int64_t most = within(lease_ms / BEATS, 1, POLL_MOST_MS);
    return most / 2 + (int64_t)((uint64_t)most * random / UINT32_MAX) / 2;
}

int64_t lease_timeout_ms(int64_t lease_ms)
{
    return within(lease_ms / TIMEOUTS, TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS);
}
