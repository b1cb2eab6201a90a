/* dsn.h: is a conninfo string or URI what its writer meant. Pure; libpq itself reads it. */
#ifndef BOBBIN_SOURCE_DSN_H
#define BOBBIN_SOURCE_DSN_H

#include "base/error.h"

/* A URI whose password has a bare "/", "?" or "#" in it is read by libpq as another host, port and
 * database, of which all messages would then tell: ERROR_CONFIG, which shows nothing of it. NULL, no DSN, is
 * well. */
MUST_CHECK bool dsn_check(const char *dsn, struct error *err);

/* Do libpq's WORDS, why a connection could not be begun, speak of the DSN itself? */
bool dsn_is_to_blame(const char *words);

/* ERR has these words: make it ERROR_CONFIG. When DSN has a password, of which libpq may repeat a
 * part that it took for something else, they go. Returns false. */
bool dsn_refuse(const char *dsn, struct error *err);

#endif
