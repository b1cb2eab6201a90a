/* clock.c: see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_BYTES])
{
    int64_t ms = (wall_ms % 1000 + 1000) % 1000; // also before 1970
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0 ? 1 : 0));
    struct tm tm;
    char text[32] = "?";
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, CLOCK_TEXT_BYTES, "%.19s.%03uZ", text, (unsigned)ms % 1000);
}

int64_t backoff_delay_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms, uint32_t random)
{
    int64_t ceiling = base_ms;
    for (unsigned i = 1; i < attempt && ceiling < cap_ms; i++)
        ceiling *= 2;
    if (ceiling > cap_ms)
        ceiling = cap_ms;
    return (int64_t)((uint64_t)(ceiling + 1) * random >> 32);
}

uint32_t clock_random(void)
{
    uint32_t value = 0;
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != (ssize_t)sizeof value)
        value = (uint32_t)clock_monotonic_ms() * 2654435761u;
    return value;
}
