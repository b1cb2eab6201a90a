/* test_split.c: the bounds of a plan's shards: by a sample or by reading all keys, and what goes wrong. */
#include "fleet/split.h"

#include "../source/canned_postgres.h"

enum { SHARDS = 3 };

#define DESCRIBE                                                                                   \
    {.sql = "LIMIT 0", .columns = "id:20:16385:1"},                                                \
        {.sql = "format_type", .columns = "a", .rows = "bigint\n"},                                \
        {.sql = "pg_index", .columns = "a", .rows = "1\n"},                                        \
        {.sql = "pg_partition_tree", .columns = "a b c d", .rows = "t\timage\tid\t9\n"},           \
        {.sql = "EXPLAIN", .columns = "p", .rows = "[{\"Plan\":{\"Plan Rows\":500}}]\n"},          \
        {.sql = "count(*) FROM (SELECT", .columns = "a", .rows = "301\n"},                         \
        {.sql = "'100'::bigint", .columns = "a", .rows = "200\n"},                                 \
    {                                                                                              \
        .sql = "OFFSET 99", .columns = "a", .rows = "100\n"                                        \
    }
#define SAMPLE                                                                                     \
    {                                                                                              \
        .sql = "TABLESAMPLE", .columns = "a b", .rows = "90\t30\n90\t60\n90\t90\n"                 \
    }
#define SMALL_SAMPLE                                                                               \
    {                                                                                              \
        .sql = "TABLESAMPLE", .columns = "a b", .rows = "2\t1\n2\t2\n"                             \
    }

static const struct canned_rule sampled[] = {SAMPLE, DESCRIBE};
static const struct canned_rule small[] = {SMALL_SAMPLE, DESCRIBE};

static struct canned_postgres server;
static struct job_options options;
static struct split *split;
static struct error err;

static void start(const struct canned_rule *rules)
{
    server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&server, rules, COUNT_OF(sampled));
    options = (struct job_options){
        .dsn = server.dsn, .table = "image", .key = "id", .statement_timeout_ms = 1000};
}

static void end(void)
{
    canned_postgres_stop(&server);
}

START_TEST(a_sample_tells_where_the_rows_are)
{
    start(sampled);
    unit_assert_ok(split_make(&split, &options, SHARDS, (enum plan_bounds)_i, &err), err);
    ck_assert(!split->is_exact);
    ck_assert_uint_eq(split->rows, 500);
    ck_assert_uint_eq(split->count, SHARDS);
    ck_assert_str_eq(split->key_type, "bigint");
    unit_assert_slice(split->shards[0].to, "30");
    unit_assert_slice(split->shards[2].from, "60");
    split_free(split);
    end();
}
END_TEST

START_TEST(all_keys_are_read_when_exact_bounds_are_wanted)
{
    start(sampled);
    unit_assert_ok(split_make(&split, &options, SHARDS, PLAN_BOUNDS_EXACT, &err), err);
    ck_assert(split->is_exact);
    ck_assert_uint_eq(split->rows, 301);
    unit_assert_slice(split->shards[0].to, "100");
    unit_assert_slice(split->shards[1].to, "200");
    ck_assert_int_eq(canned_count_statements(&server, "TABLESAMPLE"), 0);
    split_free(split);
    end();
}
END_TEST

START_TEST(all_keys_are_read_when_a_sample_tells_nothing)
{
    start(small);
    unit_assert_ok(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ANY, &err), err);
    ck_assert(split->is_exact);
    unit_assert_slice(split->shards[0].to, "100");
    split_free(split);
    end();
}
END_TEST

START_TEST(an_estimate_reads_a_sample_or_nothing)
{
    start(small);
    unit_assert_error(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ESTIMATE, &err), err,
                      ERROR_CONFIG, "too few rows of a sample are the query's");
    ck_assert_int_eq(canned_count_statements(&server, "count(*) FROM (SELECT"), 0);
    end();
}
END_TEST

START_TEST(the_query_and_its_key_have_a_hash)
{
    char first[JOB_HASH_BYTES];
    start(sampled);
    for (int i = 0; i < 3; i++) {
        options.index = i == 1 ? "another" : NULL;
        options.table = i == 2 ? "audio" : "image";
        unit_assert_ok(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ANY, &err), err);
        ck_assert_uint_eq(strlen(split->query), 32);
        if (i == 0)
            memcpy(first, split->query, sizeof first);
        ck_assert_int_eq(strcmp(split->query, first) == 0, i < 2);
        split_free(split);
    }
    end();
}
END_TEST

START_TEST(what_cannot_be_read_is_refused)
{
    static const struct canned_rule denied[COUNT_OF(sampled)] = {
        {.sql = "TABLESAMPLE", .state = "42501", .message = "permission denied"}, DESCRIBE};
    start(denied);
    unit_assert_error(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ANY, &err), err,
                      ERROR_DENIED, "the sample: ");
    options.table = NULL;
    unit_assert_error(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ANY, &err), err, ERROR_USAGE,
                      "give either --table NAME or --query FILE");
    options.table = "image";
    options.key = "none";
    unit_assert_error(split_make(&split, &options, SHARDS, PLAN_BOUNDS_ANY, &err), err,
                      ERROR_CONFIG, "no column \"none\"");
    end();
}
END_TEST

UNIT_MAIN("fleet/split", UNIT_LOOP(a_sample_tells_where_the_rows_are, 2),
          UNIT_TEST(all_keys_are_read_when_exact_bounds_are_wanted),
          UNIT_TEST(all_keys_are_read_when_a_sample_tells_nothing),
          UNIT_TEST(an_estimate_reads_a_sample_or_nothing),
          UNIT_TEST(the_query_and_its_key_have_a_hash), UNIT_TEST(what_cannot_be_read_is_refused))
