/* base64.h: base64 (RFC 4648, section 4: with padding, no line breaks). Only encodes. Pure. */
#ifndef BOBBIN_ENCODE_BASE64_H
#define BOBBIN_ENCODE_BASE64_H

#include "base/buffer.h"

/* Append BYTES in base64. */
void base64_append(struct buffer *out, struct slice bytes);

/* Append in base64 the bytes that HEX gives as pairs of hex digits. False when it has an odd number
 * of digits or anything else in it; then OUT is as it was. */
MUST_CHECK bool base64_append_hex(struct buffer *out, struct slice hex);

#endif
