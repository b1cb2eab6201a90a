/* http_request.h: one request in flight, between http.c and http_call.c alone: all others use
 * http.h. */
#ifndef BOBBIN_SINK_HTTP_REQUEST_H
#define BOBBIN_SINK_HTTP_REQUEST_H

#include "sink/http.h"

struct request;

/* As http_start. *OUT is good until it is released, or its response was taken and released. */
MUST_CHECK bool request_start(struct http *h, const struct http_request *q, struct request **out,
                              struct error *err);

/* As http_poll, but it returns at once only when a request was done in this very call. */
MUST_CHECK bool request_step(struct http *h, int timeout_ms, struct error *err);

bool request_is_done(const struct request *r);

/* Fill OUT for a request that is done. */
void request_response(struct request *r, struct http_response *out);

/* Give R back for the next request; one in flight is abandoned. */
void request_release(struct request *r);

#endif
