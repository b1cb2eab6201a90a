/* rebuild.h: a new index from the segments alone, when the old one is lost or damaged.
 *
 * What the segments hold is pending again: every frame whose header and body have good checksums. What they
 * don't hold is to be dumped again: the gaps between the frames, before the first one and behind the last.
 * Only the server can compare keys, so gaps are found by number: the frames of one planned part are in the
 * order of their keys, and two of them touch when all frames written between them are there. What was
 * acknowledged is not known any more, and is sent again, which changes nothing. */
#ifndef BOBBIN_SPOOL_REBUILD_H
#define BOBBIN_SPOOL_REBUILD_H

#include "spool/spool.h"

struct rebuild_job {
    struct job_id id;
    struct slice description;
    struct key_range range; // of the whole job
};

struct rebuild_report {
    uint64_t segments, frames, documents; // that are pending
    uint64_t parts;                       // that are to be dumped again
};

/* Make a new index for the spool at PATH. Takes the locks of both roles. The old index is kept as
 * index.mdb.damaged, dead.ndjson (all its documents are sent again) as dead.ndjson.old. The new index takes
 * its place at once, when it is whole and durable: killed before, run it again. Errors: ERROR_BUSY;
 * ERROR_DISK; ERROR_DAMAGED when the frames are of another job than JOB. */
MUST_CHECK bool spool_rebuild(const char *path, const struct rebuild_job *job,
                              struct rebuild_report *report, struct error *err);

#endif
