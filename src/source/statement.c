/* statement.c: the statements that query.h makes from the user's SELECT. */
#include <inttypes.h>
#include <stdio.h>

#include "source/query_internal.h"

bool query_put_key_literal(const struct query *q, struct pg *pg, struct slice text,
                           struct buffer *out, struct error *err)
{
    if (!pg_append_literal(pg, out, text, err))
        return false;
    buffer_append_format(out, "::%s", q->key_type);
    return buffer_check(out, "a statement", err);
}

static bool put_condition(const struct query *q, struct pg *pg, const char *before,
                          const char *operator, struct slice key, struct buffer *out,
                          struct error *err)
{
    buffer_append_format(out, " %s %s %s ", before, q->key, operator);
    return query_put_key_literal(q, pg, key, out, err);
}

static bool put_range(const struct query *q, struct pg *pg, const struct key_range *range,
                      struct buffer *out, struct error *err)
{
    const char *before = "WHERE";
    if (range->has_from) {
        if (!put_condition(q, pg, before, range->is_from_inclusive ? ">=" : ">", range->from, out,
                           err))
            return false;
        before = "AND";
    }
    return !range->has_to ||
           put_condition(q, pg, before, range->is_to_exclusive ? "<" : "<=", range->to, out, err);
}

static void put_with_key(const struct query *q, const char *text, struct buffer *out)
{
    for (; *text != '\0'; text++) {
        if (*text == QUERY_KEY[0])
            buffer_append_string(out, q->key);
        else
            buffer_append_byte(out, *text);
    }
}

bool query_put_select(const struct query *q, struct pg *pg, const char *what,
                      const struct key_range *range, const char *tail, struct buffer *out,
                      struct error *err)
{
    buffer_append_string(out, "SELECT ");
    put_with_key(q, what, out);
    buffer_append_format(out, " FROM (%s\n) AS q", q->select);
    if (!put_range(q, pg, range, out, err))
        return false;
    buffer_append_byte(out, ' ');
    put_with_key(q, tail, out);
    return buffer_check(out, "a statement", err);
}

static bool put_columns(const struct query *q, struct buffer *out, struct error *err)
{
    for (size_t i = 0; i < q->count; i++)
        buffer_append_format(out, "%s%s", i == 0 ? "" : ", ", q->columns[i].expression);
    return buffer_check(out, "the columns", err);
}

bool query_put_copy(const struct query *q, struct pg *pg, const struct key_range *range,
                    struct buffer *out, struct error *err)
{
    struct buffer columns;
    buffer_init(&columns, QUERY_MAX_BYTES);
    buffer_append_string(out, "COPY (");
    bool ok =
        put_columns(q, &columns, err) &&
        query_put_select(q, pg, buffer_string(&columns), range, "ORDER BY " QUERY_KEY, out, err);
    buffer_append_string(out, ") TO STDOUT");
    buffer_free(&columns);
    return ok && buffer_check(out, "a statement", err);
}

bool query_put_copy_of_keys(const struct query *q, struct pg *pg, const struct slice *keys,
                            size_t count, struct buffer *out, struct error *err)
{
    buffer_append_string(out, "COPY (SELECT ");
    if (!put_columns(q, out, err))
        return false;
    buffer_append_format(out, " FROM (%s\n) AS q WHERE %s IN (", q->select, q->key);
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(out, i == 0 ? "" : ", ");
        if (!query_put_key_literal(q, pg, keys[i], out, err))
            return false;
    }
    buffer_append_format(out, ") ORDER BY %s) TO STDOUT", q->key);
    return buffer_check(out, "a statement", err);
}

static bool has_role(const struct query *q, enum column_role role)
{
    for (size_t i = 0; i < q->count; i++)
        if (q->document_columns[i].role == role)
            return true;
    return false;
}

/* Append coalesce(q."<column>"::text, '<standard>'), or just the standard without such a column. */
static bool put_metadata(const struct query *q, struct pg *pg, enum column_role role,
                         const char *column, const char *standard, struct buffer *out,
                         struct error *err)
{
    bool has = has_role(q, role);
    if (has)
        buffer_append_format(out, "coalesce(q.\"%s\"::text, ", column);
    if (!pg_append_literal(pg, out, slice_of(standard), err))
        return false;
    buffer_append_string(out, has ? ")" : "");
    return true;
}

bool query_put_count(const struct query *q, struct pg *pg, const struct key_range *range,
                     const char *op, const char *index, struct buffer *out, struct error *err)
{
    struct buffer what;
    buffer_init(&what, QUERY_MAX_BYTES);
    buffer_append_string(&what, "count(*) FILTER (WHERE ");
    bool ok = put_metadata(q, pg, COLUMN_OP, "_op", op, &what, err);
    buffer_append_string(&what, " <> 'delete' AND ");
    ok = ok && put_metadata(q, pg, COLUMN_INDEX, "_index", index, &what, err);
    buffer_append_string(&what, " = ");
    ok = ok && pg_append_literal(pg, &what, slice_of(index), err);
    buffer_append_string(&what, ")");
    ok = ok && query_put_select(q, pg, buffer_string(&what), range, "", out, err);
    buffer_free(&what);
    return ok;
}

bool query_put_bound(const struct query *q, struct pg *pg, const struct key_range *range,
                     uint64_t rows, struct buffer *out, struct error *err)
{
    char tail[128];
    snprintf(tail, sizeof tail, "ORDER BY " QUERY_KEY " OFFSET %" PRIu64 " LIMIT 1", rows - 1);
    return query_put_select(q, pg, QUERY_KEY "::text", range, tail, out, err);
}
