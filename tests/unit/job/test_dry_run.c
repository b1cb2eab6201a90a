/* test_dry_run.c: --dry-run tells what would be done, and does nothing. */
#include "dumped.h"

#define start(rules) canned_postgres_start(&dumped_server, rules, COUNT_OF(rules))

static struct buffer plan;

static void set_up(void)
{
    dumped_set_up();
    buffer_init(&plan, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&plan);
    dumped_tear_down();
}

static bool describe(void)
{
    return job_describe_plan(&dumped_options, &plan, &dumped_err);
}

static void assert_says(const char *text)
{
    ck_assert_msg(strstr(buffer_string(&plan), text) != NULL, "no \"%s\" in: %s", text,
                  buffer_string(&plan));
}

static const struct canned_rule good[] = {DUMPED_COPY, DUMPED_RULES};

START_TEST(the_plan_names_source_key_range_and_target)
{
    start(good);
    unit_assert_ok(describe(), dumped_err);
    assert_says("source:    PostgreSQL at ");
    assert_says(":5432/images\n");
    assert_says("key:       id (bigint), unique by an index\n");
    assert_says("range:     all keys\n");
    assert_says("rows:      about 90, in windows of 30, 1 part\n");
    assert_says("snapshot:  one for each window\n");
    assert_says("index:     images\n");
    assert_says(spooled_path);
}
END_TEST

START_TEST(the_plan_names_what_was_asked_for)
{
    start(good);
    dumped_options.from = "5";
    dumped_options.to = "50";
    dumped_options.jobs = 2;
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    dumped_options.spool = NULL;
    dumped_options.index = NULL;
    unit_assert_ok(describe(), dumped_err);
    assert_says("range:     from 5 to 50\n");
    assert_says("rows:      about 46, in windows of 30, 2 parts\n");
    assert_says("snapshot:  one for the whole dump\n");
    assert_says("spool:     (none given)\n");
    assert_says("index:     (none given)\n");
}
END_TEST

static const struct {
    unsigned oid;
    const char *words;
} types[] = {
    {25, "-> string\n"},
    {16, "-> boolean\n"},
    {20, "-> number\n"},
    {1700, "-> number\n"},
    {3802, "-> JSON as it is\n"},
    {1009, "the type by to_jsonb()"},
    {1114, "-> date without offset\n"},
    {1184, "-> date with offset\n"},
    {17, "-> base64 string\n"},
};

START_TEST(each_column_is_told_with_what_becomes_of_it)
{
    char columns[64];
    const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = columns},
        {.sql = "format_type", .columns = "a b c", .rows = "bigint\ttext\tthe type\n"},
        {.sql = "COPY (", .is_copy = true},
        DUMPED_RULES};
    snprintf(columns, sizeof columns, "id:20:16385:1 _routing:25 c:%u", types[_i].oid);
    start(rules);
    unit_assert_ok(describe(), dumped_err);
    assert_says("  id                           bigint                     -> number\n");
    assert_says("  _routing                     text                       -> bulk metadata\n");
    assert_says(types[_i].words);
}
END_TEST

START_TEST(three_documents_of_the_first_window_are_shown)
{
    start(good);
    unit_assert_ok(describe(), dumped_err);
    assert_says("first window: 30 rows; its first documents:\n"
                "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":\"title\"}\n"
                "{\"index\":{\"_id\":\"2\"}}\n{\"id\":2,\"title\":\"title\"}\n"
                "{\"index\":{\"_id\":\"3\"}}\n{\"id\":3,\"title\":\"title\"}\n");
    ck_assert_ptr_null(strstr(buffer_string(&plan), "\"_id\":\"4\""));
}
END_TEST

START_TEST(a_window_that_holds_all_rows_is_told_to)
{
    start(good);
    dumped_options.from = "99";
    unit_assert_ok(describe(), dumped_err);
    assert_says("first window: 2 rows, which are all; its first documents:\n");
}
END_TEST

START_TEST(a_row_that_cannot_be_a_document_is_told_with_its_reason)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .is_copy = true, .rows = "1\tcaf\xe9\n2\ttwo\n"}, DUMPED_RULES};
    start(rules);
    unit_assert_ok(describe(), dumped_err);
    assert_says("(a dead letter: column title: ");
    assert_says("{\"id\":2,\"title\":\"two\"}\n");
}
END_TEST

START_TEST(nothing_is_written)
{
    start(good);
    unit_assert_ok(describe(), dumped_err);
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 1);
}
END_TEST

START_TEST(an_error_of_the_query_is_told)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .state = "22012", .message = "division by zero"}, DUMPED_RULES};
    start(rules);
    unit_assert_error(describe(), dumped_err, ERROR_CONFIG, "division by zero");
    dumped_options.table = NULL;
    unit_assert_error(describe(), dumped_err, ERROR_USAGE, "--table");
}
END_TEST

UNIT_MAIN_WITH("job/dry_run", set_up, tear_down,
               UNIT_TEST(the_plan_names_source_key_range_and_target),
               UNIT_TEST(the_plan_names_what_was_asked_for),
               UNIT_EACH(each_column_is_told_with_what_becomes_of_it, types),
               UNIT_TEST(three_documents_of_the_first_window_are_shown),
               UNIT_TEST(a_window_that_holds_all_rows_is_told_to),
               UNIT_TEST(a_row_that_cannot_be_a_document_is_told_with_its_reason),
               UNIT_TEST(nothing_is_written), UNIT_TEST(an_error_of_the_query_is_told))
