/* segment.h: append-only files of zstd frames, each behind a header that describes it.
 *
 * A segment is a plain .zst file: zstdcat prints bulk bodies. This module knows bytes and files,
 * not which frames are durable (index.h) nor what a document is (encode/). A segment is written by
 * one life of one process: after a crash the bytes that the index doesn't know are cut
 * (segment_cut), and new frames go to a new segment. */
#ifndef BOBBIN_SPOOL_SEGMENT_H
#define BOBBIN_SPOOL_SEGMENT_H

#include "spool/frame.h"
#include "spool/pieces.h"

enum { SEGMENT_NAME_BYTES = sizeof "4294967295.seg.zst" };

/* Write the file name of segment NUMBER. */
void segment_name(uint32_t number, char out[SEGMENT_NAME_BYTES]);

/* Is NAME a segment's? Then *NUMBER. */
bool segment_number(const char *name, uint32_t *number);

/* --- writing --- */

struct segment;

/* Create segment NUMBER in directory DIR; it must not exist. */
MUST_CHECK bool segment_create(struct segment **out, int dir, uint32_t number, struct error *err);

/* Where the next frame will begin; the length of the file. */
uint64_t segment_end(const struct segment *s);

/* Append frame F (its sizes and checksum are set from BODY, one zstd frame). A failure is sticky:
 * later calls return false too. */
MUST_CHECK bool segment_append(struct segment *s, struct frame *f, struct slice body,
                               struct error *err);

/* Make all appended bytes durable, and the directory's entry with the first call. Never tried
 * again. */
MUST_CHECK bool segment_sync(struct segment *s, struct error *err);

void segment_close(struct segment *s);

/* --- reading --- */

/* Cut segment NUMBER to SIZE bytes. *ACTUAL: its length now, which is less than SIZE when bytes are
 * missing, and 0 when the file is absent: what then is lost is the caller's to say. */
MUST_CHECK bool segment_cut(int dir, uint32_t number, uint64_t size, uint64_t *actual,
                            struct error *err);

/* Read the frame at OFFSET of segment NUMBER: header and body into BYTES (cleared first), F's keys
 * and *BODY borrow from it. Good checksums are part of reading. *WHY: NULL when read; else what is
 * wrong with it, a static text (the file is absent, ends too early, was changed, is another job's).
 */
MUST_CHECK bool segment_read(int dir, uint32_t number, uint64_t offset, struct buffer *bytes,
                             struct frame *f, struct slice *body, const char **why,
                             struct error *err);

/* As segment_read, but of the body nothing is kept: P is what reads it again. For a frame of documents. */
MUST_CHECK bool segment_check(int dir, uint32_t number, uint64_t offset, struct buffer *header,
                              struct frame *f, struct pieces *p, const char **why,
                              struct error *err);

/* Called for each frame that is whole, with good checksums: where it is, header and body. */
typedef bool segment_seer(const struct frame *f, uint64_t offset, uint64_t size, void *context,
                          struct error *err);

/* Find the frames of segment NUMBER without an index, over whatever else is in it (segment_scan.c). */
MUST_CHECK bool segment_scan(int dir, uint32_t number, segment_seer *see, void *context,
                             struct error *err);

/* Remove segment NUMBER, durably; one that is absent already is success. */
MUST_CHECK bool segment_remove(int dir, uint32_t number, struct error *err);

#endif
