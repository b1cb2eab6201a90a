/* pg.c: see pg.h. libpq's asynchronous calls (libpq manual, "Asynchronous Command Processing"), so
 * that every wait also watches the stop descriptor. */
#include "source/pg.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "source/dsn.h"
#include "source/pg_internal.h"

struct pg_result {
    PGresult *result;
};

/* --- errors --- */

static const struct {
    const char *prefix; // of the SQLSTATE (PostgreSQL manual, appendix A)
    enum error_kind kind;
} kinds_of_states[] = {
    {"08", ERROR_UNAVAILABLE},    // connection exception
    {"28", ERROR_DENIED},         // invalid authorization: password, pg_hba.conf
    {"42501", ERROR_DENIED},      // insufficient privilege
    {"3D", ERROR_CONFIG},         // no such database
    {"40", ERROR_UNAVAILABLE},    // serialization failure, recovery conflict
    {"53", ERROR_UNAVAILABLE},    // too many connections, out of memory or disk on the server
    {"55P03", ERROR_UNAVAILABLE}, // lock not available
    {"57", ERROR_UNAVAILABLE},    // cancelled, shutting down, starting up
    {"58", ERROR_UNAVAILABLE},    // system error on the server
    {"72", ERROR_UNAVAILABLE},    // snapshot too old
    {"XX", ERROR_UNAVAILABLE},    // internal error
};

static enum error_kind kind_of_state(const char *state)
{
    for (size_t i = 0; i < sizeof kinds_of_states / sizeof *kinds_of_states; i++)
        if (strncmp(state, kinds_of_states[i].prefix, strlen(kinds_of_states[i].prefix)) == 0)
            return kinds_of_states[i].kind;
    return ERROR_CONFIG; // what the query itself is to blame for
}

/* libpq's messages end with a newline and may have several lines. */
static void copy_message(char *out, size_t size, const char *message)
{
    snprintf(out, size, "%s", message);
    size_t length = strlen(out);
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == ' '))
        out[--length] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
}

bool pg_connection_failed(struct pg *pg, struct error *err)
{
    char message[ERROR_MESSAGE_BYTES / 2];
    copy_message(message, sizeof message, PQerrorMessage(pg->conn));
    pg->state[0] = '\0';
    return error_set(err, ERROR_UNAVAILABLE, "PostgreSQL at %s: %s", pg->address, message);
}

/* The error of a failed result; RESULT is freed. */
bool pg_result_failed(struct pg *pg, PGresult *result, struct error *err)
{
    char message[ERROR_MESSAGE_BYTES / 2];
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL || PQstatus(pg->conn) == CONNECTION_BAD) {
        snprintf(pg->state, sizeof pg->state, "%s", state ? state : "");
        copy_message(message, sizeof message, primary ? primary : PQerrorMessage(pg->conn));
        PQclear(result);
        return error_set(err, ERROR_UNAVAILABLE, "PostgreSQL at %s: %s", pg->address, message);
    }
    snprintf(pg->state, sizeof pg->state, "%s", state);
    copy_message(message, sizeof message, primary ? primary : "?");
    PQclear(result);
    return error_set(err, kind_of_state(pg->state), "PostgreSQL at %s: %s (SQLSTATE %s)",
                     pg->address, message, pg->state);
}

static bool stopped(struct error *err)
{
    return error_set(err, ERROR_STOPPED, "asked to stop");
}

/* --- waiting --- */

bool pg_wait(struct pg *pg, short events, int ms, bool *ready, struct error *err)
{
    struct pollfd fds[2] = {{.fd = PQsocket(pg->conn), .events = events},
                            {.fd = stop_fd(), .events = POLLIN}};
    int n = poll(fds, 2, ms);
    *ready = n > 0 && fds[0].revents != 0;
    return !stop_is_requested() || stopped(err);
}

enum { POLL_MS = 1000 };

bool pg_flush(struct pg *pg, struct error *err)
{
    int rc;
    while ((rc = PQflush(pg->conn)) == 1) {
        bool ready;
        if (!pg_wait(pg, POLLIN | POLLOUT, POLL_MS, &ready, err))
            return false;
        if (ready && !PQconsumeInput(pg->conn))
            return pg_connection_failed(pg, err);
    }
    return rc == 0 || pg_connection_failed(pg, err);
}

