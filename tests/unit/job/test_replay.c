/* test_replay.c: the replay's loop: what is pending is sent and acknowledged, however frames come,
 * break or must wait. */
#include "job/replay.h"

#include "base/clock.h"
#include "replayed.h"

#define run_ok() unit_assert_ok(replayed_run(), replayed_err)

START_TEST(pending_frames_are_sent_in_order_and_acknowledged)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_start(answers, 2);
    replayed_append(5);
    run_ok();
    ck_assert_int_eq(replayed_server.request_count, 6);
    for (int i = 1; i <= 5; i++) {
        replayed_assert_sent(i, 4 * (uint64_t)i - 3, 4);
        ck_assert(canned_was_asked(
            &replayed_server, i,
            "POST /images/_bulk?filter_path=took%2Cerrors%2Citems.%2A.status%2C"
            "items.%2A.error%2Citems.%2A.failure_store&timeout=10000ms HTTP/1.1\r\n"));
        ck_assert(canned_was_asked(&replayed_server, i, "Content-Type: application/x-ndjson\r\n"));
    }
    spooled_assert_ledger(replayed_spool, 20, 20, 0, 0);
    ck_assert_uint_eq(spooled_read_job(replayed_spool).requests, 5);
    ck_assert_uint_eq(spooled_read_job(replayed_spool).retries, 0);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(several_requests_are_in_flight_and_each_frame_is_sent_once)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_options.in_flight = 8;
    replayed_start(answers, 2);
    replayed_append(25);
    run_ok();
    ck_assert_int_eq(replayed_server.request_count, 26);
    for (int i = 1; i <= 25; i++) {
        const struct canned_request *q = &replayed_server.requests[i];
        for (char *at = q->body;
             (at = memmem(at, (size_t)(q->body + q->body_size - at), "_id\":\"", 6));)
            spooled_sent[strtoul(at += 6, NULL, 10)]++;
    }
    for (int i = 1; i <= 100; i++)
        ck_assert_uint_eq(spooled_sent[i], 1);
    spooled_assert_ledger(replayed_spool, 100, 100, 0, 0);
    ck_assert_int_gt(replayed_server.connection_count, 1);
    canned_stop(&replayed_server);
}
END_TEST

/* A slow machine only takes longer. */
START_TEST(no_more_documents_a_second_are_sent_than_may_be)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_options.in_flight = 8;
    replayed_options.max_rate = 5;
    replayed_options.give_up_after_ms = 600; // less than the wait for the next
    replayed_start(answers, 2);
    replayed_append(3);
    int64_t begun = clock_monotonic_ms();
    run_ok();
    ck_assert_int_ge(clock_monotonic_ms() - begun, 2 * 4 * 1000 / 5 - 100);
    spooled_assert_ledger(replayed_spool, 12, 12, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(with_nothing_pending_only_the_index_is_asked_for)
{
    const struct canned_answer answers[] = {INDEX_FOUND};
    replayed_start(answers, 1);
    replayed_append(0);
    run_ok();
    ck_assert_int_eq(replayed_server.request_count, 1);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(the_path_has_index_and_pipeline_encoded)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, {.status = 200, .body = "{\"a/b&c\":{}}"}, ALL_DONE, INDEX_FOUND};
    char url[64];
    replayed_options.pipeline = "a/b&c";
    replayed_start(answers, 4);
    replayed_server.repeats_look = false;
    snprintf(url, sizeof url, "%s//", replayed_server.host);
    replayed_options.urls[0] = url;
    replayed_append(1);
    unit_assert_ok(
        replay_open(&replayed, &replayed_options, "im ages", &replayed_live, &replayed_err),
        replayed_err);
    unit_assert_ok(replay_run(replayed, replayed_spool, &replayed_err), replayed_err);
    ck_assert(canned_was_asked(&replayed_server, 0, "GET /im%20ages?"));
    ck_assert(canned_was_asked(&replayed_server, 1, "GET /_ingest/pipeline/a%2Fb%26c HTTP/1.1"));
    ck_assert(canned_was_asked(&replayed_server, 2, "POST /im%20ages/_bulk?"));
    ck_assert(canned_was_asked(&replayed_server, 2, "&pipeline=a%2Fb%26c HTTP/1.1"));
    canned_stop(&replayed_server);
}
END_TEST

