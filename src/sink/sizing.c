/* sizing.c: see sizing.h. */
#include "sink/sizing.h"

enum {
    LEAST_BYTES = 1 << 10,          // a limit learned from 413 never goes below
    LEAST_CURRENT_BYTES = 64 << 10, // below it the cluster is overloaded, whatever the size
    PATIENCE_TRIES = 3,             // others may have filled the cluster for a moment
    FIRST_NEEDED = 64,
    MOST_NEEDED = 1 << 20,
};

void sizing_init(struct sizing *s)
{
    *s = (struct sizing){.most = UINT64_MAX, .current = UINT64_MAX, .needed = FIRST_NEEDED};
}

uint64_t sizing_limit(const struct sizing *s)
{
    return s->current < s->most ? s->current : s->most;
}

void sizing_passed(struct sizing *s, uint64_t bytes)
{
    if (s->current == UINT64_MAX)
        return;
    if (bytes > s->passed)
        s->passed = bytes;
    if (++s->successes < s->needed)
        return;
    s->successes = 0;
    s->current = s->current < UINT64_MAX / 2 ? 2 * s->current : UINT64_MAX;
}

void sizing_refused(struct sizing *s, uint64_t bytes)
{
    uint64_t half = bytes / 2 > LEAST_BYTES ? bytes / 2 : LEAST_BYTES;
    if (half < s->most)
        s->most = half;
}

bool sizing_overloaded(struct sizing *s, uint64_t bytes, unsigned tries)
{
    bool has_grown_too_far = s->passed > 0 && bytes > s->passed;
    if (bytes / 2 < LEAST_CURRENT_BYTES || (tries < PATIENCE_TRIES && !has_grown_too_far))
        return false;
    if (has_grown_too_far && s->needed < MOST_NEEDED)
        s->needed *= 4;
    s->current = bytes / 2;
    s->passed = s->successes = 0;
    return true;
}
