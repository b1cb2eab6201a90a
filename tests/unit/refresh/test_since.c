/* test_since.c: the mark of what an index holds: when it is noted, and which index has none. Loads of newer rows are
 * tests/integration/test_refresh.py's. */
#include "refresh/since.h"

#include "../index/stepped.h"
#include "../source/canned_postgres.h"

#define MARK(column) "\"bobbin\":{\"since\":{\"column\":\"" column "\",\"value\":\"7\"}}"

static const struct canned_rule rules[] = {
    {.sql = "SELECT max(q.\"changed\")::text FROM (SELECT * FROM image\n) AS q",
     .columns = "a",
     .rows = "2026\n"},
    {.sql = "SELECT max(q.\"nothing\")", .columns = "a", .rows = "\\N\n"},
    {.sql = "SELECT max(q.\"image\")", .state = "42703", .message = "no such column"}};

static struct canned_postgres database;
static struct fill_watch watch;

static void begin(const struct canned_answer *answers, size_t count)
{
    database = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&database, rules, COUNT_OF(rules));
    job.dsn = database.dsn;
    job.table = "image";
    wish.alias = "image";
    stepped_begin(answers, count);
}

static void end(void)
{
    stepped_end();
    canned_postgres_stop(&database);
}

static const struct {
    const char *column, *note;
} marks[] = {
    {"changed", "{\"_meta\":{\"bobbin\":{\"since\":{\"column\":\"changed\",\"value\":\"2026\"}}}}"},
    {"nothing", "{\"_meta\":{\"bobbin\":{\"since\":{\"column\":\"nothing\",\"value\":null}}}}"},
};

START_TEST(the_greatest_value_is_noted)
{
    const struct canned_answer answers[] = {FOUND("image-2", SETTINGS, "", ""), DONE};
    begin(answers, COUNT_OF(answers));
    unit_assert_ok(since_mark(&steps, "image-2", marks[_i].column, &err), err);
    stepped_assert_asked(1, "PUT /image-2/_mapping ", marks[_i].note);
    end();
}
END_TEST

START_TEST(a_mark_that_is_there_stays)
{
    const struct canned_answer answers[] = {FOUND("image-2", SETTINGS, MARK("changed"), "")};
    begin(answers, COUNT_OF(answers));
    unit_assert_ok(since_mark(&steps, "image-2", "changed", &err), err);
    ck_assert_int_eq(database.session_count, 0);
    end();
}
END_TEST

START_TEST(a_column_that_is_not_there_is_told)
{
    const struct canned_answer answers[] = {FOUND("image-2", SETTINGS, "", "")};
    begin(answers, COUNT_OF(answers));
    unit_assert_error(since_mark(&steps, "image-2", "image", &err), err, ERROR_CONFIG,
                      "the greatest image: ");
    stepped_assert_count(1);
    end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    const char *text;
} refusals[] = {
    {MISSING, "image stands for no index"},
    {OK("{" INDEX("image-1", SETTINGS, "", "") "," INDEX("image-2", SETTINGS, "", "") "}"),
     "image stands for more than one index"},
    {FOUND("image-2", SETTINGS, "", ""), "index image-2 has no mark"},
    {FOUND("image-2", SETTINGS, MARK("id"), ""), "has a mark of column id, not of changed"},
};

START_TEST(newer_rows_need_one_index_with_a_mark)
{
    begin(&refusals[_i].answer, 1);
    unit_assert_error(since_run(&job, &wish, "changed", &watch, &err), err, ERROR_CONFIG,
                      refusals[_i].text);
    stepped_assert_count(1);
    ck_assert_int_eq(database.session_count, 0);
    end();
}
END_TEST

UNIT_MAIN_WITH("refresh/since", stepped_set_up, NULL, UNIT_EACH(the_greatest_value_is_noted, marks),
               UNIT_TEST(a_mark_that_is_there_stays), UNIT_TEST(a_column_that_is_not_there_is_told),
               UNIT_EACH(newer_rows_need_one_index_with_a_mark, refusals))
