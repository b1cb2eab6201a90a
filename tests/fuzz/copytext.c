/* copytext.c: fuzzes the reader of COPY's text format: fields escaped as the server does come back as
 * they were, and any bytes are split and unescaped within their bounds. */
#include "encode/copytext.h"
#include "fuzz.h"

enum { FIELDS = 8 };

/* As src/backend/commands/copyto.c, CopyAttributeOutText. */
static void escape(struct slice bytes, struct buffer *out)
{
    static const char plain[] = "\b\f\n\r\t\v\\", letters[] = "bfnrtv\\";
    for (size_t i = 0; i < bytes.size; i++) {
        const char *found = memchr(plain, bytes.data[i], sizeof plain - 1);
        if (found != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, found != NULL ? letters[found - plain] : bytes.data[i]);
    }
}

static void require_round_trip(struct slice field)
{
    struct buffer escaped, back;
    struct slice fields[1];
    buffer_init(&escaped, SIZE_MAX);
    buffer_init(&back, SIZE_MAX);
    escape(field, &escaped);
    buffer_append_byte(&escaped, '\n');
    fuzz_require(copytext_split(buffer_slice(&escaped), fields, 1) == 1);
    fuzz_require(fields[0].data != NULL);
    copytext_unescape(&back, fields[0]);
    fuzz_require(slice_equal(buffer_slice(&back), field));
    buffer_free(&escaped);
    buffer_free(&back);
}

static void split_anything(struct slice row)
{
    struct slice fields[FIELDS];
    size_t count = copytext_split(row, fields, FIELDS);
    fuzz_require(count >= 1);
    for (size_t i = 0; i < count && i < FIELDS; i++) {
        struct buffer out;
        buffer_init(&out, SIZE_MAX);
        if (fields[i].data != NULL)
            copytext_unescape(&out, fields[i]);
        fuzz_require(out.size <= fields[i].size);
        buffer_free(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require_round_trip(fuzz_slice(data, size));
    split_anything(fuzz_slice(data, size));
    return 0;
}
