/* test_plan.c: a plan as a file: what is written is read again, what is no plan is refused, and a shard of it
 * becomes a job's range. */
#include "fleet/plan.h"

#include "../source/canned_postgres.h"

static const struct canned_rule rules[] = {
    {.sql = "TABLESAMPLE", .columns = "a b", .rows = "90\t30\n90\t60\n90\t90\n"},
    {.sql = "LIMIT 0", .columns = "id:20:16385:1"},
    {.sql = "format_type", .columns = "a", .rows = "bigint\n"},
    {.sql = "pg_index", .columns = "a", .rows = "1\n"},
    {.sql = "pg_partition_tree", .columns = "a b c d", .rows = "t\timage\tid\t9\n"},
    {.sql = "EXPLAIN", .columns = "p", .rows = "[{\"Plan\":{\"Plan Rows\":500}}]\n"},
    {.sql = " <= ", .columns = "a", .rows = "t\n"},
};

static struct canned_postgres server;
static struct job_options options;
static struct plan *plan;
static char *directory;
static char path[256];
static struct error err;

static void set_up(void)
{
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/plan.json", directory);
    server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&server, rules, COUNT_OF(rules));
    options = (struct job_options){
        .dsn = server.dsn, .table = "image", .key = "id", .statement_timeout_ms = 1000};
    plan = NULL;
}

static void tear_down(void)
{
    plan_free(plan);
    canned_postgres_stop(&server);
    unit_remove_directory(directory);
}

