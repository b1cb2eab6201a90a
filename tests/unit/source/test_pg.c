/* test_pg.c: connections and statements, and what kind of error each way to fail is. */
#include "source/pg.h"

#include <netinet/in.h>
#include <signal.h>

#include "base/clock.h"
#include "base/stop.h"
#include "canned_postgres.h"

static struct canned_postgres server;
static struct pg *pg;
static struct error err;

static void set_up(void)
{
    static const char *const variables[] = {"PGHOST",     "PGPORT",           "PGUSER",
                                            "PGPASSWORD", "PGSERVICE",        "PGDATABASE",
                                            "PGPASSFILE", "PGCONNECT_TIMEOUT"};
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        unsetenv(variables[i]);
    setenv("PGPASSFILE", "/nonexistent", 1);
    server = (struct canned_postgres){.password = NULL};
    pg = NULL;
}

static bool connect_to(const char *dsn)
{
    err = (struct error){.kind = ERROR_NONE};
    return pg_connect(&pg, dsn, 1234, &err);
}

static void begin(const struct canned_rule *rules, size_t count)
{
    canned_postgres_start(&server, rules, count);
    unit_assert_ok(connect_to(server.dsn), err);
}

static void end(void)
{
    pg_close(pg);
    canned_postgres_stop(&server);
}

/* --- connecting --- */

START_TEST(a_connection_has_an_address_and_is_good)
{
    begin(NULL, 0);
    char expected[300];
    snprintf(expected, sizeof expected, "%s:5432/images", server.directory);
    ck_assert_str_eq(pg_address(pg), expected);
    ck_assert(pg_is_connected(pg));
    ck_assert_str_eq(pg_last_state(pg), "");
    end();
    pg_close(NULL);
}
END_TEST

/* A port of this machine on which nobody listens. */
static unsigned closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

START_TEST(a_closed_port_is_unavailable_and_the_message_names_it)
{
    char dsn[100], address[100];
    unsigned port = closed_port();
    snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%u dbname=images user=u", port);
    snprintf(address, sizeof address, "PostgreSQL at 127.0.0.1:%u/images", port);
    unit_assert_error(connect_to(dsn), err, ERROR_UNAVAILABLE, address);
    ck_assert_ptr_null(strchr(err.message, '\n'));
    snprintf(dsn, sizeof dsn, "postgresql://u:secret@127.0.0.1:%u/images", port);
    unit_assert_error(connect_to(dsn), err, ERROR_UNAVAILABLE, address);
    ck_assert_ptr_null(strstr(err.message, "secret"));
}
END_TEST

START_TEST(an_absent_socket_is_unavailable)
{
    unit_assert_error(connect_to("host=/nonexistent dbname=d user=u"), err, ERROR_UNAVAILABLE,
                      "/nonexistent:5432/d");
}
END_TEST

static const char *const invalid[] = {"nosuchword=1", "host='a", "postgresql://[",
                                      "port=99999 host=/tmp", "sslmode=sometimes"};

START_TEST(a_conninfo_that_is_none_is_a_configuration_error)
{
    unit_assert_error(connect_to(invalid[_i]), err, ERROR_CONFIG, "PostgreSQL at ");
    ck_assert_ptr_null(strchr(err.message, '\n'));
}
END_TEST

static const struct {
    const char *state, *message;
    enum error_kind kind;
} refusals[] = {
    {"28P01", "password authentication failed for user \"bobbin\"", ERROR_DENIED},
    {"28000", "no pg_hba.conf entry for host \"[local]\", user \"bobbin\", database \"images\"",
     ERROR_DENIED},
    {"28000", "role \"bobbin\" does not exist", ERROR_DENIED},
    {"28000", "Peer authentication failed for user \"bobbin\"", ERROR_DENIED},
    {"42501", "permission denied for database \"images\"", ERROR_DENIED},
    {"3D000", "database \"images\" does not exist", ERROR_CONFIG},
    {"57P03", "the database system is starting up", ERROR_UNAVAILABLE},
    {"57P03", "the database system is shutting down", ERROR_UNAVAILABLE},
    {"53300", "sorry, too many clients already", ERROR_UNAVAILABLE},
    {"53300", "remaining connection slots are reserved for non-replication superuser connections",
     ERROR_UNAVAILABLE},
    {"XX000", "something else", ERROR_UNAVAILABLE},
};

