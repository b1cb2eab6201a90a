/* json_scan.c: fuzzes the walk over JSON against jansson: what jansson takes, it takes; what it takes,
 * jansson takes, but for what json_scan.h names: depth, the size of numbers, UTF-8,
 * lone surrogates. (jansson takes a zero byte
 * between tokens for the end: such texts are only read.) */
#include "base/json_scan.h"
#include "encode/utf8.h"
#include "fuzz.h"
#include "jansson.h"

static bool is_deep(struct slice text)
{
    size_t opened = 0;
    for (size_t i = 0; i < text.size; i++)
        opened += text.data[i] == '[' || text.data[i] == '{';
    return opened >= JSON_SCAN_MAX_DEPTH;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = fuzz_slice(data, size);
    json_error_t why;
    struct slice value;
    bool is_whole = json_scan_is_whole(text);
    json_t *json = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (memchr(data, 0, size) != NULL)
        ; // no judge
    else if (json != NULL)
        fuzz_require(is_whole || is_deep(text));
    else if (is_whole && utf8_valid_size(text) == text.size)
        fuzz_require(jansson_is_bound(&why));
    json_decref(json);
    if (json_scan_find(text, "error", &value))
        fuzz_require(value.data >= text.data && value.data + value.size <= text.data + text.size);
    return 0;
}
