/* rebuild.c: see rebuild.h. */
#include "spool/rebuild.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "spool/gaps.h"
#include "spool/state.h"

enum { PER_COMMIT = 1000 }; // records: a transaction holds its pages in memory

struct rebuild {
    struct spool *spool; // for its directory and locks; it has no index
    struct index *index; // the new one
    struct index_txn *txn;
    unsigned in_txn; // records
    struct index_job job;
    struct index_segment segment; // that is read now
    uint64_t strangers;           // frames of another job
    uint32_t *segments;           // numbers of those in the directory
    size_t segment_count, segment_capacity;
};

/* --- the segments --- */

static bool add_segment(const char *name, void *context, struct error *err)
{
    struct rebuild *r = context;
    uint32_t number;
    if (!segment_number(name, &number))
        return true;
    if (r->segment_count == r->segment_capacity) {
        size_t capacity = r->segment_capacity == 0 ? 64 : 2 * r->segment_capacity;
        uint32_t *grown = realloc(r->segments, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(err);
        r->segments = grown;
        r->segment_capacity = capacity;
    }
    r->segments[r->segment_count++] = number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* A record was put: not too many may wait for their commit. */
static bool count_record(struct rebuild *r, struct error *err)
{
    if (++r->in_txn < PER_COMMIT)
        return true;
    r->in_txn = 0;
    struct index_txn *txn = r->txn;
    r->txn = NULL;
    return index_commit(txn, err) && index_begin(r->index, true, &r->txn, err);
}

/* A frame can be there twice, in a copied segment. The frames of a segment stand side by side, and none of
 * another one between them: the index relies on it. */
static bool is_free(struct rebuild *r, uint64_t number, bool *is_free, struct error *err)
{
    const struct index_segment *own = &r->segment;
    struct index_frame next;
    struct index_segment other;
    bool found;
    uint64_t from = own->frames > 0 ? own->first_frame + own->frames : number;
    *is_free = false;
    if (number < from)
        return true;
    if (!index_next_frame(r->txn, FRAMES_PENDING, from, &next, &found, err))
        return false;
    *is_free = !found;
    if (!found || next.number <= number)
        return true;
    uint32_t segment = next.segment;
    if (!index_next_segment(r->txn, segment, &other, &found, err))
        return false;
    *is_free = found && other.number == segment && other.first_frame > number;
    return true;
}

static bool put_frame(struct rebuild *r, const struct frame *f, uint64_t offset, uint64_t size,
                      struct error *err)
{
    const struct index_frame frame = {.number = f->number,
                                      .kind = f->kind,
                                      .part = f->part,
                                      .segment = r->segment.number,
                                      .offset = offset,
                                      .size = size,
                                      .raw_size = f->raw_size,
                                      .documents = f->documents,
                                      .first_key = f->first_key,
                                      .last_key = f->last_key};
    struct index_job *job = &r->job;
    if (r->segment.frames == 0)
        r->segment.first_frame = f->number;
    r->segment.frames = f->number - r->segment.first_frame + 1;
    r->segment.pending++;
    r->segment.size = offset + size;
    job->frames++;
    job->rows += f->documents;
    job->pending += f->documents;
    job->raw_bytes += f->raw_size;
    job->compressed_bytes += size;
    if (job->next_frame <= f->number)
        job->next_frame = f->number + 1;
    if (f->part < FRAME_OF_REPAIR && job->next_part <= f->part)
        job->next_part = f->part + 1;
    return index_put_frame(r->txn, FRAMES_PENDING, &frame, err) && count_record(r, err);
}

static bool see_frame(const struct frame *f, uint64_t offset, uint64_t size, void *context,
                      struct error *err)
{
    struct rebuild *r = context;
    bool is_new;
    if (memcmp(f->job.bytes, r->job.id.bytes, JOB_ID_BYTES) != 0) {
        r->strangers++;
        return true;
    }
    if (f->number == 0 || f->number == UINT64_MAX) // never given
        return true;
    return is_free(r, f->number, &is_new, err) && (!is_new || put_frame(r, f, offset, size, err));
}

static bool read_segments(struct rebuild *r, struct error *err)
{
    if (!file_list(r->spool->dir, add_segment, r, err))
        return false;
    if (r->segment_count > 0)
        qsort(r->segments, r->segment_count, sizeof *r->segments, compare_numbers);
    for (size_t i = 0; i < r->segment_count; i++) {
        r->segment = (struct index_segment){.number = r->segments[i], .state = SEGMENT_SEALED};
        if (!segment_scan(r->spool->dir, r->segments[i], see_frame, r, err))
            return false;
        r->job.spool_bytes += r->segment.size;
        r->job.next_segment = r->segments[i] + 1;
        if (!index_put_segment(r->txn, &r->segment, err) || !count_record(r, err))
            return false;
    }
    return r->job.frames > 0 || r->strangers == 0 ||
           error_set(
               err, ERROR_DAMAGED,
               "%s describes another job than the one whose frames the segments hold: put the "
               "right one there, or move the spool away to begin anew",
               SPOOL_JOB_FILE);
}

/* --- the gaps --- */

static bool put_gap(void *context, const struct key_range *gap, struct error *err)
{
    struct rebuild *r = context;
    const struct index_part part = {.number = r->job.next_part++, .range = *gap};
    r->job.parts++;
    return index_put_part(r->txn, &part, err) && count_record(r, err);
}

static bool put_gaps(struct rebuild *r, const struct key_range *range, struct error *err)
{
    struct gaps *gaps;
    struct index_frame frame;
    bool found = true;
    bool ok = gaps_new(&gaps, range, put_gap, r, err);
    for (uint64_t from = 0; ok && found; from = frame.number + 1) {
        ok = index_next_frame(r->txn, FRAMES_PENDING, from, &frame, &found, err);
        if (ok && found)
            ok = gaps_add_frame(gaps, &frame, err);
    }
    ok = ok && gaps_finish(gaps, err);
    gaps_free(gaps);
    return ok;
}

/* --- the file --- */

static bool remove_new(int dir, struct error *err)
{
    return file_remove(dir, INDEX_NEW_FILE, err) && file_remove(dir, INDEX_NEW_FILE "-lock", err);
}

static bool write_index(struct rebuild *r, const struct rebuild_job *job, struct error *err)
{
    if (!index_open(&r->index, r->spool->options.path, INDEX_NEW, err) ||
        !index_begin(r->index, true, &r->txn, err))
        return false;
    if (!read_segments(r, err) || !put_gaps(r, &job->range, err) ||
        !index_put_description(r->txn, job->description, err) ||
        !index_put_job(r->txn, &r->job, err))
        return false;
    struct index_txn *txn = r->txn;
    r->txn = NULL;
    return index_commit(txn, err);
}

/* Keep NAME, when it is there, under another name. */
static bool keep(int dir, const char *name, const char *kept, struct error *err)
{
    int fd;
    if (!file_open(&fd, dir, name, false, err))
        return false;
    bool is_there = fd >= 0;
    file_close(&fd);
    return !is_there || file_rename(dir, name, kept, err);
}

/* The old lock file is of the old index: a new one comes with the first to open the new. */
static bool install(int dir, struct error *err)
{
    fault_point("index-rebuilt");
    if (!keep(dir, SPOOL_DEAD_FILE, SPOOL_DEAD_FILE ".old", err) ||
        !keep(dir, INDEX_FILE, INDEX_FILE ".damaged", err))
        return false;
    fault_point("index-aside");
    return file_remove(dir, INDEX_FILE "-lock", err) &&
           file_remove(dir, INDEX_NEW_FILE "-lock", err) &&
           file_rename(dir, INDEX_NEW_FILE, INDEX_FILE, err) && file_sync_directory(dir, err);
}

static bool rebuild(struct rebuild *r, const struct rebuild_job *job, struct error *err)
{
    int dir = r->spool->dir;
    bool ok = spool_take_locks(r->spool, err) && remove_new(dir, err) && write_index(r, job, err);
    index_abort(r->txn);
    index_close(r->index);
    return ok && install(dir, err);
}

bool spool_rebuild(const char *path, const struct rebuild_job *job, struct rebuild_report *report,
                   struct error *err)
{
    uint64_t now = (uint64_t)clock_wall_ms();
    struct spool_options options = {.path = path, .roles = SPOOL_DUMP | SPOOL_REPLAY};
    struct rebuild r = {.job = {.id = job->id,
                                .next_frame = 1,
                                .next_segment = 1,
                                .next_part = FRAME_LATER_PARTS,
                                .started_ms = now,
                                .updated_ms = now}};
    bool ok = spool_new(&r.spool, &options, err) &&
              file_open_directory(&r.spool->dir, path, false, err) && rebuild(&r, job, err);
    *report = (struct rebuild_report){.segments = r.segment_count,
                                      .frames = r.job.frames,
                                      .documents = r.job.pending,
                                      .parts = r.job.parts};
    spool_close(r.spool);
    free(r.segments);
    return ok || error_wrap(err, "spool %s", path);
}