static void put_file(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Make a plan of three shards, write it, and read it back. */
static void make(void)
{
    struct buffer text;
    buffer_init(&text, PLAN_MAX_BYTES);
    unit_assert_ok(plan_make(&plan, &options, 3, PLAN_BOUNDS_ANY, &err), err);
    unit_assert_ok(plan_put_json(plan, &text, &err), err);
    put_file(buffer_string(&text));
    buffer_free(&text);
    plan_free(plan);
    unit_assert_ok(plan_read(&plan, path, &err), err);
}

static void assert_bounds(size_t number, const char *from, const char *after, const char *to)
{
    const char *bounds[3];
    plan_shard_bounds(plan, number, &bounds[0], &bounds[1], &bounds[2]);
    ck_assert_pstr_eq(bounds[0], from);
    ck_assert_pstr_eq(bounds[1], after);
    ck_assert_pstr_eq(bounds[2], to);
}

START_TEST(what_is_written_is_read_again)
{
    make();
    ck_assert_uint_eq(plan_wanted(plan), 3);
    ck_assert_uint_eq(plan_count(plan), 3);
    ck_assert_uint_eq(plan_rows(plan), 500);
    ck_assert(!plan_is_exact(plan));
    assert_bounds(0, NULL, NULL, "30");
    assert_bounds(1, NULL, "30", "60");
    assert_bounds(2, NULL, "60", NULL);
    ck_assert_uint_eq(plan_shard_rows(plan, 0), 166);
    ck_assert_uint_eq(plan_shard_rows(plan, 2), 168);
}
END_TEST

START_TEST(a_range_is_the_first_and_last_shards)
{
    options.from = "5";
    options.to = "\xc3\xa4 \"";
    make();
    assert_bounds(0, "5", NULL, "30");
    assert_bounds(2, NULL, "60", "\xc3\xa4 \"");
    plan_free(plan);
    options.from = NULL;
    options.after = "";
    make();
    assert_bounds(0, NULL, "", "30");
}
END_TEST

START_TEST(what_is_no_utf8_is_refused)
{
    options.from = "\xe9";
    unit_assert_error(plan_make(&plan, &options, 3, PLAN_BOUNDS_ANY, &err), err, ERROR_CONFIG,
                      "multibyte character");
    options.key = "\xe9";
    unit_assert_error(plan_make(&plan, &options, 3, PLAN_BOUNDS_ANY, &err), err, ERROR_CONFIG,
                      "not valid UTF-8");
}
END_TEST

/* --- files --- */

#define PLAN_WITH(shards)                                                                          \
    "{\"bobbin_plan\":1,\"query\":\"x\",\"key\":\"id\",\"of\":2,\"rows\":1,\"exact\":true,"        \
    "\"shards\":" shards "}"

static const char *const no_plans[] = {
    "",
    "7",
    "[]",
    "{}",
    "{\"bobbin_plan\":1}",
    PLAN_WITH("7"),
    PLAN_WITH("[]"),
    PLAN_WITH("[7]"),
    PLAN_WITH("[{\"to\":7},{\"after\":\"7\"}]"),
    PLAN_WITH("[{\"to\":\"1\"},{\"after\":\"2\"}]"), // a gap
    PLAN_WITH("[{\"to\":\"2\"},{\"after\":\"1\"}]"),
    PLAN_WITH("[{\"to\":\"1\"},{\"from\":\"1\",\"after\":\"1\"}]"),
    PLAN_WITH("[{\"to\":\"1\"},{}]"),
    PLAN_WITH("[{},{\"after\":\"1\"}]"),
    PLAN_WITH("[{\"to\":\"1\"},{\"after\":\"1\",\"to\":\"2\"},{\"after\":\"2\"}]"), // three of two
    ("{\"bobbin_plan\":2,\"query\":\"x\",\"key\":\"id\",\"of\":1,\"rows\":1,\"exact\":true,"
     "\"shards\":[{}]}"),
};

START_TEST(what_is_no_plan_is_refused)
{
    put_file(no_plans[_i]);
    unit_assert_error(plan_read(&plan, path, &err), err, ERROR_CONFIG, "plan.json is no plan");
    plan = NULL;
}
END_TEST

START_TEST(what_is_a_plan_is_taken)
{
    put_file(PLAN_WITH("[{\"to\":\"1\"},{\"after\":\"1\"}]"));
    unit_assert_ok(plan_read(&plan, path, &err), err);
    plan_free(plan);
    plan = NULL;
    unit_assert_error(plan_read(&plan, "/nonexistent", &err), err, ERROR_CONFIG, "/nonexistent");
}
END_TEST

/* --- taking a shard --- */

START_TEST(a_shard_becomes_the_jobs_range)
{
    bool is_empty;
    make();
    unit_assert_ok(plan_take_shard(plan, "1/3", &options, &is_empty, &err), err);
    ck_assert(!is_empty);
    ck_assert_pstr_eq(options.from, NULL);
    ck_assert_pstr_eq(options.after, "30");
    ck_assert_pstr_eq(options.to, "60");
}
END_TEST

START_TEST(another_index_takes_the_same_plan)
{
    bool is_empty;
    make();
    options.index = "images-2";
    options.dsn = "host=another";
    unit_assert_ok(plan_take_shard(plan, "0/3", &options, &is_empty, &err), err);
    ck_assert_pstr_eq(options.to, "30");
}
END_TEST

static const char *const no_shards[] = {"",    "1",    "/",     "1/",    "/3",   "3/3",
                                        "4/3", "-1/3", "1/3/3", "1/3 ",  " 1/3", "a/3",
                                        "0/0", "+1/3", "1.0/3", "0x1/3", "1//3", "9999999999/3"};

START_TEST(what_names_no_shard_is_refused)
{
    bool is_empty;
    make();
    unit_assert_error(plan_take_shard(plan, no_shards[_i], &options, &is_empty, &err), err,
                      ERROR_USAGE, "say which of how many, from 0/N to N-1/N");
}
END_TEST

START_TEST(another_number_of_shards_is_refused)
{
    bool is_empty;
    make();
    unit_assert_error(plan_take_shard(plan, "1/4", &options, &is_empty, &err), err, ERROR_USAGE,
                      "the plan has 3 shards, not 4");
}
END_TEST

START_TEST(another_query_or_key_or_a_range_is_refused)
{
    bool is_empty;
    struct job_options others[4];
    make();
    for (int i = 0; i < 4; i++)
        others[i] = options;
    others[0].table = "audio";
    others[1].key = "uuid";
    unit_assert_error(plan_take_shard(plan, "1/3", &others[0], &is_empty, &err), err, ERROR_CONFIG,
                      "of another query or key");
    unit_assert_error(plan_take_shard(plan, "1/3", &others[1], &is_empty, &err), err, ERROR_CONFIG,
                      "of another query or key");
    others[2].to = "5";
    others[3].after = "5";
    unit_assert_error(plan_take_shard(plan, "1/3", &others[2], &is_empty, &err), err, ERROR_USAGE,
                      "--shard goes without");
    unit_assert_error(plan_take_shard(plan, "1/3", &others[3], &is_empty, &err), err, ERROR_USAGE,
                      "--shard goes without");
}
END_TEST

START_TEST(a_shard_for_which_there_were_no_rows_is_empty)
{
    bool is_empty;
    char hash[JOB_HASH_BYTES], text[512];
    unit_assert_ok(job_hash_query(&options, "SELECT * FROM image", hash, &err), err);
    snprintf(
        text, sizeof text,
        "{\"bobbin_plan\":1,\"query\":\"%s\",\"key\":\"id\",\"of\":4,\"rows\":2,\"exact\":true,"
        "\"shards\":[{\"to\":\"1\"},{\"after\":\"1\"}]}",
        hash);
    put_file(text);
    unit_assert_ok(plan_read(&plan, path, &err), err);
    for (int i = 0; i < 4; i++) {
        struct job_options o = options;
        char words[] = {(char)('0' + i), '/', '4', '\0'};
        unit_assert_ok(plan_take_shard(plan, words, &o, &is_empty, &err), err);
        ck_assert_int_eq(is_empty, i >= 2);
        ck_assert_int_eq(job_is_part(&o), i < 2);
    }
}
END_TEST

UNIT_MAIN_WITH("fleet/plan", set_up, tear_down, UNIT_TEST(what_is_written_is_read_again),
               UNIT_TEST(a_range_is_the_first_and_last_shards),
               UNIT_TEST(what_is_no_utf8_is_refused),
               UNIT_EACH(what_is_no_plan_is_refused, no_plans), UNIT_TEST(what_is_a_plan_is_taken),
               UNIT_TEST(a_shard_becomes_the_jobs_range),
               UNIT_TEST(another_index_takes_the_same_plan),
               UNIT_EACH(what_names_no_shard_is_refused, no_shards),
               UNIT_TEST(another_number_of_shards_is_refused),
               UNIT_TEST(another_query_or_key_or_a_range_is_refused),
               UNIT_TEST(a_shard_for_which_there_were_no_rows_is_empty))