/* --- the index --- */

#define MISSING                                                                                    \
    {                                                                                              \
        .status = 404,                                                                             \
        .body = "{\"error\":{\"type\":\"index_not_found_exception\",\"reason\":\"no\"},"           \
                "\"status\":404}"                                                                  \
    }

START_TEST(a_missing_index_is_an_error_before_anything_is_sent)
{
    const struct canned_answer answers[] = {MISSING};
    replayed_start(answers, 1);
    replayed_append(1);
    unit_assert_error(replayed_run(), replayed_err, ERROR_CONFIG, "--create-index");
    ck_assert_int_eq(replayed_server.request_count, 1);
    spooled_assert_ledger(replayed_spool, 4, 0, 0, 4);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_missing_index_is_created_from_the_users_file)
{
    const struct canned_answer answers[] = {MISSING,
                                            {.status = 200, .body = "{\"acknowledged\":true}"},
                                            INDEX_FOUND,
                                            ALL_DONE,
                                            INDEX_FOUND};
    char path[4200];
    snprintf(path, sizeof path, "%s/index.json", spooled_parent);
    FILE *file = fopen(path, "w");
    fputs("{\"mappings\":{}}", file);
    fclose(file);
    replayed_options.create_index = path;
    replayed_start(answers, 5);
    replayed_server.repeats_look = false;
    replayed_append(1);
    run_ok();
    ck_assert(canned_was_asked(&replayed_server, 1, "PUT /images "));
    const struct canned_request *put = &replayed_server.requests[1];
    unit_assert_slice(((struct slice){put->body, put->body_size}), "{\"mappings\":{}}");
    spooled_assert_ledger(replayed_spool, 4, 4, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_users_file_that_cannot_be_read_is_an_error)
{
    const struct canned_answer answers[] = {MISSING};
    replayed_options.create_index = "/nonexistent/index.json";
    replayed_start(answers, 1);
    unit_assert_error(replayed_open(), replayed_err, ERROR_CONFIG, "/nonexistent/index.json");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(another_host_takes_over_for_one_that_is_down)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    struct canned_server down;
    canned_start(&down, answers, 2);
    canned_stop(&down); // its port is closed now
    replayed_start(answers, 2);
    replayed_options.urls[0] = down.host;
    replayed_options.urls[1] = replayed_server.host;
    replayed_append(3);
    run_ok();
    spooled_assert_ledger(replayed_spool, 12, 12, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

/* --- frames that come, and frames that break --- */

static void *dump_later(void *context)
{
    struct spool *s = context;
    for (uint64_t i = 0; i < 5; i++) {
        usleep(50000);
        spooled_append(s, 1 + 4 * i, 4);
        unit_assert_ok(spool_commit(s, &spooled_err), spooled_err);
    }
    atomic_store(&replayed_live.is_dumping, false);
    return NULL;
}

START_TEST(frames_are_sent_while_the_dump_still_writes)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    pthread_t thread;
    spool_close(replayed_spool);
    spooled.roles = SPOOL_REPLAY; // the dump's lock would be somebody else's
    replayed_spool = spooled_open();
    replayed_start(answers, 2);
    unit_assert_ok(replayed_open(), replayed_err);
    atomic_store(&replayed_live.is_dumping, true);
    ck_assert_int_eq(pthread_create(&thread, NULL, dump_later, replayed_spool), 0);
    int64_t from = clock_monotonic_ms();
    unit_assert_ok(replay_run(replayed, replayed_spool, &replayed_err), replayed_err);
    ck_assert_int_ge(clock_monotonic_ms() - from, 240);
    pthread_join(thread, NULL);
    spooled_assert_ledger(replayed_spool, 20, 20, 0, 0);
    ck_assert_int_eq(replayed_server.request_count, 6);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_second_run_sends_what_has_come_since)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_start(answers, 2);
    spooled_append(replayed_spool, 1, 4);
    unit_assert_ok(spool_finish_dump(replayed_spool, &replayed_err), replayed_err);
    run_ok();
    spooled_append(replayed_spool, 5, 4);
    unit_assert_ok(spool_finish_dump(replayed_spool, &replayed_err), replayed_err);
    unit_assert_ok(replay_run(replayed, replayed_spool, &replayed_err), replayed_err);
    replayed_assert_sent(2, 5, 4);
    spooled_assert_ledger(replayed_spool, 8, 8, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_damaged_frame_is_never_sent_and_the_others_are)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    struct index_frame frame;
    replayed_start(answers, 2);
    replayed_append(3);
    ck_assert(spooled_find_frame(replayed_spool, FRAMES_PENDING, 2, &frame));
    int fd = open(spooled_segment(1), O_RDWR);
    ck_assert_int_eq(pwrite(fd, "x", 1, (off_t)(frame.offset + frame.size - 10)), 1);
    close(fd);
    run_ok();
    ck_assert_int_eq(replayed_server.request_count, 3);
    replayed_assert_sent(1, 1, 4);
    replayed_assert_sent(2, 9, 4);
    spooled_assert_ledger(replayed_spool, 8, 8, 0, 0); // its rows are to be read again
    ck_assert_uint_eq(spooled_read_job(replayed_spool).parts, 2);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(dead_rows_go_to_the_dead_letters_without_a_request)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_start(answers, 2);
    unit_assert_ok(spooled_try_append(replayed_spool, FRAME_DEAD_ROWS, 0, 101, 1, &replayed_err),
                   replayed_err);
    spooled_append(replayed_spool, 1, 4);
    unit_assert_ok(spooled_try_append(replayed_spool, FRAME_DEAD_ROWS, 0, 102, 1, &replayed_err),
                   replayed_err);
    replayed_append(0);
    run_ok();
    ck_assert_int_eq(replayed_server.request_count, 2);
    spooled_assert_ledger(replayed_spool, 6, 4, 2, 0);
    const char *letters =
        replayed_dead_letters(); // spooled.h's two lines each, sealed with the row's key
    const char *first = "{\"index\":{\"_id\":\"101\"},\"keys\":[\"101\",\"101\"],\"check\":\"";
    const char *last = "{\"n\":102,\"keys\":[\"102\",\"102\"],\"check\":\"";
    ck_assert_uint_eq(replayed_count_lines(letters), 4);
    ck_assert_int_eq(strncmp(letters, first, strlen(first)), 0);
    ck_assert_ptr_nonnull(strstr(letters, last));
    canned_stop(&replayed_server);
}
END_TEST

/* --- an end before the end --- */

START_TEST(after_a_stop_request_nothing_more_is_sent)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    unit_assert_ok(stop_install(&replayed_err), replayed_err);
    replayed_start(answers, 2);
    replayed_append(3);
    unit_assert_ok(replayed_open(), replayed_err);
    stop_request();
    unit_assert_error(replay_run(replayed, replayed_spool, &replayed_err), replayed_err,
                      ERROR_STOPPED, "stop");
    ck_assert_int_eq(replayed_server.request_count, 1);
    spooled_assert_ledger(replayed_spool, 12, 0, 0, 12);
    canned_stop(&replayed_server);
}
END_TEST

