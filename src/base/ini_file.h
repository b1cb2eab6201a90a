/* ini_file.h: the lines of an INI file. The only libinih.
 *
 * "name = value" lines, each whole in itself and of any length; ";" and "#" begin a comment, as does ";" behind a space. */
#ifndef BOBBIN_BASE_INI_FILE_H
#define BOBBIN_BASE_INI_FILE_H

#include "base/error.h"

/* Call EACH(CONTEXT, section, name, value, err) for each line of file PATH, in order, until one returns false;
 * SECTION is "" before the first [section]; the strings are good during the call. ERROR_CONFIG that names the file, and the line when it is one's. */
MUST_CHECK bool ini_file_read(const char *path,
                              bool (*each)(void *context, const char *section, const char *name,
                                           const char *value, struct error *err),
                              void *context, struct error *err);

#endif
