/* bytes.h: little-endian integers in byte strings, the only place that shifts; bytes as digits.
 *
 * `struct reader` walks over bytes that may be damaged: reading past the end yields zeros and marks
 * it `has_failed`, so that a record is read field by field and checked once. */
#ifndef BOBBIN_BASE_BYTES_H
#define BOBBIN_BASE_BYTES_H

#include <stdint.h>

#include "base/buffer.h"

/* Append VALUE in 2, 4 or 8 bytes, little-endian. */
void put_u16(struct buffer *b, uint16_t value);
void put_u32(struct buffer *b, uint32_t value);
void put_u64(struct buffer *b, uint64_t value);

/* Append a slice with its length (u32) in front. */
void put_slice(struct buffer *b, struct slice s);

struct reader {
    const unsigned char *next;
    size_t left;
    bool has_failed;
};

struct reader reader_over(struct slice bytes);

/* The next integer; 0 when the bytes end before it. */
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);

/* The next SIZE bytes, borrowed; empty when the bytes end before them. */
struct slice get_bytes(struct reader *r, size_t size);

/* What put_slice wrote, borrowed. */
struct slice get_slice(struct reader *r);

/* VALUE in 4 bytes at OUT, little-endian. */
void store_u32(char *out, uint32_t value);

/* A 64-bit integer in 8 bytes, big-endian, which sorts as the number does (LMDB keys). */
void store_u64_big_endian(unsigned char out[8], uint64_t value);
uint64_t load_u64_big_endian(const unsigned char in[8]);

/* SIZE bytes as twice as many hexadecimal digits in lower case at OUT, and a zero byte. */
void store_hexadecimal(char *out, const unsigned char *bytes, size_t size);

#endif
