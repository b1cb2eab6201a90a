/* refresh.h: an index is made anew beside the one that is searched and takes its place, in one command that can be killed
 * at any moment and run again, on any machine. The steps are those of refresh.c's table; each leaves the
 * alias on a whole index, and each can be done twice. How far it is stands in the new index (note.h).
 *
 * Two that run the same refresh at the same time do the same twice, and no harm. */
#ifndef BOBBIN_REFRESH_REFRESH_H
#define BOBBIN_REFRESH_REFRESH_H

#include "index/steps.h"
#include "refresh/fill.h"
#include "refresh/scripts.h"

/* What the user wants, besides: the option table fills it. Strings are borrowed. */
struct refresh_options {
    const char *suffix; // the new index is ALIAS-SUFFIX; NULL: the time
    bool keeps_old;
    struct fill_fleet fleet; // its store's job is ours
    const char *mark;        // the column whose greatest value is noted for since.h; or NULL
    const char *since;       // the column of since.h: only newer rows are loaded; or NULL
    const char *scripts;     // scripts.h: the directory; or NULL
    const char *variables[SCRIPTS_VARIABLES_MAX + 1];
};

/* Do all that is to be done. JOB: the query, the cluster and the spool; its index is ours. STEP: the alias; with --terms also
 * an index ALIAS-SUFFIX-filtered for the alias ALIAS-filtered. Errors: those of index/steps.h, job_run and
 * scripts.h; ERROR_DIFFERENT or ERROR_DEAD_LETTERS when the index may not be promoted; ERROR_CONFIG: another refresh is
 * unfinished, or it was begun with another query. */
MUST_CHECK bool refresh_run(const struct refresh_options *o, const struct job_options *job,
                            const struct step_options *step, struct fill_watch *watch,
                            struct error *err);

#endif
