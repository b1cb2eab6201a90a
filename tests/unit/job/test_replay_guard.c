/* test_replay_guard.c: a job ends well only in the index that it began to fill. */
#include "job/replay_internal.h"

#include "replayed.h"

#define FOUND_AS(uuid)                                                                             \
    {                                                                                              \
        .status = 200, .body = "{\"images\":{\"settings\":{\"index\":{\"uuid\":\"" uuid "\"}}}}"   \
    }
#define STREAM_OF(first, second)                                                                   \
    {                                                                                              \
        .status = 200,                                                                             \
        .body = "{\".ds-images-000001\":{\"data_stream\":\"images\",\"settings\":"                 \
                "{\"index\":{\"uuid\":\"" first "\"}}},\".ds-images-000002\":{"                    \
                "\"data_stream\":\"images\",\"settings\":{\"index\":{\"uuid\":\"" second "\"}}}}"  \
    }
#define GONE                                                                                       \
    {                                                                                              \
        .status = 404, .body = "{\"error\":{\"type\":\"index_not_found_exception\"},"              \
                               "\"status\":404}"                                                   \
    }

/* Every question is answered in turn. */
static void start(const struct canned_answer *answers, size_t count)
{
    replayed_start(answers, count);
    replayed_server.repeats_look = false;
}

static void assert_target(const char *uuids)
{
    struct buffer text;
    buffer_init(&text, 1000);
    unit_assert_ok(spool_get_target(replayed_spool, &text, &replayed_err), replayed_err);
    ck_assert_str_eq(buffer_string(&text), uuids);
    buffer_free(&text);
}

/* Acknowledge the first frame, which was sent to the index of these UUIDS. */
static void acknowledge_one(const char *uuids)
{
    const struct spool_acknowledgement one = {.number = 1, .acknowledged = 4};
    const struct spool_counters none = {0};
    unit_assert_ok(spool_put_target(replayed_spool, slice_of(uuids), &replayed_err), replayed_err);
    unit_assert_ok(spool_acknowledge(replayed_spool, &one, 1, 0, &none, &replayed_err),
                   replayed_err);
}

START_TEST(the_index_is_remembered_before_the_first_request)
{
    const struct canned_answer answers[] = {INDEX_FOUND, {.status = 401}};
    start(answers, 2);
    replayed_append(1);
    assert_target("");
    unit_assert_error(replayed_run(), replayed_err, ERROR_DENIED, "401");
    assert_target("Kq3\n");
    canned_stop(&replayed_server);
}
END_TEST

static const struct {
    struct canned_answer last;
    enum error_kind kind;
    const char *words;
} lasts[] = {
    {FOUND_AS("Other"), ERROR_CONFIG, "is not the one that this job began to fill"},
    {GONE, ERROR_CONFIG, "index images is gone"},
    {{.status = 401}, ERROR_DENIED, "a last look at index images fails"},
    {{.status = 503}, ERROR_UNAVAILABLE, "a last look at index images fails"},
    {{.status = 0}, ERROR_UNAVAILABLE, "a last look at index images fails"},
};

START_TEST(no_job_ends_well_unless_its_index_is_still_there)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE, lasts[_i].last};
    replayed_options.give_up_after_ms = 300;
    start(answers, 3);
    replayed_append(1);
    unit_assert_error(replayed_run(), replayed_err, lasts[_i].kind, lasts[_i].words);
    spooled_assert_ledger(replayed_spool, 4, 4, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(the_last_look_is_tried_again)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, ALL_DONE, {.status = 503}, {.status = 0}, INDEX_FOUND};
    start(answers, 5);
    replayed_append(1);
    unit_assert_ok(replayed_run(), replayed_err);
    ck_assert_int_ge(replayed_server.request_count, 5);
    canned_stop(&replayed_server);
}
END_TEST

static const struct {
    struct canned_answer now;
    const char *known;
    bool is_same;
    const char *target; // when it went on
} resumed[] = {
    {FOUND_AS("Kq3"), "Kq3\n", true, "Kq3\n"},
    {FOUND_AS("Kq3"), "", true, "Kq3\n"}, // an index of a spool that was rebuilt
    {FOUND_AS("Other"), "Kq3\n", false, ""},
    {GONE, "Kq3\n", false, ""},
    {STREAM_OF("Kq3", "Next"), "Kq3\n", true, "Kq3\nNext\n"},
    {STREAM_OF("Next", "Last"), "Kq3\n", false, ""},
    {STREAM_OF("Kq3", "Next"), "Kq3\nNext\n", true, "Kq3\nNext\n"},
};

