/* test_query.c: what the server says of a SELECT becomes columns, types, roles and a key. */
#include "source/query.h"

#include "described.h"

static struct error err;

static void assert_column(const struct query *q, size_t i, const char *name, enum value_type type,
                          enum column_role role, const char *origin)
{
    size_t count;
    const struct document_column *columns = query_columns(q, &count);
    ck_assert_uint_lt(i, count);
    ck_assert_str_eq(columns[i].name, name);
    ck_assert_int_eq(columns[i].type, type);
    ck_assert_int_eq(columns[i].role, role);
    ck_assert_str_eq(query_column_origin(q, i), origin);
}

START_TEST(columns_become_fields_in_order)
{
    static const struct canned_rule rules[] = {DESCRIBED_RULES};
    size_t count;
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("id");
    query_columns(q, &count);
    ck_assert_uint_eq(count, 3);
    assert_column(q, 0, "id", VALUE_INTEGER, COLUMN_FIELD, "bigint");
    assert_column(q, 1, "title", VALUE_TEXT, COLUMN_FIELD, "text");
    assert_column(q, 2, "tags", VALUE_JSON, COLUMN_FIELD, "text[] by to_jsonb()");
    ck_assert_uint_eq(query_key_column(q), 0);
    ck_assert_str_eq(query_key_type(q), "bigint");
    ck_assert(query_key_is_unique(q));
    ck_assert_str_eq(described_statement("LIMIT 0"),
                     "SELECT * FROM (" DESCRIBED_SELECT "\n) AS q LIMIT 0");
    ck_assert_ptr_nonnull(strstr(described_statement("format_type"), "format_type(1009, -1)"));
    ck_assert_ptr_nonnull(strstr(described_statement("pg_index"), "indrelid = 16385 "));
    ck_assert_ptr_nonnull(strstr(described_statement("pg_index"), "indkey[0] = 1 "));
    query_free(q);
    query_free(NULL);
    described_end();
}
END_TEST

static const struct {
    unsigned oid;
    enum value_type type;
    bool is_plain; // else the server makes JSON of it
} types[] = {
    {16, VALUE_BOOLEAN, true}, {20, VALUE_INTEGER, true},     {21, VALUE_INTEGER, true},
    {23, VALUE_INTEGER, true}, {26, VALUE_INTEGER, true},     {700, VALUE_NUMBER, true},
    {701, VALUE_NUMBER, true}, {1700, VALUE_NUMBER, true},    {114, VALUE_JSON, true},
    {3802, VALUE_JSON, true},  {1114, VALUE_TIMESTAMP, true}, {1184, VALUE_TIMESTAMPTZ, true},
    {17, VALUE_BYTEA, true},   {25, VALUE_TEXT, true},        {1043, VALUE_TEXT, true},
    {1042, VALUE_TEXT, true},  {19, VALUE_TEXT, true},        {2950, VALUE_TEXT, true},
    {1082, VALUE_DATE, true},  {1083, VALUE_TEXT, true},      {1266, VALUE_TEXT, true},
    {1186, VALUE_TEXT, true},  {869, VALUE_TEXT, true},       {650, VALUE_TEXT, true},
    {829, VALUE_TEXT, true},   {1009, VALUE_JSON, false},     {1007, VALUE_JSON, false},
    {3904, VALUE_JSON, false}, {600, VALUE_JSON, false},      {790, VALUE_JSON, false},
    {3614, VALUE_JSON, false}, {16999, VALUE_JSON, false},
};

