/* verify.h: is every frame on disk what was written, and does the index tell the truth about it? */
#ifndef BOBBIN_JOB_VERIFY_H
#define BOBBIN_JOB_VERIFY_H

#include "spool/spool.h"

struct verify_report {
    uint64_t segments, frames, documents; // looked at
    uint64_t problems;
};

/* Read every frame that the index knows: header, checksum, content, number of documents, against the
 * index; then segments' lengths and the ledger. Each problem is one call of TELL, a line of text. The
 * spool must not be worked on meanwhile. False only when the check itself failed. */
MUST_CHECK bool verify_spool(struct spool *s, spool_teller *tell, void *context,
                             struct verify_report *report, struct error *err);

#endif
