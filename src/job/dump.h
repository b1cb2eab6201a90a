/* dump.h: stage one: PostgreSQL's rows -> frames in the spool. */
#ifndef BOBBIN_JOB_DUMP_H
#define BOBBIN_JOB_DUMP_H

#include "job/job.h"
#include "source/query.h"

struct dump;

/* Connect, describe the query, check the range: OPTIONS, SELECT and LIVE are borrowed. Nothing is
 * written. Errors: those of pg.h, query.h and window.h. */
MUST_CHECK bool dump_open(struct dump **out, const struct job_options *o, const char *select,
                          struct job_live *live, struct error *err);
void dump_close(struct dump *d);

/* Check the key and plan the parts of a new job, --jobs of them. Nothing is written. */
MUST_CHECK bool dump_plan(struct dump *d, struct error *err);

/* Begin the new spool S with the parts that were planned. */
MUST_CHECK bool dump_begin_spool(struct dump *d, struct spool *s, const struct job_id *id,
                                 struct slice description, struct error *err);

/* Dump all unfinished parts, --jobs at a time. What was read when an error came is kept. */
MUST_CHECK bool dump_run(struct dump *d, struct spool *s, struct error *err);

/* --dry-run: append to OUT, in words, what would be read and how, and the first three documents of the
 * first window, which is read to its end. After dump_plan. */
MUST_CHECK bool dump_describe_plan(struct dump *d, struct buffer *out, struct error *err);

#endif
