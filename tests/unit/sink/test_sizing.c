/* test_sizing.c: how large requests are after 413 and 429. */
#include "sink/sizing.h"

#include "unit.h"

enum { MIB = 1 << 20, KIB = 1 << 10, PASSES = 64 };

static struct sizing sizing;

static void set_up(void)
{
    sizing_init(&sizing);
}

static void pass(uint64_t bytes, int times)
{
    for (int i = 0; i < times; i++)
        sizing_passed(&sizing, bytes);
}

START_TEST(at_first_any_size_will_do)
{
    pass(4 * MIB, 1000);
    ck_assert_uint_eq(sizing_limit(&sizing), UINT64_MAX);
}
END_TEST

START_TEST(a_limit_that_413_taught_stays)
{
    sizing_refused(&sizing, 4 * MIB);
    sizing_refused(&sizing, 8 * MIB); // was in flight before
    pass(2 * MIB, 100000);
    ck_assert_uint_eq(sizing_limit(&sizing), 2 * MIB);
    sizing_refused(&sizing, 100);
    ck_assert_uint_eq(sizing_limit(&sizing), KIB);
}
END_TEST

START_TEST(a_request_is_halved_when_it_met_429_three_times)
{
    ck_assert(!sizing_overloaded(&sizing, 4 * MIB, 1));
    ck_assert(!sizing_overloaded(&sizing, 4 * MIB, 2));
    ck_assert_uint_eq(sizing_limit(&sizing), UINT64_MAX);
    ck_assert(sizing_overloaded(&sizing, 4 * MIB, 3));
    ck_assert_uint_eq(sizing_limit(&sizing), 2 * MIB);
    ck_assert(sizing_overloaded(&sizing, 2 * MIB, 9));
    ck_assert_uint_eq(sizing_limit(&sizing), MIB);
}
END_TEST

START_TEST(a_small_request_is_not_to_blame)
{
    ck_assert(!sizing_overloaded(&sizing, 127 * KIB, 100));
    ck_assert_uint_eq(sizing_limit(&sizing), UINT64_MAX);
}
END_TEST

START_TEST(the_size_grows_again_and_the_next_429_takes_it_back_at_once)
{
    ck_assert(sizing_overloaded(&sizing, 2 * MIB, 3));
    pass(MIB, PASSES - 1);
    ck_assert_uint_eq(sizing_limit(&sizing), MIB);
    pass(MIB, 1);
    ck_assert_uint_eq(sizing_limit(&sizing), 2 * MIB);
    ck_assert(sizing_overloaded(&sizing, 2 * MIB, 1));
    ck_assert_uint_eq(sizing_limit(&sizing), MIB);
    pass(MIB, 4 * PASSES - 1); // more rarely now
    ck_assert_uint_eq(sizing_limit(&sizing), MIB);
    pass(MIB, 1);
    ck_assert_uint_eq(sizing_limit(&sizing), 2 * MIB);
}
END_TEST

START_TEST(a_size_that_passed_is_not_taken_back_for_one_429)
{
    ck_assert(sizing_overloaded(&sizing, 2 * MIB, 3));
    pass(MIB, 1);
    ck_assert(!sizing_overloaded(&sizing, MIB, 1));
    ck_assert_uint_eq(sizing_limit(&sizing), MIB);
}
END_TEST

START_TEST(the_limit_grows_out_of_sight)
{
    ck_assert(sizing_overloaded(&sizing, 2 * MIB, 3));
    pass(MIB, 64 * PASSES);
    ck_assert_uint_eq(sizing_limit(&sizing), UINT64_MAX);
}
END_TEST

UNIT_MAIN_WITH("sink/sizing", set_up, NULL, UNIT_TEST(at_first_any_size_will_do),
               UNIT_TEST(a_limit_that_413_taught_stays),
               UNIT_TEST(a_request_is_halved_when_it_met_429_three_times),
               UNIT_TEST(a_small_request_is_not_to_blame),
               UNIT_TEST(the_size_grows_again_and_the_next_429_takes_it_back_at_once),
               UNIT_TEST(a_size_that_passed_is_not_taken_back_for_one_429),
               UNIT_TEST(the_limit_grows_out_of_sight))
