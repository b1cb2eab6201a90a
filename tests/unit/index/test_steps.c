/* test_steps.c: the way to the cluster is the job's. */
#include "index/steps.h"

#include "stepped.h"

START_TEST(every_url_is_asked_in_turn)
{
    const struct canned_answer answers[] = {REFRESHED};
    BEGIN(answers);
    job.urls[0] = "http://127.0.0.1:1/";
    job.urls[1] = server.host;
    job.give_up_after_ms = PATIENCE_MS;
    steps_close(&steps);
    unit_assert_ok(steps_open(&steps, &job, &wish, &err), err);
    unit_assert_ok(step_refresh(&steps, "images", &err), err);
    stepped_assert_asked(0, "POST /images/_refresh ", NULL);
    stepped_end();
}
END_TEST

START_TEST(options_that_can_not_be_are_refused_and_all_can_be_closed)
{
    job.proxy = "proxy:3128";
    job.urls[0] = "http://127.0.0.1:1";
    unit_assert_error(steps_open(&steps, &job, &wish, &err), err, ERROR_CONFIG, "proxy");
    steps_close(&steps);
}
END_TEST

UNIT_MAIN_WITH("index/steps", stepped_set_up, NULL, UNIT_TEST(every_url_is_asked_in_turn),
               UNIT_TEST(options_that_can_not_be_are_refused_and_all_can_be_closed))
