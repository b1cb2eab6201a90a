/* scan.h: copy a run of bytes and stop at the first that needs care. The inner loop of the encoder,
 * inline on purpose; it knows neither COPY text nor JSON beyond which bytes both treat specially.
 *
 * Two ways give the same answer: SSE2, 16 bytes at a time, and plain C, 8 at a time. */
#ifndef BOBBIN_ENCODE_SCAN_H
#define BOBBIN_ENCODE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Every function here: copy from IN to OUT (which has room for SIZE bytes and lies elsewhere) up to
 * the first byte below 0x20, backslash or, with STOPS_AT_QUOTE, double quote. Returns how many
 * bytes were copied; those of OUT behind them, up to SIZE, are undefined. *HAS_HIGH becomes true,
 * never false, when a copied byte is 0x80 or above; it may become true for one just behind the run.
 */

static inline bool scan_is_special(unsigned char byte, bool stops_at_quote)
{
    return byte < 0x20 || byte == '\\' || (stops_at_quote && byte == '"');
}

static inline size_t scan_copy_bytes(char *out, const char *in, size_t size, bool stops_at_quote,
                                     bool *has_high)
{
    size_t i = 0;
    for (; i < size && !scan_is_special((unsigned char)in[i], stops_at_quote); i++) {
        out[i] = in[i];
        *has_high |= (unsigned char)in[i] >= 0x80;
    }
    return i;
}

/* Is one of the eight bytes special? Bit tricks on all at once: "Bit Twiddling Hacks" (Anderson),
 * "Determine if a word has a byte less than n" and "has a zero byte". */
static inline bool scan_word_has_special(uint64_t word, bool stops_at_quote)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t backslash = word ^ ones * '\\';
    uint64_t quote = word ^ ones * '"';
    uint64_t found = (word - ones * 0x20) & ~word;
    found |= (backslash - ones) & ~backslash;
    if (stops_at_quote)
        found |= (quote - ones) & ~quote;
    return (found & highs) != 0;
}

static inline size_t scan_copy_words(char *out, const char *in, size_t size, bool stops_at_quote,
                                     bool *has_high)
{
    size_t i = 0;
    uint64_t seen = 0;
    for (; size - i >= sizeof seen; i += sizeof seen) {
        uint64_t word;
        memcpy(&word, in + i, sizeof word);
        if (scan_word_has_special(word, stops_at_quote))
            break;
        memcpy(out + i, &word, sizeof word);
        seen |= word;
    }
    *has_high |= (seen & 0x8080808080808080u) != 0;
    return i + scan_copy_bytes(out + i, in + i, size - i, stops_at_quote, has_high);
}

#ifdef __SSE2__
/* One bit for each special byte of BLOCK. */
static inline unsigned scan_block_specials(__m128i block, bool stops_at_quote)
{
    __m128i found = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    if (stops_at_quote)
        found = _mm_or_si128(found, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
    return (unsigned)_mm_movemask_epi8(found);
}

/* 8 to 15 bytes: their first and their last eight, which overlap, as one block. */
static inline size_t scan_copy_tail(char *out, const char *in, size_t size, bool stops_at_quote,
                                    bool *has_high)
{
    uint64_t first, last;
    memcpy(&first, in, sizeof first);
    memcpy(&last, in + size - sizeof last, sizeof last);
    memcpy(out, &first, sizeof first);
    memcpy(out + size - sizeof last, &last, sizeof last);
    __m128i block = _mm_set_epi64x((long long)last, (long long)first);
    *has_high |= _mm_movemask_epi8(block) != 0;
    unsigned specials = scan_block_specials(block, stops_at_quote);
    if (specials == 0)
        return size;
    unsigned position = (unsigned)__builtin_ctz(specials);
    return position < 8 ? position : size - 16 + position;
}

static inline size_t scan_copy_blocks(char *out, const char *in, size_t size, bool stops_at_quote,
                                      bool *has_high)
{
    size_t i = 0;
    __m128i seen = _mm_setzero_si128();
    for (; size - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(in + i));
        _mm_storeu_si128((__m128i *)(void *)(out + i), block);
        seen = _mm_or_si128(seen, block);
        unsigned specials = scan_block_specials(block, stops_at_quote);
        if (specials != 0) {
            *has_high |= _mm_movemask_epi8(seen) != 0;
            return i + (unsigned)__builtin_ctz(specials);
        }
    }
    *has_high |= _mm_movemask_epi8(seen) != 0;
    if (size - i >= 8)
        return i + scan_copy_tail(out + i, in + i, size - i, stops_at_quote, has_high);
    return i + scan_copy_bytes(out + i, in + i, size - i, stops_at_quote, has_high);
}
#endif

static inline size_t scan_copy(char *out, const char *in, size_t size, bool stops_at_quote,
                               bool *has_high)
{
#ifdef __SSE2__
    return scan_copy_blocks(out, in, size, stops_at_quote, has_high);
#else
    return scan_copy_words(out, in, size, stops_at_quote, has_high);
#endif
}

#endif
