/* bulk.c: fuzzes the reader of bulk responses. What it accepts is a whole JSON object with as many items as
 * operations; what it says of an item's error lies within the response. The first byte is the number of
 * operations. */
#include <jansson.h>

#include "base/json_scan.h"
#include "fuzz.h"
#include "sink/bulk.h"

enum { ITEMS_MAX = 256 };

static void require_item(struct slice response, const struct bulk_item *item)
{
    struct buffer words;
    fuzz_require(item->outcome <= BULK_DENIED);
    fuzz_require((uint64_t)item->error_offset + item->error_size <= response.size);
    fuzz_require(item->outcome != BULK_DONE || item->status < 300 || item->status == 404 ||
                 item->status == 409);
    buffer_init(&words, BULK_ERROR_TEXT_BYTES);
    bulk_describe_error((struct slice){response.data + item->error_offset, item->error_size},
                        &words);
    fuzz_require(!words.has_failed);
    buffer_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bulk_item items[ITEMS_MAX];
    struct slice response = fuzz_slice(data, size);
    struct error err = {.kind = ERROR_NONE};
    size_t count = fuzz_take_byte(&response);
    if (!bulk_parse_response(response, count, items, &err)) {
        fuzz_require(err.kind == ERROR_UNAVAILABLE);
        return 0;
    }
    fuzz_require(json_scan_is_whole(response));
    for (size_t i = 0; i < count; i++)
        require_item(response, &items[i]);
    return 0;
}
