/* dsn.c: see dsn.h. */
#include "source/dsn.h"

#include <string.h>

#include "base/log.h"

/* Does the authority FROM .. END name a port (the last one, of several hosts) that is a number? */
static bool has_good_port(const char *from, const char *end)
{
    const char *colon = end;
    while (colon > from && colon[-1] != ':' && colon[-1] != ']')
        colon--;
    return colon == from || colon[-1] == ']' ||
           strspn(colon, "0123456789,") == (size_t)(end - colon);
}

static bool is_torn(const char *dsn)
{
    const char *authority = strstr(dsn, "://");
    if (strncmp(dsn, "postgres", 8) != 0 || authority == NULL)
        return false; // no URI
    authority += 3;
    const char *end = authority + strcspn(authority, "/?#");
    const char *path_end = *end == '/' ? end + strcspn(end, "?#") : end;
    if (memchr(authority, '@', (size_t)(end - authority)) != NULL || strchr(end, '@') == NULL)
        return false;
    return memchr(end, '@', (size_t)(path_end - end)) != NULL || !has_good_port(authority, end);
}

bool dsn_check(const char *dsn, struct error *err)
{
    return dsn == NULL || !is_torn(dsn) ||
           error_set(err, ERROR_CONFIG,
                     "the URI in --dsn can't be read: in a user, password or database's name write "
                     "/ ? # @ as %%2F %%3F %%23 %%40");
}

bool dsn_is_to_blame(const char *words)
{
    return strstr(words, "connection to") == NULL && strstr(words, "could not translate") == NULL;
}

bool dsn_refuse(const char *dsn, struct error *err)
{
    err->kind = ERROR_CONFIG;
    if (dsn == NULL || !log_has_secret(dsn))
        return false;
    return error_set(err, ERROR_CONFIG,
                     "--dsn can't be read: a value with blanks needs single quotes, in which ' and "
                     "\\ are written \\' and \\\\");
}
