/* url.h: can requests be sent to this URL, and how is it named in a message. Pure. */
#ifndef BOBBIN_SINK_URL_H
#define BOBBIN_SINK_URL_H

#include "base/buffer.h"

/* Is URL an absolute http or https URL (RFC 3986): scheme, host, and perhaps user:password@, :port,
 * path and query; no spaces or control characters? ERROR_CONFIG that says what is wrong; a password
 * is never in it. */
MUST_CHECK bool url_check(const char *url, struct error *err);

/* Does URL, which url_check accepts, have a user (and perhaps a password) of its own? */
bool url_has_user(const char *url);

/* Append scheme, user, host and port of URL, which url_check accepts, with "***" for a password. */
void url_append_host(struct buffer *out, const char *url);

/* Append what is to be said of a redirect to TARGET, any text: whereto, with "***" for a password and
 * without the query, and that it is not followed. */
void url_append_redirect(struct buffer *out, const char *target);

#endif