bool pg_next_result(struct pg *pg, PGresult **out, struct error *err)
{
    while (PQisBusy(pg->conn)) {
        bool ready;
        if (!pg_wait(pg, POLLIN, POLL_MS, &ready, err))
            return false;
        if (ready && !PQconsumeInput(pg->conn))
            return pg_connection_failed(pg, err);
        if (!ready && pg->on_idle != NULL && !pg->on_idle(pg->idle_context, err))
            return false;
    }
    *out = PQgetResult(pg->conn);
    return true;
}

void pg_drain(struct pg *pg)
{
    PGresult *result;
    while ((result = PQgetResult(pg->conn)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        PQclear(result);
        if (status == PGRES_COPY_OUT || PQstatus(pg->conn) == CONNECTION_BAD)
            return;
    }
}

/* --- connecting --- */

static void set_address(struct pg *pg)
{
    const char *host = PQhost(pg->conn);
    const char *port = PQport(pg->conn);
    const char *database = PQdb(pg->conn);
    snprintf(pg->address, sizeof pg->address, "%s:%s/%s", host && *host ? host : "localhost",
             port && *port ? port : "5432", database && *database ? database : "?");
}

/* Why the connection failed. libpq gives no SQLSTATE for it, so its words decide: they are the
 * server's, which may be translated, or libpq's own. */
static bool connect_failed(struct pg *pg, struct error *err)
{
    bool needs_password = PQconnectionNeedsPassword(pg->conn);
    bool used_password = PQconnectionUsedPassword(pg->conn);
    const char *words = PQerrorMessage(pg->conn);
    bool is_denied = needs_password || used_password || strstr(words, "authentication") != NULL ||
                     strstr(words, "pg_hba.conf") != NULL || strstr(words, "no password") != NULL ||
                     strstr(words, "permission denied") != NULL;
    bool is_missing = strstr(words, "does not exist") != NULL;
    is_denied |= is_missing && strstr(words, "role") != NULL;
    bool is_busy = strstr(words, "starting up") != NULL || strstr(words, "shutting down") != NULL ||
                   strstr(words, "too many") != NULL ||
                   strstr(words, "slots are reserved") != NULL ||
                   strstr(words, "Connection refused") != NULL || strstr(words, "timeout") != NULL;
    pg_connection_failed(pg, err);
    if (is_busy)
        return false;
    if (is_missing && strstr(words, "database") != NULL) {
        err->kind = ERROR_CONFIG;
        return error_hint(err, "correct --dsn");
    }
    if (is_denied) {
        err->kind = ERROR_DENIED;
        return error_hint(err, "give the password in PGPASSWORD, .pgpass or a service file");
    }
    return false;
}

/* libpq applies connect_timeout only where it waits itself. */
static int64_t find_connect_ms(PGconn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    long seconds = 0;
    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, "connect_timeout") == 0 && o->val != NULL)
            seconds = strtol(o->val, NULL, 10);
    PQconninfoFree(options);
    return seconds > 0 && seconds <= INT_MAX / 1000 ? seconds * 1000 : PG_CONNECT_MS;
}

static bool poll_connection(struct pg *pg, struct error *err)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    int64_t connect_ms = find_connect_ms(pg->conn);
    int64_t deadline_ms = clock_monotonic_ms() + connect_ms;
    while (status != PGRES_POLLING_OK) {
        bool ready;
        int64_t left = deadline_ms - clock_monotonic_ms();
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (left <= 0)
            return error_set(err, ERROR_UNAVAILABLE, "PostgreSQL at %s: no answer within %lld s",
                             pg->address, (long long)connect_ms / 1000);
        if (!pg_wait(pg, events, (int)left, &ready, err))
            return false;
        if (ready)
            status = PQconnectPoll(pg->conn);
        if (status == PGRES_POLLING_FAILED)
            return connect_failed(pg, err);
    }
    return true;
}

