/* compare.c: see compare.h: rows, dead letters and documents become records of the join. */
#include "job/compare.h"

#include "base/json_scan.h"
#include "base/log.h"
#include "job/dump_internal.h"
#include "job/letters.h"
#include "sink/search.h"
#include "sink/source_hash.h"

enum { DOCUMENT_MAX_BYTES = 1 << 30 };

struct comparing {
    const struct compare_input *in;
    struct compare_counts *counts;
    struct join *join;
    struct document_encoder *encoder;
    struct buffer lines;   // of the row at hand
    struct buffer scratch; // for hashes
    uint64_t rows, source_bytes, largest_bytes;
};

/* --- rows --- */

static enum join_kind kind_of(enum bulk_op op)
{
    switch (op) {
    case BULK_INDEX:
        return JOIN_ROW;
    case BULK_CREATE:
        return JOIN_CREATE;
    case BULK_UPDATE:
        return JOIN_UPDATE;
    case BULK_DELETE:
        break;
    }
    return JOIN_DELETE;
}

static bool add_unfit(struct comparing *c, const struct document_result *result, struct error *err)
{
    struct join_record record = {.kind = JOIN_UNFIT, .id = result->id};
    c->counts->unfit++;
    return result->id.data == NULL || join_add(c->join, &record, err);
}

static bool add_row(struct comparing *c, const struct document_result *result, struct error *err)
{
    struct join_record record = {
        .kind = kind_of(result->op),
        .id = result->id,
        .routing = result->routing,
        .place = result->key,
    };
    if (result->index.data != NULL && !slice_equal(result->index, slice_of(c->in->index))) {
        c->counts->elsewhere++;
        return true;
    }
    size_t end = c->lines.size > result->source_at ? c->lines.size - 1 : c->lines.size;
    struct slice source = {c->lines.data + result->source_at, end - result->source_at};
    if (source.size > 0 && !source_hash(source, &c->scratch, &record.hash, err))
        return false;
    c->rows++;
    c->source_bytes += source.size;
    if (source.size > c->largest_bytes)
        c->largest_bytes = source.size;
    return join_add(c->join, &record, err);
}

static bool take_row(void *context, struct slice row, struct slice *key, struct error *err)
{
    struct comparing *c = context;
    struct document_result result;
    buffer_clear(&c->lines);
    if (!document_encode(c->encoder, row, &c->lines, &result, err))
        return false;
    *key = result.key;
    return result.is_dead ? add_unfit(c, &result, err) : add_row(c, &result, err);
}

static bool read_rows(struct comparing *c, struct error *err)
{
    struct document_shape shape = dump_shape(c->in->dump);
    log_message(LOG_INFO, "reading the rows of the query");
    return document_encoder_new(&c->encoder, &shape, err) &&
           rows_read_all(c->in->rows, take_row, c, err);
}

/* --- dead letters --- */

static bool take_letter(const struct dead_letter *letter, void *context, struct error *err)
{
    struct comparing *c = context;
    struct join_record record = {.kind = JOIN_LETTER};
    struct slice inside = json_scan_string(letter->id);
    if (letter->has_no_id || inside.data == NULL)
        return true;
    buffer_clear(&c->scratch);
    json_scan_unescape(&c->scratch, inside);
    record.id = buffer_slice(&c->scratch);
    return buffer_check(&c->scratch, "a dead letter's id", err) && join_add(c->join, &record, err);
}

static bool read_letters(struct comparing *c, struct error *err)
{
    return c->in->spool == NULL || letters_each(c->in->spool, take_letter, c, err);
}

/* --- documents --- */

static bool take_document(void *context, const struct scroll_document *document, struct error *err)
{
    struct comparing *c = context;
    struct join_record record = {
        .kind = JOIN_DOCUMENT, .id = document->id, .routing = document->routing};
    if (document->source.data == NULL)
        return error_set(err, ERROR_CONFIG,
                         "index %s keeps no _source: its documents can be counted (--target), not "
                         "compared",
                         c->in->index);
    if (!slice_equal(document->index, slice_of(c->in->index)))
        record.place = document->index;
    return source_hash(document->source, &c->scratch, &record.hash, err) &&
           join_add(c->join, &record, err);
}

static bool read_documents(struct comparing *c, struct error *err)
{
    const struct compare_input *in = c->in;
    struct scroll *scroll;
    bool is_end = false;
    uint64_t average = c->rows > 0 ? c->source_bytes / c->rows : 0;
    log_message(LOG_INFO, "reading the documents of index %s", in->index);
    if (!scroll_new(&scroll, in->http, in->host, in->index, average, c->largest_bytes, err))
        return false;
    bool ok = true;
    while (ok && !is_end)
        ok = scroll_next(scroll, take_document, c, &is_end, err);
    scroll_free(scroll);
    return ok;
}

bool compare(const struct compare_input *in, join_tell *tell, void *context,
             struct compare_counts *counts, struct error *err)
{
    struct comparing c = {.in = in, .counts = counts};
    *counts = (struct compare_counts){.elsewhere = 0};
    buffer_init(&c.lines, DOCUMENT_MAX_BYTES);
    buffer_init(&c.scratch, DOCUMENT_MAX_BYTES);
    bool ok = join_new(&c.join, in->scratch, err) && read_rows(&c, err) && read_letters(&c, err) &&
              read_documents(&c, err);
    document_encoder_free(c.encoder);
    buffer_free(&c.lines);
    buffer_free(&c.scratch);
    ok = ok && join_run(c.join, tell, context, &counts->join, err);
    join_free(c.join);
    return ok;
}