START_TEST(a_job_goes_on_only_where_its_documents_are)
{
    const struct canned_answer answers[] = {resumed[_i].now, ALL_DONE, resumed[_i].now};
    bool is_same;
    start(answers, 3);
    replayed_append(2);
    acknowledge_one(resumed[_i].known);
    unit_assert_ok(
        replay_open(&replayed, &replayed_options, "images", &replayed_live, &replayed_err),
        replayed_err);
    unit_assert_ok(replay_find_target(replayed, replayed_spool, &is_same, &replayed_err),
                   replayed_err);
    ck_assert(is_same == resumed[_i].is_same);
    bool ok = replay_run(replayed, replayed_spool, &replayed_err);
    ck_assert_msg(ok == is_same, "%d: %s", _i, replayed_err.message);
    if (ok) {
        assert_target(resumed[_i].target);
        spooled_assert_ledger(replayed_spool, 8, 8, 0, 0);
    } else {
        ck_assert_int_eq(replayed_err.kind, ERROR_CONFIG);
        ck_assert_ptr_nonnull(strstr(replayed_err.message, "--again"));
        ck_assert_int_eq(replayed_server.request_count, 1);
    }
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(while_nothing_is_acknowledged_any_index_will_do)
{
    const struct canned_answer answers[] = {FOUND_AS("Other"), ALL_DONE, FOUND_AS("Other")};
    start(answers, 3);
    replayed_append(1);
    unit_assert_ok(spool_put_target(replayed_spool, slice_of("Kq3\n"), &replayed_err),
                   replayed_err);
    unit_assert_ok(replayed_run(), replayed_err);
    assert_target("Other\n");
    canned_stop(&replayed_server);
}
END_TEST

/* --- beside the requests --- */

/* The dump is at work, so that the loop goes on; it looks again in every round. */
static void open_watchful(void)
{
    unit_assert_ok(replayed_open(), replayed_err);
    replayed->guard.interval_ms = 0;
    atomic_store(&replayed_live.is_dumping, true);
}

START_TEST(an_index_that_is_replaced_in_mid_run_ends_it)
{
    const struct canned_answer answers[] = {INDEX_FOUND,   INDEX_FOUND, {.status = 503},
                                            {.status = 0}, INDEX_FOUND, FOUND_AS("Other")};
    start(answers, 6);
    replayed_append(0);
    open_watchful();
    unit_assert_error(replay_run(replayed, replayed_spool, &replayed_err), replayed_err,
                      ERROR_CONFIG, "began to fill");
    ck_assert_int_ge(replayed_server.request_count, 6);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(an_index_that_goes_away_in_mid_run_ends_it)
{
    const struct canned_answer answers[] = {INDEX_FOUND, INDEX_FOUND, GONE};
    start(answers, 3);
    replayed_append(0);
    open_watchful();
    unit_assert_error(replay_run(replayed, replayed_spool, &replayed_err), replayed_err,
                      ERROR_CONFIG, "index images is gone");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_place_that_a_rollover_makes_is_remembered)
{
    const struct canned_answer answers[] = {FOUND_AS("Kq3"), FOUND_AS("Kq3"),
                                            STREAM_OF("Kq3", "Next"), FOUND_AS("Kq3")};
    start(answers, 4);
    replayed_append(0);
    open_watchful();
    unit_assert_error(replay_run(replayed, replayed_spool, &replayed_err), replayed_err,
                      ERROR_CONFIG, "began to fill"); // since Next is gone
    assert_target("Kq3\nNext\n");
    canned_stop(&replayed_server);
}
END_TEST

static const struct {
    struct canned_answer look;
    const char *words;
} missing[] = {
    {INDEX_FOUND, "no such index [other]: create what is missing"},
    {{.status = 503}, "no such index [other]: create what is missing"},
    {GONE, "index images is gone"},
};

START_TEST(a_missing_index_is_the_jobs_own_or_another_that_a_document_names)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND,
        {.status = 200,
         .body =
             ITEMS(DONE "," DONE "," DONE ",{\"index\":{\"status\":404,\"error\":{\"type\":"
                        "\"index_not_found_exception\",\"reason\":\"no such index [other]\"}}}")},
        missing[_i].look};
    start(answers, 3);
    replayed_append(1);
    unit_assert_error(replayed_run(), replayed_err, ERROR_CONFIG, missing[_i].words);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/replay_guard", replayed_set_up, replayed_tear_down,
               UNIT_TEST(the_index_is_remembered_before_the_first_request),
               UNIT_EACH(no_job_ends_well_unless_its_index_is_still_there, lasts),
               UNIT_TEST(the_last_look_is_tried_again),
               UNIT_EACH(a_job_goes_on_only_where_its_documents_are, resumed),
               UNIT_TEST(while_nothing_is_acknowledged_any_index_will_do),
               UNIT_TEST(an_index_that_is_replaced_in_mid_run_ends_it),
               UNIT_TEST(an_index_that_goes_away_in_mid_run_ends_it),
               UNIT_TEST(a_place_that_a_rollover_makes_is_remembered),
               UNIT_EACH(a_missing_index_is_the_jobs_own_or_another_that_a_document_names, missing))
