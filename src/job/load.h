/* load.h: stage one of bobbin load: the lines of a file or of standard input -> frames in the spool.
 *
 * A line's key is the place where it begins (input.h), so a part is a range of the file, and any part can be read again. */
#ifndef BOBBIN_JOB_LOAD_H
#define BOBBIN_JOB_LOAD_H

#include "job/job.h"

struct load;

/* Open the input and find out what its lines are: O and LIVE are borrowed. Nothing is written. Errors: those of
 * input.h; ERROR_INPUT when the lines tell no ids. */
MUST_CHECK bool load_open(struct load **out, const struct job_options *o, struct job_live *live,
                          struct error *err);
void load_close(struct load *l);

/* As feed.h says of each. */
MUST_CHECK bool load_is_same(const struct load *l, struct spool *s, bool *is_same,
                             struct error *err);
bool load_refuse(const struct load *l, struct error *err);
MUST_CHECK bool load_begin_spool(struct load *l, struct spool *s, const struct job_id *id,
                                 struct slice description, struct error *err);
MUST_CHECK bool load_run(struct load *l, struct spool *s, struct error *err);
MUST_CHECK bool load_describe_plan(struct load *l, struct buffer *out, struct error *err);

#endif