START_TEST(a_type_becomes_a_json_value_of_its_kind)
{
    char columns[64], expected[64];
    const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = columns},
        {.sql = "format_type", .columns = "a b", .rows = "bigint\tthe type\n"},
        {.sql = "pg_index", .columns = "a"},
    };
    const struct key_range all = {.has_from = false};
    struct buffer sql;
    buffer_init(&sql, 4096);
    snprintf(columns, sizeof columns, "id:20 c:%u", types[_i].oid);
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("id");
    assert_column(q, 1, "c", types[_i].type, COLUMN_FIELD,
                  types[_i].is_plain ? "the type" : "the type by to_jsonb()");
    unit_assert_ok(query_put_copy(q, described_pg, &all, &sql, &err), err);
    snprintf(expected, sizeof expected, ", %s FROM",
             types[_i].is_plain ? "q.\"c\"" : "to_jsonb(q.\"c\")");
    ck_assert_msg(strstr(buffer_string(&sql), expected) != NULL, "%s", buffer_string(&sql));
    buffer_free(&sql);
    query_free(q);
    described_end();
}
END_TEST

START_TEST(names_that_begin_with_an_underscore_are_bulk_metadata_as_text)
{
    static const struct canned_rule rules[] = {
        {.sql = "LIMIT 0",
         .columns = "_id:2950 _index:25 _routing:1009 _version:20 _op:25 _id2:25 id:20"},
        {.sql = "format_type", .columns = "a b c d e f g", .rows = "a\tb\tc\td\te\tf\tbigint\n"},
        {.sql = "pg_index", .columns = "a"},
    };
    struct query *q;
    described_begin(rules, COUNT_OF(rules));
    unit_assert_error(query_describe(&q, described_pg, "SELECT 1", "id", &err), err, ERROR_CONFIG,
                      "column \"_id2\"");
    ck_assert_ptr_nonnull(strstr(err.message, "_id, _index, _routing, _version and _op"));
    described_end();
}
END_TEST

START_TEST(each_metadata_column_has_its_role)
{
    static const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = "_id:2950 _index:25 _routing:1009 _version:20 _op:25 id:20"},
        {.sql = "format_type", .columns = "a b c d e f", .rows = "a\tb\tc\td\te\tbigint\n"},
        {.sql = "pg_index", .columns = "a"},
    };
    static const enum column_role roles[] = {COLUMN_ID, COLUMN_INDEX, COLUMN_ROUTING,
                                             COLUMN_VERSION, COLUMN_OP};
    const struct key_range all = {.has_from = false};
    struct buffer sql;
    size_t count;
    buffer_init(&sql, 4096);
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("id");
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        ck_assert_int_eq(query_columns(q, &count)[i].role, roles[i]);
        ck_assert_int_eq(query_columns(q, &count)[i].type, VALUE_TEXT);
    }
    unit_assert_ok(query_put_copy(q, described_pg, &all, &sql, &err), err);
    ck_assert_ptr_nonnull(
        strstr(buffer_string(&sql), "q.\"_routing\"::text, q.\"_version\"::text"));
    ck_assert_ptr_null(strstr(buffer_string(&sql), "to_jsonb"));
    buffer_free(&sql);
    query_free(q);
    described_end();
}
END_TEST

/* --- the key --- */

START_TEST(a_key_that_is_no_plain_value_comes_once_more_as_text)
{
    static const struct canned_rule rules[] = {DESCRIBED_RULES};
    size_t count;
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("tags");
    query_columns(q, &count);
    ck_assert_uint_eq(count, 4);
    assert_column(q, 2, "tags", VALUE_JSON, COLUMN_FIELD, "text[] by to_jsonb()");
    assert_column(q, 3, "tags", VALUE_TEXT, COLUMN_KEY_ONLY, "the key");
    ck_assert_uint_eq(query_key_column(q), 3);
    ck_assert_str_eq(query_key_type(q), "text[]");
    query_free(q);
    described_end();
}
END_TEST

START_TEST(a_metadata_column_can_be_the_key)
{
    static const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = "_id:1009"},
        {.sql = "format_type", .columns = "a", .rows = "text[]\n"},
        {.sql = "pg_index", .columns = "a"},
    };
    size_t count;
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("_id");
    query_columns(q, &count);
    ck_assert_uint_eq(count, 1); // it is text already
    ck_assert_uint_eq(query_key_column(q), 0);
    query_free(q);
    described_end();
}
END_TEST

