/* store_postgres.c: the store in a table of PostgreSQL, for clusters that allow no index beside the target.
 * See store.h.
 *
 * A version is a number of the table's sequence: no document, also one that was removed and made again, has the same
 * twice. Each call is one statement, and so one transaction. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fleet/store.h"
#include "source/pg.h"

#define TABLE "bobbin_jobs"
#define NO_TABLE "42P01"
enum { SQL_MAX_BYTES = 2 * STORE_DOCUMENT_MAX_BYTES, PLACE_BYTES = 512 };

struct postgres_store {
    const char *dsn;
    int64_t timeout_ms;
    int64_t give_up_ms; // of the call that runs
    struct pg *pg;      // NULL: not connected
    char place[PLACE_BYTES];
};

static bool check_time(void *context, struct error *err)
{
    const struct postgres_store *p = context;
    return clock_monotonic_ms() < p->give_up_ms ||
           error_set(err, ERROR_UNAVAILABLE, "PostgreSQL at %s: no answer within %lld s",
                     pg_address(p->pg), (long long)p->timeout_ms / 1000);
}

static void disconnect(struct postgres_store *p)
{
    pg_close(p->pg);
    p->pg = NULL;
}

static bool connect_if_needed(struct postgres_store *p, struct error *err)
{
    if (p->pg != NULL && !pg_is_connected(p->pg))
        disconnect(p);
    p->give_up_ms = clock_monotonic_ms() + p->timeout_ms;
    if (p->pg != NULL)
        return true;
    if (!pg_connect(&p->pg, p->dsn, p->timeout_ms, err)) {
        p->pg = NULL;
        return error_wrap(err, "--coordinator");
    }
    pg_set_idle(p->pg, check_time, p);
    return true;
}

/* *RESULT is NULL when there is no table. What was not answered leaves the connection unusable. */
static bool query(struct postgres_store *p, struct buffer *sql, struct pg_result **result,
                  struct error *err)
{
    *result = NULL;
    if (!buffer_check(sql, "a statement", err))
        return false;
    if (pg_query(p->pg, buffer_string(sql), result, err))
        return true;
    if (strcmp(pg_last_state(p->pg), NO_TABLE) == 0) {
        *err = (struct error){.kind = ERROR_NONE};
        return true;
    }
    if (pg_last_state(p->pg)[0] == '\0') {
        pg_abandon(p->pg);
        p->pg = NULL;
    }
    return error_wrap(err, "--coordinator");
}

/* Append FORMAT's text, in which each ? is the next of VALUES as a literal. */
static bool put_sql(struct postgres_store *p, struct buffer *sql, const char *format,
                    const char *const *values, struct error *err)
{
    if (!connect_if_needed(p, err))
        return false;
    for (; *format != '\0'; format++)
        if (*format != '?')
            buffer_append_byte(sql, *format);
        else if (!pg_append_literal(p->pg, sql, slice_of(*values++), err))
            return false;
    return true;
}

static bool run(struct postgres_store *p, const char *format, const char *const *values,
                struct pg_result **result, struct error *err)
{
    struct buffer sql;
    *result = NULL;
    buffer_init(&sql, SQL_MAX_BYTES);
    bool ok = put_sql(p, &sql, format, values, err) && query(p, &sql, result, err);
    buffer_free(&sql);
    return ok;
}

static void read_version(const struct pg_result *result, int column, struct store_version *version)
{
    version->number = strtoll(pg_result_value(result, 0, column), NULL, 10);
    version->term = 0;
}

static bool parse(const char *text, json_t **body, struct error *err)
{
    *body = json_loads(text, 0, NULL);
    return *body != NULL || error_set_memory(err);
}

static bool postgres_get(void *self, const char *id, bool is_brief, json_t **body,
                         struct store_version *version, struct error *err)
{
    struct pg_result *result;
    const char *sql = is_brief ? "SELECT body - 'plan', version FROM " TABLE " WHERE id = ?"
                               : "SELECT body, version FROM " TABLE " WHERE id = ?";
    if (!run(self, sql, &id, &result, err))
        return false;
    bool ok = true;
    if (result != NULL && pg_result_rows(result) == 1) {
        read_version(result, 1, version);
        ok = parse(pg_result_value(result, 0, 0), body, err);
    }
    pg_result_free(result);
    return ok;
}

static bool postgres_put(void *self, const char *id, const char *text,
                         struct store_version *version, bool *is_done, struct error *err)
{
    struct pg_result *result;
    char number[32];
    snprintf(number, sizeof number, "%" PRId64, version->number);
    const char *const created[] = {id, text};
    const char *const replaced[] = {text, id, number};
    bool is_new = version->number == 0;
    const char *sql =
        is_new ? "INSERT INTO " TABLE
                 " (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING version"
               : "UPDATE " TABLE
                 " SET body = ?, version = DEFAULT WHERE id = ? AND version = ? RETURNING version";
    if (!run(self, sql, is_new ? created : replaced, &result, err))
        return false;
    *is_done = result != NULL && pg_result_rows(result) == 1;
    if (*is_done)
        read_version(result, 0, version);
    pg_result_free(result);
    return true;
}

static bool postgres_remove(void *self, const char *id, struct error *err)
{
    struct pg_result *result;
    if (!run(self, "DELETE FROM " TABLE " WHERE id = ?", &id, &result, err))
        return false;
    pg_result_free(result);
    return true;
}

static bool postgres_list(void *self, const char *kind, store_see *see, void *context,
                          struct error *err)
{
    struct pg_result *result;
    if (!run(self, "SELECT body FROM " TABLE " WHERE body->>'kind' = ? ORDER BY id LIMIT 1000",
             &kind, &result, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && result != NULL && i < pg_result_rows(result); i++) {
        json_t *body = NULL;
        ok = parse(pg_result_value(result, i, 0), &body, err) && see(context, body, err);
        json_decref(body);
    }
    pg_result_free(result);
    return ok;
}

static const char *postgres_place(const void *self)
{
    return ((const struct postgres_store *)self)->place;
}

static void close_store(void *self)
{
    struct postgres_store *p = self;
    pg_close(p->pg);
    free(p);
}

/* Of those that make it at once some are told, in spite of the words, that it is there: as a relation (42P07), as a type (42710),
 * or by a unique index of the catalogs (23505). Eight connections at once met all three. */
static bool make_table(struct postgres_store *p, struct error *err)
{
    static const char sql[] =
        "CREATE TABLE IF NOT EXISTS " TABLE
        " (id text PRIMARY KEY, body jsonb NOT NULL, version bigserial NOT NULL)";
    struct pg_result *result;
    if (!run(p, sql, NULL, &result, err)) {
        const char *state = p->pg != NULL ? pg_last_state(p->pg) : "";
        if (strcmp(state, "23505") != 0 && strcmp(state, "42710") != 0 &&
            strcmp(state, "42P07") != 0)
            return false;
        *err = (struct error){.kind = ERROR_NONE};
        return true;
    }
    pg_result_free(result);
    return true;
}

static const struct store_calls postgres_calls = {
    postgres_get, postgres_put, postgres_remove, postgres_list, postgres_place, close_store,
};

bool store_open_postgres(struct store **out, const struct store_options *options, struct error *err)
{
    struct postgres_store *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set_memory(err);
    p->dsn = options->coordinator;
    p->timeout_ms = options->timeout_ms;
    if (!connect_if_needed(p, err) || (options->makes && !make_table(p, err))) {
        close_store(p);
        return false;
    }
    snprintf(p->place, sizeof p->place, "table " TABLE " of %s", pg_address(p->pg));
    return store_new(out, &postgres_calls, p, err);
}
