/* compress.c: see compress.h. */
#include "spool/compress.h"

#include <stdlib.h>

#include <zstd.h>

#include "base/bytes.h"

enum {
    END_BYTES = 3 + 4,                  // a last block that may be empty, and the checksum
    WINDOW_LOG = 18,                    // 256 KiB: what each request in flight needs to decompress
    CONTENT_SIZE_BYTES = 4,             // the field that finish puts into the zstd frame header
    START_BYTES = 6,                    // magic, descriptor, window descriptor: a streamed header
    DESCRIPTOR_AT = 4,                  // Frame_Header_Descriptor's place
    DESCRIPTOR_CONTENT_SIZE_4 = 2 << 6, // Frame_Content_Size_flag = 2: 4 bytes
    DESCRIPTOR_CONTENT_SIZE = 3 << 6,   // the flag's bits
    DESCRIPTOR_SINGLE_SEGMENT = 1 << 5,
};

struct compressor {
    ZSTD_CCtx *zstd;
    struct buffer out; // CONTENT_SIZE_BYTES of room, then the frame
    uint64_t raw_size;
    bool is_finished;
};

struct decompressor {
    ZSTD_DCtx *zstd;
    struct body_source source; // of what comes behind `in`
    uint64_t taken;            // from it
    ZSTD_inBuffer in;
    bool is_at_end;
};

static bool set_parameters(ZSTD_CCtx *zstd, int level)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1));
}

static void begin_frame(struct compressor *c)
{
    buffer_clear(&c->out);
    buffer_append(&c->out, "\0\0\0\0", CONTENT_SIZE_BYTES);
    c->raw_size = 0;
    c->is_finished = false;
}

bool compressor_new(struct compressor **out, int level, struct error *err)
{
    struct compressor *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set_memory(err);
    buffer_init(&c->out, SIZE_MAX);
    c->zstd = ZSTD_createCCtx();
    if (c->zstd == NULL || !set_parameters(c->zstd, level)) {
        compressor_free(c);
        return error_set_memory(err);
    }
    begin_frame(c);
    *out = c;
    return true;
}

void compressor_free(struct compressor *c)
{
    if (c == NULL)
        return;
    ZSTD_freeCCtx(c->zstd);
    buffer_free(&c->out);
    free(c);
}

/* One call of zstd; *LEFT: what it still has to put out. */
static bool compress_step(struct compressor *c, ZSTD_inBuffer *in, ZSTD_EndDirective directive,
                          size_t *left, struct error *err)
{
    if (!buffer_reserve(&c->out, ZSTD_CStreamOutSize() / 8))
        return buffer_check(&c->out, "a compressed frame", err);
    ZSTD_outBuffer out = {c->out.data + c->out.size, c->out.capacity - c->out.size, 0};
    *left = ZSTD_compressStream2(c->zstd, &out, in, directive);
    if (ZSTD_isError(*left))
        return error_set(err, ERROR_BUG, "zstd: %s", ZSTD_getErrorName(*left));
    c->out.size += out.pos;
    return true;
}

bool compressor_append(struct compressor *c, struct slice bytes, struct error *err)
{
    if (c->is_finished)
        begin_frame(c);
    ZSTD_inBuffer in = {bytes.data, bytes.size, 0};
    size_t left;
    while (in.pos < in.size)
        if (!compress_step(c, &in, ZSTD_e_continue, &left, err))
            return false;
    c->raw_size += bytes.size;
    return true;
}

uint64_t compressor_raw_size(const struct compressor *c)
{
    return c->is_finished ? 0 : c->raw_size;
}

uint64_t compressor_size(const struct compressor *c)
{
    return c->is_finished ? 0 : c->out.size;
}

/* A streamed zstd frame doesn't know its size at the start. Put the field in afterwards: move the
 * first bytes down over the room left for it (zstd_compression_format.md, "Frame_Header"). */
static bool put_content_size(struct compressor *c, struct error *err)
{
    char *start = c->out.data + CONTENT_SIZE_BYTES;
    unsigned char descriptor = (unsigned char)start[DESCRIPTOR_AT];
    if (c->raw_size > UINT32_MAX)
        return error_set(err, ERROR_CONFIG, "a frame of %llu bytes: a document is too large",
                         (unsigned long long)c->raw_size);
    if (c->out.size < CONTENT_SIZE_BYTES + START_BYTES ||
        (descriptor & (DESCRIPTOR_CONTENT_SIZE | DESCRIPTOR_SINGLE_SEGMENT)) != 0)
        return error_set(err, ERROR_BUG, "zstd wrote an unexpected frame header");
    start[DESCRIPTOR_AT] = (char)(descriptor | DESCRIPTOR_CONTENT_SIZE_4);
    memmove(c->out.data, start, START_BYTES);
    store_u32(c->out.data + START_BYTES, (uint32_t)c->raw_size);
    return true;
}

