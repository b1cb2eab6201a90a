/* test_window.c: which keys to read next, and what is refused before the first row. */
#include "source/window.h"

#include "described.h"

static struct query *q;
static struct error err;
static const struct key_range all = {.has_from = false};

static void begin(const struct canned_rule *rules, size_t count)
{
    described_begin(rules, count);
    q = described_query("id");
}

static void end(void)
{
    query_free(q);
    described_end();
}

/* --- windows --- */

START_TEST(a_window_ends_with_the_key_of_its_last_row)
{
    static const struct canned_rule rules[] = {
        {.sql = "OFFSET 999 LIMIT 1", .columns = "a", .rows = "1007\n"}, DESCRIBED_RULES};
    struct buffer upto;
    bool found;
    buffer_init(&upto, 100);
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_find_end(described_pg, q, &all, 1000, &upto, &found, &err), err);
    ck_assert(found);
    unit_assert_slice(buffer_slice(&upto), "1007");
    buffer_free(&upto);
    end();
}
END_TEST

START_TEST(the_last_window_has_no_end)
{
    static const struct canned_rule rules[] = {{.sql = "OFFSET", .columns = "a"}, DESCRIBED_RULES};
    struct buffer upto;
    bool found;
    buffer_init(&upto, 100);
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_find_end(described_pg, q, &all, 1000, &upto, &found, &err), err);
    ck_assert(!found);
    ck_assert_uint_eq(upto.size, 0);
    buffer_free(&upto);
    end();
}
END_TEST

START_TEST(what_the_server_says_of_a_window_is_passed_on)
{
    static const struct canned_rule rules[] = {
        {.sql = "OFFSET", .state = "57014", .message = "statement timeout"}, DESCRIBED_RULES};
    struct buffer upto;
    bool found;
    buffer_init(&upto, 100);
    begin(rules, COUNT_OF(rules));
    unit_assert_error(window_find_end(described_pg, q, &all, 1000, &upto, &found, &err), err,
                      ERROR_UNAVAILABLE, "the end of the next window");
    ck_assert_ptr_nonnull(strstr(err.message, "statement timeout"));
    buffer_free(&upto);
    end();
}
END_TEST

/* --- the range --- */

#define ASKED(from, to)                                                                            \
    "SELECT '" from "'::bigint <= coalesce((SELECT q.\"id\" FROM (" DESCRIBED_SELECT               \
    "\n) AS q WHERE false), '" to "'::bigint)"

static const struct {
    struct key_range range;
    const char *question;
} questions[] = {
    {{.has_from = true, .from = {"1", 1}, .has_to = true, .to = {"9", 1}}, ASKED("1", "9")},
    {{.has_from = true, .from = {"1", 1}}, ASKED("1", "1")},
    {{.has_to = true, .to = {"9", 1}}, ASKED("9", "9")},
};

START_TEST(the_server_compares_the_bounds)
{
    static const struct canned_rule good[] = {{.sql = " <= ", .columns = "a", .rows = "t\n"},
                                              DESCRIBED_RULES};
    static const struct canned_rule bad[] = {{.sql = " <= ", .columns = "a", .rows = "f\n"},
                                             DESCRIBED_RULES};
    begin(good, COUNT_OF(good));
    unit_assert_ok(window_check_range(described_pg, q, &questions[_i].range, &err), err);
    ck_assert_str_eq(described_statement(" <= "), questions[_i].question);
    end();
    begin(bad, COUNT_OF(bad));
    unit_assert_error(window_check_range(described_pg, q, &questions[_i].range, &err), err,
                      ERROR_USAGE, "upside down");
    end();
}
END_TEST

