/* copytext.h: the text format of COPY: rows into fields, fields into bytes. Pure; it knows no
 * types.
 *
 * PostgreSQL manual, reference page COPY, "Text Format": a tab ends a field; `\N` alone is NULL; a
 * backslash and b f n r t v stand for a control character, with one to three octal digits or with x
 * and one or two hex digits for that byte, before any other character for that character. COPY TO
 * writes only `\\` and the letters, but nothing here depends on that. */
#ifndef BOBBIN_ENCODE_COPYTEXT_H
#define BOBBIN_ENCODE_COPYTEXT_H

#include "base/buffer.h"

/* Split ROW, with or without its newline, at its tabs (not at one behind a backslash). The first
 * CAPACITY fields go to FIELDS, still escaped, borrowed from ROW; a NULL is a slice whose data is
 * NULL. Returns how many fields the row has, be it more than CAPACITY; an empty row has one. */
size_t copytext_split(struct slice row, struct slice *fields, size_t capacity);

/* ROW without the newline that ends it, if one does. */
struct slice copytext_trim_newline(struct slice row);

/* The byte for which the escape at *IN stands; *IN, a backslash before END, moves behind the
 * escape. A backslash with nothing behind it stands for itself. */
unsigned char copytext_decode_escape(const char **in, const char *end);

/* Append to OUT the bytes for which RAW stands: never more than RAW has. */
void copytext_unescape(struct buffer *out, struct slice raw);

#endif
