/* record.c: fuzzes the readers of the index's records: what one accepts is written again byte for byte. The
 * first byte chooses the record. */
#include "spool/record.h"
#include "fuzz.h"

static bool read_and_write(unsigned kind, struct slice fields, struct buffer *again)
{
    struct index_job job = {.rows = 0};
    struct index_part part = {.number = 0};
    struct index_frame frame = {.number = 0};
    struct index_segment segment = {.number = 0};
    switch (kind % 4) {
    case 0:
        if (!record_get_job(fields, &job))
            return false;
        record_put_job(again, &job);
        return true;
    case 1:
        if (!record_get_part(fields, &part))
            return false;
        record_put_part(again, &part);
        return true;
    case 2:
        if (!record_get_frame(fields, &frame))
            return false;
        record_put_frame(again, &frame);
        return true;
    default:
        if (!record_get_segment(fields, &segment))
            return false;
        record_put_segment(again, &segment);
        return true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice fields = fuzz_slice(data, size);
    unsigned kind = fuzz_take_byte(&fields);
    struct buffer again;
    buffer_init(&again, SIZE_MAX);
    if (read_and_write(kind, fields, &again))
        fuzz_require(slice_equal(buffer_slice(&again), fields));
    buffer_free(&again);
    return 0;
}
