/* test_verify_target.c: what numbers and documents say of an index, and what a repair sends. */
#include "job/verify_target.h"

#include "both_stages.h"
#include "searched.h"

static struct verify_wish wish;
static struct verify_target_report report;
static bool has_report;
static struct spool *s;
static struct buffer told;

static void set_up(void)
{
    both_stages_set_up();
    dumped_options.to = NULL; // all rows
    dumped_options.frame_bytes = 4096;
    wish = (struct verify_wish){.is_deep = false};
    s = NULL;
    buffer_init(&told, 1 << 16);
}

static void tear_down(void)
{
    spool_close(s);
    buffer_free(&told);
    canned_stop(&replayed_server);
    dumped_tear_down();
}

static void ignore(void *context, struct spool *spool, const struct job_live *live)
{
    (void)context;
    (void)spool;
    (void)live;
}

/* Bring the rows 1 to 4 of the table into the index; the cluster's answers go on with ANSWERS. */
static void make_job(const struct canned_rule *rules, size_t rule_count,
                     const struct canned_answer *answers, size_t answer_count)
{
    struct index_job last;
    bool has_last;
    canned_postgres_start(&dumped_server, rules, rule_count);
    replayed_start_cluster(answers, answer_count);
    dumped_options.urls[0] = replayed_server.host;
    bool ok = job_run(&dumped_options, SPOOL_DUMP | SPOOL_REPLAY, ignore, NULL, &last, &has_last,
                      &dumped_err);
    ck_assert_msg(ok || dumped_err.kind == ERROR_DEAD_LETTERS, "%s", dumped_err.message);
    dumped_err = (struct error){.kind = ERROR_NONE};
}

#define MAKE_JOB(answers) make_job(good, COUNT_OF(good), answers, COUNT_OF(answers))

static void tell(void *context, const char *name, struct slice id)
{
    ck_assert_ptr_eq(context, &told);
    buffer_append_format(&told, "%s %.*s\n", name, (int)id.size, id.data);
}

static bool verify(void)
{
    bool ok =
        verify_open_spool(&dumped_options, wish.repairs, &s, &dumped_err) &&
        verify_target(&dumped_options, &wish, s, tell, &told, &report, &has_report, &dumped_err);
    return ok;
}

static void answer_four(const char *sql, struct buffer *rows)
{
    (void)sql;
    buffer_append_string(rows, "1\ttitle\n2\ttitle\n3\ttitle\n4\ttitle\n");
}

static const struct canned_rule good[] = {{.sql = " IN (", .is_copy = true, .rows = "3\ttitle\n"},
                                          {.sql = "COPY (", .is_copy = true, .answer = answer_four},
                                          {.sql = "FILTER", .columns = "a", .rows = "4\n"},
                                          {.sql = "OFFSET", .columns = "a"},
                                          DUMPED_RULES};

#define START_ANSWERS INDEX_FOUND, ALL_DONE, SEARCHED_REFRESHED
#define DEAD_ANSWERS                                                                               \
    INDEX_FOUND, {.status = 200, .body = ITEMS(DONE "," DONE "," BAD "," DONE)}, SEARCHED_REFRESHED

static const struct {
    struct canned_answer answers[5];
    const char *to;
    enum error_kind kind;
    const char *text;
} counts[] = {
    {{START_ANSWERS, SEARCHED_COUNT("4")}, NULL, ERROR_NONE, ""},
    {{START_ANSWERS, SEARCHED_COUNT("3")}, NULL, ERROR_DIFFERENT, "gives 4 documents"},
    {{START_ANSWERS, SEARCHED_COUNT("5")}, NULL, ERROR_DIFFERENT, "index images has 5"},
    {{START_ANSWERS, SEARCHED_COUNT("5")}, "4", ERROR_NONE, ""},
    {{START_ANSWERS, SEARCHED_COUNT("3")}, "4", ERROR_DIFFERENT, ""},
    {{DEAD_ANSWERS, SEARCHED_COUNT("3")}, NULL, ERROR_DEAD_LETTERS, "lacks 1 documents"},
    {{DEAD_ANSWERS, SEARCHED_COUNT("2")}, NULL, ERROR_DIFFERENT, "has 2"},
};

START_TEST(numbers_are_compared_and_dead_letters_explain_them)
{
    dumped_options.to = counts[_i].to;
    MAKE_JOB(counts[_i].answers);
    bool ok = verify();
    ck_assert_int_eq(ok, counts[_i].kind == ERROR_NONE);
    ck_assert(has_report);
    ck_assert_uint_eq(report.query, 4);
    if (!ok)
        unit_assert_error(false, dumped_err, counts[_i].kind, counts[_i].text);
}
END_TEST

