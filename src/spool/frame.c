/* frame.c: see frame.h and docs/spool-format.md. */
#include "spool/frame.h"

#include <xxhash.h>

#include "base/bytes.h"

static const char HEADER_NAME[4] = {'b', 'o', 'b', 'n'};

enum {
    CHECK_BYTES = 4,
    FIXED_BYTES = 4 + 2 + 2 + JOB_ID_BYTES + 4 + 4 + 8 + 8 + 8 + 8 + 4 + 4,
};

static uint32_t header_check(struct slice bytes)
{
    return XXH32(bytes.data, bytes.size, 0);
}

bool frame_put_header(const struct frame *f, struct buffer *out, struct error *err)
{
    if (f->first_key.size > FRAME_KEY_MAX_BYTES || f->last_key.size > FRAME_KEY_MAX_BYTES)
        return error_set(err, ERROR_CONFIG, "a key is longer than %d bytes", FRAME_KEY_MAX_BYTES);
    size_t start = out->size;
    put_u32(out, FRAME_MAGIC);
    put_u32(out, (uint32_t)(FIXED_BYTES + f->first_key.size + f->last_key.size + CHECK_BYTES));
    buffer_append(out, HEADER_NAME, sizeof HEADER_NAME);
    put_u16(out, FRAME_FORMAT);
    put_u16(out, (uint16_t)f->kind);
    buffer_append(out, f->job.bytes, JOB_ID_BYTES);
    put_u32(out, f->part);
    put_u32(out, f->documents);
    put_u64(out, f->number);
    put_u64(out, f->raw_size);
    put_u64(out, f->compressed_size);
    put_u64(out, f->checksum);
    put_slice(out, f->first_key);
    put_slice(out, f->last_key);
    if (!buffer_check(out, "a frame header", err))
        return false;
    put_u32(out, header_check((struct slice){out->data + start, out->size - start}));
    return buffer_check(out, "a frame header", err);
}

size_t frame_header_size(const char prefix[FRAME_PREFIX_BYTES])
{
    struct reader r = reader_over((struct slice){prefix, FRAME_PREFIX_BYTES});
    uint32_t magic = get_u32(&r);
    uint32_t size = get_u32(&r);
    if (magic != FRAME_MAGIC || size < FIXED_BYTES + CHECK_BYTES ||
        size > FRAME_HEADER_MAX_BYTES - FRAME_PREFIX_BYTES)
        return 0;
    return FRAME_PREFIX_BYTES + size;
}

/* False: of a kind that is none. */
static bool get_fields(struct reader *r, struct frame *f)
{
    unsigned kind = get_u16(r);
    f->kind = kind == FRAME_DEAD_ROWS ? FRAME_DEAD_ROWS : FRAME_DOCUMENTS;
    struct slice job = get_bytes(r, JOB_ID_BYTES);
    if (job.size == JOB_ID_BYTES)
        memcpy(f->job.bytes, job.data, JOB_ID_BYTES);
    f->part = get_u32(r);
    f->documents = get_u32(r);
    f->number = get_u64(r);
    f->raw_size = get_u64(r);
    f->compressed_size = get_u64(r);
    f->checksum = get_u64(r);
    f->first_key = get_slice(r);
    f->last_key = get_slice(r);
    return kind == (unsigned)f->kind;
}

enum frame_read frame_get_header(struct slice bytes, struct frame *f, size_t *used)
{
    if (bytes.size < FRAME_PREFIX_BYTES)
        return FRAME_TRUNCATED;
    size_t size = frame_header_size(bytes.data);
    if (size == 0)
        return FRAME_DAMAGED;
    if (bytes.size < size)
        return FRAME_TRUNCATED;

    struct reader check = reader_over((struct slice){bytes.data + size - CHECK_BYTES, CHECK_BYTES});
    if (get_u32(&check) != header_check((struct slice){bytes.data, size - CHECK_BYTES}))
        return FRAME_DAMAGED;
    struct reader r = reader_over(
        (struct slice){bytes.data + FRAME_PREFIX_BYTES, size - FRAME_PREFIX_BYTES - CHECK_BYTES});
    struct slice name = get_bytes(&r, sizeof HEADER_NAME);
    if (!slice_equal(name, (struct slice){HEADER_NAME, sizeof HEADER_NAME}))
        return FRAME_DAMAGED;
    if (get_u16(&r) != FRAME_FORMAT)
        return FRAME_NEWER;
    bool is_good = get_fields(&r, f);
    *used = size;
    return is_good && !r.has_failed && r.left == 0 ? FRAME_READ : FRAME_DAMAGED;
}

uint64_t frame_checksum(struct slice body)
{
    return XXH64(body.data, body.size, 0);
}
