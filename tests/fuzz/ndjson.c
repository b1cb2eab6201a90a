/* ndjson.c: fuzzes the reading of NDJSON: any lines become the lines of one operation, each valid JSON, or nothing
 * at all. The first byte chooses the format and the operation; then come a line and its source line. */
#include "encode/ndjson.h"
#include "encode/utf8.h"
#include "fuzz.h"
#include "jansson.h"

static const char *const op_names[] = {"index", "create", "update", "delete"};

/* LINE must be a JSON object in UTF-8 with its newline; NULL when it is past jansson's bounds. */
static json_t *require_object(struct slice line)
{
    json_error_t why;
    fuzz_require(line.size > 1 && line.data[line.size - 1] == '\n');
    fuzz_require(memchr(line.data, '\n', line.size - 1) == NULL);
    fuzz_require(utf8_is_valid(line));
    json_t *json = json_loadb(line.data, line.size, JSON_ALLOW_NUL, &why);
    fuzz_require(json != NULL ? json_is_object(json) : jansson_is_bound(&why));
    return json;
}

/* What bobbin writes anew is within all bounds, and says what the result says. */
static void require_action(struct slice line, const struct document_result *result)
{
    json_t *json = require_object(line);
    fuzz_require(json != NULL && json_object_size(json) == 1);
    const json_t *metadata = json_object_get(json, op_names[result->op]);
    const json_t *id = json_object_get(metadata, "_id");
    fuzz_require(json_is_string(id));
    fuzz_require(
        slice_equal(result->id, (struct slice){json_string_value(id), json_string_length(id)}));
    json_decref(json);
}

/* What is sent is bytes of the input as they stood there, wrapped when it is a document to update. */
static void require_source(struct slice line, struct slice input, bool is_wrapped)
{
    static const char before[] = "{\"doc\":", behind[] = ",\"doc_as_upsert\":true}";
    json_decref(require_object(line));
    struct slice copied = {line.data, line.size - 1};
    if (is_wrapped) {
        size_t around = sizeof before + sizeof behind - 2;
        fuzz_require(copied.size > around && memcmp(copied.data, before, sizeof before - 1) == 0);
        copied = (struct slice){copied.data + sizeof before - 1, copied.size - around};
    }
    fuzz_require(memmem(input.data, input.size, copied.data, copied.size) != NULL);
}

static void require_lines(struct slice lines, const struct document_result *result,
                          enum ndjson_format format, struct slice from)
{
    fuzz_require(result->source_at > 0 && result->source_at <= lines.size);
    require_action((struct slice){lines.data, result->source_at}, result);
    struct slice source = {lines.data + result->source_at, lines.size - result->source_at};
    if (result->op == BULK_DELETE)
        fuzz_require(source.size == 0);
    else
        require_source(source, from, result->op == BULK_UPDATE && format != NDJSON_BULK);
}

static void encode(const struct ndjson_shape *shape, struct slice line, struct slice source)
{
    static const char before[] = "before";
    struct ndjson_encoder *encoder;
    struct document_result result;
    struct buffer out;
    struct error err = {.kind = ERROR_NONE};
    buffer_init(&out, 16 << 20);
    buffer_append_string(&out, before);
    fuzz_require(ndjson_encoder_new(&encoder, shape, &err));
    fuzz_require(ndjson_encode(encoder, line, source, &out, &result, &err));
    struct slice lines = {out.data + sizeof before - 1, out.size - (sizeof before - 1)};
    bool takes_source = shape->format == NDJSON_BULK && ndjson_takes_source(line);
    if (result.is_dead) {
        fuzz_require(lines.size == 0 && result.reason != NULL && result.column != NULL);
    } else {
        fuzz_require(!ndjson_is_blank(line));
        fuzz_require(shape->format != NDJSON_BULK || takes_source == (result.op != BULK_DELETE));
        require_lines(lines, &result, shape->format, takes_source ? source : line);
    }
    ndjson_encoder_free(encoder);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = fuzz_slice(data, size);
    unsigned way = fuzz_take_byte(&input);
    struct ndjson_shape shape = {.format = NDJSON_DOCUMENTS + (enum ndjson_format)(way % 3),
                                 .id_field = "id",
                                 .op = (enum bulk_op)(way / 3 % 4)};
    struct slice line = fuzz_take_until(&input, '\n');
    bool has_source = input.size > 0;
    struct slice source = fuzz_take_until(&input, '\n');
    enum ndjson_format detected = ndjson_detect(line);
    fuzz_require(detected != NDJSON_DOCUMENTS);
    fuzz_require(!ndjson_takes_source(line) || detected == NDJSON_BULK);
    encode(&shape, line, has_source ? source : (struct slice){NULL, 0});
    return 0;
}