START_TEST(a_refused_session_is_an_error_of_its_kind_in_the_servers_words)
{
    server.refusal_state = refusals[_i].state;
    server.refusal = refusals[_i].message;
    canned_postgres_start(&server, NULL, 0);
    unit_assert_error(connect_to(server.dsn), err, refusals[_i].kind, refusals[_i].message);
    ck_assert_ptr_nonnull(strstr(err.message, server.directory));
    canned_postgres_stop(&server);
}
END_TEST

START_TEST(a_password_comes_from_where_libpq_looks_for_it)
{
    char dsn[400];
    server.password = "open sesame";
    canned_postgres_start(&server, NULL, 0);
    unit_assert_error(connect_to(server.dsn), err, ERROR_DENIED, "PGPASSWORD");
    setenv("PGPASSWORD", "wrong", 1);
    unit_assert_error(connect_to(server.dsn), err, ERROR_DENIED, "authentication failed");
    ck_assert_ptr_null(strstr(err.message, "wrong"));
    setenv("PGPASSWORD", "open sesame", 1);
    unit_assert_ok(connect_to(server.dsn), err);
    pg_close(pg);
    unsetenv("PGPASSWORD");
    snprintf(dsn, sizeof dsn, "%.200s password='open sesame'", server.dsn);
    unit_assert_ok(connect_to(dsn), err);
    pg_close(pg);
    canned_postgres_stop(&server);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_waited_for_as_long_as_the_conninfo_says)
{
    char dsn[400];
    server.is_mute = true;
    canned_postgres_start(&server, NULL, 0);
    snprintf(dsn, sizeof dsn, "%.200s connect_timeout=2", server.dsn);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(connect_to(dsn), err, ERROR_UNAVAILABLE, "no answer within 2 s");
    ck_assert_int_ge(clock_monotonic_ms() - from, 1990);
    ck_assert_int_lt(clock_monotonic_ms() - from, 10000);
    canned_postgres_stop(&server);
}
END_TEST

static void *stop_later(void *argument)
{
    (void)argument;
    usleep(100000);
    stop_request();
    return NULL;
}

START_TEST(a_stop_request_ends_the_wait_for_a_connection)
{
    pthread_t thread;
    server.is_mute = true;
    canned_postgres_start(&server, NULL, 0);
    unit_assert_ok(stop_install(&err), err);
    pthread_create(&thread, NULL, stop_later, NULL);
    unit_assert_error(connect_to(server.dsn), err, ERROR_STOPPED, "stop");
    pthread_join(thread, NULL);
    canned_postgres_stop(&server);
}
END_TEST

/* --- statements --- */

START_TEST(a_result_has_rows_columns_and_nulls)
{
    static const struct canned_rule rules[] = {
        {.sql = "SELECT it", .columns = "id:20:16385:3 title:25", .rows = "1\tone\n\\N\t\n"},
    };
    struct pg_result *r;
    begin(rules, 1);
    unit_assert_ok(pg_query(pg, "SELECT it", &r, &err), err);
    ck_assert_int_eq(pg_result_rows(r), 2);
    ck_assert_int_eq(pg_result_columns(r), 2);
    ck_assert_str_eq(pg_result_name(r, 0), "id");
    ck_assert_uint_eq(pg_result_type(r, 0), 20);
    ck_assert_uint_eq(pg_result_table(r, 0), 16385);
    ck_assert_int_eq(pg_result_attribute(r, 0), 3);
    ck_assert_uint_eq(pg_result_table(r, 1), 0);
    ck_assert_int_eq(pg_result_attribute(r, 1), 0);
    ck_assert_str_eq(pg_result_value(r, 0, 0), "1");
    ck_assert_str_eq(pg_result_value(r, 0, 1), "one");
    ck_assert_ptr_null(pg_result_value(r, 1, 0));
    ck_assert_str_eq(pg_result_value(r, 1, 1), "");
    pg_result_free(r);
    pg_result_free(NULL);
    end();
}
END_TEST

