/* segment.c: see segment.h. */
#include "spool/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/file.h"

struct segment {
    int dir; // borrowed
    int fd;
    char name[SEGMENT_NAME_BYTES];
    uint64_t end;
    bool is_entry_durable;
    struct error failure; // kind ERROR_NONE: none yet
    struct buffer header;
};

void segment_name(uint32_t number, char out[SEGMENT_NAME_BYTES])
{
    snprintf(out, SEGMENT_NAME_BYTES, "%08" PRIu32 ".seg.zst", number);
}

bool segment_number(const char *name, uint32_t *number)
{
    char again[SEGMENT_NAME_BYTES];
    unsigned long value = strtoul(name, NULL, 10);
    if (value == 0 || value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    segment_name(*number, again);
    return strcmp(name, again) == 0;
}

bool segment_create(struct segment **out, int dir, uint32_t number, struct error *err)
{
    struct segment *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    s->dir = dir;
    segment_name(number, s->name);
    buffer_init(&s->header, FRAME_HEADER_MAX_BYTES);
    if (!file_create(&s->fd, dir, s->name, err)) {
        free(s);
        return false;
    }
    *out = s;
    return true;
}

uint64_t segment_end(const struct segment *s)
{
    return s->end;
}

/* The skippable frame that hides a body which is no bulk body from zstdcat. */
static bool put_wrapper(struct buffer *out, struct slice body, struct error *err)
{
    if (body.size > UINT32_MAX)
        return error_set(err, ERROR_BUG, "dead rows of %zu bytes in a frame", body.size);
    put_u32(out, FRAME_DEAD_MAGIC);
    put_u32(out, (uint32_t)body.size);
    return buffer_check(out, "a frame header", err);
}

static bool write_frame(struct segment *s, struct slice body, struct error *err)
{
    uint64_t body_at = s->end + s->header.size;
    if (!file_write_at(s->fd, s->name, s->end, buffer_slice(&s->header), err) ||
        !file_write_at(s->fd, s->name, body_at, body, err))
        return false;
    file_start_writing(s->fd, s->end, s->header.size + body.size);
    s->end = body_at + body.size;
    return true;
}

static bool fail_again(const struct segment *s, struct error *err)
{
    *err = s->failure;
    return false;
}

bool segment_append(struct segment *s, struct frame *f, struct slice body, struct error *err)
{
    if (s->failure.kind != ERROR_NONE)
        return fail_again(s, err);
    f->compressed_size = body.size;
    f->checksum = frame_checksum(body);
    buffer_clear(&s->header);
    bool ok = frame_put_header(f, &s->header, &s->failure);
    if (ok && f->kind == FRAME_DEAD_ROWS)
        ok = put_wrapper(&s->header, body, &s->failure);
    if (!ok || !write_frame(s, body, &s->failure))
        return fail_again(s, err);
    fault_point("frame-written");
    return true;
}

bool segment_sync(struct segment *s, struct error *err)
{
    if (s->failure.kind != ERROR_NONE || !file_sync(s->fd, s->name, &s->failure))
        return fail_again(s, err);
    fault_point("segment-synced");
    if (s->is_entry_durable)
        return true;
    if (!file_sync_directory(s->dir, &s->failure))
        return fail_again(s, err);
    fault_point("directory-synced");
    s->is_entry_durable = true;
    return true;
}

void segment_close(struct segment *s)
{
    if (s == NULL)
        return;
    file_close(&s->fd);
    buffer_free(&s->header);
    free(s);
}

bool segment_cut(int dir, uint32_t number, uint64_t size, uint64_t *actual, struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    int fd;
    *actual = 0;
    if (!file_open(&fd, dir, name, false, err))
        return false;
    if (fd < 0)
        return true;
    bool ok = file_size(fd, name, actual, err);
    file_close(&fd);
    if (!ok || *actual <= size)
        return ok;
    if (!file_open(&fd, dir, name, true, err))
        return false;
    ok = file_cut(fd, name, size, err);
    file_close(&fd);
    *actual = size;
    return ok;
}

/* Append SIZE bytes at OFFSET to BYTES; *IS_WHOLE false when the file ends before. */
static bool read_more(int fd, const char *name, uint64_t offset, size_t size, struct buffer *bytes,
                      bool *is_whole, struct error *err)
{
    size_t got;
    if (!buffer_reserve(bytes, size))
        return buffer_check(bytes, "a frame", err);
    if (!file_read_at(fd, name, offset, bytes->data + bytes->size, size, &got, err))
        return false;
    bytes->size += got;
    *is_whole = got == size;
    return true;
}

static const char *describe_header(enum frame_read result)
{
    switch (result) {
    case FRAME_READ:
        return NULL;
    case FRAME_TRUNCATED:
        return "the file ends within a frame header";
    case FRAME_NEWER:
        return "the frame has another version's format";
    case FRAME_DAMAGED:
        break;
    }
    return "the frame header is damaged";
}

static bool read_header(int fd, const char *name, uint64_t offset, struct buffer *bytes,
                        struct frame *f, const char **why, struct error *err)
{
    bool is_whole = false;
    size_t used;
    *why = "the file ends within a frame header";
    if (!read_more(fd, name, offset, FRAME_PREFIX_BYTES, bytes, &is_whole, err))
        return false;
    if (!is_whole)
        return true;
    size_t size = frame_header_size(bytes->data);
    if (size == 0) {
        *why = "there is no frame header";
        return true;
    }
    if (!read_more(fd, name, offset + bytes->size, size - bytes->size, bytes, &is_whole, err))
        return false;
    *why = describe_header(frame_get_header(buffer_slice(bytes), f, &used));
    return true;
}

static bool is_wrapper(const char *bytes, uint64_t body_size)
{
    struct reader r = reader_over((struct slice){bytes, FRAME_PREFIX_BYTES});
    return get_u32(&r) == FRAME_DEAD_MAGIC && get_u32(&r) == body_size;
}

static bool read_body(int fd, const char *name, uint64_t offset, struct buffer *bytes,
                      struct frame *f, struct slice *body, const char **why, struct error *err)
{
    bool is_whole = false;
    size_t wrapper = f->kind == FRAME_DEAD_ROWS ? FRAME_PREFIX_BYTES : 0;
    size_t header = bytes->size;
    if (f->compressed_size > bytes->maximum - header - wrapper) {
        *why = "the frame is larger than any that bobbin writes";
        return true;
    }
    if (!read_more(fd, name, offset + header, wrapper + (size_t)f->compressed_size, bytes,
                   &is_whole, err))
        return false;
    size_t used;
    if (frame_get_header(buffer_slice(bytes), f, &used) != FRAME_READ)
        return error_set(err, ERROR_BUG, "file %s: a frame header changed in memory", name);
    *body = (struct slice){bytes->data + header + wrapper, (size_t)f->compressed_size};
    if (!is_whole)
        *why = "the file ends within a frame";
    else if (wrapper > 0 && !is_wrapper(bytes->data + header, f->compressed_size))
        *why = "the header in front of dead rows is damaged";
    else if (frame_checksum(*body) != f->checksum)
        *why = "the frame's checksum is wrong";
    return true;
}

/* Open the file NAME, and read the header at OFFSET into BYTES (cleared first). *FD is the caller's to close when all is
 * well; *WHY is NULL when the body may be read. */
static bool open_at_frame(int *fd, int dir, const char *name, uint64_t offset, struct buffer *bytes,
                          struct frame *f, const char **why, struct error *err)
{
    buffer_clear(bytes);
    if (!file_open(fd, dir, name, false, err))
        return false;
    *why = "the file is absent";
    if (*fd < 0 || read_header(*fd, name, offset, bytes, f, why, err))
        return true;
    file_close(fd);
    return false;
}

bool segment_read(int dir, uint32_t number, uint64_t offset, struct buffer *bytes, struct frame *f,
                  struct slice *body, const char **why, struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    int fd;
    segment_name(number, name);
    if (!open_at_frame(&fd, dir, name, offset, bytes, f, why, err))
        return false;
    bool ok = *why != NULL || read_body(fd, name, offset, bytes, f, body, why, err);
    file_close(&fd);
    return ok;
}

static bool check_body(int fd, int dir, const char *name, uint64_t offset, const struct frame *f,
                       struct pieces *p, const char **why, struct error *err)
{
    uint64_t checksum;
    bool is_whole;
    if (!pieces_check(p, dir, name, fd, offset, f->compressed_size, &checksum, &is_whole, err))
        return false;
    if (!is_whole)
        *why = "the file ends within a frame";
    else if (checksum != f->checksum)
        *why = "the frame's checksum is wrong";
    return true;
}

bool segment_check(int dir, uint32_t number, uint64_t offset, struct buffer *header,
                   struct frame *f, struct pieces *p, const char **why, struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    int fd;
    segment_name(number, name);
    if (!open_at_frame(&fd, dir, name, offset, header, f, why, err))
        return false;
    if (*why == NULL && f->compressed_size > header->maximum - header->size)
        *why = "the frame is larger than any that bobbin writes";
    bool ok = *why != NULL || check_body(fd, dir, name, offset + header->size, f, p, why, err);
    file_close(&fd);
    return ok;
}

bool segment_remove(int dir, uint32_t number, struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    if (!file_remove(dir, name, err))
        return false;
    fault_point("segment-unlinked");
    if (!file_sync_directory(dir, err))
        return false;
    fault_point("directory-synced");
    return true;
}