START_TEST(another_host_is_asked_when_the_first_does_not_answer)
{
    const struct canned_answer answers[] = {INDEX_FOUND,
                                            ALL_DONE,
                                            {.status = 503, .body = ""},
                                            SEARCHED_REFRESHED,
                                            SEARCHED_COUNT("4")};
    MAKE_JOB(answers);
    dumped_options.urls[1] = replayed_server.host;
    unit_assert_ok(verify(), dumped_err);
    ck_assert_int_eq(replayed_server.request_count, 5);
}
END_TEST

START_TEST(each_difference_is_told)
{
    const struct canned_answer answers[] = {
        DEAD_ANSWERS, SEARCHED_COUNT("2"),
        SEARCHED_PAGE("2", SEARCHED_ROW("1") "," SEARCHED_HIT("images", "9", "{}")),
        SEARCHED_PAGE("2", "")};
    MAKE_JOB(answers);
    wish.is_deep = true;
    unit_assert_error(verify(), dumped_err, ERROR_DIFFERENT, "index images: 4 differences");
    ck_assert_ptr_nonnull(strstr(buffer_string(&told), "missing 2\n"));
    ck_assert_ptr_nonnull(strstr(told.data, "refused 3\n"));
    ck_assert_ptr_nonnull(strstr(told.data, "missing 4\n"));
    ck_assert_ptr_nonnull(strstr(told.data, "extra 9\n"));
    ck_assert_uint_eq(report.left, 4);
}
END_TEST

START_TEST(what_only_dead_letters_explain_is_theirs)
{
    const struct canned_answer answers[] = {
        DEAD_ANSWERS, SEARCHED_COUNT("3"),
        SEARCHED_PAGE("3", SEARCHED_ROW("1") "," SEARCHED_ROW("2") "," SEARCHED_ROW("4")),
        SEARCHED_PAGE("3", "")};
    MAKE_JOB(answers);
    wish.is_deep = true;
    unit_assert_error(verify(), dumped_err, ERROR_DEAD_LETTERS, "dead.ndjson");
    ck_assert_str_eq(buffer_string(&told), "refused 3\n");
}
END_TEST

START_TEST(a_range_has_no_extra_documents)
{
    const struct canned_answer answers[] = {
        START_ANSWERS, SEARCHED_COUNT("5"),
        SEARCHED_PAGE("5", SEARCHED_ROW("1") "," SEARCHED_ROW("2") "," SEARCHED_ROW(
                               "3") "," SEARCHED_ROW("4") "," SEARCHED_ROW("5")),
        SEARCHED_PAGE("5", "")};
    dumped_options.to = "4";
    MAKE_JOB(answers);
    wish.is_deep = true;
    unit_assert_ok(verify(), dumped_err);
    ck_assert_uint_eq(report.counts.join.verdicts[JOIN_EXTRA], 0);
    ck_assert_str_eq(buffer_string(&told), "");
}
END_TEST

START_TEST(a_repair_sends_what_is_missing_and_the_ledger_adds_up)
{
    const struct canned_answer answers[] = {
        START_ANSWERS,
        SEARCHED_COUNT("3"),
        SEARCHED_PAGE("3", SEARCHED_ROW("1") "," SEARCHED_ROW("2") "," SEARCHED_ROW("4")),
        SEARCHED_PAGE("3", ""),
        SEARCHED_OK("{}"),
        SEARCHED_OK(ITEMS(DONE))};
    MAKE_JOB(answers);
    wish.is_deep = wish.repairs = true;
    unit_assert_ok(verify(), dumped_err);
    ck_assert_uint_eq(report.sent, 1);
    ck_assert_uint_eq(report.left, 0);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "IN ('3'::bigint)"), 1);
    const struct canned_request *sent = &replayed_server.requests[COUNT_OF(answers) - 1];
    unit_assert_slice(((struct slice){sent->body, sent->body_size}),
                      "{\"index\":{\"_id\":\"3\"}}\n{\"id\":3,\"title\":\"title\"}\n");
    spooled_assert_ledger(s, 5, 5, 0, 0);
    ck_assert_uint_ne(spooled_read_job(s).finished_ms, 0);
}
END_TEST

