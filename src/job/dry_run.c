/* dry_run.c: --dry-run: what a job would do, in words. Reads one window, sends nothing, writes nothing. */
#include <stdlib.h>

#include "job/dump_internal.h"
#include "job/feed.h"

enum { DOCUMENTS_SHOWN = 3, DOCUMENT_MAX_BYTES = 1 << 30, STATEMENT_MAX_BYTES = 4 << 20 };

static const char *type_name(enum value_type type)
{
    switch (type) {
    case VALUE_TEXT:
        return "string";
    case VALUE_BOOLEAN:
        return "boolean";
    case VALUE_INTEGER:
    case VALUE_NUMBER:
        return "number";
    case VALUE_JSON:
        return "JSON as it is";
    case VALUE_DATE:
        return "date";
    case VALUE_TIMESTAMP:
        return "date without offset";
    case VALUE_TIMESTAMPTZ:
        return "date with offset";
    case VALUE_BYTEA:
        return "base64 string";
    }
    return "?";
}

static void put_columns(const struct dump *d, struct buffer *out)
{
    size_t count;
    const struct document_column *columns = query_columns(d->query, &count);
    buffer_append_string(out, "columns:\n");
    for (size_t i = 0; i < count; i++) {
        const struct document_column *c = &columns[i];
        if (c->role == COLUMN_KEY_ONLY)
            continue;
        buffer_append_format(out, "  %-28s %-26s -> %s\n", c->name,
                             query_column_origin(d->query, i),
                             c->role == COLUMN_FIELD ? type_name(c->type) : "bulk metadata");
    }
}

static void put_bound(struct buffer *out, const char *name, bool has, struct slice key)
{
    if (has)
        buffer_append_format(out, " %s %.*s", name, (int)key.size, key.data);
}

static void put_plan(const struct dump *d, struct buffer *out)
{
    const struct job_options *o = d->options;
    buffer_append_format(out, "source:    PostgreSQL at %s\n", pg_address(d->pg));
    buffer_append_format(out, "key:       %s (%s), %s\n", o->key, query_key_type(d->query),
                         query_key_is_unique(d->query) ? "unique by an index"
                                                       : "found unique by reading all keys");
    buffer_append_string(out, "range:    ");
    put_bound(out, "from", d->range.has_from, d->range.from);
    put_bound(out, "to", d->range.has_to, d->range.to);
    buffer_append_format(out, "%s\n", d->range.has_from || d->range.has_to ? "" : " all keys");
    buffer_append_format(out, "rows:      about %llu, in windows of %llu, %zu part%s\n",
                         (unsigned long long)d->estimated_rows, (unsigned long long)o->window_rows,
                         d->part_count, d->part_count == 1 ? "" : "s");
    buffer_append_format(out, "snapshot:  %s\n",
                         o->snapshot == JOB_SNAPSHOT_DUMP ? "one for the whole dump"
                                                          : "one for each window");
    feed_put_destination(o, out);
}

/* Read WINDOW to its end; the first documents are appended to OUT. */
static bool read_window(struct dump *d, const struct key_range *window,
                        struct document_encoder *encoder, struct buffer *out, uint64_t *rows,
                        struct error *err)
{
    struct buffer sql;
    enum pg_copy what = PG_COPY_IDLE;
    struct slice row;
    struct document_result result;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = query_put_copy(d->query, d->pg, window, &sql, err) &&
              pg_copy_begin(d->pg, buffer_string(&sql), err);
    buffer_free(&sql);
    while (ok && what != PG_COPY_END) {
        ok = pg_copy_read(d->pg, -1, &what, &row, err);
        if (!ok || what != PG_COPY_ROW)
            continue;
        if (++*rows <= DOCUMENTS_SHOWN)
            ok = document_encode(encoder, row, out, &result, err);
        if (ok && *rows <= DOCUMENTS_SHOWN && result.is_dead)
            buffer_append_format(out, "(a dead letter: column %s: %s)\n", result.column,
                                 result.reason);
    }
    return ok;
}

static bool put_window(struct dump *d, struct document_encoder *encoder, struct buffer *out,
                       struct error *err)
{
    struct buffer upto, documents;
    struct key_range window = d->range;
    uint64_t rows = 0;
    bool found;
    buffer_init(&upto, FRAME_KEY_MAX_BYTES);
    buffer_init(&documents, DOCUMENT_MAX_BYTES);
    bool ok =
        pg_begin(d->pg, NULL, err) &&
        window_find_end(d->pg, d->query, &d->range, d->options->window_rows, &upto, &found, err);
    if (ok && found) {
        window.has_to = true;
        window.to = buffer_slice(&upto);
    }
    ok = ok && read_window(d, &window, encoder, &documents, &rows, err);
    pg_end(d->pg);
    buffer_append_format(out, "first window: %llu rows%s; its first documents:\n",
                         (unsigned long long)rows, ok && !found ? ", which are all" : "");
    buffer_append(out, documents.data, documents.size);
    buffer_free(&documents);
    buffer_free(&upto);
    return ok && buffer_check(out, "the plan", err);
}

bool dump_describe_plan(struct dump *d, struct buffer *out, struct error *err)
{
    struct document_encoder *encoder;
    struct document_shape shape = dump_shape(d);
    put_plan(d, out);
    put_columns(d, out);
    if (!document_encoder_new(&encoder, &shape, err))
        return false;
    bool ok = put_window(d, encoder, out, err);
    document_encoder_free(encoder);
    return ok;
}

bool job_describe_plan(const struct job_options *o, struct buffer *out, struct error *err)
{
    struct buffer select;
    struct feed feed = {.dump = NULL};
    struct job_live live = {.rows = 0};
    buffer_init(&select, QUERY_MAX_BYTES);
    bool ok = feed_read_query(o, &select, err) &&
              feed_open(&feed, o, buffer_string(&select), &live, err) && feed_plan(&feed, err) &&
              feed_describe_plan(&feed, out, err);
    feed_close(&feed);
    buffer_free(&select);
    return ok;
}
