/* body.c: see body.h. */
#include "sink/body.h"

#include <stdlib.h>

enum {
    CHUNK_BYTES = 16 << 10,
    OP_COLUMN = 2, // {"index", {"create", {"update", {"delete": the third byte tells
};

struct body {
    struct decompressor *decompressor;
    char chunk[CHUNK_BYTES];
    size_t at, end;    // what is left of the chunk
    size_t document;   // the current one
    size_t column;     // in the current line
    bool is_in_source; // the current line is a source line
    bool is_delete;    // the current document has no source line
};

bool body_new(struct body **out, struct error *err)
{
    struct body *b = calloc(1, sizeof *b);
    if (b == NULL)
        return error_set_memory(err);
    if (!decompressor_new(&b->decompressor, err)) {
        free(b);
        return false;
    }
    *out = b;
    return true;
}

void body_free(struct body *b)
{
    if (b == NULL)
        return;
    decompressor_free(b->decompressor);
    free(b);
}

static void begin(struct body *b)
{
    b->at = b->end = b->document = b->column = 0;
    b->is_in_source = b->is_delete = false;
}

void body_open(struct body *b, struct slice frame)
{
    begin(b);
    decompressor_open(b->decompressor, frame);
}

void body_open_source(struct body *b, const struct body_source *frame)
{
    begin(b);
    decompressor_open_source(b->decompressor, frame);
}

/* A piece of the current line: note the operation that an action line begins with. */
static void see_line(struct body *b, const char *piece, size_t size)
{
    if (!b->is_in_source && b->column <= OP_COLUMN && b->column + size > OP_COLUMN)
        b->is_delete = piece[OP_COLUMN - b->column] == 'd';
    b->column += size;
}

/* The current line has ended: does the document end with it? */
static bool end_line(struct body *b)
{
    b->column = 0;
    bool is_last = b->is_in_source || b->is_delete;
    b->is_in_source = !is_last;
    return is_last;
}

bool body_next(struct body *b, struct body_run *run, bool *found, struct error *err)
{
    if (b->at == b->end) {
        b->at = 0;
        if (!decompressor_read(b->decompressor, b->chunk, CHUNK_BYTES, &b->end, err))
            return false;
    }
    *found = b->at < b->end;
    *run = (struct body_run){.document = b->document, .bytes = {b->chunk + b->at, 0}};
    while (b->at < b->end && !run->is_last) {
        const char *start = b->chunk + b->at;
        const char *newline = memchr(start, '\n', b->end - b->at);
        size_t size = newline ? (size_t)(newline - start) + 1 : b->end - b->at;
        see_line(b, start, size);
        run->is_last = newline != NULL && end_line(b);
        run->bytes.size += size;
        b->at += size;
    }
    b->document += run->is_last;
    return true;
}

bool body_read(struct body *b, void *out, size_t size, size_t *got, struct error *err)
{
    return decompressor_read(b->decompressor, out, size, got, err);
}
