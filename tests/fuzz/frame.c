/* frame.c: fuzzes the reader of frame headers: what it accepts is written again byte for byte. */
#include "spool/frame.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = fuzz_slice(data, size);
    struct frame frame;
    struct error err = {.kind = ERROR_NONE};
    struct buffer again;
    size_t used;
    if (frame_get_header(bytes, &frame, &used) != FRAME_READ)
        return 0;
    fuzz_require(used <= size);
    buffer_init(&again, FRAME_HEADER_MAX_BYTES);
    fuzz_require(frame_put_header(&frame, &again, &err));
    fuzz_require(slice_equal(buffer_slice(&again), (struct slice){bytes.data, used}));
    buffer_free(&again);
    return 0;
}
