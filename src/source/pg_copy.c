/* pg_copy.c: transactions, quoting, COPY and its early end, over a connection. See pg.h. */
#include <poll.h>
#include <stdio.h>

#include "source/pg_internal.h"

enum {
    CANCEL_ERROR_BYTES = 256,
    HAS_TRANSACTION_TIMEOUT = 170000, // which would end --snapshot dump's snapshot
};

/* --- transactions --- */

static bool set_snapshot(struct pg *pg, const char *snapshot, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 4096);
    buffer_append_string(&sql, "SET TRANSACTION SNAPSHOT ");
    bool ok = pg_append_literal(pg, &sql, slice_of(snapshot), err) &&
              pg_execute(pg, buffer_string(&sql), err);
    buffer_free(&sql);
    return ok;
}

/* Settings that change how values are printed, and the timeouts. Transaction-local. A window is short:
 * compiling its plan takes longer than it saves, and its rows come in order from one process. A database that
 * never checked its bytes (SQL_ASCII) must send them as they are: asked for UTF-8, the server would
 * end the whole COPY at the first that isn't. */
static bool set_session(struct pg *pg, struct error *err)
{
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true), "
        "set_config('IntervalStyle', 'postgres', true), "
        "set_config('extra_float_digits', '1', true), "
        "set_config('bytea_output', 'hex', true), set_config('lock_timeout', '30s', true), "
        "set_config('client_encoding', CASE current_setting('server_encoding') "
        "WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, true), "
        "set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true), "
        "set_config('idle_in_transaction_session_timeout', '0', true), "
        "set_config('statement_timeout', '%lld', true)%s",
        (long long)pg->statement_timeout_ms,
        PQserverVersion(pg->conn) >= HAS_TRANSACTION_TIMEOUT
            ? ", set_config('transaction_timeout', '0', true)"
            : "");
    return pg_execute(pg, sql, err);
}

bool pg_begin(struct pg *pg, const char *snapshot, struct error *err)
{
    bool ok = pg_execute(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) &&
              (snapshot == NULL || set_snapshot(pg, snapshot, err)) && set_session(pg, err);
    if (!ok)
        pg_end(pg); // a transaction that has begun and failed would refuse the next BEGIN
    return ok;
}

void pg_end(struct pg *pg)
{
    struct error ignored = {.kind = ERROR_NONE};
    char state[STATE_BYTES];
    memcpy(state, pg->state, sizeof state); // of the error that the caller still asks about
    if (PQstatus(pg->conn) == CONNECTION_OK)
        (void)!pg_execute(pg, "ROLLBACK", &ignored);
    memcpy(pg->state, state, sizeof state);
}

bool pg_export_snapshot(struct pg *pg, struct buffer *out, bool *is_standby, struct error *err)
{
    struct pg_result *result;
    if (!pg_query(pg, "SELECT pg_export_snapshot(), pg_is_in_recovery()", &result, err))
        return false;
    buffer_append_string(out, pg_result_value(result, 0, 0));
    *is_standby = strcmp(pg_result_value(result, 0, 1), "t") == 0;
    pg_result_free(result);
    return buffer_check(out, "a snapshot's id", err);
}

bool pg_ask(struct pg *pg, struct error *err)
{
    return pg_execute(pg, "SELECT 'there'", err);
}

/* --- quoting --- */

static bool append_quoted(struct pg *pg, struct buffer *out, char *quoted, struct error *err)
{
    if (quoted == NULL) { // no valid UTF-8
        pg_connection_failed(pg, err);
        err->kind = ERROR_CONFIG;
        return false;
    }
    buffer_append_string(out, quoted);
    PQfreemem(quoted);
    return buffer_check(out, "a statement", err);
}

bool pg_append_literal(struct pg *pg, struct buffer *out, struct slice text, struct error *err)
{
    return append_quoted(pg, out, PQescapeLiteral(pg->conn, text.data, text.size), err);
}

bool pg_append_identifier(struct pg *pg, struct buffer *out, const char *name, struct error *err)
{
    return append_quoted(pg, out, PQescapeIdentifier(pg->conn, name, strlen(name)), err);
}

/* --- COPY --- */

bool pg_copy_begin(struct pg *pg, const char *sql, struct error *err)
{
    PGresult *result;
    if (!pg_run(pg, sql, &result, err))
        return false;
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        pg_result_failed(pg, result, err);
        pg_drain(pg);
        return false;
    }
    PQclear(result);
    return true;
}

static bool finish_copy(struct pg *pg, struct error *err)
{
    PGresult *result;
    if (!pg_next_result(pg, &result, err))
        return false;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        pg_result_failed(pg, result, err);
        pg_drain(pg);
        return false;
    }
    PQclear(result);
    pg_drain(pg);
    return true;
}

bool pg_copy_read(struct pg *pg, int idle_ms, enum pg_copy *what, struct slice *row,
                  struct error *err)
{
    bool ready = true;
    PQfreemem(pg->copied);
    pg->copied = NULL;
    for (;;) {
        int length = PQgetCopyData(pg->conn, &pg->copied, 1);
        if (length > 0) {
            *row = (struct slice){pg->copied, (size_t)length};
            *what = PG_COPY_ROW;
            return true;
        }
        if (length == -1) {
            *what = PG_COPY_END;
            return finish_copy(pg, err);
        }
        if (length < -1)
            return pg_connection_failed(pg, err);
        if (!ready) {
            *what = PG_COPY_IDLE;
            return true;
        }
        if (!pg_wait(pg, POLLIN, idle_ms, &ready, err))
            return false; // the server ends the COPY when the connection closes
        if (ready && !PQconsumeInput(pg->conn))
            return pg_connection_failed(pg, err);
    }
}

void pg_cancel(struct pg *pg)
{
    char message[CANCEL_ERROR_BYTES];
    PGcancel *cancel = PQgetCancel(pg->conn);
    if (cancel != NULL)
        (void)PQcancel(cancel, message, sizeof message);
    PQfreeCancel(cancel);
}

void pg_abandon(struct pg *pg)
{
    pg_cancel(pg);
    pg_close(pg);
}