START_TEST(a_range_without_bounds_is_not_asked_about)
{
    static const struct canned_rule rules[] = {DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    size_t before = described_server.statement_count;
    unit_assert_ok(window_check_range(described_pg, q, &all, &err), err);
    ck_assert_uint_eq(described_server.statement_count, before);
    end();
}
END_TEST

START_TEST(a_bound_that_is_no_key_is_the_users_mistake)
{
    static const struct canned_rule rules[] = {
        {.sql = " <= ", .state = "22P02", .message = "invalid input syntax for type bigint: \"x\""},
        DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(window_check_range(described_pg, q, &questions[0].range, &err), err,
                      ERROR_USAGE, "--from and --to must be keys (type bigint)");
    ck_assert_ptr_nonnull(strstr(err.message, "invalid input syntax"));
    end();
}
END_TEST

START_TEST(a_lost_connection_is_not_the_users_mistake)
{
    static const struct canned_rule rules[] = {{.sql = " <= ", .closes = true}, DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(window_check_range(described_pg, q, &questions[0].range, &err), err,
                      ERROR_UNAVAILABLE, "PostgreSQL at");
    end();
}
END_TEST

/* --- the key --- */

#define NO_NULLS                                                                                   \
    {                                                                                              \
        .sql = "q.\"id\" IS NULL", .columns = "a"                                                  \
    }

START_TEST(a_unique_key_without_nulls_is_good_and_its_keys_are_not_read)
{
    static const struct canned_rule rules[] = {NO_NULLS, DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_check_key(described_pg, q, &questions[0].range, &err), err);
    ck_assert_int_eq(canned_count_statements(&described_server, "HAVING"), 0);
    ck_assert_ptr_nonnull(strstr(described_statement("\" IS NULL"),
                                 "AS q WHERE q.\"id\" IS NULL LIMIT 1")); // of the whole query
    end();
}
END_TEST

START_TEST(a_null_key_is_found)
{
    static const struct canned_rule rules[] = {
        {.sql = "q.\"id\" IS NULL", .columns = "a", .rows = "1\n"}, DESCRIBED_RULES};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(window_check_key(described_pg, q, &all, &err), err, ERROR_CONFIG,
                      "the key is NULL");
    end();
}
END_TEST

START_TEST(a_key_of_two_rows_is_found_and_named)
{
    static const struct canned_rule rules[] = {
        NO_NULLS,
        {.sql = "HAVING count(*) > 1", .columns = "a", .rows = "4711\n"},
        {.sql = "pg_index", .columns = "a"}, // none
        DESCRIBED_RULES,
    };
    begin(rules, COUNT_OF(rules));
    unit_assert_error(window_check_key(described_pg, q, &questions[0].range, &err), err,
                      ERROR_CONFIG, "not unique: two rows have 4711");
    ck_assert_ptr_nonnull(
        strstr(described_statement("HAVING"),
               "WHERE q.\"id\" > '1'::bigint AND q.\"id\" <= '9'::bigint GROUP BY"));
    end();
}
END_TEST

START_TEST(a_key_without_an_index_can_be_unique_all_the_same)
{
    static const struct canned_rule rules[] = {
        NO_NULLS,
        {.sql = "HAVING count(*) > 1", .columns = "a"},
        {.sql = "pg_index", .columns = "a"}, // none
        DESCRIBED_RULES,
    };
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_check_key(described_pg, q, &all, &err), err);
    end();
}
END_TEST

/* --- how many --- */

static const struct {
    const char *plan;
    uint64_t rows;
} plans[] = {
    {"[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Plan Rows\": 12345, \"Plan Width\": 8}}]\n",
     12345},
    {"[{\"Plan\": {\"Plan Rows\": 0}}]\n", 0},
    {"[{\"Plan\": {\"Plan Rows\": 1.5e9}}]\n", 1500000000},
    {"[{\"Plan\": {}}]\n", 0},
    {"[]\n", 0},
    {"Seq Scan on image\n", 0},
    {"", 0},
};

START_TEST(the_planner_estimates_the_rows_or_nobody_does)
{
    const struct canned_rule rules[] = {{.sql = "EXPLAIN (FORMAT JSON) SELECT q.\"id\" FROM",
                                         .columns = "plan",
                                         .rows = plans[_i].plan},
                                        DESCRIBED_RULES};
    uint64_t rows = 77;
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_estimate_rows(described_pg, q, &all, &rows, &err), err);
    ck_assert_uint_eq(rows, plans[_i].rows);
    end();
}
END_TEST

START_TEST(the_server_counts_the_documents_or_the_rows_of_a_range)
{
    const struct canned_rule rules[] = {
        {.sql = "count(*) FILTER (WHERE 'index' <> 'delete' AND 'images' = 'images') FROM",
         .columns = "count",
         .rows = "273339\n"},
        {.sql = "SELECT count(*) FROM", .columns = "count", .rows = "300000\n"},
        DESCRIBED_RULES};
    uint64_t count = 0;
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_count_documents(described_pg, q, &all, "index", "images", &count, &err),
                   err);
    ck_assert_uint_eq(count, 273339);
    unit_assert_ok(window_count_rows(described_pg, q, &all, &count, &err), err);
    ck_assert_uint_eq(count, 300000);
    end();
}
END_TEST

/* --- parts --- */

/* A table of the keys 1 to 100. */
static void answer_bound(const char *sql, struct buffer *rows)
{
    const char *from = strstr(sql, "> '");
    const char *inclusive = strstr(sql, ">= '");
    const char *offset = strstr(sql, "OFFSET ");
    long key = from ? strtol(from + 3, NULL, 10) : strtol(inclusive + 4, NULL, 10) - 1;
    key += strtol(offset + 7, NULL, 10) + 1;
    if (key <= 100)
        buffer_append_format(rows, "%ld\n", key);
}

static const struct {
    size_t count;
    size_t part_count;
    const char *bounds; // of the parts: their last keys
} splits[] = {
    {1, 1, ""}, {2, 2, "50"}, {3, 3, "33 66"}, {4, 4, "25 50 75"}, {7, 7, "14 28 42 56 70 84"},
};

