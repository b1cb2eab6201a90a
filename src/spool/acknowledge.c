/* acknowledge.c: the replay's side of a spool: frames out, acknowledgements in, segments removed.
 */
#include "spool/state.h"

#include <assert.h>

#include "base/clock.h"
#include "base/fault.h"

void spool_set_listener(struct spool *s, void (*on_frames)(void *context), void *context)
{
    s->on_frames = on_frames;
    s->listener = context;
}

bool spool_next_frame(struct spool *s, enum frame_table table, uint64_t number,
                      struct index_frame *frame, bool *found, struct error *err)
{
    struct index_txn *txn;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = index_next_frame(txn, table, number, frame, found, err);
    frame->first_key = frame->last_key = (struct slice){NULL, 0}; // they end with the transaction
    index_abort(txn);
    return ok;
}

/* Is what was read, F, the frame that the index knows? */
static void take_frame(const struct spool *s, struct index_frame *frame, const struct frame *f,
                       const char **why)
{
    if (*why == NULL &&
        (f->kind != frame->kind || f->number != frame->number || f->documents != frame->documents ||
         memcmp(f->job.bytes, s->id.bytes, JOB_ID_BYTES) != 0))
        *why = "another frame stands in its place";
    frame->first_key = *why == NULL ? f->first_key : (struct slice){NULL, 0};
    frame->last_key = *why == NULL ? f->last_key : (struct slice){NULL, 0};
}

bool spool_read_frame(struct spool *s, struct index_frame *frame, struct buffer *bytes,
                      struct slice *body, const char **why, struct error *err)
{
    struct frame f;
    bytes->maximum = FRAME_MAX_BYTES;
    if (!segment_read(s->dir, frame->segment, frame->offset, bytes, &f, body, why, err))
        return false;
    take_frame(s, frame, &f, why);
    return true;
}

bool spool_check_frame(struct spool *s, struct index_frame *frame, struct buffer *header,
                       struct pieces *p, const char **why, struct error *err)
{
    struct frame f;
    header->maximum = FRAME_MAX_BYTES;
    if (!segment_check(s->dir, frame->segment, frame->offset, header, &f, p, why, err))
        return false;
    take_frame(s, frame, &f, why);
    return true;
}

/* The pending frame NUMBER and its segment. */
static bool find_frame(struct index_txn *txn, uint64_t number, struct index_frame *frame,
                       struct index_segment *segment, struct error *err)
{
    bool found;
    if (!index_next_frame(txn, FRAMES_PENDING, number, frame, &found, err))
        return false;
    if (!found || frame->number != number)
        return error_set(err, ERROR_BUG, "frame %llu is not pending", (unsigned long long)number);
    if (!index_next_segment(txn, frame->segment, segment, &found, err))
        return false;
    if (!found || segment->number != frame->segment)
        return error_set(err, ERROR_DAMAGED, "%s: frame %llu has no segment", INDEX_FILE,
                         (unsigned long long)number);
    return true;
}

static bool drop_frames(struct index_txn *txn, const struct index_segment *segment,
                        struct error *err)
{
    for (uint64_t i = 0; i < segment->frames; i++)
        if (!index_delete_frame(txn, FRAMES_DONE, segment->first_frame + i, err))
            return false;
    return true;
}

bool spool_put_segment(struct spool *s, struct index_txn *txn, struct index_segment *segment,
                       struct error *err)
{
    if (segment->state == SEGMENT_SEALED && segment->pending == 0 && !s->options.keeps_segments) {
        segment->state = SEGMENT_DELETING;
        if (!drop_frames(txn, segment, err))
            return false;
    }
    return index_put_segment(txn, segment, err);
}

static bool acknowledge_frame(struct spool *s, struct index_txn *txn, struct index_job *job,
                              const struct spool_acknowledgement *a, struct error *err)
{
    struct index_frame frame;
    struct index_segment segment = {.number = 0};
    if (!find_frame(txn, a->number, &frame, &segment, err))
        return false;
    if (a->acknowledged + a->dead != frame.documents)
        return error_set(err, ERROR_BUG, "frame %llu has %u documents, not %llu + %llu",
                         (unsigned long long)a->number, frame.documents,
                         (unsigned long long)a->acknowledged, (unsigned long long)a->dead);
    job->pending -= frame.documents;
    job->acknowledged += a->acknowledged;
    job->dead += a->dead;
    segment.pending--;
    return index_put_frame(txn, FRAMES_DONE, &frame, err) &&
           index_delete_frame(txn, FRAMES_PENDING, a->number, err) &&
           spool_put_segment(s, txn, &segment, err);
}

