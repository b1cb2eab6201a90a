/* buffer.h: growable bytes with a mandatory maximum, and borrowed bytes (slice).
 *
 * A buffer that would pass its maximum, or for which there is no memory, becomes `has_failed`:
 * later appends do nothing, so that a row of appends is checked once, with buffer_check. */
#ifndef BOBBIN_BASE_BUFFER_H
#define BOBBIN_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

struct slice {
    const char *data; // borrowed, not ended by a zero byte
    size_t size;
};

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    size_t maximum;
    bool has_failed;
};

/* Make an empty buffer of at most MAXIMUM bytes. Allocates nothing yet. */
void buffer_init(struct buffer *b, size_t maximum);

/* Free the bytes; B is empty and usable again. */
void buffer_free(struct buffer *b);

/* Forget the content and a failure, keep the memory. */
void buffer_clear(struct buffer *b);

/* Make room for MORE bytes behind the content. False when the buffer has failed. */
bool buffer_reserve(struct buffer *b, size_t more);

/* Append SIZE bytes, one byte, a string, or formatted text. */
void buffer_append(struct buffer *b, const void *data, size_t size);
void buffer_append_byte(struct buffer *b, char byte);
void buffer_append_string(struct buffer *b, const char *text);
void buffer_append_format(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* False, with ERROR_MEMORY that names WHAT and the maximum, when an append has failed. */
MUST_CHECK bool buffer_check(const struct buffer *b, const char *what, struct error *err);

/* The content as a borrowed slice, good until the next append. */
struct slice buffer_slice(const struct buffer *b);

/* The content as a string: a zero byte is put behind it. "" when the buffer has failed. */
const char *buffer_string(struct buffer *b);

struct slice slice_of(const char *string);
bool slice_equal(struct slice a, struct slice b);

#endif
