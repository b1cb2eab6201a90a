/* segment_scan.c: find the frames of a segment without an index. See segment.h. */
#include "spool/segment.h"

#include "base/bytes.h"
#include "base/file.h"

enum { CHUNK_BYTES = 64 << 10, MARK_BYTES = 12, NAME_AT = 8, FRAME_MAX_BYTES = 1 << 30 };

/* What a frame begins with: magic, a length of any value, name. */
static bool is_mark(const char *bytes)
{
    return frame_header_size(bytes) != 0 &&
           memcmp(bytes + NAME_AT, "bobn", MARK_BYTES - NAME_AT) == 0;
}

/* The next place at *OFFSET or behind where a frame may begin; the file's end when there is none. */
static bool find_mark(int fd, const char *name, uint64_t size, uint64_t *offset, struct error *err)
{
    char chunk[CHUNK_BYTES];
    for (; *offset < size; *offset += CHUNK_BYTES - MARK_BYTES + 1) {
        size_t got;
        if (!file_read_at(fd, name, *offset, chunk, sizeof chunk, &got, err))
            return false;
        for (size_t i = 0; i + MARK_BYTES <= got; i++)
            if (is_mark(chunk + i)) {
                *offset += i;
                return true;
            }
    }
    *offset = size;
    return true;
}

static bool scan(int fd, const char *name, int dir, uint32_t number, struct buffer *bytes,
                 segment_seer *see, void *context, struct error *err)
{
    uint64_t size, offset = 0;
    if (!file_size(fd, name, &size, err))
        return false;
    while (find_mark(fd, name, size, &offset, err)) {
        struct frame f;
        struct slice body;
        const char *why;
        if (offset == size)
            return true;
        if (!segment_read(dir, number, offset, bytes, &f, &body, &why, err) ||
            (why == NULL && !see(&f, offset, bytes->size, context, err)))
            return false;
        offset += why == NULL ? bytes->size : 1;
    }
    return false;
}

bool segment_scan(int dir, uint32_t number, segment_seer *see, void *context, struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    struct buffer bytes;
    int fd;
    segment_name(number, name);
    if (!file_open(&fd, dir, name, false, err))
        return false;
    buffer_init(&bytes, FRAME_MAX_BYTES);
    bool ok = fd < 0 || scan(fd, name, dir, number, &bytes, see, context, err);
    buffer_free(&bytes);
    file_close(&fd);
    return ok;
}
