/* test_pg_copy.c: transactions, quoting, and COPY row by row. */
#include "source/pg.h"

#include "base/clock.h"
#include "base/stop.h"
#include "canned_postgres.h"

static struct canned_postgres server;
static struct pg *pg;
static struct error err;

static void begin_version(const char *version, const struct canned_rule *rules, size_t count)
{
    server = (struct canned_postgres){.version = version};
    canned_postgres_start(&server, rules, count);
    unit_assert_ok(pg_connect(&pg, server.dsn, 1234, &err), err);
}

static void begin(const struct canned_rule *rules, size_t count)
{
    begin_version("15.0", rules, count);
}

static void end(void)
{
    pg_close(pg);
    canned_postgres_stop(&server);
}

static void assert_statement(size_t number, const char *text)
{
    ck_assert_uint_lt(number, server.statement_count);
    ck_assert_msg(strstr(server.statements[number], text) != NULL, "no \"%s\" in: %s", text,
                  server.statements[number]);
}

/* --- transactions --- */

START_TEST(a_transaction_reads_one_state_with_settings_of_its_own)
{
    static const char *const settings[] = {
        "'TimeZone', 'UTC', true",      "'DateStyle', 'ISO, YMD', true",
        "'bytea_output', 'hex', true",  "'extra_float_digits', '1', true",
        "'IntervalStyle', 'postgres',", "'statement_timeout', '1234', true",
        "'lock_timeout', '30s', true",  "'idle_in_transaction_session_timeout', '0', true",
    };
    begin(NULL, 0);
    unit_assert_ok(pg_begin(pg, NULL, &err), err);
    pg_end(pg);
    ck_assert_uint_eq(server.statement_count, 3);
    assert_statement(0, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        assert_statement(1, settings[i]);
    assert_statement(2, "ROLLBACK");
    end();
}
END_TEST

START_TEST(a_server_that_would_end_long_transactions_is_asked_not_to)
{
    begin_version("17.0", NULL, 0);
    unit_assert_ok(pg_begin(pg, NULL, &err), err);
    assert_statement(1, "'transaction_timeout', '0', true");
    end();
    begin_version("16.9", NULL, 0); // which doesn't know the name
    unit_assert_ok(pg_begin(pg, NULL, &err), err);
    ck_assert_int_eq(canned_count_statements(&server, "'transaction_timeout'"), 0);
    end();
}
END_TEST

static const struct canned_rule unbegun[] = {
    {.sql = "set_config", .state = "40001", .message = "conflict with recovery"},
    {.sql = "SNAPSHOT", .state = "22023", .message = "invalid snapshot identifier"},
};

START_TEST(a_transaction_that_fails_at_its_start_is_not_left_open)
{
    begin(&unbegun[_i], 1);
    ck_assert(!pg_begin(pg, "1-2", &err));
    ck_assert_str_eq(pg_last_state(pg), unbegun[_i].state);
    assert_statement(server.statement_count - 1, "ROLLBACK");
    end();
}
END_TEST

START_TEST(a_snapshot_is_set_before_anything_is_read)
{
    begin(NULL, 0);
    unit_assert_ok(pg_begin(pg, "00000003-0000001B-1' x", &err), err);
    assert_statement(0, "BEGIN");
    assert_statement(1, "SET TRANSACTION SNAPSHOT '00000003-0000001B-1'' x'");
    assert_statement(2, "set_config");
    end();
}
END_TEST

START_TEST(a_snapshot_that_is_gone_is_the_servers_error)
{
    static const struct canned_rule rules[] = {
        {.sql = "SNAPSHOT", .state = "22023", .message = "invalid snapshot identifier"}};
    begin(rules, 1);
    unit_assert_error(pg_begin(pg, "1-2", &err), err, ERROR_CONFIG, "invalid snapshot identifier");
    ck_assert_str_eq(pg_last_state(pg), "22023");
    pg_end(pg);
    ck_assert_str_eq(pg_last_state(pg), "22023"); // the caller still asks about it
    end();
}
END_TEST

START_TEST(an_exported_snapshot_is_named)
{
    static const struct canned_rule rules[] = {
        {.sql = "pg_export_snapshot()", .times = 1, .columns = "s r", .rows = "0003-1B\tf\n"},
        {.sql = "pg_export_snapshot()", .times = 1, .columns = "s r", .rows = "-2\tt\n"},
        {.sql = "pg_export_snapshot()", .state = "25006", .message = "cannot export"},
    };
    struct buffer id;
    buffer_init(&id, 100);
    bool is_standby = true;
    begin(rules, 3);
    unit_assert_ok(pg_export_snapshot(pg, &id, &is_standby, &err), err);
    unit_assert_slice(buffer_slice(&id), "0003-1B");
    ck_assert(!is_standby);
    unit_assert_ok(pg_export_snapshot(pg, &id, &is_standby, &err), err);
    unit_assert_slice(buffer_slice(&id), "0003-1B-2");
    ck_assert(is_standby);
    unit_assert_error(pg_export_snapshot(pg, &id, &is_standby, &err), err, ERROR_CONFIG,
                      "cannot export");
    buffer_free(&id);
    end();
}
END_TEST

/* --- quoting --- */

static const struct {
    const char *text, *literal, *identifier;
} quotings[] = {
    {"abc", "'abc'", "\"abc\""},
    {"", "''", "\"\""},
    {"it's", "'it''s'", "\"it's\""},
    {"a\"b", "'a\"b'", "\"a\"\"b\""},
    {"back\\slash", " E'back\\\\slash'", "\"back\\slash\""},
    {"h\xc3\xa9", "'h\xc3\xa9'", "\"h\xc3\xa9\""},
    {"; DROP TABLE x; --", "'; DROP TABLE x; --'", "\"; DROP TABLE x; --\""},
};

START_TEST(what_the_user_gives_is_quoted)
{
    struct buffer out;
    buffer_init(&out, 1000);
    begin(NULL, 0);
    unit_assert_ok(pg_append_literal(pg, &out, slice_of(quotings[_i].text), &err), err);
    unit_assert_slice(buffer_slice(&out), quotings[_i].literal);
    buffer_clear(&out);
    unit_assert_ok(pg_append_identifier(pg, &out, quotings[_i].text, &err), err);
    unit_assert_slice(buffer_slice(&out), quotings[_i].identifier);
    buffer_free(&out);
    buffer_init(&out, 1);
    unit_assert_error(pg_append_literal(pg, &out, slice_of(quotings[_i].text), &err), err,
                      ERROR_MEMORY, "statement");
    buffer_free(&out);
    end();
}
END_TEST

START_TEST(text_that_is_no_utf8_cannot_be_quoted)
{
    struct buffer out;
    buffer_init(&out, 1000);
    begin(NULL, 0);
    unit_assert_error(pg_append_literal(pg, &out, slice_of("caf\xe9"), &err), err, ERROR_CONFIG,
                      "multibyte");
    unit_assert_error(pg_append_identifier(pg, &out, "caf\xe9", &err), err, ERROR_CONFIG,
                      "multibyte");
    ck_assert_uint_eq(out.size, 0);
    end();
}
END_TEST

/* --- COPY --- */

enum { IDLE_MS = 100 };

static enum pg_copy copy_read(struct slice *row)
{
    enum pg_copy what = PG_COPY_IDLE;
    unit_assert_ok(pg_copy_read(pg, IDLE_MS, &what, row, &err), err);
    return what;
}

START_TEST(rows_come_one_by_one_with_their_newlines)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .is_copy = true, .rows = "1\tone\n2\t\\N\n3\ta\\nb\n"},
        {.sql = "SELECT 1", .columns = "a", .rows = "1\n"},
    };
    struct pg_result *r;
    struct slice row;
    begin(rules, 2);
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(pg_copy_begin(pg, "COPY (SELECT 1) TO STDOUT", &err), err);
        ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
        unit_assert_slice(row, "1\tone\n");
        ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
        unit_assert_slice(row, "2\t\\N\n");
        ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
        unit_assert_slice(row, "3\ta\\nb\n");
        ck_assert_int_eq(copy_read(&row), PG_COPY_END);
        unit_assert_ok(pg_query(pg, "SELECT 1", &r, &err), err);
        pg_result_free(r);
    }
    end();
}
END_TEST

