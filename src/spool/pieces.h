/* pieces.h: a frame's body that was checked whole and is then read piece by piece, as it is sent, so that no
 * request in flight holds a frame. Nothing is given out but what was checked: a hash of each piece is kept from
 * the check on, and a piece that has another one is an error. Reads a segment's file; knows no header. */
#ifndef BOBBIN_SPOOL_PIECES_H
#define BOBBIN_SPOOL_PIECES_H

#include "spool/compress.h"

struct pieces;

MUST_CHECK bool pieces_new(struct pieces **out, struct error *err);
void pieces_free(struct pieces *p);

/* Read SIZE bytes at OFFSET of the file NAME (short, copied) in DIR (borrowed), which FD has open.
 * *CHECKSUM: as frame_checksum. *IS_WHOLE false: the file ends before. */
MUST_CHECK bool pieces_check(struct pieces *p, int dir, const char *name, int fd, uint64_t offset,
                             uint64_t size, uint64_t *checksum, bool *is_whole, struct error *err);

/* What was checked; borrows P. The file is opened for each piece, so that a removed one leaves the disk. Reading
 * gives ERROR_DISK, ERROR_DAMAGED when it isn't what was checked. */
struct body_source pieces_source(struct pieces *p);

#endif
