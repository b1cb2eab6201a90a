/* frames.h: documents -> frames in the spool, for one part of one job after the other: the compressor and the
 * rules by which a frame ends. */
#ifndef BOBBIN_JOB_FRAMES_H
#define BOBBIN_JOB_FRAMES_H

#include "job/job.h"

enum {
    FRAME_DOCUMENTS_MAX = 10000,    // a response to it stays near 300 kB
    FRAME_COMPRESSED_MAX = 1 << 20, // what the replay holds for each request in flight
    FRAME_AGE_MS = 1000,            // a slow source still checkpoints every second
    FRAME_ROOM_MS = 2000,           // a transaction is not kept open for longer by a full spool
};

struct frames;

/* O, S and LIVE are borrowed. */
MUST_CHECK bool frames_new(struct frames **out, const struct job_options *o, struct spool *s,
                           struct job_live *live, struct error *err);
void frames_free(struct frames *f);

/* CHECK(CONTEXT) is asked before a frame is appended: are its rows good? When not, the frame is left out
 * and CHECK's error ends the dump. */
void frames_set_check(struct frames *f, bool (*check)(void *context, struct error *err),
                      void *context);

/* The rows that follow are PART's; LAST is the key that it has come to, if any. */
void frames_begin_part(struct frames *f, uint32_t part, bool has_last, struct slice last);

/* The rows that follow may begin with the last one taken: it is skipped, once. So nothing is read behind
 * a key before all its rows were seen, and one of two equal rows can't hide behind a cut. */
void frames_skip_last(struct frames *f, bool skips_last);

/* Take a row: what became of it (RESULT, with its key) and the lines of its operation, or, when it is dead, its
 * bytes as they came (ROW), for its letter. When a frame ends and the spool is full, wait for room up to
 * FRAME_ROOM_MS. ERROR_CONFIG when its key equals the one before: the key is not unique. */
MUST_CHECK bool frames_add(struct frames *f, const struct document_result *result,
                           struct slice lines, struct slice row, struct error *err);

/* No row came for a while: end a frame that is old, commit what waits. */
MUST_CHECK bool frames_tick(struct frames *f, struct error *err);

/* End the current frame and append it. */
MUST_CHECK bool frames_flush(struct frames *f, struct error *err);

/* The reading has ended with ERR: end the current frame and commit. A failure of that is ERR from now on; false. */
MUST_CHECK bool frames_keep(struct frames *f, struct error *err);

/* The key of the last row taken; false when there was none in this part yet. Borrowed. */
bool frames_last_key(const struct frames *f, struct slice *key);

/* How many rows were taken, in all parts; skipped ones don't count. */
uint64_t frames_rows(const struct frames *f);

/* The spool stays full: the row taken last should be the last one before frames_wait_for_room. */
bool frames_lack_room(const struct frames *f);

/* Wait until the spool has room (--spool-max). ERROR_STOPPED on a stop request. */
MUST_CHECK bool frames_wait_for_room(struct frames *f, struct error *err);

#endif
