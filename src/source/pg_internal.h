/* pg_internal.h: what pg.c, pg_copy.c and pg_script.c share. Nobody else includes it, nor libpq. */
#ifndef BOBBIN_SOURCE_PG_INTERNAL_H
#define BOBBIN_SOURCE_PG_INTERNAL_H

#include <libpq-fe.h>

#include "source/pg.h"

enum { STATE_BYTES = 6, ADDRESS_BYTES = 512 };

struct pg {
    PGconn *conn;
    char *copied; // the row that pg_copy_read gave last
    int64_t statement_timeout_ms;
    bool (*on_idle)(void *context, struct error *err); // or NULL
    void *idle_context;
    char state[STATE_BYTES];
    char address[ADDRESS_BYTES];
};

/* Fill ERR from the connection's error, or from a failed RESULT, which is freed. Both return false.
 */
bool pg_connection_failed(struct pg *pg, struct error *err);
bool pg_result_failed(struct pg *pg, PGresult *result, struct error *err);

/* Wait for EVENTS (poll(2)) on the socket; *READY false after MS. ERROR_STOPPED on a stop request.
 */
bool pg_wait(struct pg *pg, short events, int ms, bool *ready, struct error *err);

/* Send what libpq still holds. */
bool pg_flush(struct pg *pg, struct error *err);

/* What failed by a stop request is cancelled: the server would notice a closed connection only when
 * it sends rows. Nobody uses the connection after that. Returns false. */
bool pg_give_up(struct pg *pg, const struct error *err);

/* Send one statement and give its first result, which may be a failed one. */
bool pg_run(struct pg *pg, const char *sql, PGresult **out, struct error *err);

/* The next result of what was sent; NULL at the end. */
bool pg_next_result(struct pg *pg, PGresult **out, struct error *err);

/* Ask the server to cancel the current statement; best effort. */
void pg_cancel(struct pg *pg);

/* Read all that is left of the current statement. */
void pg_drain(struct pg *pg);

#endif
