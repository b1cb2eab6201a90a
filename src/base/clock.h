/* clock.h: time, and the schedule of retries. All times are milliseconds. */
#ifndef BOBBIN_BASE_CLOCK_H
#define BOBBIN_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_BYTES = sizeof "2026-01-02T03:04:05.678Z" };

/* Milliseconds that only go up, from an arbitrary start: for waits and rates. */
int64_t clock_monotonic_ms(void);

/* The same, but it goes on while the machine sleeps. */
int64_t clock_boot_ms(void);

/* Milliseconds since 1970 UTC: for records that outlive the process. */
int64_t clock_wall_ms(void);

/* Write WALL_MS as ISO 8601 in UTC. */
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_BYTES]);

/* How long to wait before try number ATTEMPT (1 is the first retry): exponential from BASE up to
 * CAP, with full jitter: RANDOM is evenly drawn from all 32-bit numbers. Pure. */
int64_t backoff_delay_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms, uint32_t random);

/* A random number for backoff_delay_ms. Not for secrets. */
uint32_t clock_random(void);

#endif
