/* utf8.c: see utf8.h. */
#include "encode/utf8.h"

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static bool is_between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* How many bytes the character at S, not ASCII, takes; 0 when it is not well formed. */
static size_t character_size(const unsigned char *s, size_t left)
{
    if (is_between(s[0], 0xc2, 0xdf))
        return left >= 2 && is_between(s[1], 0x80, 0xbf) ? 2 : 0;
    if (is_between(s[0], 0xe0, 0xef)) {
        unsigned char low = s[0] == 0xe0 ? 0xa0 : 0x80;  // below: overlong
        unsigned char high = s[0] == 0xed ? 0x9f : 0xbf; // above: surrogates
        return left >= 3 && is_between(s[1], low, high) && is_between(s[2], 0x80, 0xbf) ? 3 : 0;
    }
    if (is_between(s[0], 0xf0, 0xf4)) {
        unsigned char low = s[0] == 0xf0 ? 0x90 : 0x80;  // below: overlong
        unsigned char high = s[0] == 0xf4 ? 0x8f : 0xbf; // above: past U+10FFFF
        return left >= 4 && is_between(s[1], low, high) && is_between(s[2], 0x80, 0xbf) &&
                       is_between(s[3], 0x80, 0xbf)
                   ? 4
                   : 0;
    }
    return 0;
}

/* How many of the bytes are ASCII before the first that is not. */
static size_t ascii_size(const unsigned char *s, size_t size)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; size - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        unsigned high = (unsigned)_mm_movemask_epi8(block);
        if (high != 0)
            return i + (unsigned)__builtin_ctz(high);
    }
#endif
    for (; size - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, s + i, sizeof word);
        if ((word & 0x8080808080808080u) != 0)
            break;
    }
    while (i < size && s[i] < 0x80)
        i++;
    return i;
}

size_t utf8_valid_size(struct slice bytes)
{
    const unsigned char *s = (const unsigned char *)bytes.data;
    size_t done = 0;
    while (done < bytes.size) {
        size_t left = bytes.size - done;
        size_t size = s[done] < 0x80 ? ascii_size(s + done, left) : character_size(s + done, left);
        if (size == 0)
            break;
        done += size;
    }
    return done;
}

bool utf8_is_valid(struct slice bytes)
{
    return utf8_valid_size(bytes) == bytes.size;
}
