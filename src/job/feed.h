/* feed.h: stage one of a job, whatever it reads: the rows of a query (dump.h) or the lines of a file (load.h). */
#ifndef BOBBIN_JOB_FEED_H
#define BOBBIN_JOB_FEED_H

#include "job/dump.h"
#include "job/load.h"

/* One of the two, or none. */
struct feed {
    struct dump *dump;
    struct load *load;
};

/* Does O say what to read? */
bool feed_is_named(const struct job_options *o);

/* Append to SELECT the query's text, for a file nothing. */
MUST_CHECK bool feed_read_query(const struct job_options *o, struct buffer *select,
                                struct error *err);

/* The same, and append to DESCRIPTION what the job is, and set its ID. */
MUST_CHECK bool feed_describe(const struct job_options *o, struct buffer *select,
                              struct buffer *description, struct job_id *id, struct error *err);

/* Open what is to be read: O, SELECT and LIVE are borrowed. Nothing is written. */
MUST_CHECK bool feed_open(struct feed *f, const struct job_options *o, const char *select,
                          struct job_live *live, struct error *err);
void feed_close(struct feed *f);
bool feed_is_open(const struct feed *f);

/* Does the begun job of S go on with this feed? *IS_SAME false: it is a file that has changed, or a pipe. */
MUST_CHECK bool feed_is_same(const struct feed *f, struct spool *s, bool *is_same,
                             struct error *err);

/* Why feed_is_same said no: sets ERROR_INPUT. Returns false. */
bool feed_refuse(const struct feed *f, struct error *err);

/* Check the input and plan the parts of a new job. Nothing is written. */
MUST_CHECK bool feed_plan(struct feed *f, struct error *err);

/* Begin the new spool S with the parts that were planned. */
MUST_CHECK bool feed_begin_spool(struct feed *f, struct spool *s, const struct job_id *id,
                                 struct slice description, struct error *err);

/* Read all unfinished parts into S. What was read when an error came is kept. */
MUST_CHECK bool feed_run(struct feed *f, struct spool *s, struct error *err);

/* The end of feed_run, OK or with ERR: what was read is sealed, unless the disk or the spool is to blame. */
MUST_CHECK bool feed_end(struct spool *s, bool ok, struct error *err);

/* Append to OUT, in words, what would be read and how, and the first documents. After feed_plan. */
MUST_CHECK bool feed_describe_plan(struct feed *f, struct buffer *out, struct error *err);

/* The lines of such words that say whereto. */
void feed_put_destination(const struct job_options *o, struct buffer *out);

#endif