START_TEST(a_missing_key_is_an_error_that_lists_the_columns)
{
    static const struct canned_rule rules[] = {DESCRIBED_RULES};
    struct query *q;
    described_begin(rules, COUNT_OF(rules));
    unit_assert_error(query_describe(&q, described_pg, DESCRIBED_SELECT, "ID", &err), err,
                      ERROR_CONFIG, "no column \"ID\"");
    ck_assert_ptr_nonnull(strstr(err.message, "--key (id, title, tags)"));
    described_end();
}
END_TEST

START_TEST(a_query_without_columns_has_no_key)
{
    static const struct canned_rule rules[] = {{.sql = "LIMIT 0", .columns = ""}};
    struct query *q;
    described_begin(rules, COUNT_OF(rules));
    unit_assert_error(query_describe(&q, described_pg, "SELECT", "id", &err), err, ERROR_CONFIG,
                      "no column \"id\"");
    described_end();
}
END_TEST

START_TEST(without_a_unique_index_the_key_is_not_known_to_be_unique)
{
    static const struct canned_rule rules[] = {
        {.sql = "pg_index", .columns = "a"},
        DESCRIBED_RULES,
    };
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("id");
    ck_assert(!query_key_is_unique(q));
    query_free(q);
    described_end();
}
END_TEST

START_TEST(a_key_that_is_no_tables_column_is_not_looked_up)
{
    static const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = "id:20"},
        {.sql = "format_type", .columns = "a", .rows = "bigint\n"},
    };
    described_begin(rules, COUNT_OF(rules));
    struct query *q = described_query("id");
    ck_assert(!query_key_is_unique(q));
    ck_assert_int_eq(canned_count_statements(&described_server, "pg_index"), 0);
    query_free(q);
    described_end();
}
END_TEST

/* --- the SELECT --- */

static const struct {
    const char *select, *kept;
} endings[] = {
    {"SELECT 1", "SELECT 1"},
    {"SELECT 1;", "SELECT 1"},
    {"SELECT 1 ;\n\n", "SELECT 1"},
    {"SELECT 1\r\n ; ;\t", "SELECT 1"},
    {"SELECT 1 -- why", "SELECT 1"},
    {"SELECT 1; -- why\n", "SELECT 1"},
    {"SELECT 1 /* why */;", "SELECT 1"},
    {"SELECT 1; /* a /* nested */ comment */ -- and\n;", "SELECT 1"},
    {"-- what\nSELECT /* it */ 1", "-- what\nSELECT /* it */ 1"},
    {"SELECT '; -- no comment'", "SELECT '; -- no comment'"},
    {"SELECT 'it''s; --';", "SELECT 'it''s; --'"},
    {"SELECT E'\\'; --';", "SELECT E'\\'; --'"},
    {"SELECT '\\';", "SELECT '\\'"},
    // only an e that is a word of its own begins a string with escapes
    {"SELECT 1 WHERE a LIKE'\\'; -- '", "SELECT 1 WHERE a LIKE'\\'"},
    {"SELECT date'\\';", "SELECT date'\\'"},
    {"SELECT CASE WHEN a THEN b ELSE'\\' END;", "SELECT CASE WHEN a THEN b ELSE'\\' END"},
    {"SELECT _e'\\';", "SELECT _e'\\'"},
    {"SELECT \xc3\xa9"
     "e'\\';",
     "SELECT \xc3\xa9"
     "e'\\'"},
    {"SELECT 1+e'\\'; --';", "SELECT 1+e'\\'; --'"},
    {"SELECT e '\\';", "SELECT e '\\'"},
    // a dollar within a word begins no quoted text
    {"SELECT a$b$ FROM c; -- $b$", "SELECT a$b$ FROM c"},
    {"SELECT $1$a;$1$a;", "SELECT $1$a;$1$a"},
    {"SELECT 1 AS \"a;--\" ;", "SELECT 1 AS \"a;--\""},
    {"SELECT $$; --$$ ;", "SELECT $$; --$$"},
    {"SELECT $a$ $$ ; $a$;", "SELECT $a$ $$ ; $a$"},
    {"SELECT 2 - -1;", "SELECT 2 - -1"},
    {"SELECT 4 / 2;", "SELECT 4 / 2"},
    {"SELECT 'not closed;", "SELECT 'not closed;"}, // the server says so
    {"SELECT 1 /* not closed;", "SELECT 1"},
};

