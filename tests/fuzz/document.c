/* document.c: fuzzes encode/: any COPY rows must become valid JSON lines, or dead letters that are. The
 * first byte chooses the operation and what becomes of NULLs. */
#include "encode/document.h"
#include "encode/copytext.h"
#include "encode/utf8.h"
#include "fuzz.h"
#include "jansson.h"

static const struct document_column columns[] = {
    {"id", VALUE_INTEGER, COLUMN_FIELD},
    {"text", VALUE_TEXT, COLUMN_FIELD},
    {"flag", VALUE_BOOLEAN, COLUMN_FIELD},
    {"number", VALUE_NUMBER, COLUMN_FIELD},
    {"json", VALUE_JSON, COLUMN_FIELD},
    {"at", VALUE_TIMESTAMP, COLUMN_FIELD},
    {"at_tz", VALUE_TIMESTAMPTZ, COLUMN_FIELD},
    {"bytes", VALUE_BYTEA, COLUMN_FIELD},
    {"_id", VALUE_TEXT, COLUMN_ID},
    {"_routing", VALUE_TEXT, COLUMN_ROUTING},
    {"_version", VALUE_INTEGER, COLUMN_VERSION},
    {"_op", VALUE_TEXT, COLUMN_OP},
};

enum { JSON_COLUMN = 4 };

/* LINE, with its newline, must be one JSON object in UTF-8. Numbers too large for jansson, and text
 * nested deeper than it takes, are not its to judge. */
static void require_json_line(struct slice line)
{
    json_error_t why;
    fuzz_require(line.size > 1 && line.data[line.size - 1] == '\n');
    fuzz_require(memchr(line.data, '\n', line.size - 1) == NULL);
    fuzz_require(utf8_valid_size(line) == line.size);
    json_t *json = json_loadb(line.data, line.size, JSON_ALLOW_NUL, &why);
    fuzz_require(json != NULL ? json_is_object(json) : jansson_is_bound(&why));
    json_decref(json);
}

static void require_json_lines(struct slice lines)
{
    while (lines.size > 0) {
        const char *end = memchr(lines.data, '\n', lines.size);
        fuzz_require(end != NULL);
        size_t size = (size_t)(end + 1 - lines.data);
        require_json_line((struct slice){lines.data, size});
        lines.data += size;
        lines.size -= size;
    }
}

/* PostgreSQL has checked what is in a json column, and the encoder relies on it. */
static bool has_good_json(struct slice row)
{
    struct slice fields[COUNT_OF(columns)];
    struct buffer text;
    if (copytext_split(row, fields, COUNT_OF(fields)) <= JSON_COLUMN ||
        fields[JSON_COLUMN].data == NULL)
        return true;
    buffer_init(&text, SIZE_MAX);
    copytext_unescape(&text, fields[JSON_COLUMN]);
    json_t *json = json_loadb(text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is_good = json != NULL && memchr(text.data, '\0', text.size) == NULL;
    json_decref(json);
    buffer_free(&text);
    return is_good;
}

static void encode_row(struct document_encoder *encoder, struct slice row)
{
    struct buffer out;
    struct document_result result;
    struct error err = {.kind = ERROR_NONE};
    buffer_init(&out, 16 << 20);
    if (document_encode(encoder, row, &out, &result, &err)) {
        fuzz_require(result.is_dead == (out.size == 0));
        if (result.is_dead)
            document_dead_letter(row, &result, &out);
        require_json_lines(buffer_slice(&out));
    } else {
        fuzz_require(out.size == 0);
    }
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = fuzz_slice(data, size);
    unsigned way = fuzz_take_byte(&input);
    struct document_shape shape = {.columns = columns,
                                   .column_count = COUNT_OF(columns),
                                   .key = 0,
                                   .op = (enum bulk_op)(way % 4),
                                   .keeps_nulls = way / 4 % 2 == 1};
    struct document_encoder *encoder;
    struct error err = {.kind = ERROR_NONE};
    if (!document_encoder_new(&encoder, &shape, &err))
        return 0;
    while (input.size > 0) {
        struct slice row = fuzz_take_until(&input, '\n');
        if (has_good_json(row))
            encode_row(encoder, row);
    }
    document_encoder_free(encoder);
    return 0;
}
