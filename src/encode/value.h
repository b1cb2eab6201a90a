/* value.h: one value of a COPY row, by its type, -> JSON. Pure. What COPY text is, copytext.h; what
 * strings and embedded JSON look like, json.h. NULL is the caller's: it is no value. */
#ifndef BOBBIN_ENCODE_VALUE_H
#define BOBBIN_ENCODE_VALUE_H

#include "base/buffer.h"
#include "base/column.h"

/* Append RAW, a field of COPY text format that is not NULL, to OUT as JSON. A number, date or
 * timestamp that JSON can't hold (NaN, infinity) is written as null and adds one to *NULLED.
 *
 * Returns NULL; or a static sentence that says why RAW is no such value or no UTF-8: then OUT and
 * *NULLED are as they were. A full buffer is not told here: buffer_check. */
MUST_CHECK const char *value_append(struct buffer *out, enum value_type type, struct slice raw,
                                    unsigned *nulled);

#endif