START_TEST(an_empty_copy_has_only_an_end)
{
    static const struct canned_rule rules[] = {{.sql = "COPY", .is_copy = true}};
    struct slice row;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    ck_assert_int_eq(copy_read(&row), PG_COPY_END);
    end();
}
END_TEST

START_TEST(a_statement_that_cannot_be_copied_fails_at_once)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .state = "42601", .message = "syntax error"}};
    begin(rules, 1);
    unit_assert_error(pg_copy_begin(pg, "COPY x", &err), err, ERROR_CONFIG, "syntax error");
    unit_assert_ok(pg_begin(pg, NULL, &err), err);
    end();
}
END_TEST

START_TEST(an_error_behind_some_rows_comes_behind_them)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY",
         .is_copy = true,
         .rows = "1\n2\n",
         .state = "40001",
         .message = "canceling statement due to conflict with recovery"},
    };
    struct slice row;
    enum pg_copy what;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
    ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
    unit_assert_error(pg_copy_read(pg, IDLE_MS, &what, &row, &err), err, ERROR_UNAVAILABLE,
                      "conflict with recovery");
    ck_assert_str_eq(pg_last_state(pg), "40001");
    ck_assert(pg_is_connected(pg));
    pg_end(pg);
    unit_assert_ok(pg_begin(pg, NULL, &err), err);
    end();
}
END_TEST

