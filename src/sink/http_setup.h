/* http_setup.h: what libcurl is told for each request, and what its failures mean, for http.c alone:
 * limits, proxies, TLS, credentials. */
#ifndef BOBBIN_SINK_HTTP_SETUP_H
#define BOBBIN_SINK_HTTP_SETUP_H

#include <curl/curl.h>

#include "sink/http.h"
#include "sink/tls_pin.h"

enum { HTTP_HEADER_MAX_BYTES = 16384 }; // of a header of our own making

/* The headers that all requests have: *OUT is the caller's to free, also after an error. */
MUST_CHECK bool http_setup_headers(const struct http_options *o, struct curl_slist **out,
                                   struct error *err);

/* Set all that comes from the options O. PIN: what O's ca_fingerprint says, when it has one; borrowed
 * as long as EASY lives. URL: the request's, which
 * may have a user of its own. */
CURLcode http_setup(CURL *easy, const struct http_options *o, struct tls_pin *pin, const char *url);

/* Is trying again in vain, since a certificate or the proxy's credentials were refused? The remedy
 * then, else NULL. WORDS: libcurl's, about the failure CODE. */
const char *http_setup_remedy(CURL *easy, const struct http_options *o, CURLcode code,
                              const char *words);

#endif
