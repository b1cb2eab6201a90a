/* rows.c: see rows.h. */
#include "job/rows.h"

#include <stdlib.h>

#include "job/dump_internal.h"
#include "job/pace.h"

enum { STATEMENT_MAX_BYTES = ROWS_KEYS_MAX * 2 * FRAME_KEY_MAX_BYTES };

struct rows {
    struct dump *dump;
    struct pg *pg; // NULL while there is no connection
    rows_take *take;
    void *context;
    struct pace pace;
    struct key_range left; // of the range
    struct buffer after;   // left.from's bytes
    uint64_t taken;
};

bool rows_new(struct rows **out, struct dump *d, struct error *err)
{
    struct rows *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set_memory(err);
    r->dump = d;
    r->pg = d->pg;
    d->pg = NULL;
    buffer_init(&r->after, FRAME_KEY_MAX_BYTES);
    *out = r;
    return true;
}

void rows_free(struct rows *r)
{
    if (r == NULL)
        return;
    pg_close(r->pg);
    buffer_free(&r->after);
    free(r);
}

/* Begin a transaction, over a new connection when there is no good one. */
static bool begin(struct rows *r, struct error *err)
{
    const struct job_options *o = r->dump->options;
    if (r->pg == NULL || !pg_is_connected(r->pg)) {
        pg_close(r->pg);
        r->pg = NULL;
        if (!pg_connect(&r->pg, o->dsn, o->statement_timeout_ms, err))
            return false;
    }
    return pg_begin(r->pg, NULL, err);
}

bool rows_count(struct rows *r, const char *index, uint64_t *count, struct error *err)
{
    static const char *const ops[] = {
        [BULK_INDEX] = "index",
        [BULK_CREATE] = "create",
        [BULK_UPDATE] = "update",
        [BULK_DELETE] = "delete",
    };
    const struct dump *d = r->dump;
    if (!begin(r, err))
        return false;
    bool ok =
        window_count_documents(r->pg, d->query, &d->range, ops[d->options->op], index, count, err);
    pg_end(r->pg);
    return ok;
}

/* What is left begins behind KEY. */
static bool advance(struct rows *r, struct slice key, struct error *err)
{
    buffer_clear(&r->after);
    buffer_append(&r->after, key.data, key.size);
    r->left.has_from = true;
    r->left.is_from_inclusive = false;
    r->left.from = buffer_slice(&r->after);
    r->taken++;
    return buffer_check(&r->after, "a key", err);
}

static bool copy(struct rows *r, struct buffer *sql, struct error *err)
{
    enum pg_copy what = PG_COPY_IDLE;
    struct slice row, key;
    if (!pg_copy_begin(r->pg, buffer_string(sql), err))
        return false;
    for (;;) {
        if (!pg_copy_read(r->pg, -1, &what, &row, err))
            return false;
        if (what == PG_COPY_END)
            return true;
        if (what == PG_COPY_ROW && (!r->take(r->context, row, &key, err) || !advance(r, key, err)))
            return false;
    }
}

static bool copy_window(struct rows *r, const struct key_range *window, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = query_put_copy(r->dump->query, r->pg, window, &sql, err) && copy(r, &sql, err);
    buffer_free(&sql);
    return ok;
}

/* Read the next window of what is left; *IS_LAST: nothing is left behind it. */
static bool read_window(struct rows *r, bool *is_last, struct error *err)
{
    struct buffer upto;
    bool found;
    if (!begin(r, err))
        return false;
    buffer_init(&upto, FRAME_KEY_MAX_BYTES);
    bool ok =
        window_find_end(r->pg, r->dump->query, &r->left, r->pace.window_rows, &upto, &found, err);
    if (ok) {
        struct key_range window = r->left;
        if (found) {
            window.has_to = true;
            window.to = buffer_slice(&upto);
        }
        *is_last = !found;
        ok = copy_window(r, &window, err);
    }
    buffer_free(&upto);
    pg_end(r->pg);
    return ok;
}

bool rows_read_all(struct rows *r, rows_take *take, void *context, struct error *err)
{
    bool is_last = false;
    r->take = take;
    r->context = context;
    r->left = r->dump->range;
    pace_begin(&r->pace, r->dump->options);
    while (!is_last) {
        uint64_t taken = r->taken;
        bool ok = read_window(r, &is_last, err);
        if (ok || r->taken > taken)
            pace_progress(&r->pace);
        if (ok)
            pace_grow(&r->pace);
        else if (!pace_survive(&r->pace, r->pg, err))
            return false;
        is_last &= ok;
    }
    return true;
}

bool rows_read_keys(struct rows *r, const struct slice *keys, size_t count, rows_take *take,
                    void *context, struct error *err)
{
    struct buffer sql;
    r->take = take;
    r->context = context;
    if (!begin(r, err))
        return false;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok =
        query_put_copy_of_keys(r->dump->query, r->pg, keys, count, &sql, err) && copy(r, &sql, err);
    buffer_free(&sql);
    pg_end(r->pg);
    return ok;
}