START_TEST(a_repaired_document_that_is_refused_is_a_dead_letter)
{
    const struct canned_answer answers[] = {
        START_ANSWERS,
        SEARCHED_COUNT("3"),
        SEARCHED_PAGE("3", SEARCHED_ROW("1") "," SEARCHED_ROW("2") "," SEARCHED_ROW("4")),
        SEARCHED_PAGE("3", ""),
        SEARCHED_OK("{}"),
        SEARCHED_OK(ITEMS(BAD))};
    MAKE_JOB(answers);
    wish.is_deep = wish.repairs = true;
    unit_assert_error(verify(), dumped_err, ERROR_DEAD_LETTERS, "refused");
    spooled_assert_ledger(s, 5, 4, 1, 0);
}
END_TEST

START_TEST(what_an_earlier_repair_has_left_goes_first)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND,
        ALL_DONE,
        INDEX_FOUND,
        ALL_DONE,
        SEARCHED_REFRESHED,
        SEARCHED_COUNT("4"),
        SEARCHED_PAGE("4", SEARCHED_ROW("1") "," SEARCHED_ROW("2") "," SEARCHED_ROW(
                               "3") "," SEARCHED_ROW("4")),
        SEARCHED_PAGE("4", "")};
    MAKE_JOB(answers);
    unit_assert_ok(verify_open_spool(&dumped_options, true, &s, &dumped_err), dumped_err);
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, FRAME_OF_REPAIR, 1, 4, &dumped_err),
                   dumped_err);
    unit_assert_ok(spool_finish_dump(s, &dumped_err), dumped_err);
    ck_assert_uint_eq(spooled_read_job(s).finished_ms, 0);
    spool_close(s);
    wish.is_deep = wish.repairs = true;
    unit_assert_ok(verify(), dumped_err);
    spooled_assert_ledger(s, 8, 8, 0, 0);
    ck_assert_uint_eq(report.sent, 0);
}
END_TEST

START_TEST(a_job_that_is_not_read_to_its_end_is_not_repaired)
{
    const struct canned_answer answers[] = {INDEX_FOUND};
    struct job_id id;
    struct buffer text;
    canned_postgres_start(&dumped_server, good, COUNT_OF(good));
    replayed_start_cluster(answers, 1);
    dumped_options.urls[0] = replayed_server.host;
    buffer_init(&text, 4096);
    unit_assert_ok(job_describe(&dumped_options, "SELECT * FROM image", &text, &id, &dumped_err),
                   dumped_err);
    unit_assert_ok(spool_open(&s, &spooled, &id, &dumped_err), dumped_err);
    const struct key_range all = {.has_from = false};
    unit_assert_ok(spool_begin(s, &id, buffer_slice(&text), &all, 1, 0, &dumped_err), dumped_err);
    buffer_free(&text);
    spool_close(s);
    wish.is_deep = wish.repairs = true;
    unit_assert_error(verify(), dumped_err, ERROR_CONFIG, "finish it with bobbin run");
    ck_assert(!has_report);
}
END_TEST

START_TEST(a_spool_that_is_anothers_or_none_is_refused)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ALL_DONE};
    MAKE_JOB(answers);
    dumped_options.to = "3";
    unit_assert_error(verify_open_spool(&dumped_options, false, &s, &dumped_err), dumped_err,
                      ERROR_CONFIG, "another job");
    dumped_options.spool = spooled_file("none");
    unit_assert_error(verify_open_spool(&dumped_options, false, &s, &dumped_err), dumped_err,
                      ERROR_CONFIG, "there is none");
    ck_assert_ptr_null(s);
}
END_TEST

UNIT_MAIN_WITH("job/verify_target", set_up, tear_down,
               UNIT_EACH(numbers_are_compared_and_dead_letters_explain_them, counts),
               UNIT_TEST(another_host_is_asked_when_the_first_does_not_answer),
               UNIT_TEST(each_difference_is_told),
               UNIT_TEST(what_only_dead_letters_explain_is_theirs),
               UNIT_TEST(a_range_has_no_extra_documents),
               UNIT_TEST(a_repair_sends_what_is_missing_and_the_ledger_adds_up),
               UNIT_TEST(a_repaired_document_that_is_refused_is_a_dead_letter),
               UNIT_TEST(what_an_earlier_repair_has_left_goes_first),
               UNIT_TEST(a_job_that_is_not_read_to_its_end_is_not_repaired),
               UNIT_TEST(a_spool_that_is_anothers_or_none_is_refused))