START_TEST(a_connection_that_breaks_behind_some_rows_is_unavailable)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .is_copy = true, .rows = "1\n", .closes = true}};
    struct slice row;
    enum pg_copy what;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
    unit_assert_error(pg_copy_read(pg, IDLE_MS, &what, &row, &err), err, ERROR_UNAVAILABLE,
                      "PostgreSQL at ");
    ck_assert(!pg_is_connected(pg));
    end();
}
END_TEST

START_TEST(a_server_that_pauses_is_idle_and_goes_on)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .is_copy = true, .rows = "1\n", .stalls = true}};
    struct slice row;
    enum pg_copy what;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
    int64_t from = clock_monotonic_ms();
    ck_assert_int_eq(copy_read(&row), PG_COPY_IDLE);
    ck_assert_int_eq(copy_read(&row), PG_COPY_IDLE);
    ck_assert_int_ge(clock_monotonic_ms() - from, 2 * IDLE_MS - 10);
    canned_cancel(&server);
    unit_assert_error(pg_copy_read(pg, 10000, &what, &row, &err), err, ERROR_UNAVAILABLE,
                      "user request");
    ck_assert_str_eq(pg_last_state(pg), "57014");
    end();
}
END_TEST

START_TEST(a_stop_request_ends_the_wait_for_a_row)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .is_copy = true, .rows = "1\n", .stalls = true}};
    struct slice row;
    enum pg_copy what;
    begin(rules, 1);
    unit_assert_ok(stop_install(&err), err);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    ck_assert_int_eq(copy_read(&row), PG_COPY_ROW);
    stop_request();
    unit_assert_error(pg_copy_read(pg, 10000, &what, &row, &err), err, ERROR_STOPPED, "stop");
    end();
}
END_TEST

static void put_many_rows(const char *sql, struct buffer *rows)
{
    (void)sql;
    for (int i = 0; i < 100000; i++)
        buffer_append_format(rows, "%d\tsome text that makes the row longer\n", i);
}

START_TEST(a_server_is_asked_whether_it_is_still_there)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT 'there'", .times = 1, .columns = "a", .rows = "there\n"},
        {.sql = "SELECT 'there'", .state = "25P02", .message = "transaction is aborted"}};
    begin(rules, 2);
    unit_assert_ok(pg_ask(pg, &err), err);
    unit_assert_error(pg_ask(pg, &err), err, ERROR_CONFIG, "transaction is aborted");
    end();
}
END_TEST

START_TEST(an_abandoned_copy_is_cancelled)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .is_copy = true, .rows = "1\n", .stalls = true}};
    enum pg_copy what;
    struct slice row;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY (SELECT 1) TO STDOUT", &err), err);
    unit_assert_ok(pg_copy_read(pg, 5000, &what, &row, &err), err);
    ck_assert_int_eq(what, PG_COPY_ROW);
    pg_abandon(pg);
    ck_assert_int_eq(server.cancel_count, 1);
    pg = NULL;
    end();
}
END_TEST

START_TEST(many_rows_come_in_order)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY", .is_copy = true, .answer = put_many_rows}};
    struct slice row;
    int count = 0;
    begin(rules, 1);
    unit_assert_ok(pg_copy_begin(pg, "COPY x TO STDOUT", &err), err);
    for (enum pg_copy what; (what = copy_read(&row)) != PG_COPY_END;) {
        if (what == PG_COPY_IDLE)
            continue;
        ck_assert_int_eq(atoi(row.data), count++);
    }
    ck_assert_int_eq(count, 100000);
    end();
}
END_TEST

UNIT_MAIN("source/pg_copy", UNIT_TEST(a_transaction_reads_one_state_with_settings_of_its_own),
          UNIT_TEST(a_server_that_would_end_long_transactions_is_asked_not_to),
          UNIT_EACH(a_transaction_that_fails_at_its_start_is_not_left_open, unbegun),
          UNIT_TEST(a_snapshot_is_set_before_anything_is_read),
          UNIT_TEST(a_snapshot_that_is_gone_is_the_servers_error),
          UNIT_TEST(an_exported_snapshot_is_named),
          UNIT_EACH(what_the_user_gives_is_quoted, quotings),
          UNIT_TEST(text_that_is_no_utf8_cannot_be_quoted),
          UNIT_TEST(rows_come_one_by_one_with_their_newlines),
          UNIT_TEST(an_empty_copy_has_only_an_end),
          UNIT_TEST(a_statement_that_cannot_be_copied_fails_at_once),
          UNIT_TEST(an_error_behind_some_rows_comes_behind_them),
          UNIT_TEST(a_connection_that_breaks_behind_some_rows_is_unavailable),
          UNIT_TEST(a_server_that_pauses_is_idle_and_goes_on),
          UNIT_OWN_PROCESS(a_stop_request_ends_the_wait_for_a_row, 1),
          UNIT_TEST(a_server_is_asked_whether_it_is_still_there),
          UNIT_TEST(an_abandoned_copy_is_cancelled), UNIT_TEST(many_rows_come_in_order))
