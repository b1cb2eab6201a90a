/* test_throttle.c: how many requests may be in flight, and where the next one goes. */
#include "sink/throttle.h"

#include "unit.h"

static const char *const hosts[] = {"http://a", "http://b", "http://c"};

enum { ALL_OF_IT = UINT32_MAX, NONE_OF_IT = 0 }; // the random part of a rest

static struct throttle *make(size_t host_count, unsigned maximum)
{
    struct throttle *t;
    struct error err;
    unit_assert_ok(throttle_new(&t, hosts, host_count, maximum, &err), err);
    return t;
}

static size_t pick(struct throttle *t, int64_t now)
{
    size_t host = 99;
    int64_t wait;
    ck_assert(throttle_pick(t, now, &host, &wait));
    return host;
}

static int64_t wait_at(struct throttle *t, int64_t now)
{
    size_t host;
    int64_t wait = -1;
    ck_assert(!throttle_pick(t, now, &host, &wait));
    ck_assert_int_ge(wait, 1);
    return wait;
}

static void succeed(struct throttle *t, unsigned times)
{
    while (times-- > 0)
        throttle_succeeded(t, 0);
}

START_TEST(it_starts_with_eight_requests_or_the_maximum)
{
    const unsigned maxima[] = {0, 1, 8, 32}, limits[] = {1, 1, 8, 8};
    for (size_t i = 0; i < COUNT_OF(maxima); i++) {
        struct throttle *t = make(1, maxima[i]);
        ck_assert_uint_eq(throttle_limit(t), limits[i]);
        throttle_free(t);
    }
}
END_TEST

START_TEST(a_window_of_successes_raises_the_limit_by_one_up_to_the_maximum)
{
    struct throttle *t = make(1, 10);
    succeed(t, 7);
    ck_assert_uint_eq(throttle_limit(t), 8);
    succeed(t, 1);
    ck_assert_uint_eq(throttle_limit(t), 9);
    succeed(t, 8);
    ck_assert_uint_eq(throttle_limit(t), 9);
    succeed(t, 1);
    ck_assert_uint_eq(throttle_limit(t), 10);
    succeed(t, 100);
    ck_assert_uint_eq(throttle_limit(t), 10);
    throttle_free(t);
}
END_TEST

START_TEST(an_overload_halves_once_for_a_round_trip_and_never_below_one)
{
    struct throttle *t = make(1, 8);
    succeed(t, 100);
    ck_assert_uint_eq(throttle_limit(t), 8);
    for (int i = 0; i < 8; i++)
        throttle_overloaded(t, 0, 5000 + i, -1);
    ck_assert_uint_eq(throttle_limit(t), 4);
    throttle_overloaded(t, 0, 5999, -1);
    ck_assert_uint_eq(throttle_limit(t), 4);
    throttle_overloaded(t, 0, 6000, -1);
    ck_assert_uint_eq(throttle_limit(t), 2);
    for (int i = 0; i < 10; i++)
        throttle_overloaded(t, 0, 10000 + 1000 * i, -1);
    ck_assert_uint_eq(throttle_limit(t), 1);
    succeed(t, 1);
    ck_assert_uint_eq(throttle_limit(t), 2);
    throttle_free(t);
}
END_TEST

START_TEST(the_very_first_overload_counts_whatever_the_clock_says)
{
    const int64_t starts[] = {0, 1, INT64_C(1) << 50};
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        struct throttle *t = make(1, 8);
        throttle_overloaded(t, 0, starts[i], -1);
        ck_assert_uint_eq(throttle_limit(t), 4);
        throttle_free(t);
    }
}
END_TEST

START_TEST(an_overload_takes_back_a_half_won_raise)
{
    struct throttle *t = make(1, 2);
    succeed(t, 1);
    throttle_overloaded(t, 0, 0, -1);
    throttle_overloaded(t, 0, 2000, -1);
    ck_assert_uint_eq(throttle_limit(t), 1);
    succeed(t, 1);
    ck_assert_uint_eq(throttle_limit(t), 2);
    succeed(t, 1);
    throttle_overloaded(t, 0, 2100, -1); // too soon to halve again
    succeed(t, 1);
    ck_assert_uint_eq(throttle_limit(t), 2);
    throttle_free(t);
}
END_TEST

