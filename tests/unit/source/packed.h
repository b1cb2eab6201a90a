/* packed.h: makes packed bytes, one member or frame at a time, each with its checksum. */
#ifndef BOBBIN_TESTS_PACKED_H
#define BOBBIN_TESTS_PACKED_H

#include <zlib.h>
#include <zstd.h>

#include "source/unpack.h"
#include "unit.h"

enum { PACKED_MAX_BYTES = 64 << 20, PACKED_GZIP_BITS = 15 + 16 };

/* Append TEXT as one gzip member. */
static inline void packed_add_gzip(struct buffer *out, struct slice text)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text.data, .avail_in = (uInt)text.size};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, PACKED_GZIP_BITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t room = deflateBound(&z, (uLong)text.size);
    ck_assert(buffer_reserve(out, room));
    z.next_out = (Bytef *)out->data + out->size;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->size += room - z.avail_out;
    deflateEnd(&z);
}

/* Append TEXT to a zstd frame of C; HOW: ZSTD_e_flush leaves it open, ZSTD_e_end ends it. */
static inline void packed_add_to_frame(ZSTD_CCtx *c, struct buffer *out, struct slice text,
                                       ZSTD_EndDirective how)
{
    size_t room = ZSTD_compressBound(text.size);
    ck_assert(buffer_reserve(out, room));
    ZSTD_inBuffer input = {text.data, text.size, 0};
    ZSTD_outBuffer output = {out->data + out->size, room, 0};
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    ck_assert_uint_eq(ZSTD_compressStream2(c, &output, &input, how), 0);
    out->size += output.pos;
}

/* Append TEXT as one member or frame of KIND, or as it is. */
static inline void packed_add(struct buffer *out, enum unpack_kind kind, struct slice text)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (kind == UNPACK_PLAIN)
        buffer_append(out, text.data, text.size);
    else if (kind == UNPACK_GZIP)
        packed_add_gzip(out, text);
    else
        packed_add_to_frame(c, out, text, ZSTD_e_end);
    ZSTD_freeCCtx(c);
    ck_assert(!out->has_failed);
}

#endif
