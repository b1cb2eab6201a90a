/* http_options.h: what the user gave for all requests, checked and made into headers. For http.c;
 * sends nothing. */
#ifndef BOBBIN_SINK_HTTP_OPTIONS_H
#define BOBBIN_SINK_HTTP_OPTIONS_H

#include "sink/http.h"

/* Can the files be read, is the fingerprint one and the proxy a URL, is every header "Name: value", has no secret or header a line end in it
 * (which would begin another header), and is there a time limit? ERROR_CONFIG names the option at
 * fault, never a secret. */
MUST_CHECK bool http_options_check(const struct http_options *o, struct error *err);

/* Put header number INDEX, counted from 0, into TEXT in place of what is there. False when there
 * are no more. */
bool http_options_header(const struct http_options *o, size_t index, struct buffer *text);

#endif
