/* test_compare.c: rows, dead letters and documents meet as they are: which differ, and which are left out. */
#include "job/compare.h"

#include "dumped.h"
#include "joined.h"
#include "replayed.h"
#include "searched.h"

static struct rows *rows;
static struct http *http;
static struct http_options http_options;
static struct compare_counts counts;

static void set_up(void)
{
    replayed_forget_proxies();
    dumped_set_up();
    dumped_options.to = "4";
    joined_set_up();
    http_options = (struct http_options){.timeout_ms = 20000};
    rows = NULL;
    http = NULL;
}

static void tear_down(void)
{
    http_free(http);
    rows_free(rows);
    joined_tear_down();
    dumped_tear_down();
}

static bool run(const struct canned_rule *rules, size_t rule_count,
                const struct canned_answer *answers, size_t answer_count)
{
    canned_postgres_start(&dumped_server, rules, rule_count);
    canned_start(&replayed_server, answers, answer_count);
    unit_assert_ok(dumped_begin(), dumped_err);
    unit_assert_ok(rows_new(&rows, dumped, &dumped_err), dumped_err);
    unit_assert_ok(http_new(&http, &http_options, &dumped_err), dumped_err);
    struct compare_input in = {
        .options = &dumped_options,
        .dump = dumped,
        .rows = rows,
        .spool = dumped_spool,
        .http = http,
        .host = replayed_server.host,
        .index = "images",
        .scratch = joined_scratch,
    };
    bool ok = compare(&in, joined_tell, &joined_verdicts, &counts, &dumped_err);
    canned_stop(&replayed_server);
    return ok;
}

#define RUN(rules, answers) run(rules, COUNT_OF(rules), answers, COUNT_OF(answers))

static void assert_verdict(const char *line)
{
    ck_assert_msg(strstr(buffer_string(&joined_verdicts), line) != NULL, "no %s in: %s", line,
                  joined_verdicts.data);
}

static const struct canned_rule good[] = {DUMPED_COPY, DUMPED_RULES};

START_TEST(rows_and_documents_that_are_the_same_say_nothing)
{
    const struct canned_answer answers[] = {
        SEARCHED_PAGE("4", SEARCHED_ROW("3") "," SEARCHED_ROW("1")),
        SEARCHED_PAGE("4", SEARCHED_ROW("4") "," SEARCHED_ROW("2")), SEARCHED_PAGE("4", "")};
    unit_assert_ok(RUN(good, answers), dumped_err);
    ck_assert_str_eq(buffer_string(&joined_verdicts), "");
    ck_assert_uint_eq(counts.join.rows, 4);
    ck_assert_uint_eq(counts.join.documents, 4);
}
END_TEST

START_TEST(an_aliass_documents_are_those_of_its_indices)
{
    const struct canned_answer answers[] = {
        SEARCHED_PAGE(
            "4",
            SEARCHED_HIT("images-1", "1", "{\"id\":1,\"title\":\"title\"}") "," SEARCHED_HIT(
                "images-2", "1",
                "{\"id\":1,\"title\":\"old\"}") "," SEARCHED_HIT("images-2", "2",
                                                                 "{\"id\":2,\"title\":"
                                                                 "\"old\"}") "," SEARCHED_HIT("imag"
                                                                                              "es-"
                                                                                              "2",
                                                                                              "7",
                                                                                              "{"
                                                                                              "}")),
        SEARCHED_PAGE("4", "")};
    unit_assert_ok(RUN(good, answers), dumped_err);
    assert_verdict("double 1\n");
    assert_verdict("different 2\n");
    assert_verdict("missing 3\n");
    assert_verdict("missing 4\n");
    assert_verdict("extra 7\n");
    ck_assert_uint_eq(counts.join.verdicts[JOIN_MISSING], 2);
}
END_TEST

/* One row of each operation; 5 is for another index, 6 can't be a document, 7 has no id either. */
static const struct canned_rule operations[] = {
    {.sql = "COPY (",
     .is_copy = true,
     .rows = "1\ta\tindex\t\\N\t\\N\n2\tb\tupdate\t\\N\t\\N\n3\tc\tdelete\t\\N\t\\N\n"
             "4\td\tcreate\timages\tr\n5\te\tindex\tother\t\\N\n6\tf\tdrop\t\\N\t\\N\n"
             "7\t\\N\tindex\t\\N\t\\N\n"},
    {.sql = "LIMIT 0", .columns = "id:20:16385:1 _id:25 _op:25 _index:25 _routing:25"},
    {.sql = "format_type", .columns = "a b c d e", .rows = "bigint\ttext\ttext\ttext\ttext\n"},
    {.sql = "OFFSET", .columns = "a"},
    DUMPED_RULES};

START_TEST(each_operation_wants_something_else_of_the_index)
{
    const struct canned_answer answers[] = {
        SEARCHED_PAGE("4", SEARCHED_HIT("images", "b", "{\"id\":2,\"more\":1}") "," SEARCHED_HIT(
                               "images", "c",
                               "{}") "," SEARCHED_HIT("images", "f",
                                                      "{}") ","
                                                            "{\"_index\":\"images\",\"_id\":\"d\","
                                                            "\"_routing\":\"r\",\"_source\":"
                                                            "{\"id\":4}}"),
        SEARCHED_PAGE("4", "")};
    unit_assert_ok(RUN(operations, answers), dumped_err);
    assert_verdict("missing a\n");
    assert_verdict("undeleted c\n");
    assert_verdict("refused f\n");
    ck_assert_uint_eq(joined_verdicts.size, strlen("missing a\nundeleted c\nrefused f\n"));
    ck_assert_uint_eq(counts.elsewhere, 1);
    ck_assert_uint_eq(counts.unfit, 2);
    ck_assert_uint_eq(counts.join.partial, 1);
    ck_assert_uint_eq(counts.join.rows, 3);
}
END_TEST

START_TEST(a_document_without_source_can_not_be_compared)
{
    const struct canned_answer answers[] = {
        SEARCHED_PAGE("1", "{\"_index\":\"images\",\"_id\":\"1\"}")};
    unit_assert_error(RUN(good, answers), dumped_err, ERROR_CONFIG,
                      "index images keeps no _source");
}
END_TEST

START_TEST(a_cluster_that_fails_ends_it)
{
    const struct canned_answer answers[] = {{.status = 503, .body = ""}};
    unit_assert_error(RUN(good, answers), dumped_err, ERROR_UNAVAILABLE, "503");
    ck_assert_str_eq(buffer_string(&joined_verdicts), "");
}
END_TEST

UNIT_MAIN_WITH("job/compare", set_up, tear_down,
               UNIT_TEST(rows_and_documents_that_are_the_same_say_nothing),
               UNIT_TEST(an_aliass_documents_are_those_of_its_indices),
               UNIT_TEST(each_operation_wants_something_else_of_the_index),
               UNIT_TEST(a_document_without_source_can_not_be_compared),
               UNIT_TEST(a_cluster_that_fails_ends_it))
