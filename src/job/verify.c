/* verify.c: see verify.h. */
#include "job/verify.h"

#include <inttypes.h>

#include "base/file.h"
#include "sink/body.h"
#include "spool/compress.h"
#include "spool/segment.h"

enum { FRAME_MAX_BYTES = 1 << 30 };

struct verify {
    struct spool *spool;
    struct body *body;
    struct buffer bytes; // of the current frame
    spool_teller *tell;
    void *context;
    struct verify_report *report;
};

static void count_problem(void *context, const char *text)
{
    struct verify *v = context;
    v->report->problems++;
    v->tell(v->context, text);
}

/* Decompress a bulk body: does it hold what the index says? */
static void check_documents(struct verify *v, const struct index_frame *frame, struct slice body)
{
    struct error err = {.kind = ERROR_NONE};
    struct body_run run = {.document = 0};
    uint64_t documents = 0, size = 0;
    bool found = true;
    body_open(v->body, body);
    while (found) {
        if (!body_next(v->body, &run, &found, &err)) {
            spool_tell(count_problem, v, "segment %u, frame %" PRIu64 ": %s", frame->segment,
                       frame->number, err.message);
            return;
        }
        documents += found && run.is_last;
        size += run.bytes.size;
    }
    if (documents != frame->documents || size != frame->raw_size)
        spool_tell(count_problem, v,
                   "segment %u, frame %" PRIu64 ": %" PRIu64 " documents in %" PRIu64
                   " bytes, and the index says %u in %" PRIu64,
                   frame->segment, frame->number, documents, size, frame->documents,
                   frame->raw_size);
}

static bool check_frame(struct verify *v, struct index_frame *frame, struct error *err)
{
    struct slice body;
    const char *why;
    v->report->frames++;
    v->report->documents += frame->documents;
    if (!spool_read_frame(v->spool, frame, &v->bytes, &body, &why, err))
        return false;
    if (why != NULL)
        spool_tell(count_problem, v, "segment %u, frame %" PRIu64 ": %s", frame->segment,
                   frame->number, why);
    else if (frame->kind == FRAME_DOCUMENTS)
        check_documents(v, frame, body);
    return true;
}

static bool check_frames(struct verify *v, enum frame_table table, struct error *err)
{
    struct index_frame frame;
    for (uint64_t number = 0;; number = frame.number + 1) {
        bool found;
        if (!spool_next_frame(v->spool, table, number, &frame, &found, err))
            return false;
        if (!found)
            return true;
        if (!check_frame(v, &frame, err))
            return false;
    }
}

static bool check_segment(const struct index_segment *segment, void *context, struct error *err)
{
    struct verify *v = context;
    char name[SEGMENT_NAME_BYTES];
    uint64_t size = 0;
    int fd;
    if (segment->state == SEGMENT_DELETING)
        return true;
    v->report->segments++;
    segment_name(segment->number, name);
    if (!file_open(&fd, spool_directory(v->spool), name, false, err))
        return false;
    bool ok = fd < 0 || file_size(fd, name, &size, err);
    file_close(&fd);
    if (ok && (size < segment->size || (size > segment->size && segment->state != SEGMENT_OPEN)))
        spool_tell(count_problem, v, "segment %u: %" PRIu64 " bytes, and the index says %" PRIu64,
                   segment->number, size, segment->size);
    return ok;
}

/* Without it no index could be made anew. */
static bool check_description(struct verify *v, struct error *err)
{
    struct buffer wanted, found;
    bool is_there;
    buffer_init(&wanted, SPOOL_DESCRIPTION_MAX_BYTES);
    buffer_init(&found, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = spool_get_description(v->spool, &wanted, err) &&
              spool_read_description_file(spool_directory(v->spool), &found, &is_there, err);
    if (ok && !is_there)
        spool_tell(count_problem, v, SPOOL_JOB_FILE " is absent");
    else if (ok && !slice_equal(buffer_slice(&wanted), buffer_slice(&found)))
        spool_tell(count_problem, v, SPOOL_JOB_FILE " does not say what the index does");
    buffer_free(&wanted);
    buffer_free(&found);
    return ok;
}

bool verify_spool(struct spool *s, spool_teller *tell, void *context, struct verify_report *report,
                  struct error *err)
{
    struct verify v = {.spool = s, .tell = tell, .context = context, .report = report};
    *report = (struct verify_report){.segments = 0};
    buffer_init(&v.bytes, FRAME_MAX_BYTES);
    if (!body_new(&v.body, err))
        return false;
    bool ok = spool_each_segment(s, check_segment, &v, err) &&
              check_frames(&v, FRAMES_PENDING, err) && check_frames(&v, FRAMES_DONE, err) &&
              check_description(&v, err) && spool_check_index(s, count_problem, &v, err);
    body_free(v.body);
    buffer_free(&v.bytes);
    return ok;
}
