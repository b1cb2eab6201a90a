/* scripts.h: runs the SQL files of a refresh's steps (script_files.h), in one connection.
 *
 * A file is one transaction together with its record in the table bobbin_steps of the same database, so a rerun
 * skips what is done, wherever the last one was killed. A file that is not what was run any more is
 * refused. Two that run the steps of one refresh at the same time exclude each other. */
#ifndef BOBBIN_REFRESH_SCRIPTS_H
#define BOBBIN_REFRESH_SCRIPTS_H

#include "refresh/script_files.h"

enum { SCRIPTS_VARIABLES_MAX = 64 };

/* Strings are borrowed. */
struct scripts {
    const char *dsn;
    const char *directory;        // NULL: there are no files
    const char *refresh;          // whose records they are; also the variable "refresh"
    const char *const *variables; // variables.h; at most SCRIPTS_VARIABLES_MAX
};

/* Read the files of every step as scripts_run will, so that what is wrong with them is told before anything is done. Errors:
 * those of script_files_read. */
MUST_CHECK bool scripts_check(const struct scripts *s, struct error *err);

/* Run STEP's files, but those that are done. Errors, besides: those of pg.h; ERROR_CONFIG: a file that has changed since
 * it was run, that ended its transaction, or that the server refuses (file and line are named); ERROR_BUSY: another one runs
 * them. */
MUST_CHECK bool scripts_run(const struct scripts *s, const char *step, struct error *err);

#endif
