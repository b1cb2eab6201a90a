/* gzip.c: see gzip.h. */
#include "sink/gzip.h"

#include <stdlib.h>

#include <zlib.h>

enum {
    LEVEL = 1,             // the fastest: most of what the others save, at a fraction of their time
    WINDOW_BITS = 15 + 16, // the largest; 16: with a gzip header (zlib.h, deflateInit2)
    MEMORY_LEVEL = 8,      // zlib's default
    CHUNK_BYTES = 16 << 10,
};

struct gzip {
    z_stream stream;
    struct http_body plain;
    struct http_body compressed;
    bool has_ended; // all of plain was given to zlib
    Bytef chunk[CHUNK_BYTES];
};

/* Give zlib the next chunk. False: plain can't be read. */
static bool refill(struct gzip *g)
{
    long got = g->plain.read(g->plain.context, (char *)g->chunk, sizeof g->chunk);
    if (got < 0)
        return false;
    g->stream.next_in = g->chunk;
    g->stream.avail_in = (uInt)got;
    g->has_ended = got == 0;
    return true;
}

/* As http_body's read. */
static long read_compressed(void *context, char *out, size_t size)
{
    struct gzip *g = context;
    uInt room = size < UINT32_MAX ? (uInt)size : UINT32_MAX;
    g->stream.next_out = (Bytef *)out;
    g->stream.avail_out = room;
    int code = Z_OK;
    while (code == Z_OK && g->stream.avail_out == room) {
        if (g->stream.avail_in == 0 && !g->has_ended && !refill(g))
            return -1;
        code = deflate(&g->stream, g->has_ended ? Z_FINISH : Z_NO_FLUSH);
    }
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR
               ? (long)(room - g->stream.avail_out)
               : -1;
}

static void reset(struct gzip *g)
{
    (void)deflateReset(&g->stream); // fails for a broken stream only
    g->stream.avail_in = 0;
    g->has_ended = false;
}

static bool rewind_compressed(void *context)
{
    struct gzip *g = context;
    reset(g);
    return g->plain.rewind(g->plain.context);
}

bool gzip_new(struct gzip **out, struct error *err)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (g == NULL)
        return error_set_memory(err);
    if (deflateInit2(&g->stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return error_set_memory(err);
    }
    g->compressed = (struct http_body){
        .size = HTTP_SIZE_UNKNOWN,
        .encoding = "gzip",
        .read = read_compressed,
        .rewind = rewind_compressed,
        .context = g,
    };
    *out = g;
    return true;
}

void gzip_free(struct gzip *g)
{
    if (g == NULL)
        return;
    deflateEnd(&g->stream);
    free(g);
}

const struct http_body *gzip_body(struct gzip *g, const struct http_body *plain)
{
    g->plain = *plain;
    reset(g);
    return &g->compressed;
}
