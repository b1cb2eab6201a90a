/* repair.h: send again what a comparison has found wrong, and nothing else, through the spool: frames that are
 * no part's, replayed as any other. So it is safe to be killed: what is in the spool is sent by the next
 * verify --repair or run, what is not yet there is found again by the next comparison.
 *
 * Rows are read anew, by their keys, so what is sent is what they are now. */
#ifndef BOBBIN_JOB_REPAIR_H
#define BOBBIN_JOB_REPAIR_H

#include "job/join.h"
#include "job/replay.h"
#include "job/rows.h"

struct repair;

/* OPTIONS, D (opened), R (of D) and S (read by chain_each) are borrowed. With DELETES_EXTRA documents that the
 * query doesn't have are deleted. ERROR_MEMORY. */
MUST_CHECK bool repair_new(struct repair **out, const struct job_options *o, struct dump *d,
                           struct rows *r, struct scratch *s, bool deletes_extra,
                           struct error *err);
void repair_free(struct repair *r);

/* Note what is to be sent because of a verdict (join_tell's arguments). *IS_LEFT: nothing is, since
 *   - it is extra, and such are not to be deleted;
 *   - it is different, and its operation is create, which replaces nothing;
 *   - it is double: a delete could hit the right one;
 *   - it is refused: bobbin has its dead letter. */
MUST_CHECK bool repair_note(struct repair *r, enum join_verdict verdict,
                            const struct join_record *row, const struct join_record *document,
                            bool *is_left, struct error *err);

/* How many operations were noted. */
uint64_t repair_count(const struct repair *r);

/* Send all that was noted to the cluster that REPLAY is open for, by way of SPOOL, which holds both roles and
 * whose dump is finished. *SENT: operations. Errors: those of rows.h, spool.h and replay.h. */
MUST_CHECK bool repair_send(struct repair *r, struct spool *spool, struct replay *replay,
                            uint64_t *sent, struct error *err);

#endif
