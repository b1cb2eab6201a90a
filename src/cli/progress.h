/* progress.h: what a running job shows: two live bars on a terminal, a log line now and then elsewhere. */
#ifndef BOBBIN_CLI_PROGRESS_H
#define BOBBIN_CLI_PROGRESS_H

#include "job/job.h"

struct progress;

/* ROLES: the stages that run; FIRST: what the first of them is called (borrowed). IS_QUIET: show nothing. */
MUST_CHECK bool progress_new(struct progress **out, unsigned roles, const char *first,
                             bool is_quiet, struct error *err);

/* Show how things stand; a job_observer, with the progress as its context. */
void progress_observe(void *context, struct spool *spool, const struct job_live *live);

/* Show the end, leave the terminal tidy, free. */
void progress_end(struct progress *p);

/* --- pure pieces, tested alone --- */

/* Append a number with commas between thousands. */
void progress_put_count(struct buffer *out, uint64_t n);

/* Append bytes in a unit that fits ("38 MiB"). */
void progress_put_bytes(struct buffer *out, uint64_t n);

/* Append seconds as m:ss or h:mm:ss. */
void progress_put_duration(struct buffer *out, uint64_t seconds);

/* Append a bar WIDTH cells wide of which DONE of TOTAL are full; empty when TOTAL is 0. */
void progress_put_bar(struct buffer *out, unsigned width, uint64_t done, uint64_t total);

#endif
