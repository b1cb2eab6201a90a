/* letters_retry.c: dead letters -> pending frames of the spool. See letters.h.
 *
 * The file is taken from its end, chunk by chunk, so that what is left is always its beginning: the index
 * needs to know no more than its length. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/stop.h"
#include "job/frames.h"
#include "job/letters.h"
#include "spool/compress.h"

enum {
    CHUNK_BYTES = 8 << 20, // of letters, in one commit
    OPERATION_MAX_BYTES = 1 << 30,
};

struct retry {
    struct spool *spool;
    const struct job_options *options;
    bool reads_rows;
    struct buffer chunks; // where each chunk begins, u64
    uint64_t chunk_count;
    uint64_t upto; // the end of the last chunk
    struct compressor *compressor;
    struct buffer operation;           // of the current letter, or its row
    struct buffer first_key, last_key; // of the current frame, JSON
    uint32_t documents;                // in the current frame
    uint64_t sent_again, read_again, kept;
};

/* --- frames --- */

static bool set_text(struct buffer *out, struct slice text, struct error *err)
{
    buffer_clear(out);
    buffer_append(out, text.data, text.size);
    return buffer_check(out, "a key", err);
}

static bool append_frame(struct retry *r, enum frame_kind kind, struct error *err)
{
    struct slice body;
    struct buffer keys;
    buffer_init(&keys, 2 * FRAME_KEY_MAX_BYTES);
    bool ok = dead_append_string(buffer_slice(&r->first_key), &keys);
    size_t first = keys.size;
    ok = ok && dead_append_string(buffer_slice(&r->last_key), &keys);
    struct frame frame = {
        .kind = kind,
        .documents = r->documents,
        .raw_size = compressor_raw_size(r->compressor),
        .first_key = {keys.data, first},
        .last_key = {keys.data + first, keys.size - first},
    };
    if (!ok)
        error_set(err, ERROR_DAMAGED, "the keys of a dead letter can't be read");
    ok = ok && buffer_check(&keys, "keys", err) && compressor_finish(r->compressor, &body, err) &&
         spool_append_letters(r->spool, &frame, body, err);
    buffer_free(&keys);
    r->documents = 0;
    return ok;
}

static bool flush_frame(struct retry *r, struct error *err)
{
    return r->documents == 0 || append_frame(r, FRAME_DOCUMENTS, err);
}

/* Is the current frame one that LETTER may join: of the same keys, and not full? */
static bool fits(const struct retry *r, const struct dead_letter *letter)
{
    return r->documents < FRAME_DOCUMENTS_MAX &&
           compressor_size(r->compressor) < FRAME_COMPRESSED_MAX &&
           compressor_raw_size(r->compressor) + r->operation.size <= r->options->frame_bytes &&
           slice_equal(buffer_slice(&r->first_key), letter->first_key) &&
           slice_equal(buffer_slice(&r->last_key), letter->last_key);
}

static bool add_operation(struct retry *r, const struct dead_letter *letter, struct error *err)
{
    if (r->documents > 0 && !fits(r, letter) && !flush_frame(r, err))
        return false;
    if (r->documents == 0 && (!set_text(&r->first_key, letter->first_key, err) ||
                              !set_text(&r->last_key, letter->last_key, err)))
        return false;
    r->documents++;
    return compressor_append(r->compressor, buffer_slice(&r->operation), err);
}

/* The letter comes back as it was: through the spool, as it came first. */
static bool keep_row(struct retry *r, const struct dead_letter *letter, struct error *err)
{
    buffer_append(&r->operation, letter->content.data, letter->content.size);
    buffer_append_string(&r->operation, "}\n");
    r->kept++;
    return buffer_check(&r->operation, "a dead letter", err) && add_operation(r, letter, err) &&
           append_frame(r, FRAME_DEAD_ROWS, err);
}

static bool read_row_again(struct retry *r, const struct dead_letter *letter, struct error *err)
{
    r->read_again++;
    if (!dead_append_string(letter->first_key, &r->operation))
        return error_set(err, ERROR_DAMAGED, "the key of a dead letter can't be read");
    return buffer_check(&r->operation, "a key", err) &&
           spool_read_row_again(r->spool, buffer_slice(&r->operation), err);
}

