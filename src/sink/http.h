/* http.h: HTTP requests in flight, several at a time over kept-alive connections. The only libcurl.
 *
 * Knows URLs, credentials and TLS; not what a bulk request is. Credentials go only to the hosts
 * they were given for: redirects are never followed, .netrc is never read. Every wait ends:
 * connecting (10 s), a transfer slower than 1 byte/s (90 s), a request as a whole (`timeout_ms`).
 * HTTP/1.1 only: with HTTP/2 all requests to a host would share one TCP connection. A response is asked
 * for as it is; one that comes compressed all the same is decompressed, within its limit. A request that
 * finds its kept connection ended is sent again at once, unseen (RFC 9112, 9.3.1). One thread uses it, but for
 * http_wakeup. */
#ifndef BOBBIN_SINK_HTTP_H
#define BOBBIN_SINK_HTTP_H

#include <stdint.h>

#include "base/buffer.h"

struct http;

enum {
    HTTP_SIGNED_HEADERS = 4,
    HTTP_RESPONSE_MAX_BYTES = 8 << 20,          // of a bulk request
    HTTP_RETRY_AFTER_MAX_MS = 24 * 3600 * 1000, // a Retry-After beyond is cut to this
};

#define HTTP_SIZE_UNKNOWN UINT64_MAX // of a body that is read until it ends

/* What is the same for all requests. User and password inside a URL are allowed too: they hold for
 * that URL alone, before `user` and `password`; for a URL with a user and no password `password` counts
 * when there is no `user`. An Authorization header (api_key, bearer or in
 * `headers`) goes before both. */
struct http_options {
    const char *user; // basic authentication, with `password`; or NULL
    const char *password;
    const char *api_key;        // "Authorization: ApiKey ..."; or NULL
    const char *bearer;         // "Authorization: Bearer ..."; or NULL
    const char *ca_file;        // PEM; NULL: the system's
    const char *ca_fingerprint; // tls_pin.h; in place of ca_file; or NULL
    const char *cert_file;      // client certificate, PEM; or NULL
    const char *cert_key_file;  // its key, PEM; or NULL
    const char *cert_password;  // the key's; or NULL
    bool is_insecure;           // don't verify the server's certificate

    /* A proxy's URL; "": none; NULL: what http_proxy, https_proxy and no_proxy say (libcurl-env(3)). */
    const char *proxy;
    const char *proxy_user; // or NULL
    const char *proxy_password;

    const char *const *headers; // "Name: value", each; NULL at the end; or NULL
    int64_t timeout_ms;         // for a request as a whole; more than 0

    /* Headers that depend on the request; or NULL. */
    const struct http_signer *signer;
};

struct http_request;

/* Puts headers ("Name: value", each) into the HTTP_SIGNED_HEADERS buffers at OUT, which are empty; those
 * left empty don't count. It may read the request's body, and rewinds it. On false the request is not
 * sent. */
struct http_signer {
    bool (*sign)(void *context, const struct http_request *request, struct buffer *out,
                 struct error *err);
    void *context;
};

/* Where a request's body comes from: read as libcurl asks for it, so no body is ever held whole. */
struct http_body {
    uint64_t size; // Content-Length; not a byte more is read. HTTP_SIZE_UNKNOWN: sent in chunks
    const char *encoding; // Content-Encoding, at most 32 bytes; or NULL

    /* Put up to SIZE bytes into OUT; returns how many, 0 at the end, -1 on failure. Failure, or an
     * end before `size` bytes when it is known, ends the request with status 0. */
    long (*read)(void *context, char *out, size_t size);

    /* Go to the start again, when libcurl finds that a kept connection was dead and takes a new one
     * (CURLOPT_SEEKFUNCTION(3)). False: the request ends with status 0. */
    bool (*rewind)(void *context);

    void *context;
};

/* Strings are copied; the body is borrowed until the request is done. */
struct http_request {
    const char *method;           // "GET", "POST", "PUT", "HEAD", "DELETE"
    const char *url;              // whole, http:// or https://
    const char *content_type;     // at most 80 bytes; or NULL: none is sent
    const struct http_body *body; // or NULL
    size_t response_max;          // of bytes; a larger one is a failure. 0: HTTP_RESPONSE_MAX_BYTES
    void *owner;                  // comes back in the response
};

struct http_response {
    void *owner;

    /* 0 when there is no whole response (of a 413: no whole head). */
    int status;

    /* Why, when the status is 0, in libcurl's words or ours and without secrets; else NULL. */
    const char *failure;
    bool is_timeout;   // a time limit passed
    bool was_sent;     // some of the body, at least
    bool is_too_large; // more than response_max

    /* A certificate, the server's or ours, or the proxy's credentials were refused: trying again won't
     * help. */
    bool is_refused;

    /* What Retry-After asks for (RFC 9110, 10.2.3: seconds or a date); -1 when it is absent. */
    int64_t retry_after_ms;

    /* Whereto a 3xx answer leads, whole; it may hold a password. NULL: nowhere. */
    char *redirect;
    struct slice body;

    void *handle; // for http_release: all of the above is good until then
};

/* Options are borrowed for the life of the http. ERROR_MEMORY; ERROR_CONFIG as http_options_check
 * (http_options.h) says, or when libcurl lacks a feature. */
MUST_CHECK bool http_new(struct http **out, const struct http_options *options, struct error *err);

/* Abandons what is in flight: bodies are not read any more. NULL is ignored. */
void http_free(struct http *h);

/* Start a request; it is sent by http_poll. ERROR_CONFIG when the URL is no http or https URL;
 * ERROR_MEMORY; the signer's errors. */
MUST_CHECK bool http_start(struct http *h, const struct http_request *request, struct error *err);

/* Send and receive; returns at once when a response waits to be taken, else waits up to TIMEOUT_MS
 * for something to happen, less when http_wakeup is called or stop_fd() becomes readable. The
 * latter counts once: a caller that goes on after a stop request to end what is in flight can wait
 * as before. ERROR_MEMORY; ERROR_BUG when libcurl refuses. No failure of a request is an error
 * here. */
MUST_CHECK bool http_poll(struct http *h, int timeout_ms, struct error *err);

/* Take a request that is done, oldest first. False when there is none. Give it back with
 * http_release, which may come in any order. */
bool http_take_response(struct http *h, struct http_response *out);
void http_release(struct http *h, struct http_response *response);

/* From any thread: make a waiting http_poll return, or, when none waits, the next one. */
void http_wakeup(struct http *h);

/* One request from start to end, for administration: the response's body is appended to OUT (at
 * most its maximum). What else is in flight goes on, and its responses wait for http_take_response.
 * *STATUS 0 never happens: no answer, or one larger than OUT, is ERROR_UNAVAILABLE that names the
 * host and says why; a stop request gives ERROR_STOPPED at once; a refused certificate
 * or proxy ERROR_DENIED; a redirect ERROR_CONFIG that names its target. */
MUST_CHECK bool http_call(struct http *h, const char *method, const char *url,
                          const char *content_type, struct slice body, int *status,
                          struct buffer *out, struct error *err);

#endif
