/* gzip.h: a request's body, compressed with gzip (RFC 1952) as it is read: for networks that are slower than
 * what compressing costs. Nothing is held whole: zlib keeps 256 KiB. */
#ifndef BOBBIN_SINK_GZIP_H
#define BOBBIN_SINK_GZIP_H

#include "sink/http.h"

struct gzip;

/* Errors: ERROR_MEMORY. */
MUST_CHECK bool gzip_new(struct gzip **out, struct error *err);
void gzip_free(struct gzip *g);

/* PLAIN, which is borrowed and stands at its start, compressed. Its size is unknown before all of it is read. Good until
 * the next call. */
const struct http_body *gzip_body(struct gzip *g, const struct http_body *plain);

#endif
