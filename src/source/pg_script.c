/* pg_script.c: several statements at once, by the simple query protocol. See pg.h. */
#include <stdlib.h>

#include "source/pg_internal.h"

/* The line of SQL in which the character (not byte) of RESULT's error stands; 0: it names none. */
static size_t line_of_error(const PGresult *result, const char *sql)
{
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    long left = position != NULL ? strtol(position, NULL, 10) : 0;
    size_t line = 1;
    if (left <= 0)
        return 0;
    for (; *sql != '\0'; sql++) {
        bool begins_character = ((unsigned char)*sql & 0xc0) != 0x80;
        if (begins_character && --left == 0)
            break;
        line += *sql == '\n';
    }
    return line;
}

static bool check_result(struct pg *pg, PGresult *result, const char *sql, size_t *line,
                         struct error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        PQclear(result);
        return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        PQclear(result);
        return error_set(err, ERROR_CONFIG,
                         "COPY from STDIN or to STDOUT leads nowhere here: name a file, or use a "
                         "foreign table");
    default:
        *line = line_of_error(result, sql);
        return pg_result_failed(pg, result, err);
    }
}

bool pg_run_script(struct pg *pg, const char *sql, size_t *line, struct error *err)
{
    *line = 0;
    pg->state[0] = '\0';
    if (!PQsendQuery(pg->conn, sql))
        return pg_connection_failed(pg, err);
    if (!pg_flush(pg, err))
        return pg_give_up(pg, err);
    for (;;) {
        PGresult *result;
        if (!pg_next_result(pg, &result, err))
            return pg_give_up(pg, err);
        if (result == NULL)
            return true;
        if (!check_result(pg, result, sql, line, err))
            return false;
    }
}
