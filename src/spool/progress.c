/* progress.c: up to which key all of a job is done: what another spool, anywhere, may begin behind. See
 * spool.h.
 *
 * Frames of a part are numbered in the order of their keys, and parts in the order of theirs. So the first
 * pending frame of the first part that is not through says it. Keys can't be compared without the server: while a
 * range that was lost is dumped again, nothing is said. */
#include "spool/state.h"

/* What a look at the index has found. */
struct finding {
    struct index_part part; // the first that is not through; else the last one
    bool has_part;
    struct index_frame frame; // its first pending one
    bool has_frame;
    bool is_unknown; // rows anywhere are to be dumped or sent again
};

static bool is_planned(uint32_t part)
{
    return part < FRAME_LATER_PARTS;
}

/* The pending frame that comes first in the order of the keys. */
static bool find_frame(struct index_txn *txn, struct finding *f, struct error *err)
{
    struct index_frame frame = {.number = 0};
    bool found = true;
    for (uint64_t from = 0; found; from = frame.number + 1) {
        if (!index_next_frame(txn, FRAMES_PENDING, from, &frame, &found, err))
            return false;
        if (!found)
            break;
        f->is_unknown |= !is_planned(frame.part);
        if (!f->has_frame || frame.part < f->frame.part)
            f->frame = frame;
        f->has_frame = true;
    }
    return true;
}

static bool find_part(struct index_txn *txn, struct finding *f, struct error *err)
{
    struct index_part part = {.number = 0};
    bool found = true, is_through = true;
    for (uint32_t from = 0; found; from = part.number + 1) {
        if (!index_next_part(txn, from, &part, &found, err))
            return false;
        if (!found)
            break;
        f->is_unknown |= !is_planned(part.number) && !part.is_finished;
        if (!is_planned(part.number) || !is_through)
            continue;
        f->part = part;
        f->has_part = true;
        is_through = part.is_finished && !(f->has_frame && f->frame.part == part.number);
    }
    f->has_frame = f->has_frame && f->has_part && f->frame.part == f->part.number;
    return true;
}

/* Documents that are done behind the key: they will be done again by who begins there. */
static bool count_behind(struct index_txn *txn, const struct finding *f, uint64_t *count,
                         struct error *err)
{
    struct index_frame frame = {.number = 0};
    bool found = true;
    *count = 0;
    for (uint64_t from = 0; found; from = frame.number + 1) {
        if (!index_next_frame(txn, FRAMES_DONE, from, &frame, &found, err))
            return false;
        bool is_behind =
            frame.part > f->part.number ||
            (f->has_frame && frame.part == f->part.number && frame.number > f->frame.number);
        if (found && is_behind)
            *count += frame.documents;
    }
    return true;
}

static bool put_key(struct spool_progress *p, bool is_inclusive, struct slice key,
                    struct buffer *out, struct error *err)
{
    p->has_key = true;
    p->is_inclusive = is_inclusive;
    buffer_clear(out);
    buffer_append(out, key.data, key.size);
    return buffer_check(out, "a key", err);
}

static bool take_key(const struct finding *f, struct spool_progress *p, struct buffer *key,
                     struct error *err)
{
    const struct index_part *part = &f->part;
    if (f->is_unknown || !f->has_part)
        return true;
    if (f->has_frame)
        return put_key(p, true, f->frame.first_key, key, err);
    if (part->has_last)
        return put_key(p, false, part->last, key, err);
    return !part->range.has_from ||
           put_key(p, part->range.is_from_inclusive, part->range.from, key, err);
}

static bool look(struct index_txn *txn, const struct index_job *job, struct spool_progress *p,
                 struct buffer *key, struct error *err)
{
    struct finding f = {.has_part = false};
    uint64_t behind;
    if (!find_frame(txn, &f, err) || !find_part(txn, &f, err) || !take_key(&f, p, key, err) ||
        !count_behind(txn, &f, &behind, err))
        return false;
    p->acknowledged = job->acknowledged - (behind < job->acknowledged ? behind : job->acknowledged);
    p->dead = job->dead;
    p->is_finished = job->finished_ms != 0;
    return true;
}

bool spool_get_progress(struct spool *s, struct spool_progress *p, struct buffer *key,
                        struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    *p = (struct spool_progress){.has_key = false};
    if (!spool_begin_with_job(s, false, &txn, &job, err))
        return false;
    bool ok = look(txn, &job, p, key, err);
    index_abort(txn);
    return ok;
}
