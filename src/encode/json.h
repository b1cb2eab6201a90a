/* json.h: bytes -> JSON text (RFC 8259) that fits on one line. Pure; it checks UTF-8, but the
 * grammar of JSON that comes from the server it trusts.
 *
 * Each function returns NULL, or a static sentence that says why the bytes can't be JSON; then OUT
 * is as it was. A full buffer is not told here: buffer_check. OUT needs room for the input, too,
 * where the output is shorter, and for some bytes more. */
#ifndef BOBBIN_ENCODE_JSON_H
#define BOBBIN_ENCODE_JSON_H

#include "base/buffer.h"

/* Append BYTES as a JSON string: quotes, backslashes and control characters escaped, the rest as it
 * is (section 7 allows it, 0x7f included). Refuses what is no UTF-8. */
MUST_CHECK const char *json_append_string(struct buffer *out, struct slice bytes);

/* Append the text for which RAW, a field of COPY text format, stands as a JSON string. As
 * copytext_unescape and json_append_string in one pass. */
MUST_CHECK const char *json_append_copytext(struct buffer *out, struct slice raw);

/* Append the JSON for which RAW, a field of COPY text format, stands: unescaped, its line ends and
 * tabs (between tokens: a string can't hold them raw) as spaces. Refuses other raw control
 * characters, which no JSON can hold, an empty RAW, and what is no UTF-8. */
MUST_CHECK const char *json_append_embedded(struct buffer *out, struct slice raw);

#endif
