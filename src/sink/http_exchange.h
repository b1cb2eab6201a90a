/* http_exchange.h: the bytes of one request and its response, apart from how they travel: the body
 * is read to its promised size, the response is collected up to its limit. For http.c; knows no
 * libcurl. */
#ifndef BOBBIN_SINK_HTTP_EXCHANGE_H
#define BOBBIN_SINK_HTTP_EXCHANGE_H

#include "sink/http.h"

struct exchange {
    const struct http_body *body; // NULL: none
    uint64_t sent;
    struct buffer received;
    bool is_too_large; // the response has passed its limit
    const char *why;   // the reason why a function below has failed; NULL: none has
};

/* An exchange without a body. Allocates nothing yet. */
void exchange_init(struct exchange *e);
void exchange_free(struct exchange *e);

/* Begin anew, with BODY (or NULL), and room for RESPONSE_MAX bytes of response, 0 for
 * HTTP_RESPONSE_MAX_BYTES. A large response buffer is given back, a small one kept. */
void exchange_reset(struct exchange *e, const struct http_body *body, size_t response_max);

/* Read up to SIZE bytes of the body into OUT: how many, 0 when all were read, -1 on failure. */
long exchange_read(struct exchange *e, char *out, size_t size);

/* Go to the body's start. */
MUST_CHECK bool exchange_rewind(struct exchange *e);

/* Add SIZE bytes to the response. */
MUST_CHECK bool exchange_receive(struct exchange *e, const char *bytes, size_t size);

/* What a Retry-After header of VALUE asks for, in milliseconds from WALL_MS (clock_wall_ms) on,
 * between 0 and HTTP_RETRY_AFTER_MAX_MS: seconds, or one of the three forms of date (RFC
 * 9110, 5.6.7), which is always UTC. -1 when it is neither. */
int64_t exchange_retry_after_ms(const char *value, int64_t wall_ms);

#endif
