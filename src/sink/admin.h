/* admin.h: what is asked of the cluster outside of bulk requests: is this a search engine, what
 * stands behind the index's name, create it, is the pipeline there. */
#ifndef BOBBIN_SINK_ADMIN_H
#define BOBBIN_SINK_ADMIN_H

#include "sink/http.h"
#include "sink/target.h"

/* What every question here may end with, besides the errors of http_call: ERROR_DENIED: 401 or 403
 * (names the privilege that is needed); ERROR_UNAVAILABLE: 408, 429, 5xx or a cluster block;
 * ERROR_CONFIG: refused by the cluster (in its words), or an answer that no search engine would give
 * (names the URL). HOST: a base URL without a slash at the end. */

/* Ask what stands behind INDEX (an index, alias or data stream), TARGET, which is missing when the
 * cluster says so. GET /INDEX tells: {"NAME": {"settings": {"index": {"uuid": ...}}}, ...}, or 404
 * with error.type index_not_found_exception. (GET / is absent from some distributions.) ERROR_CONFIG:
 * INDEX is a pattern or a list, or an alias without an index to write to. Needs the privilege
 * view_index_metadata. */
MUST_CHECK bool admin_look(struct http *h, const char *host, const char *index,
                           struct target *target, struct error *err);

/* The same in two steps, for a request in flight: append its URL; read its response. */
void admin_put_look_url(struct buffer *out, const char *host, const char *index);
MUST_CHECK bool admin_read_look(const char *host, const char *index,
                                const struct http_response *response, struct target *target,
                                struct error *err);

/* Create INDEX from BODY (JSON). Somebody else who creates it at the same moment is success, with
 * *CREATED false. Needs the privilege create_index. */
MUST_CHECK bool admin_create_index(struct http *h, const char *host, const char *index,
                                   struct slice body, bool *created, struct error *err);

/* Is the ingest pipeline NAME there? A user who may not ask (403) is taken to know it. ERROR_CONFIG
 * when it is not. */
MUST_CHECK bool admin_check_pipeline(struct http *h, const char *host, const char *name,
                                     struct error *err);

/* Append TEXT percent-encoded, for a path segment or query value (RFC 3986, 2.3: unreserved kept). */
void admin_append_encoded(struct buffer *out, const char *text);

#endif
