/* opened.h: an input under test in a directory of its own, and what must come of it. */
#ifndef BOBBIN_TESTS_OPENED_H
#define BOBBIN_TESTS_OPENED_H

#include <fcntl.h>
#include <sys/stat.h>

#include "packed.h"
#include "source/input.h"

enum { OPENED_CHUNK_BYTES = 256 << 10 }; // what input.c reads at once

static char *opened_directory, *opened_path; // the path is of no file yet
static struct input *opened;
static struct buffer opened_bytes; // of the file, packed
static struct slice opened_line;   // the last one
static uint64_t opened_place;
static enum input_read opened_what;
static struct error opened_err;

static inline void opened_begin(void)
{
    opened_directory = unit_make_directory();
    ck_assert_int_gt(asprintf(&opened_path, "%s/lines", opened_directory), 0);
    buffer_init(&opened_bytes, PACKED_MAX_BYTES);
    opened_what = INPUT_IDLE;
}

static inline void opened_close(void)
{
    input_close(opened);
    opened = NULL;
}

static inline void opened_end(void)
{
    opened_close();
    buffer_free(&opened_bytes);
    free(opened_path);
    unit_remove_directory(opened_directory);
}

/* Write the bytes to FD, which may be a pipe. */
static inline void opened_write(int fd)
{
    ck_assert_int_eq(write(fd, opened_bytes.data, opened_bytes.size), (ssize_t)opened_bytes.size);
}

/* Write the bytes to the file; HOW: O_TRUNC or O_APPEND. */
static inline void opened_write_file(int how)
{
    int fd = open(opened_path, O_WRONLY | O_CREAT | how, 0600);
    ck_assert_int_ge(fd, 0);
    opened_write(fd);
    close(fd);
}

/* Open PATH instead of what is open. */
static inline void opened_open(const char *path)
{
    opened_close();
    unit_assert_ok(input_open(&opened, path, &opened_err), opened_err);
}

static inline bool opened_read(int idle_ms)
{
    return input_read_line(opened, idle_ms, &opened_what, &opened_line, &opened_place, &opened_err);
}

static inline void opened_seek(uint64_t place)
{
    unit_assert_ok(input_seek(opened, place, &opened_err), opened_err);
}

static inline void opened_require(enum input_read what)
{
    unit_assert_ok(opened_read(0), opened_err);
    ck_assert_int_eq(opened_what, what);
}

static inline void opened_require_line(const char *text, uint64_t place)
{
    opened_require(INPUT_LINE);
    unit_assert_slice(opened_line, text);
    ck_assert_uint_eq(opened_place, place);
}

/* The lines of TEXT from AT on are what comes, up to MOST of them. Returns where the next begins. */
static size_t opened_require_lines(struct slice text, size_t at, size_t most)
{
    for (; at < text.size && most > 0; most--) {
        const char *newline = memchr(text.data + at, '\n', text.size - at);
        size_t size = newline ? (size_t)(newline - text.data) + 1 - at : text.size - at;
        opened_require(INPUT_LINE);
        ck_assert_uint_eq(opened_place, at);
        ck_assert(slice_equal(opened_line, (struct slice){text.data + at, size}));
        at += size;
    }
    return at;
}

#endif
