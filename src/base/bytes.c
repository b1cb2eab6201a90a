/* bytes.c: see bytes.h. */
#include "base/bytes.h"

static void put_integer(struct buffer *b, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    buffer_append(b, bytes, size);
}

void put_u16(struct buffer *b, uint16_t value)
{
    put_integer(b, value, 2);
}

void put_u32(struct buffer *b, uint32_t value)
{
    put_integer(b, value, 4);
}

void put_u64(struct buffer *b, uint64_t value)
{
    put_integer(b, value, 8);
}

void put_slice(struct buffer *b, struct slice s)
{
    put_u32(b, (uint32_t)s.size);
    buffer_append(b, s.data, s.size);
}

struct reader reader_over(struct slice bytes)
{
    return (struct reader){(const unsigned char *)bytes.data, bytes.size, false};
}

static uint64_t get_integer(struct reader *r, size_t size)
{
    struct slice bytes = get_bytes(r, size);
    uint64_t value = 0;
    for (size_t i = bytes.size; i > 0; i--)
        value = value << 8 | (unsigned char)bytes.data[i - 1];
    return value;
}

uint16_t get_u16(struct reader *r)
{
    return (uint16_t)get_integer(r, 2);
}

uint32_t get_u32(struct reader *r)
{
    return (uint32_t)get_integer(r, 4);
}

uint64_t get_u64(struct reader *r)
{
    return get_integer(r, 8);
}

struct slice get_bytes(struct reader *r, size_t size)
{
    if (r->has_failed || size > r->left) {
        r->has_failed = true;
        return (struct slice){NULL, 0};
    }
    struct slice bytes = {(const char *)r->next, size};
    r->next += size;
    r->left -= size;
    return bytes;
}

struct slice get_slice(struct reader *r)
{
    return get_bytes(r, get_u32(r));
}

void store_u32(char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char)(value >> (8 * i));
}

void store_u64_big_endian(unsigned char out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(value >> (56 - 8 * i));
}

uint64_t load_u64_big_endian(const unsigned char in[8])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

void store_hexadecimal(char *out, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] / 16];
        *out++ = digits[bytes[i] % 16];
    }
    *out = '\0';
}
