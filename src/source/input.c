/* input.c: see input.h. */
#include "source/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/stop.h"

enum { CHUNK_BYTES = 256 << 10 };

struct input {
    const char *name; // for messages; borrowed
    int fd;
    bool is_file;
    struct stat stat;
    off_t start; // where the file's first byte stands; standard input may have been read before

    enum unpack_kind kind;
    struct unpack *unpack; // NULL: plain
    char *packed_bytes;    // CHUNK_BYTES, when packed
    struct slice packed;   // of these, not yet unpacked
    bool may_hold;         // it filled all its room, and may give more without new bytes
    uint64_t taken;        // bytes of the file that were read
    bool is_at_end;        // of the file

    struct buffer bytes; // plain ones: lines read, then those to come
    size_t at;           // where the next line begins in them
    size_t searched;     // up to where no newline was found
    uint64_t place;      // of the first of these bytes
    uint64_t lines;      // read since its start
};

/* --- reading --- */

static bool cannot_read(const struct input *in, struct error *err)
{
    return error_set_errno(err, ERROR_DISK, "%s can't be read", in->name);
}

/* Can the next read give something at once? A file always can. *IS_READY false: not for IDLE_MS. */
static bool wait_for_bytes(const struct input *in, int idle_ms, bool *is_ready, struct error *err)
{
    struct pollfd fds[] = {{.fd = in->fd, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
    *is_ready = true;
    if (stop_is_requested())
        return error_set(err, ERROR_STOPPED, "asked to stop");
    if (in->is_file)
        return true;
    int count;
    do {
        count = poll(fds, 2, idle_ms);
    } while (count < 0 && errno == EINTR && !stop_is_requested());
    if (count < 0 && errno != EINTR)
        return cannot_read(in, err);
    *is_ready = count > 0 && fds[0].revents != 0;
    return !stop_is_requested() || error_set(err, ERROR_STOPPED, "asked to stop");
}

static bool read_bytes(struct input *in, char *out, size_t size, size_t *got, struct error *err)
{
    ssize_t n;
    do {
        n = read(in->fd, out, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return cannot_read(in, err);
    *got = (size_t)n;
    in->taken += (uint64_t)n;
    in->is_at_end = n == 0;
    return true;
}

static bool wants_bytes(const struct input *in)
{
    return in->packed.size == 0 && !in->may_hold;
}

/* Bytes that are packed no more are given up before new ones are read. */
static bool unpack_bytes(struct input *in, char *out, size_t size, size_t *got, struct error *err)
{
    size_t n = 0;
    if (wants_bytes(in)) {
        if (!read_bytes(in, in->packed_bytes, CHUNK_BYTES, &n, err))
            return false;
        in->packed = (struct slice){in->packed_bytes, n};
    }
    if (!unpack_some(in->unpack, &in->packed, out, size, got, err))
        return error_wrap(err, "%s, after %llu bytes of it", in->name,
                          (unsigned long long)(in->taken - in->packed.size));
    in->may_hold = *got == size;
    return !in->is_at_end || unpack_is_between(in->unpack) ||
           error_set(err, ERROR_INPUT, "%s ends within its %s: it was cut", in->name,
                     unpack_kind_name(in->kind));
}

/* Make room behind the bytes that are still needed. */
static bool make_room(struct input *in, struct error *err)
{
    struct buffer *b = &in->bytes;
    if (in->at > 0) {
        memmove(b->data, b->data + in->at, b->size - in->at);
        b->size -= in->at;
        in->searched -= in->at;
        in->place += in->at;
        in->at = 0;
    }
    if (b->size > INPUT_LINE_MAX_BYTES)
        return error_set(err, ERROR_INPUT, "%s: the line at byte %llu is longer than %d MiB",
                         in->name, (unsigned long long)in->place, INPUT_LINE_MAX_BYTES / 1048576);
    return buffer_reserve(b, CHUNK_BYTES) || error_set_memory(err);
}

static bool read_more(struct input *in, int idle_ms, bool *is_ready, struct error *err)
{
    struct buffer *b = &in->bytes;
    size_t got = 0;
    *is_ready = true;
    if (wants_bytes(in) && !wait_for_bytes(in, idle_ms, is_ready, err))
        return false;
    if (!*is_ready)
        return true;
    if (!make_room(in, err))
        return false;
    char *out = b->data + b->size;
    bool ok = in->kind != UNPACK_PLAIN ? unpack_bytes(in, out, CHUNK_BYTES, &got, err)
                                       : read_bytes(in, out, CHUNK_BYTES, &got, err);
    b->size += got;
    return ok;
}

/* --- opening --- */

static bool is_known(const struct input *in)
{
    return in->is_at_end || in->bytes.size >= UNPACK_MAGIC_BYTES;
}

/* The bytes that were read to find out what they are, are packed ones. */
static bool begin_to_unpack(struct input *in, struct error *err)
{
    in->packed_bytes = malloc(CHUNK_BYTES);
    if (in->packed_bytes == NULL)
        return error_set_memory(err);
    memcpy(in->packed_bytes, in->bytes.data, in->bytes.size);
    in->packed = (struct slice){in->packed_bytes, in->bytes.size};
    buffer_clear(&in->bytes);
    in->is_at_end = false;
    return unpack_new(&in->unpack, in->kind, err);
}

static bool find_kind(struct input *in, struct error *err)
{
    bool is_ready;
    while (!is_known(in)) {
        if (!wait_for_bytes(in, -1, &is_ready, err))
            return false;
        size_t got;
        if (!buffer_reserve(&in->bytes, CHUNK_BYTES))
            return error_set_memory(err);
        if (!read_bytes(in, in->bytes.data + in->bytes.size, CHUNK_BYTES - in->bytes.size, &got,
                        err))
            return false;
        in->bytes.size += got;
    }
    in->kind = unpack_kind_of(buffer_slice(&in->bytes));
    return in->kind == UNPACK_PLAIN || begin_to_unpack(in, err);
}

static bool open_file(struct input *in, const char *path, struct error *err)
{
    if (strcmp(path, "-") == 0) {
        in->name = "standard input";
        in->fd = STDIN_FILENO;
    } else if (!file_open_path(&in->fd, path, err)) {
        return false;
    }
    if (fstat(in->fd, &in->stat) != 0)
        return cannot_read(in, err);
    if (S_ISDIR(in->stat.st_mode))
        return error_set(err, ERROR_CONFIG, "%s is a directory", in->name);
    in->is_file = S_ISREG(in->stat.st_mode);
    in->start = in->is_file ? lseek(in->fd, 0, SEEK_CUR) : 0;
    return in->start >= 0 || cannot_read(in, err);
}

bool input_open(struct input **out, const char *path, struct error *err)
{
    struct input *in = calloc(1, sizeof *in);
    if (in == NULL)
        return error_set_memory(err);
    in->name = path;
    in->fd = -1;
    buffer_init(&in->bytes, INPUT_LINE_MAX_BYTES + 2 * CHUNK_BYTES);
    if (!open_file(in, path, err) || !find_kind(in, err)) {
        input_close(in);
        return false;
    }
    *out = in;
    return true;
}

void input_close(struct input *in)
{
    if (in == NULL)
        return;
    if (in->fd != STDIN_FILENO)
        file_close(&in->fd);
    unpack_free(in->unpack);
    free(in->packed_bytes);
    buffer_free(&in->bytes);
    free(in);
}

/* --- places --- */

const char *input_name(const struct input *in)
{
    return in->name;
}

bool input_is_file(const struct input *in)
{
    return in->is_file;
}

enum unpack_kind input_kind(const struct input *in)
{
    return in->kind;
}

void input_put_state(const struct input *in, struct buffer *out)
{
    buffer_append_format(out, "%lld bytes, changed at %lld.%09ld", (long long)in->stat.st_size,
                         (long long)in->stat.st_mtim.tv_sec, in->stat.st_mtim.tv_nsec);
}

static bool is_held(const struct input *in, uint64_t place)
{
    return place >= in->place && place - in->place <= in->bytes.size;
}

/* Read on at byte OFFSET of the file, which is the plain byte OFFSET, or 0. */
static bool read_from(struct input *in, uint64_t offset, struct error *err)
{
    if (lseek(in->fd, in->start + (off_t)offset, SEEK_SET) < 0)
        return cannot_read(in, err);
    buffer_clear(&in->bytes);
    in->at = in->searched = 0;
    in->place = offset;
    in->is_at_end = false;
    in->packed = (struct slice){NULL, 0};
    in->may_hold = false;
    in->taken = offset;
    if (in->kind == UNPACK_PLAIN)
        return true;
    unpack_free(in->unpack);
    in->unpack = NULL;
    return unpack_new(&in->unpack, in->kind, err);
}

static bool ends_before(const struct input *in, uint64_t place, struct error *err)
{
    return error_set(err, ERROR_INPUT,
                     "%s ends before byte %llu, which was there when the job began", in->name,
                     (unsigned long long)place);
}

static bool skip_to(struct input *in, uint64_t place, struct error *err)
{
    bool is_ready;
    while (!is_held(in, place)) {
        if (in->is_at_end)
            return ends_before(in, place, err);
        in->at = in->searched = in->bytes.size;
        if (!read_more(in, -1, &is_ready, err))
            return false;
    }
    in->at = in->searched = (size_t)(place - in->place);
    return true;
}

bool input_seek(struct input *in, uint64_t place, struct error *err)
{
    if (place == 0)
        in->lines = 0;
    bool is_behind = place < in->place;
    if (is_behind && !in->is_file)
        return error_set(err, ERROR_BUG, "%s can't be read again", in->name);
    if (in->is_file && in->kind == UNPACK_PLAIN && !is_held(in, place)) {
        if (place > (uint64_t)(in->stat.st_size - in->start))
            return ends_before(in, place, err);
        return read_from(in, place, err);
    }
    return (!is_behind || read_from(in, 0, err)) && skip_to(in, place, err);
}

/* --- lines --- */

/* The mark with which some programs begin a file (RFC 8259, section 8.1) is no part of its first line. */
static struct slice without_mark(struct slice line)
{
    static const char mark[] = "\xef\xbb\xbf";
    bool has = line.size >= 3 && memcmp(line.data, mark, 3) == 0;
    return has ? (struct slice){line.data + 3, line.size - 3} : line;
}

/* A line that ends in the bytes that are there, or the last one. */
static bool find_line(struct input *in, struct slice *line, uint64_t *place)
{
    const struct buffer *b = &in->bytes;
    const char *newline = b->size > in->searched
                              ? memchr(b->data + in->searched, '\n', b->size - in->searched)
                              : NULL;
    in->searched = b->size;
    if (newline == NULL && !(in->is_at_end && b->size > in->at))
        return false;
    size_t end = newline != NULL ? (size_t)(newline - b->data) + 1 : b->size;
    *line = (struct slice){b->data + in->at, end - in->at};
    *place = in->place + in->at;
    if (*place == 0)
        *line = without_mark(*line);
    in->at = in->searched = end;
    in->lines++;
    return true;
}

bool input_read_line(struct input *in, int idle_ms, enum input_read *what, struct slice *line,
                     uint64_t *place, struct error *err)
{
    bool is_ready = true;
    while (!find_line(in, line, place)) {
        if (in->is_at_end) {
            *what = INPUT_END;
            return true;
        }
        if (!read_more(in, idle_ms, &is_ready, err))
            return false;
        if (!is_ready) {
            *what = INPUT_IDLE;
            return true;
        }
    }
    *what = INPUT_LINE;
    return true;
}

uint64_t input_estimate_lines(const struct input *in)
{
    uint64_t used = in->taken - in->packed.size;
    if (!in->is_file || used == 0)
        return 0;
    uint64_t lines = in->lines;
    for (size_t i = in->at; i < in->bytes.size; i++)
        lines += in->bytes.data[i] == '\n';
    return lines * (uint64_t)(in->stat.st_size - in->start) / used;
}