START_TEST(a_range_is_split_into_parts_of_equal_numbers_of_rows)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT count(*)", .columns = "a", .rows = "100\n"},
        {.sql = "OFFSET", .columns = "a", .answer = answer_bound},
        DESCRIBED_RULES};
    const struct key_range range = {
        .has_from = true, .is_from_inclusive = true, .from = slice_of("1")};
    struct key_range parts[8];
    struct buffer keys, bounds;
    size_t part_count;
    uint64_t rows;
    buffer_init(&keys, SIZE_MAX);
    buffer_init(&bounds, 1000);
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_split(described_pg, q, &range, splits[_i].count, parts, &part_count,
                                &keys, &rows, &err),
                   err);
    ck_assert_uint_eq(rows, 100);
    ck_assert_uint_eq(part_count, splits[_i].part_count);
    for (size_t i = 0; i < part_count; i++) {
        ck_assert_int_eq(parts[i].has_to, i + 1 < part_count);
        ck_assert(parts[i].has_from);
        ck_assert_int_eq(parts[i].is_from_inclusive, i == 0);
        ck_assert(slice_equal(parts[i].from, i == 0 ? range.from : parts[i - 1].to));
        if (parts[i].has_to)
            buffer_append_format(&bounds, "%s%.*s", i > 0 ? " " : "", (int)parts[i].to.size,
                                 parts[i].to.data);
    }
    unit_assert_slice(buffer_slice(&bounds), splits[_i].bounds);
    buffer_free(&keys);
    buffer_free(&bounds);
    end();
}
END_TEST

START_TEST(a_range_with_fewer_rows_than_parts_stays_whole)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT count(*)", .columns = "a", .rows = "3\n"}, DESCRIBED_RULES};
    struct key_range parts[8];
    const struct key_range range = {.has_from = true,
                                    .is_from_inclusive = true,
                                    .from = slice_of("5"),
                                    .has_to = true,
                                    .to = slice_of("7")};
    struct buffer keys;
    size_t part_count;
    uint64_t rows;
    buffer_init(&keys, SIZE_MAX);
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_split(described_pg, q, &range, 8, parts, &part_count, &keys, &rows, &err),
                   err);
    ck_assert_uint_eq(part_count, 1);
    ck_assert_uint_eq(rows, 3);
    ck_assert(parts[0].is_from_inclusive);
    unit_assert_slice(parts[0].from, "5");
    unit_assert_slice(parts[0].to, "7");
    buffer_free(&keys);
    end();
}
END_TEST

/* Rows may go while the range is split. */
START_TEST(rows_that_vanish_meanwhile_leave_fewer_parts)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT count(*)", .columns = "a", .rows = "100\n"},
        {.sql = "OFFSET", .times = 1, .columns = "a", .rows = "25\n"},
        {.sql = "OFFSET", .columns = "a"},
        DESCRIBED_RULES};
    struct key_range parts[4];
    struct buffer keys;
    size_t part_count;
    uint64_t rows;
    buffer_init(&keys, SIZE_MAX);
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(window_split(described_pg, q, &all, 4, parts, &part_count, &keys, &rows, &err),
                   err);
    ck_assert_uint_eq(part_count, 2);
    ck_assert(!parts[1].has_to);
    unit_assert_slice(parts[1].from, "25");
    buffer_free(&keys);
    end();
}
END_TEST

static void answer_long_key(const char *sql, struct buffer *rows)
{
    (void)sql;
    for (int i = 0; i < 100000; i++)
        buffer_append_byte(rows, 'k');
    buffer_append_byte(rows, '\n');
}

START_TEST(keys_too_long_to_be_kept_are_an_error)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT count(*)", .columns = "a", .rows = "100\n"},
        {.sql = "OFFSET", .columns = "a", .answer = answer_long_key},
        DESCRIBED_RULES};
    struct key_range parts[3];
    struct buffer keys;
    size_t part_count;
    uint64_t rows;
    buffer_init(&keys, SIZE_MAX);
    begin(rules, COUNT_OF(rules));
    unit_assert_error(
        window_split(described_pg, q, &all, 3, parts, &part_count, &keys, &rows, &err), err,
        ERROR_MEMORY, "a key");
    buffer_free(&keys);
    end();
}
END_TEST

UNIT_MAIN("source/window", UNIT_TEST(a_window_ends_with_the_key_of_its_last_row),
          UNIT_TEST(the_last_window_has_no_end),
          UNIT_TEST(what_the_server_says_of_a_window_is_passed_on),
          UNIT_EACH(the_server_compares_the_bounds, questions),
          UNIT_TEST(a_range_without_bounds_is_not_asked_about),
          UNIT_TEST(a_bound_that_is_no_key_is_the_users_mistake),
          UNIT_TEST(a_lost_connection_is_not_the_users_mistake),
          UNIT_TEST(a_unique_key_without_nulls_is_good_and_its_keys_are_not_read),
          UNIT_TEST(a_null_key_is_found), UNIT_TEST(a_key_of_two_rows_is_found_and_named),
          UNIT_TEST(a_key_without_an_index_can_be_unique_all_the_same),
          UNIT_EACH(the_planner_estimates_the_rows_or_nobody_does, plans),
          UNIT_TEST(the_server_counts_the_documents_or_the_rows_of_a_range),
          UNIT_EACH(a_range_is_split_into_parts_of_equal_numbers_of_rows, splits),
          UNIT_TEST(a_range_with_fewer_rows_than_parts_stays_whole),
          UNIT_TEST(rows_that_vanish_meanwhile_leave_fewer_parts),
          UNIT_TEST(keys_too_long_to_be_kept_are_an_error))
