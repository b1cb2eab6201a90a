/* test_replay_size.c: requests that are too large for the cluster, for good or for now. */
#include "replayed.h"

/* COUNT frames of four documents of some SIZE bytes, committed. */
static void append_large(int count, size_t size)
{
    struct buffer row;
    buffer_init(&row, 1 << 20);
    for (int n = 0; n < count; n++) {
        struct compressor *c;
        struct slice body;
        struct frame f = {.documents = 4, .first_key = slice_of("1"), .last_key = slice_of("4")};
        unit_assert_ok(compressor_new(&c, 1, &replayed_err), replayed_err);
        for (uint64_t i = 1; i <= 4; i++) {
            buffer_clear(&row);
            buffer_append_format(&row, "{\"index\":{\"_id\":\"%" PRIu64 "\"}}\n{\"t\":\"", i);
            for (size_t k = 0; k < size; k++)
                buffer_append_byte(&row, 'x');
            buffer_append_string(&row, "\"}\n");
            unit_assert_ok(compressor_append(c, buffer_slice(&row), &replayed_err), replayed_err);
        }
        f.raw_size = compressor_raw_size(c);
        unit_assert_ok(compressor_finish(c, &body, &replayed_err), replayed_err);
        unit_assert_ok(spool_append(replayed_spool, &f, body, 0, &replayed_err), replayed_err);
        compressor_free(c);
    }
    buffer_free(&row);
    replayed_append(0);
}

START_TEST(a_limit_learned_from_one_frame_holds_for_the_next)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, {.status = 413}, {.status = 200, .body = ITEMS(DONE "," DONE)}};
    replayed_start(answers, 3);
    append_large(2, 950); // since no limit below 1 KiB is learned
    unit_assert_ok(replayed_run(), replayed_err);
    ck_assert_int_eq(replayed_server.request_count, 6); // one too large, then four halves
    spooled_assert_ledger(replayed_spool, 8, 8, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_request_that_the_cluster_never_has_room_for_is_halved)
{
    const struct canned_answer refused = {
        .status = 429, .body = "{\"error\":{\"type\":\"es_rejected_execution_exception\"}}"};
    const struct canned_answer answers[] = {
        INDEX_FOUND, refused, refused, refused, {.status = 200, .body = ITEMS(DONE "," DONE)}};
    replayed_start(answers, 5);
    append_large(2, 50000);
    unit_assert_ok(replayed_run(), replayed_err);
    ck_assert_int_eq(replayed_server.request_count, 8); // and the next frame comes in halves too
    spooled_assert_ledger(replayed_spool, 8, 8, 0, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_document_that_the_cluster_never_has_room_for_is_kept)
{
    const struct canned_answer answers[] = {INDEX_FOUND, {.status = 429}};
    replayed_options.give_up_after_ms = 300;
    replayed_start(answers, 2);
    spooled_append(replayed_spool, 1, 1);
    replayed_append(0);
    unit_assert_error(replayed_run(), replayed_err, ERROR_UNAVAILABLE, "HTTP 429");
    spooled_assert_ledger(replayed_spool, 1, 0, 0, 1);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/replay_size", replayed_set_up, replayed_tear_down,
               UNIT_TEST(a_limit_learned_from_one_frame_holds_for_the_next),
               UNIT_TEST(a_request_that_the_cluster_never_has_room_for_is_halved),
               UNIT_TEST(a_document_that_the_cluster_never_has_room_for_is_kept))
