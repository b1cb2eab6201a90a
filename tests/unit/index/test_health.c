/* test_health.c: an index is waited for until it is as healthy as wished, and no longer than told. */
#include "index/steps.h"

#include "stepped.h"

static const struct {
    int wanted;
    struct canned_answer answers[3];
    int asked;
} waits[] = {
    {STEP_GREEN, {HEALTH("green")}, 1},
    {STEP_YELLOW, {HEALTH("green")}, 1},
    {STEP_YELLOW, {HEALTH("yellow")}, 1},
    {STEP_GREEN,
     {HEALTH("red"), {.status = 408, .body = "{\"status\":\"yellow\"}"}, HEALTH("green")},
     3},
    {STEP_ANY, {HEALTH("red")}, 0},
};

START_TEST(an_index_is_waited_for)
{
    wish.wait_for = waits[_i].wanted;
    job.give_up_after_ms = PATIENCE_MS;
    stepped_begin(waits[_i].answers, 3);
    unit_assert_ok(step_wait(&steps, "images", &err), err);
    stepped_assert_count(waits[_i].asked);
    if (waits[_i].asked > 0)
        stepped_assert_asked(
            0,
            waits[_i].wanted == STEP_GREEN
                ? "GET /_cluster/health/images?wait_for_status=green&timeout=0ms "
                : "GET /_cluster/health/images?wait_for_status=yellow&timeout=0ms ",
            NULL);
    stepped_end();
}
END_TEST

START_TEST(an_index_that_stays_ill_is_given_up_with_what_it_lacks)
{
    const struct canned_answer answers[] = {HEALTH("yellow"), HEALTH("red")};
    BEGIN(answers);
    unit_assert_error(
        step_wait(&steps, "images", &err), err, ERROR_UNAVAILABLE,
        "index images is yellow and not green: 3 of its shards are on no node; when the");
    wish.wait_for = STEP_YELLOW;
    unit_assert_error(step_wait(&steps, "images", &err), err, ERROR_UNAVAILABLE,
                      "images is red and not yellow");
    ck_assert_ptr_null(strstr(err.message, "--wait-for"));
    stepped_end();
}
END_TEST

START_TEST(shards_that_are_being_copied_are_waited_for)
{
    const struct canned_answer copying =
        OK("{\"status\":\"yellow\",\"unassigned_shards\":0,\"initializing_shards\":1}");
    const struct canned_answer answers[] = {copying, copying, HEALTH("green")};
    job.give_up_after_ms = 0;
    BEGIN(answers);
    unit_assert_ok(step_wait(&steps, "images", &err), err);
    stepped_assert_count(3);
    stepped_end();
}
END_TEST

START_TEST(an_answer_without_a_health_is_none)
{
    const struct canned_answer answers[] = {OK("{}")};
    BEGIN(answers);
    unit_assert_error(step_wait(&steps, "images", &err), err, ERROR_UNAVAILABLE,
                      "does not tell its health");
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/health", stepped_set_up, NULL, UNIT_EACH(an_index_is_waited_for, waits),
               UNIT_TEST(an_index_that_stays_ill_is_given_up_with_what_it_lacks),
               UNIT_TEST(shards_that_are_being_copied_are_waited_for),
               UNIT_TEST(an_answer_without_a_health_is_none))
