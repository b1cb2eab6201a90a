/* window.c: see window.h. */
#include "source/window.h"

#include <stdlib.h>

#include <jansson.h>

enum { STATEMENT_MAX_BYTES = 4 << 20, KEY_ROOM_BYTES = 64 << 10 };

/* Run SELECT <what> FROM q within RANGE <tail>; the first row's first value is appended to OUT. */
static bool ask(struct pg *pg, const struct query *q, const char *before, const char *what,
                const struct key_range *range, const char *tail, struct buffer *out, bool *found,
                struct error *err)
{
    struct buffer sql;
    struct pg_result *result = NULL;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    buffer_append_string(&sql, before);
    bool ok = query_put_select(q, pg, what, range, tail, &sql, err) &&
              pg_query(pg, buffer_string(&sql), &result, err);
    buffer_free(&sql);
    if (!ok)
        return false;
    const char *value = pg_result_rows(result) > 0 ? pg_result_value(result, 0, 0) : NULL;
    *found = value != NULL;
    if (value != NULL)
        buffer_append_string(out, value);
    pg_result_free(result);
    return buffer_check(out, "the answer of PostgreSQL", err);
}

bool window_find_end(struct pg *pg, const struct query *q, const struct key_range *left,
                     uint64_t rows, struct buffer *upto, bool *found, struct error *err)
{
    struct buffer sql;
    struct pg_result *result = NULL;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = query_put_bound(q, pg, left, rows, &sql, err) &&
              pg_query(pg, buffer_string(&sql), &result, err);
    buffer_free(&sql);
    if (!ok)
        return error_wrap(err, "the end of the next window");
    *found = pg_result_rows(result) == 1;
    if (*found)
        buffer_append_string(upto, pg_result_value(result, 0, 0));
    pg_result_free(result);
    return buffer_check(upto, "a key", err);
}

/* SELECT <from> <= <to>, where an absent bound is the other one. The key itself stands beside, and is never read: so they are
 * compared by its collation, not by the database's. */
static bool put_range_question(struct pg *pg, const struct query *q, const struct key_range *range,
                               struct buffer *sql, struct error *err)
{
    buffer_append_string(sql, "SELECT ");
    if (!query_put_key_literal(q, pg, range->has_from ? range->from : range->to, sql, err))
        return false;
    static const struct key_range all = {.has_from = false};
    buffer_append_string(sql, " <= coalesce((");
    if (!query_put_select(q, pg, QUERY_KEY, &all, "WHERE false", sql, err))
        return false;
    buffer_append_string(sql, "), ");
    if (!query_put_key_literal(q, pg, range->has_to ? range->to : range->from, sql, err))
        return false;
    buffer_append_byte(sql, ')');
    return buffer_check(sql, "a statement", err);
}

bool window_check_range(struct pg *pg, const struct query *q, const struct key_range *range,
                        struct error *err)
{
    struct buffer sql;
    struct pg_result *result = NULL;
    if (!range->has_from && !range->has_to)
        return true;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = put_range_question(pg, q, range, &sql, err);
    if (ok && !pg_query(pg, buffer_string(&sql), &result, err)) {
        ok = false;
        if (err->kind == ERROR_CONFIG) { // no value of the key's type
            err->kind = ERROR_USAGE;
            error_wrap(err, "--from and --to must be keys (type %s)", query_key_type(q));
        }
    }
    buffer_free(&sql);
    const char *answer = ok ? pg_result_value(result, 0, 0) : NULL;
    if (ok && (answer == NULL || strcmp(answer, "t") != 0))
        ok =
            error_set(err, ERROR_USAGE, "the range is upside down: --%s %.*s comes after --to %.*s",
                      range->is_from_inclusive ? "from" : "after", (int)range->from.size,
                      range->from.data, (int)range->to.size, range->to.data);
    pg_result_free(result);
    return ok;
}

static const struct key_range everything = {.has_from = false, .has_to = false};

