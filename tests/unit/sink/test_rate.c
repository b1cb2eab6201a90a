/* test_rate.c: how many documents and bytes a second are sent. */
#include "sink/rate.h"

#include "unit.h"

enum { START_MS = 1000000 };

static struct rate rate;

/* Send requests of DOCUMENTS and BYTES as soon as each may be, from START_MS on for MS; asked every STEP_MS. */
static int send_for(int64_t ms, int64_t step_ms, uint64_t documents, uint64_t bytes)
{
    int sent = 0;
    for (int64_t now = START_MS; now < START_MS + ms; now += step_ms)
        while (rate_wait_ms(&rate, now) == 0) {
            rate_sent(&rate, now, documents, bytes);
            if (++sent > 100000)
                return -1;
        }
    return sent;
}

START_TEST(without_a_bound_nothing_waits)
{
    rate_init(&rate, 0, 0);
    ck_assert_int_eq(send_for(1, 1, 1000000, 1000000000), -1);
}
END_TEST

START_TEST(documents_a_second_are_bounded)
{
    rate_init(&rate, 5000, 0);
    int sent = send_for(10000, 1, 500, 1000000000); // 10 a second, and 100 ms made up for
    ck_assert_int_ge(sent, 100);
    ck_assert_int_le(sent, 102);
}
END_TEST

START_TEST(bytes_a_second_are_bounded)
{
    rate_init(&rate, 0, 1 << 20);
    int sent = send_for(64000, 1, 1000000, 4 << 20); // one in 4 s
    ck_assert_int_ge(sent, 16);
    ck_assert_int_le(sent, 17);
}
END_TEST

START_TEST(the_tighter_bound_counts)
{
    rate_init(&rate, 100, 1000);
    rate_sent(&rate, START_MS, 100, 10); // a second for its documents
    ck_assert_int_eq(rate_wait_ms(&rate, START_MS), 901);
    rate_init(&rate, 100, 1000);
    rate_sent(&rate, START_MS, 10, 2000); // two for its bytes
    ck_assert_int_eq(rate_wait_ms(&rate, START_MS), 1901);
}
END_TEST

START_TEST(small_requests_that_are_asked_for_late_reach_the_bound_all_the_same)
{
    rate_init(&rate, 10000, 0);
    int sent = send_for(10000, 7, 10, 0); // one a millisecond, looked at every seventh
    ck_assert_int_ge(sent, 9990);
    ck_assert_int_le(sent, 10110);
}
END_TEST

START_TEST(a_long_pause_is_not_made_up_for)
{
    rate_init(&rate, 1000, 0);
    rate_sent(&rate, START_MS, 100, 0);
    int64_t later = START_MS + 3600000;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(rate_wait_ms(&rate, later), 0);
        rate_sent(&rate, later, 100, 0);
    }
    ck_assert_int_gt(rate_wait_ms(&rate, later), 0);
}
END_TEST

UNIT_MAIN("sink/rate", UNIT_TEST(without_a_bound_nothing_waits),
          UNIT_TEST(documents_a_second_are_bounded), UNIT_TEST(bytes_a_second_are_bounded),
          UNIT_TEST(the_tighter_bound_counts),
          UNIT_TEST(small_requests_that_are_asked_for_late_reach_the_bound_all_the_same),
          UNIT_TEST(a_long_pause_is_not_made_up_for))
