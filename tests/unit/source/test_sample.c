/* test_sample.c: shards by a sample: what is asked, what the answer is made of, and when it can't tell. The
 * statements themselves run against PostgreSQL in tests/integration/test_plan.py. */
#include "source/sample.h"

#include "described.h"

enum { PARTS = 3 };

static struct query *q;
static struct error err;
static struct key_range parts[PARTS];
static size_t part_count;
static struct buffer keys;
static bool told;
static const char *why;

#define TABLE                                                                                      \
    {                                                                                              \
        .sql = "pg_partition_tree", .columns = "a b c d", .rows = "t\tpublic.image\tid\t1000000\n" \
    }

static void begin(const struct canned_rule *rules, size_t count)
{
    described_begin(rules, count);
    q = described_query("id");
    buffer_init(&keys, 1000);
}

static void end(void)
{
    buffer_free(&keys);
    query_free(q);
    described_end();
}

static bool split(const struct key_range *range)
{
    return sample_split(described_pg, q, range, PARTS, parts, &part_count, &keys, &told, &why,
                        &err);
}

START_TEST(the_parts_end_with_the_keys_of_the_answer)
{
    static const struct canned_rule rules[] = {
        TABLE,
        {.sql = "TABLESAMPLE", .columns = "a b", .rows = "90\t30\n90\t60\n90\t90\n"},
        DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(split(&(struct key_range){.has_from = false}), err);
    ck_assert(told);
    ck_assert_uint_eq(part_count, PARTS);
    ck_assert(!parts[0].has_from && parts[0].has_to && !parts[0].is_to_exclusive);
    unit_assert_slice(parts[0].to, "30");
    ck_assert(parts[1].has_from && !parts[1].is_from_inclusive && parts[1].has_to);
    unit_assert_slice(parts[1].from, "30");
    unit_assert_slice(parts[1].to, "60");
    ck_assert(parts[2].has_from && !parts[2].has_to);
    unit_assert_slice(parts[2].from, "60");
    end();
}
END_TEST

START_TEST(the_first_and_last_part_have_the_ranges_bounds)
{
    static const struct canned_rule rules[] = {
        TABLE,
        {.sql = "TABLESAMPLE", .columns = "a b", .rows = "90\t30\n90\t60\n90\t90\n"},
        DESCRIBED_RULES};
    struct key_range range = {.has_from = true,
                              .is_from_inclusive = true,
                              .from = slice_of("7"),
                              .has_to = true,
                              .to = slice_of("95")};
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(split(&range), err);
    ck_assert(parts[0].is_from_inclusive);
    unit_assert_slice(parts[0].from, "7");
    unit_assert_slice(parts[2].to, "95");
    ck_assert_ptr_nonnull(strstr(described_statement("TABLESAMPLE"),
                                 "WHERE q.\"id\" >= '7'::bigint AND q.\"id\" <= '95'::bigint"));
    end();
}
END_TEST

START_TEST(so_many_pages_are_read_as_ten_thousand_keys_need)
{
    static const struct canned_rule rules[] = {
        TABLE,
        {.sql = "TABLESAMPLE", .columns = "a b", .rows = "90\t30\n90\t60\n90\t90\n"},
        DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(split(&(struct key_range){.has_from = false}), err);
    const char *sql = described_statement("TABLESAMPLE"); // 2,500 pages of a million
    ck_assert_ptr_nonnull(strstr(sql, "SELECT t.id AS key FROM public.image AS t TABLESAMPLE "
                                      "SYSTEM (0.250000000)"));
    ck_assert_ptr_nonnull(strstr(sql, "< 10000)"));
    end();
}
END_TEST

START_TEST(too_small_a_sample_tells_nothing)
{
    static const struct canned_rule few[] = {
        TABLE,
        {.sql = "TABLESAMPLE", .columns = "a b", .rows = "29\t9\n29\t19\n29\t29\n"},
        DESCRIBED_RULES};
    static const struct canned_rule none[] = {
        TABLE, {.sql = "TABLESAMPLE", .columns = "a b"}, DESCRIBED_RULES};
    begin(_i == 0 ? few : none, COUNT_OF(few));
    unit_assert_ok(split(&(struct key_range){.has_from = false}), err);
    ck_assert(!told);
    ck_assert_str_eq(why, "too few rows of a sample are the query's");
    end();
}
END_TEST

START_TEST(what_is_no_table_is_not_sampled)
{
    static const struct canned_rule view[] = {
        {.sql = "pg_partition_tree", .columns = "a b c d", .rows = "f\tpublic.v\tid\t0\n"},
        DESCRIBED_RULES};
    static const struct canned_rule expression[] = {
        {.sql = "LIMIT 0", .columns = "id:20:0:0 title:25:16385:2 tags:1009:16385:3"},
        DESCRIBED_RULES};
    begin(_i == 0 ? view : expression, _i == 0 ? COUNT_OF(view) : COUNT_OF(expression));
    unit_assert_ok(split(&(struct key_range){.has_from = false}), err);
    ck_assert(!told);
    ck_assert_str_eq(why, "its key is no column of a table");
    ck_assert_str_eq(described_statement("TABLESAMPLE"), "(none)");
    end();
}
END_TEST

START_TEST(what_the_server_says_is_passed_on)
{
    static const struct canned_rule rules[2][6] = {
        {{.sql = "pg_partition_tree", .state = "42501", .message = "permission denied"},
         DESCRIBED_RULES},
        {TABLE,
         {.sql = "TABLESAMPLE", .state = "57014", .message = "statement timeout"},
         DESCRIBED_RULES},
    };
    static const char *const words[] = {"permission denied", "statement timeout"};
    begin(rules[_i], _i == 0 ? 4 : 5);
    ck_assert(!split(&(struct key_range){.has_from = false}));
    ck_assert_ptr_nonnull(strstr(err.message, words[_i]));
    end();
}
END_TEST

UNIT_MAIN("source/sample", UNIT_TEST(the_parts_end_with_the_keys_of_the_answer),
          UNIT_TEST(the_first_and_last_part_have_the_ranges_bounds),
          UNIT_TEST(so_many_pages_are_read_as_ten_thousand_keys_need),
          UNIT_LOOP(too_small_a_sample_tells_nothing, 2),
          UNIT_LOOP(what_is_no_table_is_not_sampled, 2),
          UNIT_LOOP(what_the_server_says_is_passed_on, 2))
