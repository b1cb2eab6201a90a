/* admin.h: what is asked of the cluster outside of bulk requests: is this a search engine, is the
 * index there, create it. */
#ifndef BOBBIN_SINK_ADMIN_H
#define BOBBIN_SINK_ADMIN_H

#include "sink/http.h"

/* Make sure that INDEX (an index, alias or data stream) exists at base URL HOST (no slash at the
 * end). When it is missing: created from BODY (JSON) if not empty, *CREATED true; else ERROR_CONFIG
 * with the remedy
 * (--create-index). An answer that no search engine would give is ERROR_CONFIG and names the URL;
 * 401/403 ERROR_DENIED (the privilege view_index_metadata is needed, and to create, create_index);
 * no answer, 408, 429 or 5xx ERROR_UNAVAILABLE; a body that the cluster refuses ERROR_CONFIG with
 * its words; the errors of http_call as they are; a pattern or a list for INDEX ERROR_CONFIG.
 * Somebody else creating it at the same moment is success. GET
 * /INDEX?filter_path=*.settings.index.uuid tells: {"NAME": {"settings": {"index":
 * {"uuid": ...}}}}, for an alias or a data stream that of an index behind it, or 404 with
 * error.type index_not_found_exception. (GET / is absent from some distributions.) */
MUST_CHECK bool admin_ensure_index(struct http *h, const char *host, const char *index,
                                   struct slice body, bool *created, struct error *err);

/* Append the percent-encoded TEXT, for one path segment or query value (RFC 3986, unreserved kept).
 */
void admin_append_encoded(struct buffer *out, const char *text);

#endif
