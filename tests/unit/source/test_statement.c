/* test_statement.c: the statements that are made from the user's SELECT, character by character. */
#include "described.h"

static struct query *q;
static struct buffer sql;
static struct error err;

static const struct canned_rule rules[] = {DESCRIBED_RULES};

static void set_up(void)
{
    described_begin(rules, COUNT_OF(rules));
    q = described_query("id");
    buffer_init(&sql, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&sql);
    query_free(q);
    described_end();
}

#define FROM_Q " FROM (" DESCRIBED_SELECT "\n) AS q"

static const struct {
    struct key_range range;
    const char *where;
} ranges[] = {
    {{.has_from = false}, ""},
    {{.has_from = true, .is_from_inclusive = true, .from = {"5", 1}},
     " WHERE q.\"id\" >= '5'::bigint"},
    {{.has_from = true, .from = {"5", 1}}, " WHERE q.\"id\" > '5'::bigint"},
    {{.has_to = true, .to = {"9", 1}}, " WHERE q.\"id\" <= '9'::bigint"},
    {{.has_to = true, .is_to_exclusive = true, .to = {"9", 1}}, " WHERE q.\"id\" < '9'::bigint"},
    {{.has_from = true, .from = {"5", 1}, .has_to = true, .to = {"9", 1}},
     " WHERE q.\"id\" > '5'::bigint AND q.\"id\" <= '9'::bigint"},
    {{.has_from = true, .from = {"it's", 4}, .has_to = true, .to = {"", 0}},
     " WHERE q.\"id\" > 'it''s'::bigint AND q.\"id\" <= ''::bigint"},
};

static void assert_sql(const char *before, const char *behind)
{
    struct buffer expected;
    buffer_init(&expected, 4096);
    buffer_append_string(&expected, before);
    buffer_append_string(&expected, behind);
    unit_assert_slice(buffer_slice(&sql), buffer_string(&expected));
    buffer_free(&expected);
}

START_TEST(a_copy_reads_the_ranges_rows_in_the_keys_order)
{
    char before[400];
    unit_assert_ok(query_put_copy(q, described_pg, &ranges[_i].range, &sql, &err), err);
    snprintf(before, sizeof before,
             "COPY (SELECT q.\"id\", q.\"title\", to_jsonb(q.\"tags\")" FROM_Q "%s ",
             ranges[_i].where);
    assert_sql(before, "ORDER BY q.\"id\") TO STDOUT");
}
END_TEST

START_TEST(a_copy_of_keys_reads_their_rows)
{
    const struct slice keys[] = {slice_of("5"), slice_of("it's")};
    unit_assert_ok(query_put_copy_of_keys(q, described_pg, keys, 2, &sql, &err), err);
    assert_sql("COPY (SELECT q.\"id\", q.\"title\", to_jsonb(q.\"tags\")" FROM_Q,
               " WHERE q.\"id\" IN ('5'::bigint, 'it''s'::bigint) ORDER BY q.\"id\") TO STDOUT");
}
END_TEST

START_TEST(documents_are_counted_without_deletes_and_other_indices)
{
    unit_assert_ok(query_put_count(q, described_pg, &ranges[1].range, "create", "it's", &sql, &err),
                   err);
    assert_sql("SELECT count(*) FILTER (WHERE 'create' <> 'delete' AND 'it''s' = 'it''s')" FROM_Q,
               " WHERE q.\"id\" >= '5'::bigint ");
}
END_TEST

START_TEST(a_bound_is_the_key_of_a_row_counted_from_1)
{
    char before[400];
    unit_assert_ok(query_put_bound(q, described_pg, &ranges[_i].range, 50000, &sql, &err), err);
    snprintf(before, sizeof before, "SELECT q.\"id\"::text" FROM_Q "%s ", ranges[_i].where);
    assert_sql(before, "ORDER BY q.\"id\" OFFSET 49999 LIMIT 1");
}
END_TEST

START_TEST(a_select_has_the_key_where_it_is_asked_for)
{
    unit_assert_ok(query_put_select(q, described_pg, "max(" QUERY_KEY "), " QUERY_KEY,
                                    &ranges[0].range, "GROUP BY " QUERY_KEY " HAVING true", &sql,
                                    &err),
                   err);
    assert_sql("SELECT max(q.\"id\"), q.\"id\"" FROM_Q, " GROUP BY q.\"id\" HAVING true");
}
END_TEST

START_TEST(a_select_goes_behind_what_the_buffer_holds)
{
    buffer_append_string(&sql, "EXPLAIN ");
    unit_assert_ok(query_put_select(q, described_pg, "1", &ranges[0].range, "", &sql, &err), err);
    assert_sql("EXPLAIN SELECT 1" FROM_Q " ", "");
}
END_TEST

START_TEST(a_key_literal_has_the_keys_type)
{
    unit_assert_ok(query_put_key_literal(q, described_pg, slice_of("a'b"), &sql, &err), err);
    assert_sql("'a''b'::bigint", "");
}
END_TEST

static const struct canned_rule with_metadata[] = {
    {.sql = "LIMIT 0", .columns = "id:20:16385:1 _op:25 _index:25"},
    {.sql = "format_type", .columns = "a b c", .rows = "bigint\ttext\ttext\n"},
    {.sql = "pg_index", .columns = "a", .rows = "1\n"}};

START_TEST(a_rows_own_operation_and_index_count)
{
    tear_down();
    described_begin(with_metadata, COUNT_OF(with_metadata));
    q = described_query("id");
    unit_assert_ok(query_put_count(q, described_pg, &ranges[0].range, "index", "i", &sql, &err),
                   err);
    assert_sql("SELECT count(*) FILTER (WHERE coalesce(q.\"_op\"::text, 'index') <> 'delete' AND "
               "coalesce(q.\"_index\"::text, 'i') = 'i')" FROM_Q " ",
               "");
}
END_TEST

START_TEST(a_statement_that_finds_no_room_is_an_error)
{
    unit_assert_ok(query_put_copy(q, described_pg, &ranges[5].range, &sql, &err), err);
    size_t whole = sql.size;
    for (size_t room = 0; room < whole; room++) {
        struct buffer small;
        buffer_init(&small, room);
        unit_assert_error(query_put_copy(q, described_pg, &ranges[5].range, &small, &err), err,
                          ERROR_MEMORY, "statement");
        buffer_free(&small);
    }
}
END_TEST

UNIT_MAIN_WITH("source/statement", set_up, tear_down,
               UNIT_EACH(a_copy_reads_the_ranges_rows_in_the_keys_order, ranges),
               UNIT_EACH(a_bound_is_the_key_of_a_row_counted_from_1, ranges),
               UNIT_TEST(a_copy_of_keys_reads_their_rows),
               UNIT_TEST(documents_are_counted_without_deletes_and_other_indices),
               UNIT_TEST(a_rows_own_operation_and_index_count),
               UNIT_TEST(a_select_has_the_key_where_it_is_asked_for),
               UNIT_TEST(a_select_goes_behind_what_the_buffer_holds),
               UNIT_TEST(a_key_literal_has_the_keys_type),
               UNIT_TEST(a_statement_that_finds_no_room_is_an_error))
