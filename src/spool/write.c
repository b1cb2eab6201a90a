/* write.c: the dump's side of a spool: frames in, commits, parts. */
#include "spool/state.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"

/* --- appending --- */

/* Room to remember F: before it is written, since a written frame must not be forgotten. */
static bool need_room(struct spool *s, const struct frame *f, struct error *err)
{
    if (s->unindexed_count == s->unindexed_capacity) {
        size_t capacity = s->unindexed_capacity == 0 ? 64 : 2 * s->unindexed_capacity;
        struct unindexed *grown = realloc(s->unindexed, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(err);
        s->unindexed = grown;
        s->unindexed_capacity = capacity;
    }
    return buffer_reserve(&s->keys, f->first_key.size + f->last_key.size) ||
           buffer_check(&s->keys, "the keys of frames to commit", err);
}

static void remember(struct spool *s, const struct frame *f, uint64_t offset, uint64_t nulled)
{
    struct unindexed *u = &s->unindexed[s->unindexed_count++];
    *u = (struct unindexed){
        .frame = {.number = f->number,
                  .kind = f->kind,
                  .part = f->part,
                  .segment = s->segment_number,
                  .offset = offset,
                  .size = segment_end(s->segment) - offset,
                  .raw_size = f->raw_size,
                  .documents = f->documents,
                  .first_key = {NULL, f->first_key.size},
                  .last_key = {NULL, f->last_key.size}},
        .first_key_at = s->keys.size,
        .last_key_at = s->keys.size + f->first_key.size,
        .nulled = nulled,
    };
    buffer_append(&s->keys, f->first_key.data, f->first_key.size);
    buffer_append(&s->keys, f->last_key.data, f->last_key.size);
    s->unindexed_bytes += u->frame.size;
}

/* Open a segment when none is: its number is the index's next one. */
static bool need_segment(struct spool *s, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (s->segment != NULL)
        return true;
    if (!spool_begin_with_job(s, false, &txn, &job, err))
        return false;
    index_abort(txn);
    s->segment_number = job.next_segment;
    s->next_frame = job.next_frame;
    return segment_create(&s->segment, s->dir, s->segment_number, err);
}

/* --- committing --- */

/* FRAME's rows are durable: its part has come to its last key. */
static bool advance_part(struct index_txn *txn, const struct index_frame *frame, struct error *err)
{
    struct index_part part;
    bool found;
    if (!index_next_part(txn, frame->part, &part, &found, err))
        return false;
    if (!found || part.number != frame->part)
        return error_set(err, ERROR_BUG, "part %u is not in the index", frame->part);
    part.has_last = true;
    part.last = frame->last_key;
    return index_put_part(txn, &part, err);
}

/* FRAME holds rows, of its part or for a repair. */
static bool count_rows(struct index_txn *txn, struct index_job *job,
                       const struct index_frame *frame, struct error *err)
{
    job->rows += frame->documents;
    if (frame->part != FRAME_OF_REPAIR)
        return advance_part(txn, frame, err);
    job->finished_ms = 0;
    return true;
}

/* Put one written frame into the index. Its documents are rows, or dead letters once more. A finished job
 * that a repair adds to is not finished any more. */
static bool index_frame_written(struct spool *s, struct index_txn *txn, struct index_job *job,
                                struct index_segment *segment, struct unindexed *u,
                                struct error *err)
{
    struct index_frame *frame = &u->frame;
    frame->first_key.data = s->keys.data + u->first_key_at;
    frame->last_key.data = s->keys.data + u->last_key_at;
    if (frame->part == FRAME_NO_PART ? !spool_take_letters(job, frame->documents, err)
                                     : !count_rows(txn, job, frame, err))
        return false;
    job->next_frame = frame->number + 1;
    job->frames++;
    job->pending += frame->documents;
    job->raw_bytes += frame->raw_size;
    job->compressed_bytes += frame->size;
    job->spool_bytes += frame->size;
    job->nulled += u->nulled;
    segment->size += frame->size;
    segment->frames++;
    segment->pending++;
    return index_put_frame(txn, FRAMES_PENDING, frame, err);
}

/* The open segment's record; a new one when the index doesn't have it yet. */
static bool open_segment_record(struct spool *s, struct index_txn *txn, struct index_job *job,
                                struct index_segment *segment, struct error *err)
{
    bool found;
    if (!index_next_segment(txn, s->segment_number, segment, &found, err))
        return false;
    if (found && segment->number == s->segment_number)
        return true;
    *segment = (struct index_segment){
        .number = s->segment_number, .state = SEGMENT_OPEN, .first_frame = job->next_frame};
    job->next_segment = s->segment_number + 1;
    return true;
}

static bool index_written(struct spool *s, struct index_txn *txn, struct index_job *job, bool seal,
                          struct error *err)
{
    struct index_segment segment;
    if (!open_segment_record(s, txn, job, &segment, err))
        return false;
    for (size_t i = 0; i < s->unindexed_count; i++)
        if (!index_frame_written(s, txn, job, &segment, &s->unindexed[i], err))
            return false;
    if (seal)
        segment.state = SEGMENT_SEALED;
    return spool_put_segment(s, txn, &segment, err);
}

static bool commit_index(struct spool *s, bool seal, const struct retried *retried,
                         struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    if ((s->segment != NULL && !index_written(s, txn, &job, seal, err)) ||
        (retried != NULL && !spool_put_retried(txn, &job, retried, err))) {
        index_abort(txn);
        return false;
    }
    if (!spool_commit_with_job(txn, &job, err))
        return false;
    fault_point("index-committed");
    return true;
}

bool spool_commit_locked(struct spool *s, bool seal, const struct retried *retried,
                         struct error *err)
{
    if ((s->segment != NULL && !segment_sync(s->segment, err)) ||
        !commit_index(s, seal, retried, err))
        return false;
    s->unindexed_count = 0;
    s->unindexed_bytes = 0;
    buffer_clear(&s->keys);
    s->committed_ms = clock_monotonic_ms();
    if (s->on_frames != NULL)
        s->on_frames(s->listener);
    if (!seal || s->segment == NULL)
        return true;
    segment_close(s->segment);
    s->segment = NULL;
    return spool_delete_segments(s, err);
}

/* Segment first, then index; with SEAL no frame follows in this segment. */
static bool commit_locked(struct spool *s, bool seal, struct error *err)
{
    if (s->segment == NULL || (s->unindexed_count == 0 && !seal))
        return true;
    return spool_commit_locked(s, seal, NULL, err);
}

static bool is_due(const struct spool *s)
{
    return s->unindexed_count > 0 &&
           (s->unindexed_bytes >= COMMIT_BYTES || s->unindexed_count >= COMMIT_FRAMES ||
            clock_monotonic_ms() - s->committed_ms >= COMMIT_MS);
}

bool spool_write_locked(struct spool *s, struct frame *f, struct slice body, uint64_t nulled,
                        struct error *err)
{
    if (!need_segment(s, err) || !need_room(s, f, err))
        return false;
    uint64_t offset = segment_end(s->segment);
    f->number = s->next_frame;
    f->job = s->id;
    if (!segment_append(s->segment, f, body, err))
        return false;
    s->next_frame++;
    remember(s, f, offset, nulled);
    return true;
}

static bool append_locked(struct spool *s, struct frame *f, struct slice body, uint64_t nulled,
                          struct error *err)
{
    if (!spool_write_locked(s, f, body, nulled, err))
        return false;
    if (segment_end(s->segment) >= s->options.segment_bytes)
        return commit_locked(s, true, err);
    return !is_due(s) || commit_locked(s, false, err);
}

bool spool_append(struct spool *s, struct frame *f, struct slice body, uint64_t nulled,
                  struct error *err)
{
    pthread_mutex_lock(&s->lock);
    bool ok = append_locked(s, f, body, nulled, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool spool_commit(struct spool *s, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    bool ok = commit_locked(s, false, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool spool_commit_if_due(struct spool *s, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    bool ok = !is_due(s) || commit_locked(s, false, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool spool_is_full(struct spool *s, bool *is_full, struct error *err)
{
    struct index_job job;
    *is_full = false;
    if (s->options.max_bytes == 0 || s->options.keeps_segments)
        return true;
    if (!spool_get_job(s, &job, err))
        return false;
    pthread_mutex_lock(&s->lock);
    *is_full = job.spool_bytes + s->unindexed_bytes >= s->options.max_bytes;
    bool ok = !*is_full || commit_locked(s, false, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* --- parts --- */

static struct slice copy_key(struct buffer *keys, struct slice key)
{
    size_t at = keys->size;
    buffer_append(keys, key.data, key.size);
    return (struct slice){keys->data + at, key.size};
}

/* KEYS has room for all three, so it doesn't move between the copies. */
static bool copy_part_keys(struct index_part *part, struct buffer *keys, struct error *err)
{
    buffer_clear(keys);
    if (buffer_reserve(keys, part->range.from.size + part->range.to.size + part->last.size + 1)) {
        part->range.from = copy_key(keys, part->range.from);
        part->range.to = copy_key(keys, part->range.to);
        part->last = copy_key(keys, part->last);
    }
    return buffer_check(keys, "a part's keys", err);
}

bool spool_next_part(struct spool *s, uint32_t number, struct index_part *part, struct buffer *keys,
                     bool *found, struct error *err)
{
    struct index_txn *txn;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok;
    do {
        ok = index_next_part(txn, number, part, found, err);
        number = part->number + 1;
    } while (ok && *found && part->is_finished);
    if (ok && *found)
        ok = copy_part_keys(part, keys, err);
    index_abort(txn);
    return ok;
}

static bool finish_part_locked(struct spool *s, uint32_t number, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    struct index_part part;
    bool found;
    if (!commit_locked(s, false, err) || !spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    if (index_next_part(txn, number, &part, &found, err)) {
        if (found && part.number == number) {
            part.is_finished = true;
            if (index_put_part(txn, &part, err))
                return spool_commit_with_job(txn, &job, err);
        } else {
            error_set(err, ERROR_BUG, "part %u is not in the index", number);
        }
    }
    index_abort(txn);
    return false;
}

bool spool_finish_part(struct spool *s, uint32_t part, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    bool ok = finish_part_locked(s, part, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* Change two times of the job's record that only the dump sets. */
static bool set_dump_times(struct spool *s, uint64_t snapshot_ms, uint64_t dumped_ms,
                           struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    job.snapshot_ms = snapshot_ms;
    if (dumped_ms != 0)
        job.dumped_ms = dumped_ms;
    return spool_commit_with_job(txn, &job, err);
}

bool spool_note_snapshot(struct spool *s, uint64_t wall_ms, struct error *err)
{
    return set_dump_times(s, wall_ms, 0, err);
}

bool spool_finish_dump(struct spool *s, struct error *err)
{
    struct index_part part = {.number = 0};
    struct buffer keys;
    bool is_left;
    pthread_mutex_lock(&s->lock);
    bool ok = commit_locked(s, true, err);
    pthread_mutex_unlock(&s->lock);
    buffer_init(&keys, 4 * FRAME_KEY_MAX_BYTES);
    ok = ok && spool_next_part(s, 0, &part, &keys, &is_left, err);
    buffer_free(&keys);
    if (!ok || is_left)
        return ok;
    return set_dump_times(s, 0, (uint64_t)clock_wall_ms(), err);
}
