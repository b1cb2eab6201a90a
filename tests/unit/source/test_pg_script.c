/* test_pg_script.c: several statements at once, and where in them an error stands. */
#include "source/pg.h"

#include "base/stop.h"
#include "canned_postgres.h"

static struct canned_postgres server;
static struct pg *pg;
static struct error err;
static size_t line;

static void begin(const struct canned_rule *rules, size_t count)
{
    server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&server, rules, count);
    unit_assert_ok(pg_connect(&pg, server.dsn, 1000, &err), err);
}

static void end(void)
{
    pg_close(pg);
    canned_postgres_stop(&server);
}

START_TEST(all_statements_go_at_once_and_rows_are_dropped)
{
    static const struct canned_rule rules[] = {{.sql = "UPDATE", .columns = "a", .rows = "1\n2\n"},
                                               {.sql = "SELECT", .columns = "a"}};
    begin(rules, COUNT_OF(rules));
    unit_assert_ok(pg_run_script(pg, "UPDATE t SET a = 1;\nUPDATE t SET b = 2;", &line, &err), err);
    ck_assert_uint_eq(line, 0);
    ck_assert_int_eq(canned_count_statements(&server, "UPDATE t SET a = 1;\nUPDATE t SET b = 2;"),
                     1);
    unit_assert_ok(pg_execute(pg, "SELECT 1", &err), err); // the connection is good for more
    end();
}
END_TEST

static const struct {
    const char *position;
    size_t line;
} errors[] = {{"1", 1}, {"10", 1}, {"11", 2}, {"12", 2}, {NULL, 0}, {"99", 3}};

START_TEST(an_error_has_a_line_that_counts_characters)
{
    struct canned_rule rules[] = {{.sql = "SELECT",
                                   .state = "42703",
                                   .message = "column \"b\" does not exist",
                                   .position = errors[_i].position}};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(pg_run_script(pg, "SELECT é;\nb\n;", &line, &err), err, ERROR_CONFIG,
                      "column \"b\" does not exist (SQLSTATE 42703)");
    ck_assert_uint_eq(line, errors[_i].line);
    end();
}
END_TEST

START_TEST(copy_to_us_is_refused)
{
    static const struct canned_rule rules[] = {{.sql = "COPY", .is_copy = true, .rows = "1\n"}};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(pg_run_script(pg, "COPY t TO STDOUT", &line, &err), err, ERROR_CONFIG,
                      "leads nowhere");
    end();
}
END_TEST

START_TEST(a_lost_connection_is_no_fault_of_the_script)
{
    static const struct canned_rule rules[] = {{.sql = "SELECT", .closes = true}};
    begin(rules, COUNT_OF(rules));
    unit_assert_error(pg_run_script(pg, "SELECT 1", &line, &err), err, ERROR_UNAVAILABLE,
                      server.directory);
    ck_assert_uint_eq(line, 0);
    end();
}
END_TEST

static void *ask_to_stop(void *unused)
{
    (void)unused;
    canned_wait_for_statement(&server, "SELECT 1");
    stop_request();
    return NULL;
}

START_TEST(a_stop_cancels_it)
{
    static const struct canned_rule rules[] = {{.sql = "SELECT", .stalls = true}};
    pthread_t thread;
    unit_assert_ok(stop_install(&err), err);
    begin(rules, COUNT_OF(rules));
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_to_stop, NULL), 0);
    unit_assert_error(pg_run_script(pg, "SELECT 1", &line, &err), err, ERROR_STOPPED, "asked");
    pthread_join(thread, NULL);
    pthread_mutex_lock(&server.lock);
    ck_assert_int_eq(server.cancel_count, 1);
    pthread_mutex_unlock(&server.lock);
    end();
}
END_TEST

UNIT_MAIN("source/pg_script", UNIT_TEST(all_statements_go_at_once_and_rows_are_dropped),
          UNIT_EACH(an_error_has_a_line_that_counts_characters, errors),
          UNIT_TEST(copy_to_us_is_refused), UNIT_TEST(a_lost_connection_is_no_fault_of_the_script),
          UNIT_OWN_PROCESS(a_stop_cancels_it, 1))
