/* frames.c: see frames.h. */
#include "job/frames.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "spool/compress.h"

enum {
    LETTER_MAX_BYTES = INT32_MAX, // of a row of 1 GiB, PostgreSQL's own limit, in base64
    ROOM_WAIT_MS = 200,
};

struct frames {
    struct compressor *compressor;
    const struct job_options *options;
    struct spool *spool;
    struct job_live *live;
    struct buffer letter; // of a dead row
    uint32_t part;

    uint32_t documents; // in the current frame
    uint64_t nulled;
    int64_t begun_ms; // when its first document came
    struct buffer first_key;
    struct buffer last_key;
    bool has_last;
    bool skips_last;       // the next row may be the last one once more
    bool lacks_room;       // the last wait for room was in vain
    bool has_told_of_wait; // once is enough: a full spool stays near full
    uint64_t rows;
    bool (*check)(void *context, struct error *err); // or NULL
    void *check_context;
};

bool frames_new(struct frames **out, const struct job_options *o, struct spool *s,
                struct job_live *live, struct error *err)
{
    struct frames *f = calloc(1, sizeof *f);
    if (f == NULL)
        return error_set_memory(err);
    f->options = o;
    f->spool = s;
    f->live = live;
    buffer_init(&f->letter, LETTER_MAX_BYTES);
    buffer_init(&f->first_key, FRAME_KEY_MAX_BYTES);
    buffer_init(&f->last_key, FRAME_KEY_MAX_BYTES);
    if (!compressor_new(&f->compressor, (int)o->level, err)) {
        frames_free(f);
        return false;
    }
    *out = f;
    return true;
}

void frames_free(struct frames *f)
{
    if (f == NULL)
        return;
    compressor_free(f->compressor);
    buffer_free(&f->letter);
    buffer_free(&f->first_key);
    buffer_free(&f->last_key);
    free(f);
}

void frames_set_check(struct frames *f, bool (*check)(void *context, struct error *err),
                      void *context)
{
    f->check = check;
    f->check_context = context;
}

static bool set_key(struct buffer *b, struct slice key, struct error *err)
{
    buffer_clear(b);
    buffer_append(b, key.data, key.size);
    return buffer_check(b, "a key", err);
}

void frames_begin_part(struct frames *f, uint32_t part, bool has_last, struct slice last)
{
    f->part = part;
    f->documents = 0;
    f->has_last = has_last;
    buffer_clear(&f->last_key);
    if (has_last)
        buffer_append(&f->last_key, last.data, last.size);
}

void frames_skip_last(struct frames *f, bool skips_last)
{
    f->skips_last = skips_last;
}

bool frames_last_key(const struct frames *f, struct slice *key)
{
    *key = buffer_slice(&f->last_key);
    return f->has_last;
}

uint64_t frames_rows(const struct frames *f)
{
    return f->rows;
}

bool frames_lack_room(const struct frames *f)
{
    return f->lacks_room;
}

/* Wait until the spool has room, at most MS. */
static bool wait_for_room(struct frames *f, int64_t ms, struct error *err)
{
    int64_t begun_ms = clock_monotonic_ms();
    if (!spool_is_full(f->spool, &f->lacks_room, err))
        return false;
    if (f->lacks_room && !f->has_told_of_wait)
        log_message(LOG_INFO, "spool %s is full (--spool-max): the dump waits for the replay",
                    f->options->spool);
    f->has_told_of_wait |= f->lacks_room;
    atomic_store(&f->live->is_waiting_for_room, f->lacks_room);
    while (f->lacks_room && clock_monotonic_ms() - begun_ms < ms) {
        if (stop_wait(ROOM_WAIT_MS))
            return error_set(err, ERROR_STOPPED, "asked to stop");
        if (!spool_is_full(f->spool, &f->lacks_room, err))
            return false;
    }
    atomic_store(&f->live->is_waiting_for_room, f->lacks_room);
    return true;
}

bool frames_wait_for_room(struct frames *f, struct error *err)
{
    return wait_for_room(f, INT64_MAX, err);
}

