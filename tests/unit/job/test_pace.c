/* test_pace.c: which failures of a window are survived, for how long, and how large the next window is. */
#include "job/pace.h"

#include "../source/canned_postgres.h"
#include "base/clock.h"
#include "base/stop.h"

static const struct job_options options = {.window_rows = 50, .give_up_after_ms = 60000};
static struct pace pace;
static struct error err;

static void set_up(void)
{
    err = (struct error){.kind = ERROR_NONE};
    pace_begin(&pace, &options);
}

static bool survive_lost(void)
{
    error_set(&err, ERROR_UNAVAILABLE, "lost");
    return pace_survive(&pace, NULL, &err);
}

START_TEST(windows_grow_up_to_what_was_asked_for)
{
    ck_assert_uint_eq(pace.window_rows, 50);
    pace.window_rows = 6;
    static const uint64_t expected[] = {12, 24, 48, 50, 50};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        pace_grow(&pace);
        ck_assert_uint_eq(pace.window_rows, expected[i]);
    }
}
END_TEST

START_TEST(the_largest_window_does_not_wrap)
{
    struct job_options largest = options;
    largest.window_rows = UINT64_MAX;
    pace_begin(&pace, &largest);
    pace_grow(&pace);
    ck_assert_uint_eq(pace.window_rows, UINT64_MAX);
}
END_TEST

START_TEST(what_may_pass_is_survived)
{
    ck_assert(survive_lost());
    ck_assert_int_eq(err.kind, ERROR_NONE);
    ck_assert_uint_eq(pace.attempts, 1);
    ck_assert_uint_eq(pace.window_rows, 50);
    pace_progress(&pace);
    ck_assert_uint_eq(pace.attempts, 0);
}
END_TEST

static const enum error_kind lasting[] = {ERROR_CONFIG, ERROR_DISK, ERROR_MEMORY, ERROR_STOPPED};

START_TEST(what_lasts_is_not)
{
    error_set(&err, lasting[_i], "so it is");
    unit_assert_error(pace_survive(&pace, NULL, &err), err, lasting[_i], "so it is");
    ck_assert_uint_eq(pace.attempts, 0);
}
END_TEST

/* An hour ago: no machine is so slow that the rest of the test would take it. */
static void let_an_hour_pass(void)
{
    pace.progress_ms -= 3600000;
}

START_TEST(a_time_without_progress_ends_it)
{
    let_an_hour_pass();
    unit_assert_error(survive_lost(), err, ERROR_UNAVAILABLE,
                      "lost; given up (--give-up-after); run the same command again to go on");
}
END_TEST

START_TEST(time_that_was_not_the_sources_does_not_count)
{
    let_an_hour_pass();
    pace_forgive(&pace, 3600000);
    ck_assert(survive_lost());
}
END_TEST

START_TEST(new_rows_begin_the_time_anew)
{
    let_an_hour_pass();
    pace_progress(&pace);
    ck_assert(survive_lost());
}
END_TEST

START_TEST(a_request_to_stop_ends_the_wait)
{
    unit_assert_ok(stop_install(&err), err);
    stop_request();
    pace.attempts = 30; // else the wait may be one of 0 ms
    unit_assert_error(survive_lost(), err, ERROR_STOPPED, "asked to stop");
}
END_TEST

static const struct {
    const char *state;
    uint64_t rows; // of the next window
} states[] = {{"40001", 25}, {"40P01", 25}, {"57014", 25}, {"57P01", 25}, {"53200", 50}};

START_TEST(a_window_that_the_server_cancels_is_halved)
{
    const struct canned_rule rules[] = {
        {.sql = "COPY", .state = states[_i].state, .message = "no"}};
    struct canned_postgres server = {.password = NULL};
    struct pg *pg;
    canned_postgres_start(&server, rules, COUNT_OF(rules));
    unit_assert_ok(pg_connect(&pg, server.dsn, 1000, &err), err);
    ck_assert(!pg_copy_begin(pg, "COPY image TO STDOUT", &err));
    unit_assert_ok(pace_survive(&pace, pg, &err), err);
    ck_assert_uint_eq(pace.window_rows, states[_i].rows);
    pace.window_rows = 1;
    error_set(&err, ERROR_UNAVAILABLE, "again");
    unit_assert_ok(pace_survive(&pace, pg, &err), err);
    ck_assert_uint_eq(pace.window_rows, 1);
    pg_close(pg);
    canned_postgres_stop(&server);
}
END_TEST

UNIT_MAIN_WITH("job/pace", set_up, NULL, UNIT_TEST(windows_grow_up_to_what_was_asked_for),
               UNIT_TEST(the_largest_window_does_not_wrap), UNIT_TEST(what_may_pass_is_survived),
               UNIT_EACH(what_lasts_is_not, lasting), UNIT_TEST(a_time_without_progress_ends_it),
               UNIT_TEST(time_that_was_not_the_sources_does_not_count),
               UNIT_TEST(new_rows_begin_the_time_anew),
               UNIT_OWN_PROCESS(a_request_to_stop_ends_the_wait, 1),
               UNIT_EACH(a_window_that_the_server_cancels_is_halved, states))
