/* repair.c: see repair.h. */
#include "job/repair.h"

#include <stdlib.h>

#include "base/fault.h"
#include "job/dump_internal.h"
#include "job/frames.h"
#include "spool/compress.h"

enum {
    DOCUMENT_MAX_BYTES = 1 << 30,
    KEYS_MAX_BYTES = 1 << 30,
    ROUND_BYTES = 32 << 20, // compressed: then it is sent, before more is read
};

struct repair {
    const struct job_options *options;
    struct dump *dump;
    struct rows *rows;
    struct scratch *scratch;
    bool deletes_extra;
    struct chain keys;    // of rows to be read and sent
    struct chain deletes; // documents, as join_put_record writes them
    struct buffer record;

    /* while sending */
    struct spool *spool;
    struct replay *replay;
    struct document_encoder *encoder;
    struct compressor *compressor;
    struct buffer line;
    uint32_t documents; // in the current frame
    uint64_t nulled;
    uint64_t round_bytes; // appended, and not sent yet
    uint64_t sent;
    struct buffer key_bytes; // of the current batch of keys
    size_t key_sizes[ROWS_KEYS_MAX];
    size_t key_count;
};

bool repair_new(struct repair **out, const struct job_options *o, struct dump *d, struct rows *rows,
                struct scratch *s, bool deletes_extra, struct error *err)
{
    struct repair *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set_memory(err);
    r->options = o;
    r->dump = d;
    r->rows = rows;
    r->scratch = s;
    r->deletes_extra = deletes_extra;
    chain_init(&r->keys);
    chain_init(&r->deletes);
    buffer_init(&r->record, KEYS_MAX_BYTES);
    buffer_init(&r->line, DOCUMENT_MAX_BYTES);
    buffer_init(&r->key_bytes, KEYS_MAX_BYTES);
    *out = r;
    return true;
}

void repair_free(struct repair *r)
{
    if (r == NULL)
        return;
    chain_free(&r->keys);
    chain_free(&r->deletes);
    document_encoder_free(r->encoder);
    compressor_free(r->compressor);
    buffer_free(&r->record);
    buffer_free(&r->line);
    buffer_free(&r->key_bytes);
    free(r);
}

/* --- noting --- */

static bool note_delete(struct repair *r, const struct join_record *document, struct error *err)
{
    buffer_clear(&r->record);
    join_put_record(&r->record, document);
    return buffer_check(&r->record, "a record", err) &&
           chain_append(r->scratch, &r->deletes, buffer_slice(&r->record), err);
}

bool repair_note(struct repair *r, enum join_verdict verdict, const struct join_record *row,
                 const struct join_record *document, bool *is_left, struct error *err)
{
    *is_left = false;
    switch (verdict) {
    case JOIN_DIFFERENT:
        *is_left = row->kind == JOIN_CREATE;
        return *is_left || chain_append(r->scratch, &r->keys, row->place, err);
    case JOIN_MISSING:
    case JOIN_UNDELETED:
        return chain_append(r->scratch, &r->keys, row->place, err);
    case JOIN_EXTRA:
        *is_left = !r->deletes_extra;
        return *is_left || note_delete(r, document, err);
    case JOIN_DOUBLE:
    case JOIN_REFUSED:
        break;
    }
    *is_left = true;
    return true;
}

uint64_t repair_count(const struct repair *r)
{
    return r->keys.records + r->deletes.records;
}

/* --- frames --- */

static bool flush_frame(struct repair *r, struct error *err)
{
    struct slice body;
    struct frame frame = {
        .kind = FRAME_DOCUMENTS,
        .part = FRAME_OF_REPAIR,
        .documents = r->documents,
        .raw_size = compressor_raw_size(r->compressor),
    };
    if (r->documents == 0)
        return true;
    uint64_t nulled = r->nulled;
    r->documents = 0;
    r->nulled = 0;
    if (!compressor_finish(r->compressor, &body, err))
        return false;
    r->round_bytes += body.size;
    return spool_append(r->spool, &frame, body, nulled, err);
}