static const struct {
    const char *state;
    enum error_kind kind;
} states[] = {
    {"08006", ERROR_UNAVAILABLE}, {"28000", ERROR_DENIED},      {"42501", ERROR_DENIED},
    {"3D000", ERROR_CONFIG},      {"40001", ERROR_UNAVAILABLE}, {"40P01", ERROR_UNAVAILABLE},
    {"53200", ERROR_UNAVAILABLE}, {"55P03", ERROR_UNAVAILABLE}, {"55000", ERROR_CONFIG},
    {"57014", ERROR_UNAVAILABLE}, {"57P01", ERROR_UNAVAILABLE}, {"58030", ERROR_UNAVAILABLE},
    {"72000", ERROR_UNAVAILABLE}, {"XX000", ERROR_UNAVAILABLE}, {"42601", ERROR_CONFIG},
    {"42P01", ERROR_CONFIG},      {"42703", ERROR_CONFIG},      {"22P02", ERROR_CONFIG},
    {"22012", ERROR_CONFIG},      {"P0001", ERROR_CONFIG},
};

START_TEST(a_failed_statement_is_an_error_of_its_states_kind)
{
    const struct canned_rule rules[] = {
        {.sql = "SELECT it", .state = states[_i].state, .message = "the server's words"},
        {.sql = "SELECT 1", .columns = "a", .rows = "1\n"},
    };
    char state[32];
    struct pg_result *r;
    begin(rules, 2);
    snprintf(state, sizeof state, "(SQLSTATE %s)", states[_i].state);
    unit_assert_error(pg_query(pg, "SELECT it", &r, &err), err, states[_i].kind, state);
    ck_assert_ptr_nonnull(strstr(err.message, "the server's words"));
    ck_assert_ptr_nonnull(strstr(err.message, pg_address(pg)));
    ck_assert_str_eq(pg_last_state(pg), states[_i].state);
    unit_assert_ok(pg_query(pg, "SELECT 1", &r, &err), err); // the session goes on
    ck_assert_str_eq(pg_last_state(pg), "");
    pg_result_free(r);
    end();
}
END_TEST

START_TEST(a_connection_that_breaks_is_unavailable)
{
    static const struct canned_rule rules[] = {{.sql = "SELECT it", .closes = true}};
    struct pg_result *r;
    begin(rules, 1);
    unit_assert_error(pg_query(pg, "SELECT it", &r, &err), err, ERROR_UNAVAILABLE,
                      "PostgreSQL at ");
    ck_assert(!pg_is_connected(pg));
    ck_assert(!pg_query(pg, "SELECT it", &r, &err));
    ck_assert_int_eq(err.kind, ERROR_UNAVAILABLE);
    pg_end(pg); // no error
    end();
}
END_TEST

START_TEST(a_stop_request_cancels_the_statement)
{
    static const struct canned_rule rules[] = {{.sql = "SELECT it", .stalls = true}};
    struct pg_result *r;
    pthread_t thread;
    begin(rules, 1);
    unit_assert_ok(stop_install(&err), err);
    pthread_create(&thread, NULL, stop_later, NULL);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(pg_query(pg, "SELECT it", &r, &err), err, ERROR_STOPPED, "stop");
    ck_assert_int_lt(clock_monotonic_ms() - from, 10000);
    pthread_join(thread, NULL);
    ck_assert_int_eq(server.cancel_count, 1);
    end();
}
END_TEST

UNIT_MAIN_WITH("source/pg", set_up, NULL, UNIT_TEST(a_connection_has_an_address_and_is_good),
               UNIT_TEST(a_closed_port_is_unavailable_and_the_message_names_it),
               UNIT_TEST(an_absent_socket_is_unavailable),
               UNIT_EACH(a_conninfo_that_is_none_is_a_configuration_error, invalid),
               UNIT_EACH(a_refused_session_is_an_error_of_its_kind_in_the_servers_words, refusals),
               UNIT_TEST(a_password_comes_from_where_libpq_looks_for_it),
               UNIT_TEST(a_server_that_says_nothing_is_waited_for_as_long_as_the_conninfo_says),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_wait_for_a_connection, 1),
               UNIT_TEST(a_result_has_rows_columns_and_nulls),
               UNIT_EACH(a_failed_statement_is_an_error_of_its_states_kind, states),
               UNIT_TEST(a_connection_that_breaks_is_unavailable),
               UNIT_OWN_PROCESS(a_stop_request_cancels_the_statement, 1))