bool spool_acknowledge(struct spool *s, const struct spool_acknowledgement *frames, size_t count,
                       uint64_t dead_bytes, const struct spool_counters *counters,
                       struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = acknowledge_frame(s, txn, &job, &frames[i], err);
    if (!ok) {
        index_abort(txn);
        return false;
    }
    job.dead_bytes = dead_bytes;
    job.requests += counters->requests;
    job.retries += counters->retries;
    job.in_flight = counters->in_flight;
    if (!spool_commit_with_job(txn, &job, err))
        return false;
    fault_point("acknowledge-committed");
    return spool_delete_segments(s, err);
}

/* The first segment numbered NUMBER or more whose deletion is intended. */
static bool next_deleting(struct spool *s, uint32_t number, struct index_segment *segment,
                          bool *found, struct error *err)
{
    struct index_txn *txn;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok;
    do {
        ok = index_next_segment(txn, number, segment, found, err);
        number = segment->number + 1;
    } while (ok && *found && segment->state != SEGMENT_DELETING);
    index_abort(txn);
    return ok;
}

static bool forget_segment(struct spool *s, uint32_t number, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    struct index_segment segment = {.number = 0};
    bool found;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    bool ok = index_next_segment(txn, number, &segment, &found, err);
    if (!ok || !found || segment.number != number) { // the other stage was faster
        index_abort(txn);
        return ok;
    }
    job.spool_bytes -= segment.size;
    if (index_delete_segment(txn, number, err))
        return spool_commit_with_job(txn, &job, err);
    index_abort(txn);
    return false;
}

bool spool_delete_segments(struct spool *s, struct error *err)
{
    struct index_segment segment = {.number = 0};
    bool found;
    for (uint32_t from = 0;; from = segment.number + 1) {
        if (!next_deleting(s, from, &segment, &found, err))
            return false;
        if (!found)
            return true;
        fault_point("delete-intended");
        if (!segment_remove(s->dir, segment.number, err) || !forget_segment(s, segment.number, err))
            return false;
    }
}

bool spool_put_new_part(struct index_txn *txn, struct index_job *job, struct slice first,
                        struct slice last, struct error *err)
{
    struct index_part part = {
        .number = job->next_part++,
        .range = {.has_from = true,
                  .is_from_inclusive = true,
                  .from = first,
                  .has_to = true,
                  .to = last},
    };
    job->parts++;
    job->dumped_ms = 0;
    return index_put_part(txn, &part, err);
}

bool spool_turn_into_part(struct spool *s, struct index_txn *txn, struct index_job *job,
                          const struct index_frame *frame, const char *why, struct error *err)
{
    job->rows -= frame->documents;
    job->pending -= frame->documents;
    assert(index_job_adds_up(job));
    if (s->options.tell_loss != NULL)
        s->options.tell_loss(frame, why);
    uint64_t number = frame->number;    // the put below ends the life of FRAME's slices
    if (frame->part == FRAME_OF_REPAIR) // it has no range: the next repair finds the same again
        return index_delete_frame(txn, FRAMES_PENDING, number, err);
    return spool_put_new_part(txn, job, frame->first_key, frame->last_key, err) &&
           index_delete_frame(txn, FRAMES_PENDING, number, err);
}

bool spool_lose_frame(struct spool *s, uint64_t number, const char *why, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    struct index_frame frame;
    struct index_segment segment = {.number = 0};
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    bool ok = find_frame(txn, number, &frame, &segment, err);
    if (ok)
        segment.pending--;
    if (ok && spool_turn_into_part(s, txn, &job, &frame, why, err) &&
        spool_put_segment(s, txn, &segment, err))
        return spool_commit_with_job(txn, &job, err) && spool_delete_segments(s, err);
    index_abort(txn);
    return false;
}

/* Is every part finished? */
static bool all_parts_finished(struct index_txn *txn, bool *all, struct error *err)
{
    struct index_part part = {.number = 0};
    bool found = true;
    *all = true;
    for (uint32_t from = 0; found && *all; from = part.number + 1) {
        if (!index_next_part(txn, from, &part, &found, err))
            return false;
        *all = !found || part.is_finished;
    }
    return true;
}

bool spool_finish_replay(struct spool *s, bool *is_finished, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    bool ok = all_parts_finished(txn, is_finished, err);
    *is_finished = ok && *is_finished && job.pending == 0;
    if (!ok || !*is_finished) {
        index_abort(txn);
        return ok;
    }
    if (job.finished_ms == 0)
        job.finished_ms = (uint64_t)clock_wall_ms();
    job.in_flight = 0;
    return spool_commit_with_job(txn, &job, err);
}
