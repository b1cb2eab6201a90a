/* look.c: what a spool's index says, read and not changed. See spool.h. */
#include "base/file.h"
#include "spool/state.h"

bool spool_get_job(struct spool *s, struct index_job *job, struct error *err)
{
    struct index_txn *txn;
    if (!spool_begin_with_job(s, false, &txn, job, err))
        return false;
    index_abort(txn);
    return true;
}

static bool copy_text(struct spool *s,
                      bool (*get)(struct index_txn *txn, struct slice *text, struct error *err),
                      struct buffer *out, const char *what, struct error *err)
{
    struct index_txn *txn;
    struct slice text;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = get(txn, &text, err);
    if (ok)
        buffer_append(out, text.data, text.size);
    index_abort(txn);
    return ok && buffer_check(out, what, err);
}

bool spool_get_description(struct spool *s, struct buffer *out, struct error *err)
{
    return copy_text(s, index_get_description, out, "the job's description", err);
}

bool spool_get_target(struct spool *s, struct buffer *out, struct error *err)
{
    return copy_text(s, index_get_target, out, "the job's target", err);
}

bool spool_get_input(struct spool *s, struct buffer *out, struct error *err)
{
    return copy_text(s, index_get_input, out, "the input's state", err);
}

bool spool_read_description_file(int dir, struct buffer *out, bool *found, struct error *err)
{
    uint64_t size;
    size_t got = 0;
    int fd;
    *found = false;
    if (!file_open(&fd, dir, SPOOL_JOB_FILE, false, err))
        return false;
    if (fd < 0)
        return true;
    bool ok = file_size(fd, SPOOL_JOB_FILE, &size, err);
    if (ok && size <= SPOOL_DESCRIPTION_MAX_BYTES) {
        *found = buffer_reserve(out, (size_t)size);
        ok = *found ? file_read_at(fd, SPOOL_JOB_FILE, 0, out->data + out->size, (size_t)size, &got,
                                   err)
                    : buffer_check(out, SPOOL_JOB_FILE, err);
        out->size += got;
    }
    file_close(&fd);
    return ok;
}

bool spool_each_segment(struct spool *s,
                        bool (*see)(const struct index_segment *segment, void *context,
                                    struct error *err),
                        void *context, struct error *err)
{
    struct index_txn *txn;
    struct index_segment segment = {.number = 0};
    bool found = true;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = true;
    for (uint32_t from = 0; ok && found; from = segment.number + 1) {
        ok = index_next_segment(txn, from, &segment, &found, err);
        if (ok && found)
            ok = see(&segment, context, err);
    }
    index_abort(txn);
    return ok;
}

bool spool_each_part(struct spool *s,
                     bool (*see)(const struct index_part *part, void *context, struct error *err),
                     void *context, struct error *err)
{
    struct index_txn *txn;
    struct index_part part = {.number = 0};
    bool found = true;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = true;
    for (uint32_t from = 0; ok && found; from = part.number + 1) {
        ok = index_next_part(txn, from, &part, &found, err);
        if (ok && found)
            ok = see(&part, context, err);
    }
    index_abort(txn);
    return ok;
}

bool spool_each_frame(struct spool *s, enum frame_table table,
                      bool (*see)(const struct index_frame *frame, void *context,
                                  struct error *err),
                      void *context, struct error *err)
{
    struct index_txn *txn;
    struct index_frame frame = {.number = 0};
    bool found = true;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = true;
    for (uint64_t from = 0; ok && found; from = frame.number + 1) {
        ok = index_next_frame(txn, table, from, &frame, &found, err);
        if (ok && found)
            ok = see(&frame, context, err);
    }
    index_abort(txn);
    return ok;
}