START_TEST(retry_after_holds_back_all_hosts_for_its_time)
{
    struct throttle *t = make(3, 8);
    throttle_overloaded(t, 1, 1000, 5000);
    ck_assert_int_eq(wait_at(t, 1000), 5000);
    throttle_overloaded(t, 2, 1200, 100); // a shorter one doesn't shorten it
    ck_assert_int_eq(wait_at(t, 5999), 1);
    pick(t, 6000);
    throttle_overloaded(t, 1, 7000, 0);
    pick(t, 7000);
    throttle_overloaded(t, 1, 8000, -1);
    pick(t, 8000);
    throttle_free(t);
}
END_TEST

START_TEST(hosts_are_picked_in_turn)
{
    struct throttle *t = make(3, 8);
    for (size_t i = 0; i < 9; i++)
        ck_assert_uint_eq(pick(t, 0), i % 3);
    ck_assert_str_eq(throttle_host(t, 2), "http://c");
    throttle_free(t);
}
END_TEST

START_TEST(the_host_with_the_fewest_requests_is_picked)
{
    struct throttle *t = make(3, 8);
    for (size_t i = 0; i < 6; i++)
        throttle_sent(t, pick(t, 0)); // two each
    throttle_ended(t, 2);
    ck_assert_uint_eq(pick(t, 0), 2);
    throttle_sent(t, 2);
    for (int i = 0; i < 9; i++) { // 0 is silent, the others answer
        throttle_ended(t, 1 + (size_t)i % 2);
        size_t host = pick(t, 0);
        ck_assert_uint_eq(host, 1 + (size_t)i % 2);
        throttle_sent(t, host);
    }
    throttle_failed(t, 1, 0, false, -1, ALL_OF_IT);
    throttle_ended(t, 1);
    throttle_ended(t, 1);
    ck_assert_uint_eq(pick(t, 0), 2); // 1 has none, but rests
    ck_assert_uint_eq(pick(t, 0), 0);
    ck_assert_uint_eq(pick(t, 1100), 1);
    throttle_free(t);
}
END_TEST

START_TEST(a_host_that_fails_rests_and_the_others_go_on)
{
    struct throttle *t = make(3, 8);
    throttle_failed(t, 1, 0, false, -1, ALL_OF_IT);
    const size_t expected[] = {0, 2, 0, 2};
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        ck_assert_uint_eq(pick(t, 1099), expected[i]);
    ck_assert_uint_eq(throttle_limit(t), 8); // refused is no timeout
    throttle_free(t);
}
END_TEST

START_TEST(a_host_is_tried_again_by_a_single_request)
{
    struct throttle *t = make(1, 8);
    throttle_failed(t, 0, 0, false, -1, ALL_OF_IT);
    ck_assert_int_eq(wait_at(t, 0), 1100);
    ck_assert_int_eq(wait_at(t, 1099), 1);
    ck_assert_uint_eq(pick(t, 1100), 0);
    ck_assert_int_eq(wait_at(t, 1100), 30000);
    throttle_succeeded(t, 0);
    pick(t, 1101);
    pick(t, 1101);
    throttle_free(t);
}
END_TEST

START_TEST(an_answer_that_asks_for_patience_ends_a_rest_too)
{
    struct throttle *t = make(1, 8);
    throttle_failed(t, 0, 0, false, -1, NONE_OF_IT);
    pick(t, 100);
    throttle_overloaded(t, 0, 200, -1);
    pick(t, 200);
    pick(t, 200);
    throttle_free(t);
}
END_TEST

START_TEST(rests_grow_with_each_failed_try_up_to_a_minute)
{
    struct throttle *t = make(1, 8);
    int64_t now = 0;
    const int64_t rests[] = {1100, 2100, 4100, 8100, 16100, 32100, 60100, 60100};
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        throttle_failed(t, 0, now, false, -1, ALL_OF_IT);
        ck_assert_int_eq(wait_at(t, now), rests[i]);
        now += rests[i];
        pick(t, now);
    }
    throttle_succeeded(t, 0);
    throttle_failed(t, 0, now, false, -1, ALL_OF_IT);
    ck_assert_int_eq(wait_at(t, now), 1100);
    throttle_free(t);
}
END_TEST