static bool start_connection(struct pg *pg, const char *dsn, struct error *err)
{
    const char *const names[] = {
        "keepalives_idle",  "keepalives_interval",
        "keepalives_count", "fallback_application_name",
        "dbname", // what stands before it are defaults, what stands behind it is fixed
        "client_encoding",  NULL};
    const char *const values[] = {"60", "10", "6", "bobbin", dsn ? dsn : "", "UTF8", NULL};
    pg->conn = PQconnectStartParams(names, values, 1); // a conninfo or URI counts in "dbname"
    if (pg->conn == NULL)
        return error_set_memory(err);
    set_address(pg);
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        bool is_syntax = PQsocket(pg->conn) < 0 && dsn_is_to_blame(PQerrorMessage(pg->conn));
        connect_failed(pg, err);
        return is_syntax && err->kind == ERROR_UNAVAILABLE ? dsn_refuse(dsn, err) : false;
    }
    return poll_connection(pg, err);
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

bool pg_connect(struct pg **out, const char *dsn, int64_t statement_timeout_ms, struct error *err)
{
    struct pg *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        return error_set_memory(err);
    pg->statement_timeout_ms = statement_timeout_ms;
    if (!dsn_check(dsn, err) || !start_connection(pg, dsn, err)) {
        pg_close(pg);
        return false;
    }
    set_address(pg);
    PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    if (PQsetnonblocking(pg->conn, 1) != 0) {
        pg_connection_failed(pg, err);
        pg_close(pg);
        return false;
    }
    *out = pg;
    return true;
}

void pg_close(struct pg *pg)
{
    if (pg == NULL)
        return;
    PQfreemem(pg->copied);
    PQfinish(pg->conn);
    free(pg);
}

void pg_set_idle(struct pg *pg, bool (*on_idle)(void *context, struct error *err), void *context)
{
    pg->on_idle = on_idle;
    pg->idle_context = context;
}

const char *pg_address(const struct pg *pg)
{
    return pg->address;
}

bool pg_is_connected(const struct pg *pg)
{
    return PQstatus(pg->conn) == CONNECTION_OK;
}

const char *pg_last_state(const struct pg *pg)
{
    return pg->state;
}

/* --- statements --- */

/* Send one statement: the extended protocol refuses a second one behind a semicolon. */
static bool send_statement(struct pg *pg, const char *sql, struct error *err)
{
    pg->state[0] = '\0';
    if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
        return pg_connection_failed(pg, err);
    return pg_flush(pg, err);
}

bool pg_give_up(struct pg *pg, const struct error *err)
{
    if (err->kind == ERROR_STOPPED)
        pg_cancel(pg);
    return false;
}

bool pg_run(struct pg *pg, const char *sql, PGresult **out, struct error *err)
{
    if (send_statement(pg, sql, err) && pg_next_result(pg, out, err))
        return true;
    return pg_give_up(pg, err);
}

bool pg_query(struct pg *pg, const char *sql, struct pg_result **out, struct error *err)
{
    PGresult *result = NULL;
    if (!pg_run(pg, sql, &result, err))
        return false;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        pg_result_failed(pg, result, err);
        pg_drain(pg);
        return false;
    }
    pg_drain(pg);
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        PQclear(result);
        return error_set_memory(err);
    }
    (*out)->result = result;
    return true;
}

bool pg_execute(struct pg *pg, const char *sql, struct error *err)
{
    struct pg_result *result;
    if (!pg_query(pg, sql, &result, err))
        return false;
    pg_result_free(result);
    return true;
}

void pg_result_free(struct pg_result *r)
{
    if (r == NULL)
        return;
    PQclear(r->result);
    free(r);
}

int pg_result_rows(const struct pg_result *r)
{
    return PQntuples(r->result);
}

int pg_result_columns(const struct pg_result *r)
{
    return PQnfields(r->result);
}

const char *pg_result_value(const struct pg_result *r, int row, int column)
{
    return PQgetisnull(r->result, row, column) ? NULL : PQgetvalue(r->result, row, column);
}

const char *pg_result_name(const struct pg_result *r, int column)
{
    return PQfname(r->result, column);
}

uint32_t pg_result_type(const struct pg_result *r, int column)
{
    return PQftype(r->result, column);
}

uint32_t pg_result_table(const struct pg_result *r, int column)
{
    return PQftable(r->result, column);
}

int pg_result_attribute(const struct pg_result *r, int column)
{
    return PQftablecol(r->result, column);
}
