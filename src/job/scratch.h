/* scratch.h: many lists of records, more than memory should hold, in one file without a name.
 *
 * A list (chain) collects records in memory and writes them as blocks, each of which knows the block
 * before it; so a list costs one small buffer, and the file is only appended to. It lies in the spool's
 * directory and is gone when the process ends, however it ends: nothing is synced or cleared up. Blocks
 * carry a checksum, since what is read back decides what is sent. */
#ifndef BOBBIN_JOB_SCRATCH_H
#define BOBBIN_JOB_SCRATCH_H

#include <stdint.h>

#include "base/buffer.h"

enum { CHAIN_BUFFER_BYTES = 8 << 10 }; // a block; one record larger than it has a block of its own

struct scratch;

/* DIR is borrowed for the call. ERROR_DISK, ERROR_MEMORY. */
MUST_CHECK bool scratch_open(struct scratch **out, int dir, struct error *err);

/* In the directory that TMPDIR names, else /var/tmp, which is on a disk. */
MUST_CHECK bool scratch_open_temporary(struct scratch **out, struct error *err);
void scratch_close(struct scratch *s);

/* How many bytes the file has. */
uint64_t scratch_size(const struct scratch *s);

struct chain {
    struct buffer buffer; // records that are in no block yet
    uint64_t last;        // where the last block is, plus one; 0: there is none
    uint64_t records;
    uint64_t bytes; // of them all
};

void chain_init(struct chain *c);
void chain_free(struct chain *c);

/* Add RECORD. ERROR_DISK, ERROR_MEMORY. */
MUST_CHECK bool chain_append(struct scratch *s, struct chain *c, struct slice record,
                             struct error *err);

/* Call SEE for every record, in no certain order; it is good during the call, in which C must not be
 * appended to. Stops with false when SEE says so. ERROR_DAMAGED when a block is not what was written. */
MUST_CHECK bool chain_each(struct scratch *s, const struct chain *c,
                           bool (*see)(void *context, struct slice record, struct error *err),
                           void *context, struct error *err);

#endif