bool window_check_key(struct pg *pg, const struct query *q, const struct key_range *range,
                      struct error *err)
{
    struct buffer answer;
    bool found;
    buffer_init(&answer, STATEMENT_MAX_BYTES);
    bool ok = ask(pg, q, "", "1", &everything, "WHERE " QUERY_KEY " IS NULL LIMIT 1", &answer,
                  &found, err);
    if (ok && found)
        ok = error_set(
            err, ERROR_CONFIG,
            "the key is NULL in some rows, and these would be in no range: choose another "
            "--key, or leave such rows out in the query");
    if (ok && !query_key_is_unique(q)) {
        buffer_clear(&answer);
        ok = ask(pg, q, "", QUERY_KEY "::text", range,
                 "GROUP BY " QUERY_KEY " HAVING count(*) > 1 LIMIT 1", &answer, &found, err);
        if (ok && found)
            ok = error_set(err, ERROR_CONFIG,
                           "the key is not unique: two rows have %s; choose another --key",
                           buffer_string(&answer));
    }
    buffer_free(&answer);
    return ok;
}

bool window_estimate_rows(struct pg *pg, const struct query *q, const struct key_range *range,
                          uint64_t *rows, struct error *err)
{
    struct buffer plan;
    bool found;
    *rows = 0;
    buffer_init(&plan, STATEMENT_MAX_BYTES);
    bool ok = ask(pg, q, "EXPLAIN (FORMAT JSON) ", QUERY_KEY, range, "", &plan, &found, err);
    json_t *json = ok ? json_loadb(plan.data, plan.size, 0, NULL) : NULL;
    json_t *root = json_object_get(json_array_get(json, 0), "Plan");
    double estimate = json_number_value(json_object_get(root, "Plan Rows"));
    if (estimate > 0)
        *rows = (uint64_t)estimate;
    json_decref(json);
    buffer_free(&plan);
    return ok;
}

bool window_count_rows(struct pg *pg, const struct query *q, const struct key_range *range,
                       uint64_t *rows, struct error *err)
{
    struct buffer answer;
    bool found;
    buffer_init(&answer, 64);
    bool ok = ask(pg, q, "", "count(*)", range, "", &answer, &found, err);
    *rows = ok ? strtoull(buffer_string(&answer), NULL, 10) : 0;
    buffer_free(&answer);
    return ok;
}

bool window_count_documents(struct pg *pg, const struct query *q, const struct key_range *range,
                            const char *op, const char *index, uint64_t *count, struct error *err)
{
    struct buffer sql;
    struct pg_result *result = NULL;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = query_put_count(q, pg, range, op, index, &sql, err) &&
              pg_query(pg, buffer_string(&sql), &result, err);
    buffer_free(&sql);
    const char *answer = ok ? pg_result_value(result, 0, 0) : NULL;
    *count = answer != NULL ? strtoull(answer, NULL, 10) : 0;
    pg_result_free(result);
    return ok;
}

/* Cut the first ROWS rows off LEFT: they become *PART; LEFT begins behind them. */
static bool cut_part(struct pg *pg, const struct query *q, struct key_range *left, uint64_t rows,
                     struct key_range *part, struct buffer *keys, bool *found, struct error *err)
{
    size_t at = keys->size;
    if (!window_find_end(pg, q, left, rows, keys, found, err))
        return false;
    if (!*found)
        return true;
    *part = *left;
    part->has_to = true;
    part->to = (struct slice){keys->data + at, keys->size - at};
    left->has_from = true;
    left->is_from_inclusive = false;
    left->from = part->to;
    return true;
}

bool window_split(struct pg *pg, const struct query *q, const struct key_range *range, size_t count,
                  struct key_range *parts, size_t *part_count, struct buffer *keys, uint64_t *rows,
                  struct error *err)
{
    bool found = false;
    bool ok = window_count_rows(pg, q, range, rows, err);
    struct key_range left = *range;
    *part_count = 0;
    /* The keys must not move, since parts borrow them: so there is room, and no more than that. */
    keys->maximum = count * KEY_ROOM_BYTES;
    if (ok && !buffer_reserve(keys, count * KEY_ROOM_BYTES))
        ok = buffer_check(keys, "the parts' keys", err);
    uint64_t each = *rows / count;
    while (ok && each > 0 && *part_count + 1 < count) {
        ok = cut_part(pg, q, &left, each, &parts[*part_count], keys, &found, err);
        if (!ok || !found)
            break;
        ++*part_count;
    }
    if (ok)
        parts[(*part_count)++] = left;
    return ok;
}
