/* index_pages.c: fuzzes the check of the index's pages, which stands between any bytes and LMDB: it must come
 * to an end and read nothing outside. The input is the file. */
#include "spool/index_pages.h"
#include "fuzz.h"

static bool read_input(const void *context, uint64_t offset, void *out, size_t size, size_t *got,
                       struct error *err)
{
    const struct slice *input = context;
    size_t left = offset < input->size ? input->size - (size_t)offset : 0;
    (void)err;
    *got = size < left ? size : left;
    if (*got > 0)
        memcpy(out, input->data + offset, *got);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tables[] = {"done", "frames", "meta", "parts", "segments"};
    const struct slice input = fuzz_slice(data, size);
    const struct pages_source source = {read_input, &input};
    struct pages_state states[PAGES_METAS];
    struct pages_finding finding;
    struct error err = {.kind = ERROR_NONE};
    if (!index_meta_read(&source, states, &finding, &err) || finding.verdict != PAGES_SOUND)
        return 0;
    for (size_t i = 0; i < PAGES_METAS; i++)
        (void)!index_pages_check(&source, &states[i], tables, COUNT_OF(tables), &finding, &err);
    return 0;
}