START_TEST(what_ends_the_users_select_is_taken_off)
{
    static const struct canned_rule rules[] = {DESCRIBED_RULES};
    char expected[200];
    struct query *q;
    described_begin(rules, COUNT_OF(rules));
    unit_assert_ok(query_describe(&q, described_pg, endings[_i].select, "id", &err), err);
    snprintf(expected, sizeof expected, "SELECT * FROM (%s\n) AS q LIMIT 0", endings[_i].kept);
    ck_assert_str_eq(described_statement("LIMIT 0"), expected);
    query_free(q);
    described_end();
}
END_TEST

static const struct {
    struct canned_rule rule;
    enum error_kind kind;
} failures[] = {
    {{.sql = "LIMIT 0", .state = "42601", .message = "syntax error at or near \"FORM\""},
     ERROR_CONFIG},
    {{.sql = "LIMIT 0", .state = "42501", .message = "permission denied for table image"},
     ERROR_DENIED},
    {{.sql = "LIMIT 0", .state = "57P01", .message = "terminating connection"}, ERROR_UNAVAILABLE},
    {{.sql = "format_type", .state = "57P01", .message = "terminating connection"},
     ERROR_UNAVAILABLE},
    {{.sql = "pg_index", .state = "42501", .message = "permission denied for pg_index"},
     ERROR_DENIED},
};

START_TEST(what_the_server_refuses_is_said_in_its_words)
{
    const struct canned_rule rules[] = {failures[_i].rule, DESCRIBED_RULES};
    struct query *q;
    described_begin(rules, COUNT_OF(rules));
    unit_assert_error(query_describe(&q, described_pg, DESCRIBED_SELECT, "id", &err), err,
                      failures[_i].kind, failures[_i].rule.message);
    described_end();
}
END_TEST

START_TEST(a_query_that_is_too_long_is_an_error)
{
    char *select = malloc(QUERY_MAX_BYTES + 5000);
    struct query *q;
    memset(select, 'x', QUERY_MAX_BYTES + 4999);
    select[QUERY_MAX_BYTES + 4999] = '\0';
    described_begin(NULL, 0);
    unit_assert_error(query_describe(&q, described_pg, select, "id", &err), err, ERROR_MEMORY,
                      "the query");
    free(select);
    described_end();
}
END_TEST

UNIT_MAIN("source/query", UNIT_TEST(columns_become_fields_in_order),
          UNIT_EACH(a_type_becomes_a_json_value_of_its_kind, types),
          UNIT_TEST(names_that_begin_with_an_underscore_are_bulk_metadata_as_text),
          UNIT_TEST(each_metadata_column_has_its_role),
          UNIT_TEST(a_key_that_is_no_plain_value_comes_once_more_as_text),
          UNIT_TEST(a_metadata_column_can_be_the_key),
          UNIT_TEST(a_missing_key_is_an_error_that_lists_the_columns),
          UNIT_TEST(a_query_without_columns_has_no_key),
          UNIT_TEST(without_a_unique_index_the_key_is_not_known_to_be_unique),
          UNIT_TEST(a_key_that_is_no_tables_column_is_not_looked_up),
          UNIT_EACH(what_ends_the_users_select_is_taken_off, endings),
          UNIT_EACH(what_the_server_refuses_is_said_in_its_words, failures),
          UNIT_TEST(a_query_that_is_too_long_is_an_error))
