/* since.h: rows that are newer than those of the last refresh go into the index that is searched.
 *
 * What "newer" is, a column of the query tells, such as updated_on. The greatest value that it had before a load began is
 * noted in the index as the mark: {"column", "value"}, and while a load is under way {"next", "begun"}; a null value: there were no rows. The
 * next load takes the rows that are not less: those that are equal once more, as more may have come with that value. */
#ifndef BOBBIN_REFRESH_SINCE_H
#define BOBBIN_REFRESH_SINCE_H

#include "index/steps.h"
#include "refresh/fill.h"

/* Note the mark of COLUMN in INDEX, unless there is one: for a whole load that is about to begin. Errors: those of pg.h. */
MUST_CHECK bool since_mark(struct steps *s, const char *index, const char *column,
                           struct error *err);

/* Load the newer rows of JOB's query into the index behind STEP's alias, then move the mark. Errors: those of job_run;
 * ERROR_CONFIG: no single index there, or it has no mark of COLUMN. */
MUST_CHECK bool since_run(const struct job_options *job, const struct step_options *step,
                          const char *column, struct fill_watch *watch, struct error *err);

#endif
