/* letters.h: a job's dead letters: looked at, summed up by error, sent again, given up. How one stands in
 * the file is sink/dead.h's. */
#ifndef BOBBIN_JOB_LETTERS_H
#define BOBBIN_JOB_LETTERS_H

#include "job/job.h"
#include "sink/dead_read.h"
#include "sink/dead_summary.h"

/* Call SEE for each letter that the index knows now, in the order of the file; it may be written to
 * meanwhile. ERROR_DAMAGED when the file isn't what the index says; ERROR_BUSY when the letters were sent
 * again or dropped under us. */
MUST_CHECK bool letters_each(struct spool *s,
                             bool (*see)(const struct dead_letter *letter, void *context,
                                         struct error *err),
                             void *context, struct error *err);

/* Sum all letters up, the largest group first. */
MUST_CHECK bool letters_summarize(struct spool *s, struct dead_summary *summary, struct error *err);

/* Log a line for each group. */
void letters_log_summary(struct dead_summary *summary);

/* Make all dead letters pending frames of S (which has both roles), from the end of the file on, some MiB
 * in a commit; what is left of the file is cut by the replay. READS_ROWS: rows that could not become
 * documents become parts, to be dumped again; else they come back as letters. Nothing has changed when a
 * letter is found damaged. ERROR_STOPPED on a stop request: the rest is still dead. */
MUST_CHECK bool letters_retry(struct spool *s, const struct job_options *o, bool reads_rows,
                              struct error *err);

/* Give all letters of S (SPOOL_REPLAY) up, readable or not. *DROPPED: how many. */
MUST_CHECK bool letters_drop(struct spool *s, uint64_t *dropped, struct error *err);

#endif
