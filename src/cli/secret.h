/* secret.h: what may not stand on the command line, and the files that hold secrets in its place. */
#ifndef BOBBIN_CLI_SECRET_H
#define BOBBIN_CLI_SECRET_H

#include "base/error.h"

/* Has VALUE, given to --OPTION on the command line where everybody can see it, a secret in it: a
 * password in a conninfo string or URL, a header that proves who one is? ERROR_USAGE that says where
 * it can stand, and shows nothing of it. */
MUST_CHECK bool secret_check_argument(const char *option, const char *value, struct error *err);

/* The secret in file PATH, without the newline at its end: for secret_free. NULL on an error,
 * ERROR_CONFIG or ERROR_MEMORY. */
MUST_CHECK bool secret_read_file(const char *path, char **out, struct error *err);

/* Can every user of this machine read file PATH? */
bool secret_is_exposed(const char *path);

/* Overwrite TEXT and free it. NULL is ignored. */
void secret_free(char *text);

#endif
