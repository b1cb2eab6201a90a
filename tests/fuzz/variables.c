/* variables.c: fuzzes the reader of SQL's variables: text without any stays as it is, and a value of any bytes, once it is
 * quoted, is one literal or identifier in which nothing is seen any more. */
#include "refresh/variables.h"
#include "fuzz.h"

enum { OUT_BYTES = 1 << 22 };

static const char *const none[] = {NULL};

static bool put(struct slice sql, const char *const *variables, struct buffer *out)
{
    struct error err;
    buffer_init(out, OUT_BYTES);
    return variables_put(sql, "fuzz", variables, out, &err);
}

static void require_quotes(struct slice value)
{
    static const char sql[] = ":'v' :\"v\"";
    struct buffer assignment, out, again;
    buffer_init(&assignment, OUT_BYTES);
    buffer_append_string(&assignment, "v=");
    buffer_append(&assignment, value.data, value.size);
    const char *const variables[] = {buffer_string(&assignment), NULL};
    fuzz_require(put(slice_of(sql), variables, &out));
    fuzz_require(put(buffer_slice(&out), none, &again));
    fuzz_require(slice_equal(buffer_slice(&out), buffer_slice(&again)));
    buffer_free(&assignment);
    buffer_free(&out);
    buffer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = fuzz_slice(data, size);
    struct buffer out;
    if (put(input, none, &out))
        fuzz_require(slice_equal(buffer_slice(&out), input));
    buffer_free(&out);
    require_quotes(input);
    return 0;
}
