/* dead.c: fuzzes the maker of dead letters: whatever the document and the cluster's words, the letter is one
 * line of JSON in UTF-8. The input: status byte, then action, source and error between newlines. */
#include "sink/dead.h"
#include "encode/utf8.h"
#include "fuzz.h"
#include "jansson.h"

static void require_letter(struct slice letter)
{
    json_error_t why;
    fuzz_require(letter.size > 1 && letter.data[letter.size - 1] == '\n');
    fuzz_require(memchr(letter.data, '\n', letter.size - 1) == NULL);
    fuzz_require(utf8_valid_size(letter) == letter.size);
    json_t *json = json_loadb(letter.data, letter.size, JSON_ALLOW_NUL, &why);
    fuzz_require(json != NULL || jansson_is_bound(&why));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = fuzz_slice(data, size);
    int status = 200 + (int)fuzz_take_byte(&input);
    struct slice action = fuzz_take_until(&input, '\n');
    struct slice source = fuzz_take_until(&input, '\n');
    struct buffer letter;
    buffer_init(&letter, SIZE_MAX);
    dead_format(&letter, action, source, status, input);
    require_letter(buffer_slice(&letter));
    buffer_free(&letter);
    return 0;
}