static void *stop_when_asked(void *context)
{
    canned_wait(context, 3);
    stop_request();
    return NULL;
}

START_TEST(a_stop_request_ends_retries_and_what_is_in_is_kept)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE, {.status = 503}};
    pthread_t thread;
    unit_assert_ok(stop_install(&replayed_err), replayed_err);
    replayed_start(answers, 3);
    replayed_append(3);
    pthread_create(&thread, NULL, stop_when_asked, &replayed_server);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(replayed_run(), replayed_err, ERROR_STOPPED, "stop");
    ck_assert_int_lt(clock_monotonic_ms() - from, 5000);
    pthread_join(thread, NULL);
    spooled_assert_ledger(replayed_spool, 12, 4, 0, 8);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_progress_the_replay_gives_up_and_says_why)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE, {.status = 503}};
    replayed_options.give_up_after_ms = 400;
    replayed_start(answers, 3);
    replayed_append(2);
    unit_assert_error(replayed_run(), replayed_err, ERROR_UNAVAILABLE, "--give-up-after");
    ck_assert_ptr_nonnull(strstr(replayed_err.message, "HTTP 503"));
    ck_assert_ptr_nonnull(strstr(replayed_err.message, replayed_server.host));
    spooled_assert_ledger(replayed_spool, 8, 4, 0, 4);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_cluster_that_is_not_there_is_unavailable)
{
    const struct canned_answer answers[] = {INDEX_FOUND};
    replayed_start(answers, 1);
    replayed_append(1);
    canned_stop(&replayed_server);
    unit_assert_error(replayed_run(), replayed_err, ERROR_UNAVAILABLE, replayed_server.address);
    spooled_assert_ledger(replayed_spool, 4, 0, 0, 4);
}
END_TEST

