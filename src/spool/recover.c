/* recover.c: clear up what a crash left, before a dump appends. See spool.h for the rules. */
#include "spool/state.h"

#include "base/file.h"

struct recovery {
    struct spool *spool;
    struct index_txn *txn;
    struct index_job job;
};

/* FRAME's bytes are missing. One that is acknowledged isn't needed any more. */
static bool lose_missing_frame(struct recovery *r, struct index_segment *segment,
                               enum frame_table table, const struct index_frame *frame,
                               const char *why, struct error *err)
{
    if (table == FRAMES_DONE)
        return index_delete_frame(r->txn, FRAMES_DONE, frame->number, err);
    segment->pending--;
    return spool_turn_into_part(r->spool, r->txn, &r->job, frame, why, err);
}

/* The frames of SEGMENT in TABLE that end behind *ACTUAL bytes are lost; *ACTUAL becomes the end of those
 * before. */
static bool lose_missing_frames(struct recovery *r, struct index_segment *segment,
                                enum frame_table table, uint64_t *actual, struct error *err)
{
    const char *why = *actual == 0 ? "the file is absent" : "the file ends before it";
    uint64_t end = segment->first_frame + segment->frames;
    struct index_frame frame;
    for (uint64_t number = segment->first_frame; number < end; number = frame.number + 1) {
        bool found;
        if (!index_next_frame(r->txn, table, number, &frame, &found, err))
            return false;
        if (!found || frame.number >= end)
            return true;
        if (frame.segment != segment->number || frame.offset + frame.size <= *actual)
            continue;
        if (frame.offset < *actual)
            *actual = frame.offset;
        if (!lose_missing_frame(r, segment, table, &frame, why, err))
            return false;
    }
    return true;
}

/* Seal SEGMENT at what is durable: a new life writes to a new segment. */
static bool recover_segment(struct recovery *r, struct index_segment *segment, struct error *err)
{
    struct spool *s = r->spool;
    uint64_t actual;
    if (segment->state == SEGMENT_DELETING)
        return true;
    if (!segment_cut(s->dir, segment->number, segment->size, &actual, err))
        return false;
    if (actual < segment->size) {
        if (!lose_missing_frames(r, segment, FRAMES_PENDING, &actual, err) ||
            !lose_missing_frames(r, segment, FRAMES_DONE, &actual, err) ||
            !segment_cut(s->dir, segment->number, actual, &actual, err))
            return false;
        r->job.spool_bytes -= segment->size - actual;
        segment->size = actual;
    }
    segment->state = SEGMENT_SEALED;
    return spool_put_segment(s, r->txn, segment, err);
}

static bool recover_segments(struct recovery *r, struct error *err)
{
    struct index_segment segment = {.number = 0};
    for (uint32_t from = 0;; from = segment.number + 1) {
        bool found;
        if (!index_next_segment(r->txn, from, &segment, &found, err))
            return false;
        if (!found)
            return true;
        if (!recover_segment(r, &segment, err))
            return false;
    }
}

struct strays {
    int dir;
    uint32_t next_segment;
};

/* A segment that the index never knew holds nothing that was durable. */
static bool remove_stray(const char *name, void *context, struct error *err)
{
    const struct strays *strays = context;
    uint32_t number;
    if (!segment_number(name, &number) || number < strays->next_segment)
        return true;
    return segment_remove(strays->dir, number, err);
}

/* A new index can be made only with the job's description beside it: the file says what the index does. */
static bool recover_description(struct spool *s, struct error *err)
{
    struct buffer wanted, found;
    bool is_there;
    buffer_init(&wanted, SPOOL_DESCRIPTION_MAX_BYTES);
    buffer_init(&found, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = spool_get_description(s, &wanted, err) &&
              spool_read_description_file(s->dir, &found, &is_there, err);
    if (ok && (!is_there || !slice_equal(buffer_slice(&wanted), buffer_slice(&found))))
        ok = file_replace(s->dir, SPOOL_JOB_FILE, buffer_slice(&wanted), err);
    buffer_free(&wanted);
    buffer_free(&found);
    return ok;
}

bool spool_recover(struct spool *s, struct error *err)
{
    struct recovery r = {.spool = s};
    if (!spool_begin_with_job(s, true, &r.txn, &r.job, err))
        return false;
    if (!recover_segments(&r, err)) {
        index_abort(r.txn);
        return false;
    }
    struct strays strays = {s->dir, r.job.next_segment};
    if (!spool_commit_with_job(r.txn, &r.job, err))
        return false;
    return file_list(s->dir, remove_stray, &strays, err) && spool_delete_segments(s, err) &&
           recover_description(s, err);
}
