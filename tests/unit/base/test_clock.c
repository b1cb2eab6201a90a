/* test_clock.c: time is read and written right, and retries wait longer and longer, up to a cap. */
#include "base/clock.h"

#include <time.h>

#include "unit.h"

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {951782399999, "2000-02-28T23:59:59.999Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {1767323045678, "2026-01-02T03:04:05.678Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {-1000, "1969-12-31T23:59:59.000Z"},
};

START_TEST(a_time_is_written_as_iso_8601_in_utc)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(times[_i].ms, text);
    ck_assert_str_eq(text, times[_i].text);
}
END_TEST

START_TEST(a_time_beyond_all_years_does_no_harm)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(INT64_MAX, text);
    ck_assert_uint_lt(strlen(text), CLOCK_TEXT_BYTES);
    clock_format(INT64_MIN, text);
    ck_assert_uint_lt(strlen(text), CLOCK_TEXT_BYTES);
}
END_TEST

START_TEST(the_clocks_run_in_milliseconds)
{
    int64_t start = clock_monotonic_ms();
    ck_assert_int_le(llabs(clock_wall_ms() - (int64_t)time(NULL) * 1000), 2000);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
    int64_t passed = clock_monotonic_ms() - start;
    ck_assert_int_ge(passed, 20);
    ck_assert_int_lt(passed, 10000);
}
END_TEST

static const struct {
    unsigned attempt;
    int64_t base, cap;
    uint32_t random;
    int64_t delay;
} delays[] = {
    {1, 1000, 60000, 0, 0}, // full jitter: from nothing at all
    {1, 1000, 60000, UINT32_MAX, 1000},
    {1, 1000, 60000, UINT32_MAX / 2, 500},
    {2, 1000, 60000, UINT32_MAX, 2000},
    {3, 1000, 60000, UINT32_MAX, 4000},
    {6, 1000, 60000, UINT32_MAX, 32000},
    {7, 1000, 60000, UINT32_MAX, 60000}, // the cap
    {1000000, 1000, 60000, UINT32_MAX, 60000},
    {UINT32_MAX, 1, INT32_MAX, UINT32_MAX, INT32_MAX},
    {0, 1000, 60000, UINT32_MAX, 1000},
    {1, 5000, 100, UINT32_MAX, 100},
    {5, 0, 100, UINT32_MAX, 0},
};

START_TEST(a_delay_is_a_random_part_of_a_ceiling_that_doubles)
{
    ck_assert_int_eq(
        backoff_delay_ms(delays[_i].attempt, delays[_i].base, delays[_i].cap, delays[_i].random),
        delays[_i].delay);
}
END_TEST

START_TEST(random_numbers_differ)
{
    uint32_t first = clock_random();
    int same = 0;
    for (int i = 0; i < 100; i++)
        same += clock_random() == first;
    ck_assert_int_lt(same, 10);
}
END_TEST

UNIT_MAIN("base/clock", UNIT_EACH(a_time_is_written_as_iso_8601_in_utc, times),
          UNIT_TEST(a_time_beyond_all_years_does_no_harm),
          UNIT_TEST(the_clocks_run_in_milliseconds),
          UNIT_EACH(a_delay_is_a_random_part_of_a_ceiling_that_doubles, delays),
          UNIT_TEST(random_numbers_differ))
