/* script_files.h: the SQL files of a refresh's steps, DIRECTORY/STEP/NAME.sql, with their variables put in. */
#ifndef BOBBIN_REFRESH_SCRIPT_FILES_H
#define BOBBIN_REFRESH_SCRIPT_FILES_H

#include "base/buffer.h"

/* The steps there are. */
#define SCRIPTS_BEFORE "before"   // the load
#define SCRIPTS_AFTER "after"     // the load
#define SCRIPTS_PROMOTE "promote" // right before the alias moves

enum { SCRIPTS_STEPS = 3 };
extern const char *const scripts_steps[SCRIPTS_STEPS];

enum { SCRIPT_FILES_MAX = 100, SCRIPT_FILE_MAX_BYTES = 1 << 20 };

struct script_file {
    char *path; // for messages
    char *name; // in its directory
    struct buffer sql;
};

/* In the order of their names. */
struct script_files {
    struct script_file files[SCRIPT_FILES_MAX];
    size_t count;
};

/* Is STEP one of the three? ERROR_USAGE. */
MUST_CHECK bool scripts_check_step(const char *step, struct error *err);

/* Read those of STEP; no directory of its name is none. Names that begin with a dot or don't end in .sql are left out. To be
 * freed, also after an error. ERROR_CONFIG that names the file: it can't be read, lacks a
 * variable (variables.h), or stands beside the steps' directories, where nobody would run it. */
MUST_CHECK bool script_files_read(struct script_files **out, const char *directory,
                                  const char *step, const char *const *variables,
                                  struct error *err);
void script_files_free(struct script_files *f);

#endif
