/* null_rows.c: see null_rows.h. */
#include "null_rows.h"

#include <arpa/inet.h>
#include <string.h>

enum { POOL_BYTES = 32 << 20, WORDS = 4096, WORD_BYTES = 10 };

static char pool[POOL_BYTES]; // of words, from which each title is cut

static uint64_t draw(void)
{
    static uint64_t state = 88172645463325252u; // Marsaglia, "Xorshift RNGs", 2003
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Words, of which there are so many that they compress about as text does. */
void null_rows_begin(void)
{
    static char words[WORDS][WORD_BYTES + 1];
    for (size_t i = 0; i < WORDS; i++) {
        size_t size = 2 + draw() % (WORD_BYTES - 2);
        for (size_t k = 0; k < size; k++)
            words[i][k] = (char)('a' + draw() % 26);
        words[i][size] = ' ';
    }
    for (size_t i = 0; i < POOL_BYTES;) {
        const char *word = words[draw() % WORDS];
        for (size_t k = 0; word[k] != '\0' && i < POOL_BYTES; k++)
            pool[i++] = word[k];
    }
}

size_t null_rows_put(char *out, uint64_t id, size_t title_bytes)
{
    char digits[24];
    size_t at = sizeof digits;
    for (uint64_t left = id; left > 0; left /= 10)
        digits[--at] = (char)('0' + left % 10);
    size_t size = sizeof digits - at;
    memcpy(out + 5, digits + at, size);
    out[5 + size++] = '\t';
    memcpy(out + 5 + size, pool + id * 7919 * 13 % (POOL_BYTES - title_bytes), title_bytes);
    size += title_bytes;
    out[5 + size++] = '\n';
    uint32_t network = htonl((uint32_t)(4 + size));
    out[0] = 'd';
    memcpy(out + 1, &network, 4);
    return 5 + size;
}
