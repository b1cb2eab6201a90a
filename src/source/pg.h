/* pg.h: a connection to PostgreSQL. The only libpq.
 *
 * Every wait can be ended by a stop request. Errors carry the server's words and the SQLSTATE and
 * are sorted by kind: ERROR_UNAVAILABLE (no connection, shutdown, conflicts: try again),
 * ERROR_DENIED (password, permissions), ERROR_CONFIG (the query, the key, the database's name),
 * ERROR_STOPPED. */
#ifndef BOBBIN_SOURCE_PG_H
#define BOBBIN_SOURCE_PG_H

#include <stdint.h>

#include "base/buffer.h"

struct pg;
struct pg_result;

enum { PG_CONNECT_MS = 15000 }; // when the conninfo has no connect_timeout

/* Connect by DSN (a conninfo string or URI; libpq's environment, service file and .pgpass count as
 * everywhere). Text comes as UTF-8. STATEMENT_TIMEOUT_MS is set in every transaction. */
MUST_CHECK bool pg_connect(struct pg **out, const char *dsn, int64_t statement_timeout_ms,
                           struct error *err);
void pg_close(struct pg *pg);

/* Close in the middle of a statement: it is cancelled, since the server would notice a closed connection
 * only when it sends rows. */
void pg_abandon(struct pg *pg);

/* ON_IDLE is called about every second while a statement's answer is waited for; when it fails, so does
 * the wait, with its error. It must not use PG. */
void pg_set_idle(struct pg *pg, bool (*on_idle)(void *context, struct error *err), void *context);

/* "host:port/database", for messages. Borrowed. */
const char *pg_address(const struct pg *pg);

/* Is the connection still good? */
bool pg_is_connected(const struct pg *pg);

/* The SQLSTATE of the last error, "" when there was none or it had no state. */
const char *pg_last_state(const struct pg *pg);

/* Begin a read-only REPEATABLE READ transaction with the session settings that the encoder relies
 * on (TimeZone, DateStyle, ...), set for this transaction only so that a pooler in transaction mode
 * is fine. SNAPSHOT: one that pg_export_snapshot gave, or NULL. None is left open by a failure. */
MUST_CHECK bool pg_begin(struct pg *pg, const char *snapshot, struct error *err);

/* End the transaction, whatever its state. A lost connection is no error here. */
void pg_end(struct pg *pg);

/* The id of this transaction's snapshot, appended to OUT. *IS_STANDBY: the server is one. */
MUST_CHECK bool pg_export_snapshot(struct pg *pg, struct buffer *out, bool *is_standby,
                                   struct error *err);

/* Is the server still there, and the transaction good? An error when not. */
MUST_CHECK bool pg_ask(struct pg *pg, struct error *err);

/* Run one statement; the caller frees *OUT. */
MUST_CHECK bool pg_query(struct pg *pg, const char *sql, struct pg_result **out, struct error *err);
void pg_result_free(struct pg_result *r);

/* The same of one that gives no rows of interest. */
MUST_CHECK bool pg_execute(struct pg *pg, const char *sql, struct error *err);

/* Run SQL, any number of statements; what rows they give is dropped. *LINE of SQL where the server sees the
 * error, 0 when it doesn't say. ERROR_CONFIG also for COPY from or to us. After an error PG is only to be closed. */
MUST_CHECK bool pg_run_script(struct pg *pg, const char *sql, size_t *line, struct error *err);

int pg_result_rows(const struct pg_result *r);
int pg_result_columns(const struct pg_result *r);

/* A value as text, borrowed from the result; NULL for NULL. */
const char *pg_result_value(const struct pg_result *r, int row, int column);

/* A column's name (borrowed) and type; TABLE and ATTRIBUTE are 0 when it is no plain table column.
 */
const char *pg_result_name(const struct pg_result *r, int column);
uint32_t pg_result_type(const struct pg_result *r, int column);
uint32_t pg_result_table(const struct pg_result *r, int column);
int pg_result_attribute(const struct pg_result *r, int column);

/* Append TEXT to OUT as a literal or as an identifier, quoted. */
MUST_CHECK bool pg_append_literal(struct pg *pg, struct buffer *out, struct slice text,
                                  struct error *err);
MUST_CHECK bool pg_append_identifier(struct pg *pg, struct buffer *out, const char *name,
                                     struct error *err);

/* --- COPY ... TO STDOUT --- */

enum pg_copy { PG_COPY_ROW, PG_COPY_IDLE, PG_COPY_END };

MUST_CHECK bool pg_copy_begin(struct pg *pg, const char *sql, struct error *err);

/* The next row: a line of COPY text with its newline, good until the next call. PG_COPY_IDLE: none
 * came for IDLE_MS. */
MUST_CHECK bool pg_copy_read(struct pg *pg, int idle_ms, enum pg_copy *what, struct slice *row,
                             struct error *err);

#endif