static bool append_frame(struct frames *f, enum frame_kind kind, struct slice first_key,
                         uint32_t documents, uint64_t raw_size, struct error *err)
{
    struct slice body;
    struct frame frame = {
        .kind = kind,
        .part = f->part,
        .documents = documents,
        .raw_size = raw_size,
        .first_key = first_key,
        .last_key = buffer_slice(&f->last_key),
    };
    return (f->check == NULL || f->check(f->check_context, err)) &&
           compressor_finish(f->compressor, &body, err) &&
           spool_append(f->spool, &frame, body, f->nulled, err);
}

bool frames_flush(struct frames *f, struct error *err)
{
    if (f->documents == 0)
        return true;
    uint32_t documents = f->documents;
    f->documents = 0;
    bool ok = append_frame(f, FRAME_DOCUMENTS, buffer_slice(&f->first_key), documents,
                           compressor_raw_size(f->compressor), err);
    f->nulled = 0;
    return ok;
}

bool frames_keep(struct frames *f, struct error *err)
{
    struct error failure = {.kind = ERROR_NONE};
    if (frames_flush(f, &failure) && spool_commit(f->spool, &failure))
        return true;
    *err = failure;
    return false;
}

/* A row that can't be a document goes into a frame of its own, so that no two frames' keys overlap. */
static bool append_dead_row(struct frames *f, const struct document_result *result,
                            struct slice row, struct error *err)
{
    if (!frames_flush(f, err))
        return false;
    buffer_clear(&f->letter);
    document_dead_letter(row, result, &f->letter);
    return buffer_check(&f->letter, "a dead letter", err) &&
           set_key(&f->last_key, result->key, err) &&
           compressor_append(f->compressor, buffer_slice(&f->letter), err) &&
           append_frame(f, FRAME_DEAD_ROWS, buffer_slice(&f->last_key), 1, f->letter.size, err);
}

static bool is_frame_full(const struct frames *f)
{
    return f->documents >= FRAME_DOCUMENTS_MAX ||
           compressor_size(f->compressor) >= FRAME_COMPRESSED_MAX;
}

static bool is_frame_old(const struct frames *f)
{
    return f->documents > 0 && clock_monotonic_ms() - f->begun_ms >= FRAME_AGE_MS;
}

static bool end_frame(struct frames *f, struct error *err)
{
    return frames_flush(f, err) && wait_for_room(f, FRAME_ROOM_MS, err);
}

static bool append_document(struct frames *f, const struct document_result *result,
                            struct slice lines, struct error *err)
{
    if (f->documents > 0 &&
        compressor_raw_size(f->compressor) + lines.size > f->options->frame_bytes &&
        !end_frame(f, err))
        return false;
    if (f->documents == 0) {
        f->begun_ms = clock_monotonic_ms();
        if (!set_key(&f->first_key, result->key, err))
            return false;
    }
    if (!compressor_append(f->compressor, lines, err) || !set_key(&f->last_key, result->key, err))
        return false;
    f->documents++;
    f->nulled += result->nulled;
    return !(is_frame_full(f) || is_frame_old(f)) || end_frame(f, err);
}

static bool duplicate_key(struct slice key, struct error *err)
{
    return error_set(
        err, ERROR_CONFIG,
        "the key is not unique: two rows have %.*s; choose another --key, or correct the "
        "query's joins",
        (int)(key.size < 200 ? key.size : 200), key.data);
}

bool frames_add(struct frames *f, const struct document_result *result, struct slice lines,
                struct slice row, struct error *err)
{
    bool is_last = f->has_last && slice_equal(result->key, buffer_slice(&f->last_key));
    bool skips = f->skips_last;
    f->skips_last = false;
    if (is_last)
        return skips || duplicate_key(result->key, err);
    f->rows++;
    atomic_fetch_add_explicit(&f->live->rows, 1, memory_order_relaxed);
    bool ok = result->is_dead ? append_dead_row(f, result, row, err)
                              : append_document(f, result, lines, err);
    f->has_last = true;
    return ok;
}

bool frames_tick(struct frames *f, struct error *err)
{
    if (is_frame_old(f) && !frames_flush(f, err))
        return false;
    return spool_commit_if_due(f->spool, err);
}
