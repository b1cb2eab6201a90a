/* scratch.c: see scratch.h. */
#include "job/scratch.h"

#include <fcntl.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/bytes.h"
#include "base/file.h"

/* A block: where the one before it is, plus one (u64); the size of its records (u32); XXH64 of these
 * fields and the records (u64); the records, each a slice. */
enum { BLOCK_FIELDS_BYTES = 12, BLOCK_HEADER_BYTES = 20, BLOCK_MAX_BYTES = 1 << 30 };

static const char NAME[] = "for the comparison"; // for messages: the file has none

struct scratch {
    int fd;
    uint64_t end;
    struct buffer block; // to be written
};

bool scratch_open(struct scratch **out, int dir, struct error *err)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    buffer_init(&s->block, BLOCK_MAX_BYTES);
    if (!file_create_unnamed(&s->fd, dir, err)) {
        free(s);
        return false;
    }
    *out = s;
    return true;
}

bool scratch_open_temporary(struct scratch **out, struct error *err)
{
    const char *path = getenv("TMPDIR");
    if (path == NULL || path[0] == '\0')
        path = "/var/tmp";
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = dir >= 0 ? scratch_open(out, dir, err)
                       : error_set_errno(err, ERROR_DISK, "it can't be opened");
    file_close(&dir);
    return ok || error_wrap(err, "directory %s (TMPDIR)", path);
}

void scratch_close(struct scratch *s)
{
    if (s == NULL)
        return;
    file_close(&s->fd);
    buffer_free(&s->block);
    free(s);
}

uint64_t scratch_size(const struct scratch *s)
{
    return s->end;
}

void chain_init(struct chain *c)
{
    *c = (struct chain){.last = 0};
    buffer_init(&c->buffer, BLOCK_MAX_BYTES);
}

void chain_free(struct chain *c)
{
    buffer_free(&c->buffer);
}

static uint64_t checksum(struct slice fields, struct slice records)
{
    return XXH64(records.data, records.size, XXH64(fields.data, fields.size, 0));
}

static bool write_block(struct scratch *s, struct chain *c, struct error *err)
{
    struct buffer *b = &s->block;
    struct slice records = buffer_slice(&c->buffer);
    buffer_clear(b);
    put_u64(b, c->last);
    put_u32(b, (uint32_t)records.size);
    put_u64(b, checksum((struct slice){b->data, BLOCK_FIELDS_BYTES}, records));
    buffer_append(b, records.data, records.size);
    if (!buffer_check(b, "a block of records", err) ||
        !file_write_at(s->fd, NAME, s->end, buffer_slice(b), err))
        return false;
    c->last = s->end + 1;
    s->end += b->size;
    buffer_clear(&c->buffer);
    return true;
}

bool chain_append(struct scratch *s, struct chain *c, struct slice record, struct error *err)
{
    bool is_full = c->buffer.size > 0 && c->buffer.size + record.size > CHAIN_BUFFER_BYTES;
    if (is_full && !write_block(s, c, err))
        return false;
    put_slice(&c->buffer, record);
    c->records++;
    c->bytes += record.size;
    return buffer_check(&c->buffer, "records", err);
}

static bool damaged(struct error *err)
{
    return error_set(err, ERROR_DAMAGED,
                     "file %s: a block is not what was written; check the disk, then run the same "
                     "command again",
                     NAME);
}

/* Read SIZE bytes at OFFSET in place of what OUT holds. */
static bool read_bytes(struct scratch *s, uint64_t offset, size_t size, struct buffer *out,
                       struct error *err)
{
    size_t got;
    buffer_clear(out);
    if (!buffer_reserve(out, size))
        return buffer_check(out, "a block of records", err);
    if (!file_read_at(s->fd, NAME, offset, out->data, size, &got, err))
        return false;
    out->size = got;
    return got == size || damaged(err);
}

/* Read the block at *AT - 1; *AT becomes the place of the one before. */
static bool read_block(struct scratch *s, uint64_t *at, struct buffer *block, struct slice *records,
                       struct error *err)
{
    uint64_t offset = *at - 1;
    if (!read_bytes(s, offset, BLOCK_HEADER_BYTES, block, err))
        return false;
    struct reader r = reader_over(buffer_slice(block));
    uint64_t before = get_u64(&r);
    uint32_t size = get_u32(&r);
    if (size > s->end - offset)
        return damaged(err);
    if (!read_bytes(s, offset, BLOCK_HEADER_BYTES + size, block, err))
        return false;
    *records = (struct slice){block->data + BLOCK_HEADER_BYTES, size};
    r = reader_over((struct slice){block->data + BLOCK_FIELDS_BYTES, sizeof(uint64_t)});
    if (get_u64(&r) != checksum((struct slice){block->data, BLOCK_FIELDS_BYTES}, *records) ||
        before > offset)
        return damaged(err);
    *at = before;
    return true;
}

static bool see_records(struct slice records,
                        bool (*see)(void *context, struct slice record, struct error *err),
                        void *context, struct error *err)
{
    struct reader r = reader_over(records);
    while (r.left > 0) {
        struct slice record = get_slice(&r);
        if (r.has_failed)
            return damaged(err);
        if (!see(context, record, err))
            return false;
    }
    return true;
}

bool chain_each(struct scratch *s, const struct chain *c,
                bool (*see)(void *context, struct slice record, struct error *err), void *context,
                struct error *err)
{
    struct buffer block;
    struct slice records = {NULL, 0};
    uint64_t at = c->last;
    buffer_init(&block, BLOCK_MAX_BYTES);
    bool ok = see_records(buffer_slice(&c->buffer), see, context, err);
    while (ok && at != 0)
        ok = read_block(s, &at, &block, &records, err) && see_records(records, see, context, err);
    buffer_free(&block);
    return ok;
}
