/* base64.c: see base64.h. */
#include "encode/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Three bytes, as a number, to four letters. */
static inline char *put_group(char *at, uint32_t group)
{
    at[0] = alphabet[group >> 18 & 63];
    at[1] = alphabet[group >> 12 & 63];
    at[2] = alphabet[group >> 6 & 63];
    at[3] = alphabet[group & 63];
    return at + 4;
}

/* The last one or two bytes. */
static char *put_rest(char *at, const unsigned char *rest, size_t size)
{
    if (size == 0)
        return at;
    uint32_t group = (uint32_t)rest[0] << 16 | (size > 1 ? (uint32_t)rest[1] << 8 : 0);
    put_group(at, group);
    at[3] = '=';
    if (size == 1)
        at[2] = '=';
    return at + 4;
}

/* Without buffer.size * 4, which could overflow. */
static size_t encoded_size(size_t size)
{
    return size / 3 * 4 + (size % 3 != 0 ? 4 : 0);
}

void base64_append(struct buffer *out, struct slice bytes)
{
    if (bytes.size == 0 || !buffer_reserve(out, encoded_size(bytes.size)))
        return;
    const unsigned char *in = (const unsigned char *)bytes.data;
    char *at = out->data + out->size;
    size_t left = bytes.size;
    for (; left >= 3; left -= 3, in += 3)
        at = put_group(at, (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2]);
    at = put_rest(at, in, left);
    out->size = (size_t)(at - out->data);
}

/* The value of each hex digit plus one, so that the table's zeros mark all other characters. */
static inline unsigned hex_digit(char c)
{
    static const unsigned char plus_one[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};
    return (unsigned)plus_one[(unsigned char)c] - 1;
}

bool base64_append_hex(struct buffer *out, struct slice hex)
{
    if (hex.size % 2 != 0)
        return false;
    if (hex.size == 0 || !buffer_reserve(out, encoded_size(hex.size / 2)))
        return true;
    const char *in = hex.data;
    char *at = out->data + out->size;
    size_t left = hex.size;
    unsigned bad = 0; // a character that is no digit sets the high bits
    for (; left >= 6; left -= 6, in += 6) {
        uint32_t group = 0;
        for (int i = 0; i < 6; i++) {
            unsigned digit = hex_digit(in[i]);
            bad |= digit;
            group = group << 4 | (digit & 15);
        }
        at = put_group(at, group);
    }
    unsigned char rest[2];
    for (size_t i = 0; i < left / 2; i++) {
        unsigned high = hex_digit(in[2 * i]), low = hex_digit(in[2 * i + 1]);
        bad |= high | low;
        rest[i] = (unsigned char)((high << 4 | (low & 15)) & 0xff);
    }
    if (bad > 15)
        return false;
    at = put_rest(at, rest, left / 2);
    out->size = (size_t)(at - out->data);
    return true;
}