static bool add_letter(struct retry *r, const struct dead_letter *letter, struct error *err)
{
    buffer_clear(&r->operation);
    if (letter->action.size == 0)
        return flush_frame(r, err) &&
               (r->reads_rows ? read_row_again(r, letter, err) : keep_row(r, letter, err));
    r->sent_again++;
    if (!dead_append_operation(letter, &r->operation))
        return error_set(err, ERROR_DAMAGED, "the document of a dead letter can't be read");
    return buffer_check(&r->operation, "a document", err) && add_operation(r, letter, err);
}

/* --- chunks --- */

/* The first look: each letter is read once, and chunks are marked out. */
static bool see_letter(const struct dead_letter *letter, void *context, struct error *err)
{
    struct retry *r = context;
    if (r->chunk_count == 0 || letter->offset - r->upto >= CHUNK_BYTES) {
        put_u64(&r->chunks, letter->offset);
        r->chunk_count++;
        r->upto = letter->offset;
    }
    return buffer_check(&r->chunks, "places in the dead letters", err);
}

static bool retry_chunk(struct retry *r, uint64_t from, uint64_t upto, struct error *err)
{
    struct dead_reader *reader;
    struct dead_letter letter;
    bool found = true;
    if (!dead_reader_open(&reader, spool_directory(r->spool), from, upto, err))
        return false;
    bool ok = true;
    while (ok && found) {
        ok = dead_reader_next(reader, &letter, &found, err);
        if (ok && found)
            ok = add_letter(r, &letter, err);
    }
    dead_reader_close(reader);
    return ok && flush_frame(r, err) && spool_commit_letters(r->spool, from, err);
}

static uint64_t chunk_start(const struct retry *r, uint64_t chunk)
{
    struct reader at =
        reader_over((struct slice){r->chunks.data + chunk * sizeof(uint64_t), sizeof(uint64_t)});
    return get_u64(&at);
}

static bool retry_chunks(struct retry *r, struct error *err)
{
    struct index_job job;
    if (!spool_get_job(r->spool, &job, err))
        return false;
    r->upto = job.dead_bytes;
    for (uint64_t chunk = r->chunk_count; chunk > 0; chunk--) {
        uint64_t from = chunk_start(r, chunk - 1);
        if (stop_is_requested())
            return error_set(err, ERROR_STOPPED, "asked to stop");
        if (!retry_chunk(r, from, r->upto, err))
            return false;
        r->upto = from;
    }
    return spool_finish_letters(r->spool, err);
}

static void tell(const struct retry *r)
{
    if (r->sent_again > 0)
        log_message(LOG_INFO, "%llu dead letters are sent again",
                    (unsigned long long)r->sent_again);
    if (r->read_again > 0)
        log_message(LOG_INFO, "%llu rows that could not become documents are read again",
                    (unsigned long long)r->read_again);
    if (r->kept > 0)
        log_message(LOG_WARNING,
                    "%llu rows that could not become documents stay dead letters: give --dsn, "
                    "--index and --table or --query, and they are read again",
                    (unsigned long long)r->kept);
}

bool letters_retry(struct spool *s, const struct job_options *o, bool reads_rows, struct error *err)
{
    struct retry r = {.spool = s, .options = o, .reads_rows = reads_rows};
    buffer_init(&r.chunks, SIZE_MAX);
    buffer_init(&r.operation, OPERATION_MAX_BYTES);
    buffer_init(&r.first_key, SIZE_MAX);
    buffer_init(&r.last_key, SIZE_MAX);
    bool ok = compressor_new(&r.compressor, (int)o->level, err) &&
              letters_each(s, see_letter, &r, err) && retry_chunks(&r, err);
    if (ok)
        tell(&r);
    compressor_free(r.compressor);
    buffer_free(&r.chunks);
    buffer_free(&r.operation);
    buffer_free(&r.first_key);
    buffer_free(&r.last_key);
    return ok;
}
