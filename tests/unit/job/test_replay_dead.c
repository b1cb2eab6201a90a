/* test_replay_dead.c: letters are written with their frame's keys, and a replay that makes too many of them
 * stops, also within a frame. */
#include "job/replay.h"

#include <signal.h>
#include <sys/resource.h>

#include "../cli/captured.h"
#include "job/letters.h"
#include "job/replay_internal.h"
#include "replayed.h"

#define REFUSED                                                                                    \
    {                                                                                              \
        .status = 400, .body = "{\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":"   \
                               "\"pipeline [none] missing\"},\"status\":400}"                      \
    }
#define ALL_BAD                                                                                    \
    {                                                                                              \
        .status = 200, .body = ITEMS(BAD "," BAD "," BAD "," BAD)                                  \
    }

static bool run(void)
{
    captured_begin();
    bool ok = replayed_run();
    captured_end();
    return ok;
}

START_TEST(a_letter_holds_its_frames_keys)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, ALL_DONE, {.status = 200, .body = ITEMS(DONE "," DONE "," BAD "," DONE)}};
    replayed_start(answers, 3);
    replayed_append(2);
    unit_assert_ok(run(), replayed_err);
    ck_assert_ptr_nonnull(strstr(replayed_dead_letters(), ",\"keys\":[\"5\",\"8\"],\"check\":\""));
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(as_many_as_are_allowed_are_no_reason_to_stop)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_BAD};
    replayed_options.max_dead = 8;
    replayed_start(answers, 2);
    replayed_append(2);
    unit_assert_ok(run(), replayed_err);
    spooled_assert_ledger(replayed_spool, 8, 0, 8, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(one_more_stops_it_and_what_has_its_verdict_is_kept)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_BAD};
    replayed_options.max_dead = 7;
    replayed_start(answers, 2);
    replayed_append(5);
    unit_assert_error(run(), replayed_err, ERROR_DEAD_LETTERS,
                      "8 documents were refused and --max-dead allows 7: most were "
                      "mapper_parsing_exception: bad;");
    ck_assert_ptr_nonnull(strstr(captured_err, "  8 mapper_parsing_exception: bad\n"));
    spooled_assert_ledger(replayed_spool, 20, 0, 8, 12);
    ck_assert_uint_eq(replayed_count_lines(replayed_dead_letters()), 8);
    ck_assert_int_eq(replayed_server.request_count, 3);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_frame_is_left_in_its_middle)
{
    const struct canned_answer answers[] = {INDEX_FOUND, REFUSED};
    replayed_options.max_dead = 1;
    replayed_start(answers, 2);
    replayed_append(1);
    unit_assert_error(run(), replayed_err, ERROR_DEAD_LETTERS, "pipeline [none] missing");
    spooled_assert_ledger(replayed_spool, 4, 0, 0, 4);
    ck_assert_str_eq(replayed_dead_letters(), "");
    ck_assert_int_eq(replayed_server.request_count, 1 + 4); // 4 documents, 2, 1, 1
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(the_next_one_stops_before_it_sends)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_BAD};
    replayed_options.max_dead = 3;
    replayed_start(answers, 2);
    replayed_append(2);
    ck_assert(!run());
    replay_close(replayed);
    unit_assert_error(run(), replayed_err, ERROR_DEAD_LETTERS,
                      "4 documents were refused and --max-dead allows 3: most were "
                      "mapper_parsing_exception: bad;");
    ck_assert_ptr_nonnull(strstr(captured_err, "(first: id 1)"));
    ck_assert_int_eq(replayed_server.request_count, 2);
    spooled_assert_ledger(replayed_spool, 8, 0, 4, 4);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(dead_rows_count_too)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    replayed_options.max_dead = 0;
    replayed_start(answers, 2);
    unit_assert_ok(spooled_try_append(replayed_spool, FRAME_DEAD_ROWS, 0, 101, 1, &replayed_err),
                   replayed_err);
    replayed_append(2);
    unit_assert_error(run(), replayed_err, ERROR_DEAD_LETTERS, "--max-dead allows 0");
    spooled_assert_ledger(replayed_spool, 9, 0, 1, 8);
    canned_stop(&replayed_server);
}
END_TEST

/* A frame of documents so large that their letters are written before all are made. */
static void append_large(uint64_t first)
{
    enum { BYTES = 100000, DOCUMENTS = 4 };
    static char filler[BYTES + 1];
    char line[64], key[32];
    struct compressor *c;
    struct slice body;
    memset(filler, 'x', BYTES);
    unit_assert_ok(compressor_new(&c, 1, &replayed_err), replayed_err);
    for (uint64_t i = 0; i < DOCUMENTS; i++) {
        snprintf(line, sizeof line, "{\"index\":{\"_id\":\"%" PRIu64 "\"}}\n{\"a\":\"", first + i);
        unit_assert_ok(compressor_append(c, slice_of(line), &replayed_err), replayed_err);
        unit_assert_ok(compressor_append(c, slice_of(filler), &replayed_err), replayed_err);
        unit_assert_ok(compressor_append(c, slice_of("\"}\n"), &replayed_err), replayed_err);
    }
    snprintf(key, sizeof key, "%" PRIu64, first);
    struct frame f = {.documents = DOCUMENTS,
                      .raw_size = compressor_raw_size(c),
                      .first_key = slice_of(key),
                      .last_key = slice_of(key)};
    unit_assert_ok(compressor_finish(c, &body, &replayed_err), replayed_err);
    unit_assert_ok(spool_append(replayed_spool, &f, body, 0, &replayed_err), replayed_err);
    compressor_free(c);
}

/* Let no file grow beyond what the dead letters would be, as a full disk does. */
static void limit_files(void)
{
    const struct rlimit limit = {280 << 10, 280 << 10};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A frame is refused; the first of its letters find no room. */
START_TEST(what_has_no_durable_letter_is_not_acknowledged)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_BAD};
    replayed_start(answers, 2);
    append_large(1);
    replayed_append(0);
    limit_files();
    unit_assert_error(run(), replayed_err, ERROR_DISK, "dead.ndjson");
    unit_assert_error(replay_sync_dead_letters(replayed, &replayed_err), replayed_err, ERROR_DISK,
                      "dead.ndjson"); // nor is any other frame whose letters were to go with it
    ck_assert_int_ne(replayed->slots[0].state, SLOT_COMPLETE);
    spool_close(replayed_spool);
    replayed_spool = spooled_open();
    spooled_assert_ledger(replayed_spool, 4, 0, 0, 4);
    ck_assert_uint_eq(spooled_read_job(replayed_spool).dead_bytes, 0);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/replay_dead", replayed_set_up, replayed_tear_down,
               UNIT_TEST(a_letter_holds_its_frames_keys),
               UNIT_TEST(as_many_as_are_allowed_are_no_reason_to_stop),
               UNIT_TEST(one_more_stops_it_and_what_has_its_verdict_is_kept),
               UNIT_TEST(a_frame_is_left_in_its_middle),
               UNIT_TEST(the_next_one_stops_before_it_sends), UNIT_TEST(dead_rows_count_too),
               UNIT_OWN_PROCESS(what_has_no_durable_letter_is_not_acknowledged, 1))
