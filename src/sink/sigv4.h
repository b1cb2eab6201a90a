/* sigv4.h: AWS's Signature Version 4 of one request: its headers, from its parts. Pure. Follows
 * "Create a signed AWS API request" of the IAM User Guide.
 *
 * libcurl can sign too (CURLOPT_AWS_SIGV4). That of Debian 12, tried against botocore, is refused for
 * a path with a percent-encoded character, for a query with a comma, and for any request in which
 * the header "Expect" is switched off; and it hashes no body that comes through a callback. */
#ifndef BOBBIN_SINK_SIGV4_H
#define BOBBIN_SINK_SIGV4_H

#include <stdint.h>

#include "sink/digest.h"

struct sigv4_credentials {
    const char *key_id;
    const char *secret;
    const char *token; // of a role; or NULL
};

struct sigv4_request {
    const char *method;
    const char *url;    // as it is sent, percent-encoded; url_check accepts it
    struct digest body; // of its bytes
    const char *region;
    const char *service; // "es", "aoss"
    int64_t wall_ms;     // now
};

/* The headers that make a request a signed one, each whole: "Name: value". The token's stays empty
 * when there is none. */
enum sigv4_header {
    SIGV4_AUTHORIZATION,
    SIGV4_DATE,
    SIGV4_BODY, // x-amz-content-sha256, which aoss insists on
    SIGV4_TOKEN,
    SIGV4_HEADERS
};

/* Append each header to its buffer in OUT. The host, as libcurl names it, is signed with them, and
 * the method, path, query and body. ERROR_MEMORY. */
MUST_CHECK bool sigv4_sign(const struct sigv4_request *r, const struct sigv4_credentials *c,
                           struct buffer out[SIGV4_HEADERS], struct error *err);

/* Append what is hashed and signed of the request: for tests. NAMES: the signed headers' names. */
void sigv4_append_canonical(struct buffer *out, const struct sigv4_request *r,
                            const struct sigv4_credentials *c, const char *date, const char *names);

#endif
