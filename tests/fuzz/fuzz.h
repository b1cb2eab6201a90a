/* fuzz.h: what the fuzz targets share. A target is one function of libFuzzer's name that takes any bytes
 * and must neither crash nor break a property (LLVM, "libFuzzer", Fuzz Target).
 *
 * ./configure --enable-fuzzing CC=clang links them with libFuzzer (script/fuzz runs them); any other
 * build links replay_corpus.c instead, and `make check` gives each the files of its corpus. */
#ifndef BOBBIN_TESTS_FUZZ_H
#define BOBBIN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold, in any build. */
#define fuzz_require(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* All bytes of an input. */
static inline struct slice fuzz_slice(const uint8_t *data, size_t size)
{
    return (struct slice){(const char *)data, size};
}

/* Take the first byte off the input; 0 when there is none. It chooses among ways to run. */
static inline unsigned fuzz_take_byte(struct slice *input)
{
    if (input->size == 0)
        return 0;
    unsigned byte = (unsigned char)input->data[0];
    input->data++;
    input->size--;
    return byte;
}

/* Take the input up to SEPARATOR, and step over that; all of it when there is none. */
static inline struct slice fuzz_take_until(struct slice *input, char separator)
{
    const char *end = input->size > 0 ? memchr(input->data, separator, input->size) : NULL;
    struct slice taken = {input->data, end != NULL ? (size_t)(end - input->data) : input->size};
    size_t used = taken.size + (end != NULL);
    if (used > 0)
        input->data += used;
    input->size -= used;
    return taken;
}

#endif
