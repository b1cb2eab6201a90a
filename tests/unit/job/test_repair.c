/* test_repair.c: what is noted of a verdict, and what is sent for it: in batches, and frames of no part. */
#include "job/repair.h"

#include "dumped.h"
#include "joined.h"
#include "replayed.h"

static struct rows *rows;
static struct repair *repair;

static void set_up(void)
{
    replayed_forget_proxies();
    dumped_set_up();
    dumped_options.in_flight = 1;
    dumped_options.request_timeout_ms = 20000;
    dumped_options.frame_bytes = 4096;
    spooled.segment_bytes = 64 << 10;
    joined_set_up();
    rows = NULL;
    repair = NULL;
}

static void tear_down(void)
{
    replay_close(replayed);
    repair_free(repair);
    rows_free(rows);
    joined_tear_down();
    dumped_tear_down();
}

static void answer_keys(const char *sql, struct buffer *out)
{
    for (const char *at = strstr(sql, " IN ("); (at = strchr(at + 1, '\'')) != NULL;
         at = strchr(at + 1, '\''))
        buffer_append_format(out, "%ld\ttitle\n", strtol(at + 1, NULL, 10));
}

static const struct canned_rule rules[] = {{.sql = " IN (", .is_copy = true, .answer = answer_keys},
                                           {.sql = "COPY (", .is_copy = true},
                                           {.sql = "OFFSET", .columns = "a"},
                                           DUMPED_RULES};

/* A job without rows, finished. */
static void begin(bool deletes_extra, const struct canned_answer *answers, size_t count)
{
    bool is_finished;
    canned_postgres_start(&dumped_server, rules, COUNT_OF(rules));
    replayed_start_cluster(answers, count);
    dumped_options.urls[0] = replayed_server.host;
    unit_assert_ok(dumped_run(), dumped_err);
    unit_assert_ok(spool_finish_replay(dumped_spool, &is_finished, &dumped_err), dumped_err);
    ck_assert(is_finished);
    dump_close(dumped);
    unit_assert_ok(dumped_open(), dumped_err);
    unit_assert_ok(rows_new(&rows, dumped, &dumped_err), dumped_err);
    unit_assert_ok(repair_new(&repair, &dumped_options, dumped, rows, joined_scratch, deletes_extra,
                              &dumped_err),
                   dumped_err);
    unit_assert_ok(replay_open(&replayed, &dumped_options, "images", &dumped_live, &dumped_err),
                   dumped_err);
}

static bool note(enum join_verdict verdict, enum join_kind kind, const char *id)
{
    struct join_record row = {.kind = kind, .id = slice_of(id), .place = slice_of(id)};
    struct join_record document = {.kind = JOIN_DOCUMENT, .id = slice_of(id)};
    bool is_left;
    unit_assert_ok(repair_note(repair, verdict, verdict == JOIN_EXTRA ? NULL : &row, &document,
                               &is_left, &dumped_err),
                   dumped_err);
    return !is_left;
}

static const struct {
    enum join_verdict verdict;
    enum join_kind kind;
    bool deletes_extra;
    bool is_sent;
} cases[] = {
    {JOIN_MISSING, JOIN_ROW, false, true},      {JOIN_MISSING, JOIN_CREATE, false, true},
    {JOIN_DIFFERENT, JOIN_ROW, false, true},    {JOIN_DIFFERENT, JOIN_CREATE, true, false},
    {JOIN_UNDELETED, JOIN_DELETE, false, true}, {JOIN_EXTRA, JOIN_ROW, false, false},
    {JOIN_EXTRA, JOIN_ROW, true, true},         {JOIN_DOUBLE, JOIN_ROW, true, false},
    {JOIN_REFUSED, JOIN_ROW, true, false},
};

START_TEST(only_what_can_be_made_right_is_noted)
{
    const struct canned_answer answers[] = {INDEX_FOUND};
    begin(cases[_i].deletes_extra, answers, 1);
    ck_assert_int_eq(note(cases[_i].verdict, cases[_i].kind, "7"), cases[_i].is_sent);
    ck_assert_uint_eq(repair_count(repair), cases[_i].is_sent);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(rows_and_deletes_are_sent_and_the_job_is_finished_again)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    struct join_record elsewhere = {.kind = JOIN_DOCUMENT,
                                    .id = slice_of("b\""),
                                    .routing = slice_of("r"),
                                    .place = slice_of("images-1")};
    uint64_t sent;
    bool is_left;
    begin(true, answers, COUNT_OF(answers));
    ck_assert(note(JOIN_MISSING, JOIN_ROW, "3"));
    ck_assert(note(JOIN_DIFFERENT, JOIN_ROW, "5"));
    ck_assert(note(JOIN_EXTRA, JOIN_ROW, "a"));
    unit_assert_ok(repair_note(repair, JOIN_EXTRA, NULL, &elsewhere, &is_left, &dumped_err),
                   dumped_err);
    unit_assert_ok(repair_send(repair, dumped_spool, replayed, &sent, &dumped_err), dumped_err);
    ck_assert_uint_eq(sent, 4);
    const struct canned_request *q = &replayed_server.requests[1];
    unit_assert_slice(
        ((struct slice){q->body, q->body_size}),
        "{\"index\":{\"_id\":\"3\"}}\n{\"id\":3,\"title\":\"title\"}\n"
        "{\"index\":{\"_id\":\"5\"}}\n{\"id\":5,\"title\":\"title\"}\n"
        "{\"delete\":{\"_id\":\"a\"}}\n"
        "{\"delete\":{\"_id\":\"b\\\"\",\"_index\":\"images-1\",\"routing\":\"r\"}}\n");
    spooled_assert_ledger(dumped_spool, 4, 4, 0, 0);
    ck_assert_uint_ne(spooled_read_job(dumped_spool).finished_ms, 0);
    ck_assert_uint_eq(spooled_read_job(dumped_spool).spool_bytes, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(many_rows_are_read_in_batches)
{
    enum { MANY = 2 * ROWS_KEYS_MAX + 1 };
    const struct canned_answer answers[] = {INDEX_FOUND, {.status = 401, .body = "{}"}};
    uint64_t sent;
    char key[32];
    dumped_options.frame_bytes = 1 << 20;
    begin(false, answers, COUNT_OF(answers));
    for (int i = 1; i <= MANY; i++) {
        snprintf(key, sizeof key, "%d", i);
        ck_assert(note(JOIN_MISSING, JOIN_ROW, key));
    }
    unit_assert_error(repair_send(repair, dumped_spool, replayed, &sent, &dumped_err), dumped_err,
                      ERROR_DENIED, "401");
    ck_assert_int_eq(canned_count_statements(&dumped_server, " IN ("), 3);
    spooled_assert_ledger(dumped_spool, MANY, 0, 0, MANY); // is kept for the next
    ck_assert_uint_eq(spooled_read_job(dumped_spool).finished_ms, 0);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/repair", set_up, tear_down,
               UNIT_EACH(only_what_can_be_made_right_is_noted, cases),
               UNIT_TEST(rows_and_deletes_are_sent_and_the_job_is_finished_again),
               UNIT_TEST(many_rows_are_read_in_batches))
