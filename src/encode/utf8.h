/* utf8.h: is this UTF-8? Nothing is changed or repaired. Pure. */
#ifndef BOBBIN_ENCODE_UTF8_H
#define BOBBIN_ENCODE_UTF8_H

#include "base/buffer.h"

/* Are BYTES well formed by RFC 3629, section 4: no surrogates, no overlong forms, at most U+10FFFF,
 * no character cut short? Empty is valid; so is U+0000. */
bool utf8_is_valid(struct slice bytes);

/* How many of BYTES, from the first on, are so before one that is not. */
size_t utf8_valid_size(struct slice bytes);

#endif
