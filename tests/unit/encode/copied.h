/* copied.h: for the tests of encode/: bytes as COPY TO would write them, and random text. */
#ifndef BOBBIN_TESTS_COPIED_H
#define BOBBIN_TESTS_COPIED_H

#include "base/buffer.h"
#include "unit.h"

/* Append BYTES escaped as the server does: PostgreSQL, src/backend/commands/copyto.c,
 * CopyAttributeOutText: letters for six control characters, the others raw, backslashes doubled. */
static inline void copied_append(struct buffer *out, struct slice bytes)
{
    static const char letters[256] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                      ['\t'] = 't', ['\v'] = 'v', ['\\'] = '\\'};
    for (size_t i = 0; i < bytes.size; i++) {
        char letter = letters[(unsigned char)bytes.data[i]];
        if (letter != '\0')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, letter != '\0' ? letter : bytes.data[i]);
    }
}

/* Append POINT, no surrogate, in UTF-8 (RFC 3629, section 3). */
static inline void copied_append_code_point(struct buffer *out, uint32_t point)
{
    if (point < 0x80) {
        buffer_append_byte(out, (char)point);
        return;
    }
    int tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    buffer_append_byte(out, (char)(leads[tails] | point >> (6 * tails)));
    for (int shift = 6 * (tails - 1); shift >= 0; shift -= 6)
        buffer_append_byte(out, (char)(0x80 | (point >> shift & 0x3f)));
}

/* Append up to MOST random characters: mostly letters, many that need care, U+0000 among them. */
static inline void copied_append_random_text(struct buffer *out, size_t most, uint64_t *random)
{
    static const char special[] = "\"\\\n\t\r\b\f\v/\x7f\x1f";
    size_t count = unit_random(random) % (most + 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t r = unit_random(random);
        uint32_t any = (uint32_t)(r >> 8) % 0x110000;
        uint32_t point = 'a' + (uint32_t)(r >> 8) % 26;
        if (r % 8 == 0)
            point = (unsigned char)special[(r >> 8) % sizeof special];
        else if (r % 8 == 1 && (any < 0xd800 || any > 0xdfff))
            point = any;
        copied_append_code_point(out, point);
    }
}

#endif
