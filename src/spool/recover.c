/* recover.c: clear up what a crash left, before a dump appends. See spool.h for the rules. */
#include "spool/state.h"

#include "base/file.h"

/* The frames of SEGMENT that end behind *ACTUAL bytes are lost; *ACTUAL becomes the end of those before. */
static bool lose_missing_frames(struct index_txn *txn, struct index_job *job,
                                struct index_segment *segment, uint64_t *actual, struct error *err)
{
    struct index_frame frame;
    uint64_t end = segment->first_frame + segment->frames;
    for (uint64_t number = segment->first_frame; number < end; number = frame.number + 1) {
        bool found;
        if (!index_next_frame(txn, FRAMES_PENDING, number, &frame, &found, err))
            return false;
        if (!found || frame.number >= end)
            return true;
        if (frame.offset + frame.size <= *actual)
            continue;
        if (frame.offset < *actual)
            *actual = frame.offset;
        segment->pending--;
        if (!spool_turn_into_part(txn, job, &frame, err))
            return false;
    }
    return true;
}

/* Seal SEGMENT at what is durable: a new life writes to a new segment. */
static bool recover_segment(struct spool *s, struct index_txn *txn, struct index_job *job,
                            struct index_segment *segment, struct error *err)
{
    uint64_t actual;
    if (segment->state == SEGMENT_DELETING)
        return true;
    if (!segment_cut(s->dir, segment->number, segment->size, &actual, err))
        return false;
    if (actual < segment->size) {
        if (!lose_missing_frames(txn, job, segment, &actual, err) ||
            !segment_cut(s->dir, segment->number, actual, &actual, err))
            return false;
        job->spool_bytes -= segment->size - actual;
        segment->size = actual;
    }
    segment->state = SEGMENT_SEALED;
    return spool_put_segment(s, txn, segment, err);
}

static bool recover_segments(struct spool *s, struct index_txn *txn, struct index_job *job,
                             struct error *err)
{
    struct index_segment segment = {.number = 0};
    for (uint32_t from = 0;; from = segment.number + 1) {
        bool found;
        if (!index_next_segment(txn, from, &segment, &found, err))
            return false;
        if (!found)
            return true;
        if (!recover_segment(s, txn, job, &segment, err))
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

bool spool_recover(struct spool *s, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    if (!recover_segments(s, txn, &job, err)) {
        index_abort(txn);
        return false;
    }
    struct strays strays = {s->dir, job.next_segment};
    if (!spool_commit_with_job(txn, &job, err))
        return false;
    return file_list(s->dir, remove_stray, &strays, err) && spool_delete_segments(s, err);
}
