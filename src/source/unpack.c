/* unpack.c: see unpack.h. */
#include "source/unpack.h"

#include <stdint.h>
#include <stdlib.h>

#define ZLIB_CONST // it only reads its input
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_WINDOW_BITS = 15 + 16, // the largest; 16: with a gzip header (zlib.h, inflateInit2)
    ZSTD_WINDOW_LOG = 27,
};

struct unpack {
    enum unpack_kind kind;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool is_between;
};

enum unpack_kind unpack_kind_of(struct slice start)
{
    static const unsigned char gzip[] = {0x1f, 0x8b};
    static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skippable[] = {0x2a, 0x4d, 0x18}; // behind 0x50 to 0x5f
    if (start.size >= sizeof gzip && memcmp(start.data, gzip, sizeof gzip) == 0)
        return UNPACK_GZIP;
    if (start.size < UNPACK_MAGIC_BYTES)
        return UNPACK_PLAIN;
    if (memcmp(start.data, zstd, sizeof zstd) == 0 ||
        ((start.data[0] & 0xf0) == 0x50 &&
         memcmp(start.data + 1, skippable, sizeof skippable) == 0))
        return UNPACK_ZSTD;
    return UNPACK_PLAIN;
}

const char *unpack_kind_name(enum unpack_kind kind)
{
    static const char *const names[] = {"plain", "gzip", "zstd"};
    return names[kind];
}

static bool begin_gzip(struct unpack *u, struct error *err)
{
    return inflateInit2(&u->gzip, GZIP_WINDOW_BITS) == Z_OK || error_set_memory(err);
}

static bool begin_zstd(struct unpack *u, struct error *err)
{
    u->zstd = ZSTD_createDStream();
    if (u->zstd == NULL)
        return error_set_memory(err);
    size_t code = ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return !ZSTD_isError(code) || error_set(err, ERROR_BUG, "zstd: %s", ZSTD_getErrorName(code));
}

bool unpack_new(struct unpack **out, enum unpack_kind kind, struct error *err)
{
    struct unpack *u = calloc(1, sizeof *u);
    if (u == NULL)
        return error_set_memory(err);
    u->kind = kind;
    u->is_between = true;
    if (!(kind == UNPACK_GZIP ? begin_gzip(u, err) : begin_zstd(u, err))) {
        unpack_free(u);
        return false;
    }
    *out = u;
    return true;
}

void unpack_free(struct unpack *u)
{
    if (u == NULL)
        return;
    if (u->kind == UNPACK_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    free(u);
}

static uInt at_most(size_t size)
{
    return size < UINT32_MAX ? (uInt)size : UINT32_MAX;
}

/* What stands between members is another member, or zeros, with which tapes are filled (gzip(1)). */
static void skip_filling(const struct unpack *u, struct slice *in)
{
    while (u->is_between && in->size > 0 && in->data[0] == '\0')
        *in = (struct slice){in->data + 1, in->size - 1};
}

static bool gzip_some(struct unpack *u, struct slice *in, char *out, size_t size, size_t *got,
                      struct error *err)
{
    skip_filling(u, in);
    if (in->size == 0 && u->is_between)
        return true;
    uInt given = at_most(in->size), room = at_most(size);
    u->is_between = false;
    u->gzip.next_in = (z_const Bytef *)in->data;
    u->gzip.avail_in = given;
    u->gzip.next_out = (Bytef *)out;
    u->gzip.avail_out = room;
    int code = inflate(&u->gzip, Z_NO_FLUSH);
    size_t taken = given - u->gzip.avail_in;
    *in = (struct slice){in->data + taken, in->size - taken};
    *got = room - u->gzip.avail_out;
    if (code == Z_STREAM_END) {
        u->is_between = true;
        code = inflateReset(&u->gzip);
    }
    if (code == Z_MEM_ERROR)
        return error_set_memory(err);
    return code == Z_OK || code == Z_BUF_ERROR ||
           error_set(err, ERROR_INPUT, "damaged gzip: %s",
                     u->gzip.msg != NULL ? u->gzip.msg : zError(code));
}

static bool zstd_some(struct unpack *u, struct slice *in, char *out, size_t size, size_t *got,
                      struct error *err)
{
    ZSTD_inBuffer input = {in->data, in->size, 0};
    ZSTD_outBuffer output = {out, size, 0};
    size_t code = ZSTD_decompressStream(u->zstd, &output, &input);
    *in = (struct slice){in->data + input.pos, in->size - input.pos};
    *got = output.pos;
    if (ZSTD_isError(code))
        return error_set(err, ERROR_INPUT, "damaged zstd: %s", ZSTD_getErrorName(code));
    if (input.pos > 0 ||
        output.pos > 0) // else there was nothing to take, and CODE tells of a next frame
        u->is_between = code == 0;
    return true;
}

bool unpack_some(struct unpack *u, struct slice *in, char *out, size_t size, size_t *got,
                 struct error *err)
{
    *got = 0;
    return u->kind == UNPACK_GZIP ? gzip_some(u, in, out, size, got, err)
                                  : zstd_some(u, in, out, size, got, err);
}

bool unpack_is_between(const struct unpack *u)
{
    return u->is_between;
}
