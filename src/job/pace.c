/* pace.c: see pace.h. */
#include "job/pace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"

enum { BACKOFF_BASE_MS = 200, BACKOFF_CAP_MS = 10000 };

void pace_begin(struct pace *p, const struct job_options *o)
{
    *p = (struct pace){
        .window_rows = o->window_rows,
        .most_rows = o->window_rows,
        .progress_ms = clock_monotonic_ms(),
        .give_up_after_ms = o->give_up_after_ms,
    };
}

void pace_progress(struct pace *p)
{
    p->attempts = 0;
    p->progress_ms = clock_monotonic_ms();
}

void pace_forgive(struct pace *p, int64_t ms)
{
    p->progress_ms += ms;
}

void pace_grow(struct pace *p)
{
    p->window_rows = p->window_rows > p->most_rows / 2 ? p->most_rows : p->window_rows * 2;
}

/* A window that a standby cancels, or that takes too long, is too large for it. */
static bool is_conflict(const struct pg *pg)
{
    static const char *const states[] = {"40001", "40P01", "57014", "57P01"};
    for (size_t i = 0; pg != NULL && i < sizeof states / sizeof *states; i++)
        if (strcmp(pg_last_state(pg), states[i]) == 0)
            return true;
    return false;
}

static void halve(struct pace *p)
{
    if (p->window_rows > 1)
        p->window_rows /= 2;
}

static void tell(const struct pace *p, bool is_smaller, int64_t delay_ms, const struct error *err)
{
    char windows[64] = "";
    if (is_smaller)
        snprintf(windows, sizeof windows, ", with windows of %" PRIu64 " row%s", p->window_rows,
                 p->window_rows == 1 ? "" : "s");
    log_message(LOG_WARNING, "%s; going on at the last key in %lld ms%s", err->message,
                (long long)delay_ms, windows);
}

bool pace_survive(struct pace *p, const struct pg *pg, struct error *err)
{
    if (err->kind != ERROR_UNAVAILABLE)
        return false;
    if (clock_monotonic_ms() - p->progress_ms >= p->give_up_after_ms)
        return error_hint(err, "given up (--give-up-after); run the same command again to go on");
    bool is_smaller = is_conflict(pg);
    if (is_smaller)
        halve(p);
    int64_t delay =
        backoff_delay_ms(++p->attempts, BACKOFF_BASE_MS, BACKOFF_CAP_MS, clock_random());
    tell(p, is_smaller, delay, err);
    if (stop_wait((int)delay))
        return error_set(err, ERROR_STOPPED, "asked to stop");
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}
