/* test_count.c: the query's documents and the index's are counted and compared. */
#include "index/steps.h"

#include "../source/canned_postgres.h"
#include "stepped.h"

#define FILTERED                                                                                   \
    "\"bobbin\":{\"filter\":{\"source\":\"images-full\",\"done\":true,\"documents\":90,"           \
    "\"left_out\":10}}"

static const struct canned_rule rules[] = {
    {.sql = "LIMIT 0", .columns = "id:20:16385:1"},
    {.sql = "format_type", .columns = "a", .rows = "bigint\n"},
    {.sql = "pg_index", .columns = "a", .rows = "1\n"},
    {.sql = "SELECT '", .columns = "a", .rows = "t\n"},
    {.sql = "count(*)", .columns = "a", .rows = "100\n"},
};

static struct canned_postgres postgres;
static struct step_counts counts;

static void set_up(void)
{
    stepped_set_up();
    postgres = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&postgres, rules, COUNT_OF(rules));
    job.dsn = postgres.dsn;
    job.table = "image";
    job.key = "id";
    job.statement_timeout_ms = PATIENCE_MS;
}

static void tear_down(void)
{
    canned_postgres_stop(&postgres);
}

START_TEST(both_are_counted_after_a_refresh)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""), REFRESHED,
                                            COUNT("100")};
    BEGIN(answers);
    unit_assert_ok(step_count(&steps, "images", &counts, &err), err);
    ck_assert_uint_eq(counts.rows, 100);
    ck_assert_uint_eq(counts.documents, 100);
    unit_assert_ok(step_check_counts(&counts, "images", &err), err);
    stepped_assert_asked(1, "POST /images/_refresh ", NULL);
    stepped_assert_asked(2, "GET /images/_count ", NULL);
    stepped_end();
}
END_TEST

START_TEST(no_refresh_is_made_when_none_is_wished)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""), COUNT("99")};
    wish.skips_refresh = true;
    BEGIN(answers);
    unit_assert_ok(step_count(&steps, "images", &counts, &err), err);
    unit_assert_error(step_check_counts(&counts, "images", &err), err, ERROR_DIFFERENT,
                      "the query gives 100 documents, and index images has 99");
    stepped_assert_count(2);
    stepped_end();
}
END_TEST

START_TEST(what_a_filter_left_out_counts_too)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, FILTERED, ""), REFRESHED,
                                            COUNT("90")};
    BEGIN(answers);
    unit_assert_ok(step_count(&steps, "images", &counts, &err), err);
    ck_assert_uint_eq(counts.left_out, 10);
    unit_assert_ok(step_check_counts(&counts, "images", &err), err);
    ck_assert_int_eq(canned_count_statements(&postgres, "'images-full' = 'images-full'"), 1);
    counts.documents = 89;
    unit_assert_error(step_check_counts(&counts, "images", &err), err, ERROR_DIFFERENT,
                      "its filter left 10 out");
    stepped_end();
}
END_TEST

START_TEST(an_index_that_is_missing_has_no_number)
{
    const struct canned_answer answers[] = {MISSING};
    BEGIN(answers);
    unit_assert_error(step_count(&steps, "images", &counts, &err), err, ERROR_CONFIG,
                      "does not exist");
    unit_assert_error(step_count_documents(&steps, "images", &counts, &err), err, ERROR_CONFIG,
                      "does not exist");
    stepped_end();
}
END_TEST

START_TEST(without_a_query_there_is_nothing_to_compare_with)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", "")};
    job.table = NULL;
    BEGIN(answers);
    unit_assert_error(step_count(&steps, "images", &counts, &err), err, ERROR_USAGE,
                      "give either --table NAME or --query FILE");
    stepped_end();
}
END_TEST

START_TEST(who_may_not_refresh_is_warned)
{
    const struct canned_answer answers[] = {{.status = 403, .body = "{}"}};
    BEGIN(answers);
    unit_assert_ok(step_refresh(&steps, "images", &err), err);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/count", set_up, tear_down, UNIT_TEST(both_are_counted_after_a_refresh),
               UNIT_TEST(no_refresh_is_made_when_none_is_wished),
               UNIT_TEST(what_a_filter_left_out_counts_too),
               UNIT_TEST(an_index_that_is_missing_has_no_number),
               UNIT_TEST(without_a_query_there_is_nothing_to_compare_with),
               UNIT_TEST(who_may_not_refresh_is_warned))
