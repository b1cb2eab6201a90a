/* unpack.h: packed bytes -> plain bytes, piece by piece: gzip (RFC 1952) or zstd (RFC 8878), as many members or
 * frames as follow one another. Knows zlib and libzstd, not files. */
#ifndef BOBBIN_SOURCE_UNPACK_H
#define BOBBIN_SOURCE_UNPACK_H

#include "base/buffer.h"

enum unpack_kind { UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD };

enum { UNPACK_MAGIC_BYTES = 4 };

/* What are bytes that begin with START, of at least UNPACK_MAGIC_BYTES unless there are no more? JSON begins
 * like none of the packed kinds. */
enum unpack_kind unpack_kind_of(struct slice start);

/* "gzip"; for messages. */
const char *unpack_kind_name(enum unpack_kind kind);

struct unpack;

/* KIND: one of the packed ones. ERROR_MEMORY. */
MUST_CHECK bool unpack_new(struct unpack **out, enum unpack_kind kind, struct error *err);
void unpack_free(struct unpack *u);

/* Unpack from *IN, which is stepped over what was taken, up to SIZE bytes into OUT; *GOT may be 0 while there is
 * more to come. ERROR_INPUT when the bytes are damaged, or want a zstd window of more than 128 MiB, which
 * zstd(1) refuses too; ERROR_MEMORY. */
MUST_CHECK bool unpack_some(struct unpack *u, struct slice *in, char *out, size_t size, size_t *got,
                            struct error *err);

/* May the packed bytes end here: is no member or frame half read? */
bool unpack_is_between(const struct unpack *u);

#endif
