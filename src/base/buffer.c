/* buffer.c: see buffer.h. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void buffer_init(struct buffer *b, size_t maximum)
{
    *b = (struct buffer){.maximum = maximum};
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    buffer_init(b, b->maximum);
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    b->has_failed = false;
}

static size_t grown_capacity(const struct buffer *b, size_t needed)
{
    size_t capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : b->capacity;
    while (capacity < needed)
        capacity += capacity / 2;
    return capacity > b->maximum ? b->maximum : capacity;
}

static bool buffer_grow(struct buffer *b, size_t more)
{
    if (b->has_failed || more > b->maximum - b->size) {
        b->has_failed = true;
        return false;
    }
    size_t capacity = grown_capacity(b, b->size + more);
    char *data = realloc(b->data, capacity);
    if (data == NULL) {
        b->has_failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

bool buffer_reserve(struct buffer *b, size_t more)
{
    if (!b->has_failed && more <= b->capacity - b->size)
        return true;
    return buffer_grow(b, more);
}

void buffer_append(struct buffer *b, const void *data, size_t size)
{
    if (size == 0 || !buffer_reserve(b, size))
        return;
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

void buffer_append_byte(struct buffer *b, char byte)
{
    if (buffer_reserve(b, 1))
        b->data[b->size++] = byte;
}

void buffer_append_string(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_append_format(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !buffer_reserve(b, (size_t)length + 1)) {
        b->has_failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(b->data + b->size, (size_t)length + 1, format, args);
    va_end(args);
    b->size += (size_t)length;
}

bool buffer_check(const struct buffer *b, const char *what, struct error *err)
{
    if (!b->has_failed)
        return true;
    return error_set(err, ERROR_MEMORY, "no memory for %s (at most %zu bytes)", what, b->maximum);
}

struct slice buffer_slice(const struct buffer *b)
{
    return (struct slice){b->data, b->size};
}

const char *buffer_string(struct buffer *b)
{
    buffer_append_byte(b, '\0');
    if (b->has_failed)
        return "";
    b->size--;
    return b->data;
}

struct slice slice_of(const char *string)
{
    return (struct slice){string, strlen(string)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
