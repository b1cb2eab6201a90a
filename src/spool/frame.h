/* frame.h: the header that stands before each zstd frame in a segment. Pure: bytes in memory.
 *
 * The header is a zstd skippable frame (zstd_compression_format.md, "Skippable Frames"), so a
 * segment is a plain .zst file. docs/spool-format.md gives the layout field by field. */
#ifndef BOBBIN_SPOOL_FRAME_H
#define BOBBIN_SPOOL_FRAME_H

#include <stdint.h>

#include "base/buffer.h"

enum {
    FRAME_FORMAT = 1,                // this layout's version
    FRAME_MAGIC = 0x184D2A5B,        // skippable magic, variant B: 0 is pzstd's, E seekable's
    FRAME_DEAD_MAGIC = 0x184D2A5C,   // wraps the body of a FRAME_DEAD_ROWS, so zstdcat skips it
    FRAME_PREFIX_BYTES = 8,          // magic and size of a skippable frame
    FRAME_KEY_MAX_BYTES = 64 * 1024, // a key's text; btree itself allows some 2,700 bytes
    FRAME_HEADER_MAX_BYTES = 1024 + 2 * FRAME_KEY_MAX_BYTES,
    JOB_ID_BYTES = 16,

    /* Parts that were planned when the job began are numbered from 0 on in the order of their keys;
     * those made since, from ranges that the disk has lost, from here on. */
    FRAME_LATER_PARTS = 1 << 16,
};

/* The part of a frame whose documents are dead letters that are sent again: its keys are those of the frame
 * that they came from. */
#define FRAME_NO_PART UINT32_MAX
/* In place of a part's number: the frame holds what a repair sends. It has no keys, and is no part's. */
#define FRAME_OF_REPAIR (UINT32_MAX - 1)

enum frame_kind {
    FRAME_DOCUMENTS = 0, // the body is one zstd frame: a bulk body
    FRAME_DEAD_ROWS = 1, // the body is one zstd frame of dead letters, inside a skippable frame
};

struct job_id {
    unsigned char bytes[JOB_ID_BYTES];
};

struct frame {
    enum frame_kind kind;
    struct job_id job;
    uint32_t part;
    uint32_t documents;       // how many operations (or dead rows) the body holds
    uint64_t number;          // unique in the job, in order of writing
    uint64_t raw_size;        // bytes of the body after decompression
    uint64_t compressed_size; // bytes of the body on disk
    uint64_t checksum;        // XXH64 of those
    struct slice first_key;   // the rows' keys as PostgreSQL prints them; borrowed
    struct slice last_key;
};

/* Append the header to OUT. Errors: ERROR_CONFIG for a key that is too long; ERROR_MEMORY. */
MUST_CHECK bool frame_put_header(const struct frame *f, struct buffer *out, struct error *err);

enum frame_read { FRAME_READ, FRAME_TRUNCATED, FRAME_DAMAGED, FRAME_NEWER };

/* Read the header at the start of BYTES into F, whose keys borrow from BYTES. *USED: its length.
 * What is wrong is a value: the bytes end too early, were changed, or are another version's. */
enum frame_read frame_get_header(struct slice bytes, struct frame *f, size_t *used);

/* How long is the header that starts with these FRAME_PREFIX_BYTES? 0 when they start no header. */
size_t frame_header_size(const char prefix[FRAME_PREFIX_BYTES]);

/* XXH64 of a body's bytes on disk. */
uint64_t frame_checksum(struct slice body);

#endif