START_TEST(what_was_in_flight_when_a_host_failed_is_one_failure)
{
    struct throttle *t = make(1, 8);
    for (int i = 0; i < 8; i++)
        throttle_failed(t, 0, i, false, -1, ALL_OF_IT);
    ck_assert_int_eq(wait_at(t, 8), 1092);
    throttle_free(t);
}
END_TEST

START_TEST(even_without_luck_a_host_rests_a_little)
{
    struct throttle *t = make(1, 8);
    throttle_failed(t, 0, 1000, false, -1, NONE_OF_IT);
    ck_assert_int_eq(wait_at(t, 1000), 100);
    throttle_free(t);
}
END_TEST

START_TEST(a_try_that_nobody_told_of_is_forgotten)
{
    struct throttle *t = make(1, 8);
    throttle_failed(t, 0, 0, false, -1, NONE_OF_IT);
    pick(t, 100);
    ck_assert_int_eq(wait_at(t, 101), 29999);
    pick(t, 30100);
    throttle_free(t);
}
END_TEST

START_TEST(all_at_rest_says_when_the_first_wakes)
{
    struct throttle *t = make(2, 8);
    throttle_failed(t, 0, 0, false, -1, ALL_OF_IT);
    throttle_failed(t, 1, 500, false, -1, NONE_OF_IT);
    ck_assert_int_eq(wait_at(t, 550), 50);
    ck_assert_uint_eq(pick(t, 600), 1);
    ck_assert_int_eq(wait_at(t, 600), 500);
    ck_assert_uint_eq(pick(t, 1100), 0);
    throttle_free(t);
}
END_TEST

START_TEST(a_timeout_halves_the_limit)
{
    struct throttle *t = make(1, 8);
    succeed(t, 100);
    throttle_failed(t, 0, 0, true, -1, NONE_OF_IT);
    throttle_failed(t, 0, 1, true, -1, NONE_OF_IT);
    ck_assert_uint_eq(throttle_limit(t), 4);
    throttle_free(t);
}
END_TEST

START_TEST(a_host_that_says_how_long_rests_so_long_and_the_others_go_on)
{
    struct throttle *t = make(2, 8);
    throttle_failed(t, 0, 0, false, 5000, ALL_OF_IT);
    throttle_failed(t, 0, 10, false, 9000, ALL_OF_IT); // was in flight before
    ck_assert_uint_eq(pick(t, 8000), 1);
    ck_assert_uint_eq(pick(t, 8000), 1);
    throttle_failed(t, 1, 8000, false, 0, ALL_OF_IT); // not below its own rest
    ck_assert_int_eq(wait_at(t, 8000), 1010);
    throttle_free(t);
}
END_TEST

UNIT_MAIN("sink/throttle", UNIT_TEST(it_starts_with_eight_requests_or_the_maximum),
          UNIT_TEST(a_window_of_successes_raises_the_limit_by_one_up_to_the_maximum),
          UNIT_TEST(an_overload_halves_once_for_a_round_trip_and_never_below_one),
          UNIT_TEST(the_very_first_overload_counts_whatever_the_clock_says),
          UNIT_TEST(an_overload_takes_back_a_half_won_raise),
          UNIT_TEST(retry_after_holds_back_all_hosts_for_its_time),
          UNIT_TEST(hosts_are_picked_in_turn),
          UNIT_TEST(the_host_with_the_fewest_requests_is_picked),
          UNIT_TEST(a_host_that_fails_rests_and_the_others_go_on),
          UNIT_TEST(a_host_is_tried_again_by_a_single_request),
          UNIT_TEST(an_answer_that_asks_for_patience_ends_a_rest_too),
          UNIT_TEST(rests_grow_with_each_failed_try_up_to_a_minute),
          UNIT_TEST(what_was_in_flight_when_a_host_failed_is_one_failure),
          UNIT_TEST(even_without_luck_a_host_rests_a_little),
          UNIT_TEST(a_try_that_nobody_told_of_is_forgotten),
          UNIT_TEST(all_at_rest_says_when_the_first_wakes), UNIT_TEST(a_timeout_halves_the_limit),
          UNIT_TEST(a_host_that_says_how_long_rests_so_long_and_the_others_go_on))