/* Send what was appended. A kill before it leaves it in the spool. */
static bool send_round(struct repair *r, struct error *err)
{
    if (!flush_frame(r, err) || !spool_finish_dump(r->spool, err))
        return false;
    fault_point("repair-spooled");
    r->round_bytes = 0;
    return replay_run(r->replay, r->spool, err);
}

static bool send_round_if_due(struct repair *r, struct error *err)
{
    return r->round_bytes < ROUND_BYTES || send_round(r, err);
}

/* Append the operation that LINE holds. */
static bool append_operation(struct repair *r, struct error *err)
{
    bool is_full = r->documents >= FRAME_DOCUMENTS_MAX ||
                   compressor_size(r->compressor) >= FRAME_COMPRESSED_MAX ||
                   compressor_raw_size(r->compressor) + r->line.size > r->options->frame_bytes;
    if (is_full && !flush_frame(r, err))
        return false;
    r->documents++;
    r->sent++;
    return compressor_append(r->compressor, buffer_slice(&r->line), err);
}

/* --- rows --- */

static bool take_row(void *context, struct slice row, struct slice *key, struct error *err)
{
    struct repair *r = context;
    struct document_result result;
    buffer_clear(&r->line);
    if (!document_encode(r->encoder, row, &r->line, &result, err))
        return false;
    *key = result.key;
    r->nulled += result.nulled;
    return result.is_dead || append_operation(r, err); // a dead one has changed since
}

static bool read_batch(struct repair *r, struct error *err)
{
    struct slice keys[ROWS_KEYS_MAX];
    size_t at = 0;
    for (size_t i = 0; i < r->key_count; at += r->key_sizes[i++])
        keys[i] = (struct slice){r->key_bytes.data + at, r->key_sizes[i]};
    size_t count = r->key_count;
    r->key_count = 0;
    return count == 0 || rows_read_keys(r->rows, keys, count, take_row, r, err);
}

static bool take_key(void *context, struct slice key, struct error *err)
{
    struct repair *r = context;
    if (r->key_count == ROWS_KEYS_MAX && !(read_batch(r, err) && send_round_if_due(r, err)))
        return false;
    if (r->key_count == 0)
        buffer_clear(&r->key_bytes);
    buffer_append(&r->key_bytes, key.data, key.size);
    r->key_sizes[r->key_count++] = key.size;
    return buffer_check(&r->key_bytes, "keys", err);
}

/* --- deletes --- */

static bool take_delete(void *context, struct slice bytes, struct error *err)
{
    struct repair *r = context;
    struct join_record document;
    struct action_refusal refusal;
    if (!join_get_record(bytes, &document))
        return error_set(err, ERROR_BUG, "a record of the repair can't be read");
    struct action action = {
        .op = BULK_DELETE, .id = document.id, .routing = document.routing, .index = {NULL, 0}};
    if (document.place.size > 0)
        action.index = document.place;
    buffer_clear(&r->line);
    if (!action_append(&r->line, &action, &refusal))
        return error_set(err, ERROR_CONFIG, "the document %.*s can't be deleted: %s",
                         (int)document.id.size, document.id.data, refusal.reason);
    return buffer_check(&r->line, "an action", err) && append_operation(r, err) &&
           send_round_if_due(r, err);
}

bool repair_send(struct repair *r, struct spool *spool, struct replay *replay, uint64_t *sent,
                 struct error *err)
{
    struct document_shape shape = dump_shape(r->dump);
    bool is_finished;
    r->spool = spool;
    r->replay = replay;
    bool ok = document_encoder_new(&r->encoder, &shape, err) &&
              compressor_new(&r->compressor, (int)r->options->level, err) &&
              chain_each(r->scratch, &r->keys, take_key, r, err) && read_batch(r, err) &&
              chain_each(r->scratch, &r->deletes, take_delete, r, err) && send_round(r, err) &&
              spool_finish_replay(spool, &is_finished, err);
    *sent = r->sent;
    return ok;
}