START_TEST(a_cluster_that_goes_away_is_waited_for)
{
    const struct canned_answer answers[] = {INDEX_FOUND, {.status = 0}, {.status = 0}, ALL_DONE};
    replayed_start(answers, 4);
    replayed_append(2);
    run_ok();
    spooled_assert_ledger(replayed_spool, 8, 8, 0, 0);
    ck_assert_uint_ge(spooled_read_job(replayed_spool).retries, 1); // libcurl may try one itself
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(the_dead_letters_must_be_as_the_index_says)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    const struct spool_counters none = {0};
    replayed_start(answers, 2);
    replayed_append(1);
    unit_assert_ok(spool_acknowledge(replayed_spool, NULL, 0, 100, &none, &replayed_err),
                   replayed_err);
    unit_assert_error(replayed_run(), replayed_err, ERROR_DAMAGED, "dead.ndjson");
    ck_assert_int_eq(replayed_server.request_count, 1);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/replay", replayed_set_up, replayed_tear_down,
               UNIT_TEST(pending_frames_are_sent_in_order_and_acknowledged),
               UNIT_TEST(several_requests_are_in_flight_and_each_frame_is_sent_once),
               UNIT_TEST(no_more_documents_a_second_are_sent_than_may_be),
               UNIT_TEST(with_nothing_pending_only_the_index_is_asked_for),
               UNIT_TEST(the_path_has_index_and_pipeline_encoded),
               UNIT_TEST(a_missing_index_is_an_error_before_anything_is_sent),
               UNIT_TEST(a_missing_index_is_created_from_the_users_file),
               UNIT_TEST(a_users_file_that_cannot_be_read_is_an_error),
               UNIT_TEST(another_host_takes_over_for_one_that_is_down),
               UNIT_TEST(frames_are_sent_while_the_dump_still_writes),
               UNIT_TEST(a_second_run_sends_what_has_come_since),
               UNIT_TEST(a_damaged_frame_is_never_sent_and_the_others_are),
               UNIT_TEST(dead_rows_go_to_the_dead_letters_without_a_request),
               UNIT_OWN_PROCESS(after_a_stop_request_nothing_more_is_sent, 1),
               UNIT_OWN_PROCESS(a_stop_request_ends_retries_and_what_is_in_is_kept, 1),
               UNIT_TEST(without_progress_the_replay_gives_up_and_says_why),
               UNIT_TEST(a_cluster_that_is_not_there_is_unavailable),
               UNIT_TEST(a_cluster_that_goes_away_is_waited_for),
               UNIT_TEST(the_dead_letters_must_be_as_the_index_says))
