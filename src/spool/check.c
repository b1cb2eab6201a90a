/* check.c: does the index agree with itself? A record that vanished, or an old page that came back, is
 * seen in what the other records say. See spool.h. */
#include "spool/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "spool/index_check.h"

enum { PROBLEM_BYTES = 512 };

struct check {
    struct index_txn *txn;
    struct index_job job;
    spool_teller *tell;
    void *context;
    struct index_segment segment; // of the frame before; number 0: none
    uint64_t in_segment;          // frames of it
    uint64_t pending_frames, pending_documents;
};

void spool_tell(spool_teller *tell, void *context, const char *format, ...)
{
    char text[PROBLEM_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tell(context, text);
}

static bool check_description(struct check *c, struct error *err)
{
    struct slice text;
    if (!index_get_description(c->txn, &text, err))
        return false;
    if (text.size == 0)
        spool_tell(c->tell, c->context, "the job's description is missing");
    return true;
}

static bool check_parts(struct check *c, struct error *err)
{
    struct index_part part = {.number = 0};
    uint64_t count = 0;
    bool found = true;
    for (uint32_t from = 0; found; from = part.number + 1) {
        if (!index_next_part(c->txn, from, &part, &found, err))
            return false;
        count += found;
        if (found && part.number >= c->job.next_part)
            spool_tell(c->tell, c->context, "part %u was never made", part.number);
    }
    if (count != c->job.parts)
        spool_tell(c->tell, c->context, "%" PRIu64 " parts are there, and the job has %u", count,
                   c->job.parts);
    return true;
}

/* All frames of c->segment were seen. */
static void end_segment(struct check *c)
{
    if (c->segment.number != 0 && c->in_segment != c->segment.pending)
        spool_tell(c->tell, c->context,
                   "segment %u has %" PRIu64 " pending frames, and its record says %" PRIu64,
                   c->segment.number, c->in_segment, c->segment.pending);
}

/* Go on to segment NUMBER, whose frames stand side by side. */
static bool begin_segment(struct check *c, uint32_t number, struct error *err)
{
    bool found;
    c->in_segment = 0;
    if (!index_next_segment(c->txn, number, &c->segment, &found, err))
        return false;
    if (!found || c->segment.number != number)
        c->segment = (struct index_segment){.number = 0};
    return true;
}

static void check_place(struct check *c, const struct index_frame *frame)
{
    const struct index_segment *segment = &c->segment;
    if (segment->number == 0)
        spool_tell(c->tell, c->context, "frame %" PRIu64 " has no segment", frame->number);
    else if (frame->number < segment->first_frame ||
             frame->number - segment->first_frame >= segment->frames ||
             frame->size > segment->size || frame->offset > segment->size - frame->size)
        spool_tell(c->tell, c->context, "frame %" PRIu64 " is not within its segment %u",
                   frame->number, segment->number);
    if (frame->part >= c->job.next_part && frame->part < FRAME_OF_REPAIR)
        spool_tell(c->tell, c->context, "frame %" PRIu64 " is of part %u, which was never made",
                   frame->number, frame->part);
}

static bool check_frames(struct check *c, enum frame_table table, struct error *err)
{
    struct index_frame frame;
    bool found = true;
    c->segment.number = 0;
    for (uint64_t from = 0; found; from = frame.number + 1) {
        if (!index_next_frame(c->txn, table, from, &frame, &found, err))
            return false;
        if (!found)
            break;
        if (frame.segment != c->segment.number) {
            if (table == FRAMES_PENDING)
                end_segment(c);
            if (!begin_segment(c, frame.segment, err))
                return false;
        }
        c->in_segment++;
        check_place(c, &frame);
        c->pending_frames += table == FRAMES_PENDING;
        c->pending_documents += table == FRAMES_PENDING ? frame.documents : 0;
    }
    if (table == FRAMES_PENDING)
        end_segment(c);
    return true;
}

static bool check_segments(struct check *c, struct error *err)
{
    struct index_segment segment = {.number = 0};
    uint64_t bytes = 0, pending = 0;
    bool found = true;
    for (uint32_t from = 0; found; from = segment.number + 1) {
        if (!index_next_segment(c->txn, from, &segment, &found, err))
            return false;
        if (!found)
            break;
        bytes += segment.size;
        pending += segment.pending;
        if (segment.number >= c->job.next_segment ||
            segment.first_frame + segment.frames > c->job.next_frame)
            spool_tell(c->tell, c->context, "segment %u was never made so", segment.number);
    }
    if (bytes != c->job.spool_bytes)
        spool_tell(c->tell, c->context,
                   "the segments have %" PRIu64 " bytes, and the job says %" PRIu64, bytes,
                   c->job.spool_bytes);
    if (pending != c->pending_frames)
        spool_tell(c->tell, c->context,
                   "%" PRIu64 " frames are pending, and the segments say %" PRIu64,
                   c->pending_frames, pending);
    return true;
}

static void check_ledger(struct check *c)
{
    if (!index_job_adds_up(&c->job))
        spool_tell(c->tell, c->context, "the ledger does not add up");
    if (c->job.pending != c->pending_documents)
        spool_tell(c->tell, c->context,
                   "%" PRIu64 " documents are pending, and the ledger says %" PRIu64,
                   c->pending_documents, c->job.pending);
}

bool spool_check_index(struct spool *s, spool_teller *tell, void *context, struct error *err)
{
    struct check c = {.tell = tell, .context = context};
    if (!spool_begin_with_job(s, false, &c.txn, &c.job, err))
        return false;
    bool ok = check_description(&c, err) && check_parts(&c, err) &&
              check_frames(&c, FRAMES_PENDING, err) && check_frames(&c, FRAMES_DONE, err) &&
              check_segments(&c, err);
    if (ok)
        check_ledger(&c);
    index_abort(c.txn);
    return ok;
}

static void keep_first(void *context, const char *problem)
{
    struct error *first = context;
    if (first->kind == ERROR_NONE)
        index_damaged(first, "%s", problem);
}

bool spool_trust_index(struct spool *s, struct error *err)
{
    struct error first = {.kind = ERROR_NONE};
    if (!spool_check_index(s, keep_first, &first, err))
        return false;
    if (first.kind != ERROR_NONE)
        *err = first;
    return first.kind == ERROR_NONE;
}
