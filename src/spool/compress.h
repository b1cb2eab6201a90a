/* compress.h: the body of a frame, compressed row by row and decompressed as it is asked for, so
 * that its raw bytes are never held whole. Knows zstd, not files. */
#ifndef BOBBIN_SPOOL_COMPRESS_H
#define BOBBIN_SPOOL_COMPRESS_H

#include <stdint.h>

#include "base/buffer.h"

struct compressor;

/* Make a compressor. LEVEL as zstd's (1 to 19); the window is 256 KiB whatever the level, since
 * every request in flight holds one to decompress. Errors: ERROR_MEMORY. */
MUST_CHECK bool compressor_new(struct compressor **out, int level, struct error *err);
void compressor_free(struct compressor *c);

/* Add BYTES to the frame in the making (a finished one is forgotten). Errors: ERROR_MEMORY,
 * ERROR_BUG. */
MUST_CHECK bool compressor_append(struct compressor *c, struct slice bytes, struct error *err);

/* Bytes taken in, and put out so far, of the frame in the making. */
uint64_t compressor_raw_size(const struct compressor *c);
uint64_t compressor_size(const struct compressor *c);

/* End the frame: *BODY is one zstd frame with content size and checksum, good until the next
 * append. */
MUST_CHECK bool compressor_finish(struct compressor *c, struct slice *body, struct error *err);

/* Holds a zstd window (some 600 KiB with its buffers) only from the first read to the frame's end: so of
 * the requests in flight those that are still being sent. */
struct decompressor;

MUST_CHECK bool decompressor_new(struct decompressor **out, struct error *err);
void decompressor_free(struct decompressor *d);

/* Where the SIZE bytes of a body come from: READ gives those from byte AT on, one at least, good until its
 * next call. It is asked for one piece behind the other. */
struct body_source {
    bool (*read)(void *context, uint64_t at, struct slice *piece, struct error *err);
    void *context;
    uint64_t size;
};

/* Start reading BODY (one zstd frame, borrowed) from its beginning. */
void decompressor_open(struct decompressor *d, struct slice body);
void decompressor_open_source(struct decompressor *d, const struct body_source *source);

/* Read up to SIZE raw bytes; *GOT is 0 only at the end of a frame whose content checksum is good.
 * ERROR_DAMAGED when it isn't or the body is no whole zstd frame; or the source's errors. */
MUST_CHECK bool decompressor_read(struct decompressor *d, void *out, size_t size, size_t *got,
                                  struct error *err);

/* Decompress BODY from its beginning to its end: TAKE gets piece after piece. Errors as decompressor_new and
 * decompressor_read; TAKE may have had pieces before one. */
MUST_CHECK bool decompress_all(struct slice body, void (*take)(void *context, struct slice piece),
                               void *context, struct error *err);

#endif
