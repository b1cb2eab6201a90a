/* admin.h: what is asked of the cluster outside of bulk requests: is this a search engine, is the
 * index there, create it. */
#ifndef BOBBIN_SINK_ADMIN_H
#define BOBBIN_SINK_ADMIN_H

#include "sink/http.h"

/* Make sure that INDEX (an index, alias or data stream) exists at base URL HOST (no slash at the
 * end). When it is missing, it is created from BODY (JSON) if that is not empty: *CREATED true.
 *
 * GET /INDEX?filter_path=*.settings.index.uuid tells: {"NAME": {"settings": {"index": {"uuid":
 * ...}}}}, for an alias or a data stream that of an index behind it, or 404 with error.type
 * index_not_found_exception. (GET / is absent from some distributions.) Somebody else who creates
 * it at the same moment is success.
 *
 * ERROR_CONFIG: INDEX is missing and BODY empty (names --create-index), is a pattern or a list, or
 * is refused by the cluster (in its words); or the answer is none that a search engine would give
 * (names the URL). ERROR_DENIED: 401 or 403 (the privilege view_index_metadata is needed, and
 * create_index to create). ERROR_UNAVAILABLE: 408, 429 or 5xx. Else the errors of http_call. */
MUST_CHECK bool admin_ensure_index(struct http *h, const char *host, const char *index,
                                   struct slice body, bool *created, struct error *err);

/* Append TEXT percent-encoded, for a path segment or query value (RFC 3986, 2.3: unreserved kept). */
void admin_append_encoded(struct buffer *out, const char *text);

#endif
