/* test_replay_gate.c: while the gate is shut nothing is sent and nothing acknowledged. */
#include "job/replay.h"

#include "replayed.h"

enum {
    CLOSED = 3,
    LOOK = 1
}; // so often it is shut; what stands behind the index's name is asked all the same

static int asked, shut_from, sent_while_shut;
static uint64_t acknowledged_while_shut;

static bool is_open(void *context)
{
    (void)context;
    asked++;
    if (asked < shut_from || asked >= shut_from + CLOSED)
        return true;
    sent_while_shut = canned_count(&replayed_server);
    acknowledged_while_shut = spooled_read_job(replayed_spool).acknowledged;
    return false;
}

static const struct job_gate gate = {is_open, NULL};

static void run(int from)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    asked = 0;
    shut_from = from;
    replayed_options.gate = &gate;
    replayed_start(answers, 2);
    replayed_append(3);
    unit_assert_ok(replayed_run(), replayed_err);
    spooled_assert_ledger(replayed_spool, 12, 12, 0, 0);
    ck_assert_int_ge(asked, from + CLOSED);
    canned_stop(&replayed_server);
}

START_TEST(nothing_is_sent_through_a_shut_gate)
{
    run(1);
    ck_assert_int_eq(sent_while_shut, LOOK);
}
END_TEST

/* The first request is answered before the gate opens again. */
START_TEST(what_was_sent_is_not_acknowledged_through_it)
{
    run(2);
    ck_assert_int_eq(sent_while_shut, LOOK + 1);
    ck_assert_uint_eq(acknowledged_while_shut, 0);
}
END_TEST

UNIT_MAIN_WITH("job/replay_gate", replayed_set_up, replayed_tear_down,
               UNIT_TEST(nothing_is_sent_through_a_shut_gate),
               UNIT_TEST(what_was_sent_is_not_acknowledged_through_it))
