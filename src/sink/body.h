/* body.h: the documents of a frame as runs of bytes, decompressed as they are asked for. A document is
 * its action line and, but for a delete, its source line, with their newlines. */
#ifndef BOBBIN_SINK_BODY_H
#define BOBBIN_SINK_BODY_H

#include "spool/compress.h"

struct body;

struct body_run {
    size_t document;    // counted from 0
    struct slice bytes; // a piece of it, good until the next call
    bool is_last;       // the document ends with this piece
};

/* Errors: ERROR_MEMORY. */
MUST_CHECK bool body_new(struct body **out, struct error *err);
void body_free(struct body *b);

/* Begin with the first document of FRAME (one zstd frame, borrowed). */
void body_open(struct body *b, struct slice frame);
void body_open_source(struct body *b, const struct body_source *frame);

/* The next run; *FOUND false at the end. Errors as decompressor_read. */
MUST_CHECK bool body_next(struct body *b, struct body_run *run, bool *found, struct error *err);

/* All the bytes that are left, without a look at them: up to SIZE into OUT; *GOT 0 at the end. Not to be
 * mixed with body_next. */
MUST_CHECK bool body_read(struct body *b, void *out, size_t size, size_t *got, struct error *err);

#endif
