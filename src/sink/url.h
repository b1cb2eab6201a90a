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

/* Has URL a password in it? One that url_check refuses may have one when there is an "@". */
bool url_may_have_password(const char *url);

/* Is URL's host this machine, by its name localhost or a loopback address? */
bool url_is_local(const char *url);

/* Append scheme, user, host and port of URL, which url_check accepts, with "***" for a password. */
void url_append_host(struct buffer *out, const char *url);

/* Append host and port of URL as HTTP's Host header has them: without a port that is the scheme's
 * own. */
void url_append_authority(struct buffer *out, const char *url);

/* Where path and query of URL, which url_check accepts, lie in it; empty when there are none. */
void url_split_target(const char *url, struct slice *path, struct slice *query);

/* Append BYTE percent-encoded (RFC 3986, 2.3: unreserved ones are kept). */
void url_append_encoded(struct buffer *out, char byte);

/* The byte that stands at *AT of TEXT, percent-encoded or not; *AT moves to its last character. */
char url_decode_at(struct slice text, size_t *at);

/* Append what is to be said of a redirect to TARGET, any text: whereto, with "***" for a password and
 * without the query, and that it is not followed. */
void url_append_redirect(struct buffer *out, const char *target);

#endif