bool compressor_finish(struct compressor *c, struct slice *body, struct error *err)
{
    if (c->is_finished)
        begin_frame(c);
    ZSTD_inBuffer in = {NULL, 0, 0};
    size_t left = 0;
    do {
        if (!compress_step(c, &in, ZSTD_e_end, &left, err))
            return false;
    } while (left > 0);
    if (!put_content_size(c, err))
        return false;
    *body = buffer_slice(&c->out);
    c->is_finished = true;
    return true;
}

bool decompressor_new(struct decompressor **out, struct error *err)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL || error_set_memory(err);
}

static void release_window(struct decompressor *d)
{
    ZSTD_freeDCtx(d->zstd);
    d->zstd = NULL;
}

void decompressor_free(struct decompressor *d)
{
    if (d == NULL)
        return;
    release_window(d);
    free(d);
}

void decompressor_open(struct decompressor *d, struct slice body)
{
    const struct body_source nothing_more = {.size = 0};
    decompressor_open_source(d, &nothing_more);
    d->in = (ZSTD_inBuffer){body.data, body.size, 0};
}

void decompressor_open_source(struct decompressor *d, const struct body_source *source)
{
    if (d->zstd != NULL)
        (void)ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only); // can't fail for a session
    d->source = *source;
    d->taken = 0;
    d->in = (ZSTD_inBuffer){NULL, 0, 0};
    d->is_at_end = false;
}

static uint64_t bytes_left(const struct decompressor *d)
{
    return d->in.size - d->in.pos + (d->source.size - d->taken);
}

/* Take the next piece when the one before is used up. */
static bool need_input(struct decompressor *d, struct error *err)
{
    struct slice piece;
    if (d->in.pos < d->in.size || d->taken == d->source.size)
        return true;
    if (!d->source.read(d->source.context, d->taken, &piece, err))
        return false;
    d->taken += piece.size;
    d->in = (ZSTD_inBuffer){piece.data, piece.size, 0};
    return true;
}

static bool need_window(struct decompressor *d, struct error *err)
{
    if (d->zstd == NULL && !d->is_at_end)
        d->zstd = ZSTD_createDCtx();
    return d->zstd != NULL || d->is_at_end || error_set_memory(err);
}

/* One call of zstd. The frame must go on, or OUT be full. */
static bool decompress_step(struct decompressor *d, ZSTD_outBuffer *out, struct error *err)
{
    if (!need_input(d, err))
        return false;
    size_t out_before = out->pos;
    size_t in_before = d->in.pos;
    size_t hint = ZSTD_decompressStream(d->zstd, out, &d->in);
    if (ZSTD_isError(hint))
        return error_set(err, ERROR_DAMAGED, "zstd: %s", ZSTD_getErrorName(hint));
    d->is_at_end = hint == 0;
    if (!d->is_at_end && out->pos < out->size && out->pos == out_before && d->in.pos == in_before)
        return error_set(err, ERROR_DAMAGED, "the zstd frame ends too early");
    return true;
}

/* A reader who knows the size never asks for the end: look for it when no byte is left but of it. */
static bool look_for_end(struct decompressor *d, ZSTD_outBuffer *put, struct error *err)
{
    uint64_t left = END_BYTES + 1;
    while (!d->is_at_end && bytes_left(d) < left) {
        left = bytes_left(d);
        if (!decompress_step(d, put, err))
            return false;
    }
    return true;
}

bool decompressor_read(struct decompressor *d, void *out, size_t size, size_t *got,
                       struct error *err)
{
    ZSTD_outBuffer put = {out, size, 0};
    if (!need_window(d, err))
        return false;
    while (put.pos < put.size && !d->is_at_end)
        if (!decompress_step(d, &put, err))
            return false;
    if (!look_for_end(d, &put, err))
        return false;
    if (d->is_at_end)
        release_window(d);
    if (d->is_at_end && bytes_left(d) != 0)
        return error_set(err, ERROR_DAMAGED, "bytes follow the zstd frame");
    *got = put.pos;
    return true;
}

bool decompress_all(struct slice body, void (*take)(void *context, struct slice piece),
                    void *context, struct error *err)
{
    struct decompressor *d;
    char chunk[16 << 10];
    size_t got = 0;
    bool ok;
    if (!decompressor_new(&d, err))
        return false;
    decompressor_open(d, body);
    while ((ok = decompressor_read(d, chunk, sizeof chunk, &got, err)) && got > 0)
        take(context, (struct slice){chunk, got});
    decompressor_free(d);
    return ok;
}
