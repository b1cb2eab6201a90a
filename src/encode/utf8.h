/* utf8.h: is this UTF-8? Nothing is changed or repaired. Pure. */
#ifndef BOBBIN_ENCODE_UTF8_H
#define BOBBIN_ENCODE_UTF8_H

#include "base/buffer.h"

/* Are BYTES well formed by RFC 3629, section 4: no surrogates, no overlong forms, at most U+10FFFF,
 * no character cut short? Empty is valid; so is U+0000. */
bool utf8_is_valid(struct slice bytes);

#endif
