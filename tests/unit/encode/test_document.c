/* test_document.c: a COPY row becomes the lines of one bulk operation, a dead row, or an error. */
#include "encode/document.h"

#include <jansson.h>

#include "copied.h"
#include "unit.h"

static const struct document_column simple[] = {
    {"id", VALUE_INTEGER, COLUMN_FIELD},
    {"title", VALUE_TEXT, COLUMN_FIELD},
    {"score", VALUE_NUMBER, COLUMN_FIELD},
};

static const struct document_column full[] = {
    {"_op", VALUE_TEXT, COLUMN_OP},
    {"_id", VALUE_TEXT, COLUMN_ID},
    {"_index", VALUE_TEXT, COLUMN_INDEX},
    {"_routing", VALUE_TEXT, COLUMN_ROUTING},
    {"id", VALUE_INTEGER, COLUMN_FIELD},
    {"title", VALUE_TEXT, COLUMN_FIELD},
    {"_version", VALUE_INTEGER, COLUMN_VERSION},
};

static const struct document_column wrapped[] = {
    {"tags", VALUE_JSON, COLUMN_FIELD},
    {"key", VALUE_JSON, COLUMN_FIELD},
    {"key", VALUE_TEXT, COLUMN_KEY_ONLY},
};

static const struct document_column all_types[] = {
    {"a \"name\"", VALUE_TEXT, COLUMN_FIELD}, {"b", VALUE_BOOLEAN, COLUMN_FIELD},
    {"c", VALUE_INTEGER, COLUMN_FIELD},       {"d", VALUE_NUMBER, COLUMN_FIELD},
    {"e", VALUE_JSON, COLUMN_FIELD},          {"f", VALUE_TIMESTAMP, COLUMN_FIELD},
    {"g", VALUE_TIMESTAMPTZ, COLUMN_FIELD},   {"h", VALUE_BYTEA, COLUMN_FIELD},
};

static const struct document_column only_metadata[] = {{"_id", VALUE_TEXT, COLUMN_ID}};

#define SHAPE(columns, key, op, keeps_nulls)                                                       \
    {                                                                                              \
        columns, COUNT_OF(columns), key, op, keeps_nulls                                           \
    }

static const struct document_shape indexes = SHAPE(simple, 0, BULK_INDEX, false);
static const struct document_shape keeps = SHAPE(simple, 0, BULK_INDEX, true);
static const struct document_shape creates = SHAPE(simple, 0, BULK_CREATE, false);
static const struct document_shape updates = SHAPE(simple, 0, BULK_UPDATE, false);
static const struct document_shape deletes = SHAPE(simple, 0, BULK_DELETE, false);
static const struct document_shape by_title = SHAPE(simple, 1, BULK_INDEX, false);
static const struct document_shape with_metadata = SHAPE(full, 4, BULK_INDEX, false);
static const struct document_shape with_key = SHAPE(wrapped, 2, BULK_INDEX, false);
static const struct document_shape of_types = SHAPE(all_types, 2, BULK_INDEX, false);
static const struct document_shape empty = SHAPE(only_metadata, 0, BULK_INDEX, false);
static const struct document_shape empty_update = SHAPE(only_metadata, 0, BULK_UPDATE, false);

/* Encode ROW by SHAPE into OUT, which is kept; the result's slices are gone with the encoder. */
static bool encode(const struct document_shape *shape, const char *row, struct buffer *out,
                   struct document_result *result, struct error *err)
{
    struct document_encoder *e;
    unit_assert_ok(document_encoder_new(&e, shape, err), *err);
    bool ok = document_encode(e, slice_of(row), out, result, err);
    document_encoder_free(e);
    return ok;
}

static const struct {
    const struct document_shape *shape;
    const char *row;
    const char *lines;
    unsigned nulled;
} cases[] = {
    {&indexes, "1\tone\t1.5\n",
     "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":\"one\",\"score\":1.5}\n", 0},
    {&indexes, "1\tone\t1.5", // without the newline
     "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":\"one\",\"score\":1.5}\n", 0},
    {&indexes, "1\t\t\\N", "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":\"\"}\n", 0},
    {&indexes, "1\t\\N\t2", "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"score\":2}\n", 0},
    {&indexes, "1\ta\\tb\tNaN",
     "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":\"a\\tb\",\"score\":null}\n", 1},
    {&keeps, "1\t\\N\t\\N",
     "{\"index\":{\"_id\":\"1\"}}\n{\"id\":1,\"title\":null,\"score\":null}\n", 0},
    {&creates, "1\t\\N\t\\N", "{\"create\":{\"_id\":\"1\"}}\n{\"id\":1}\n", 0},
    {&updates, "1\tone\t\\N",
     "{\"update\":{\"_id\":\"1\"}}\n"
     "{\"doc\":{\"id\":1,\"title\":\"one\"},\"doc_as_upsert\":true}\n",
     0},
    {&deletes, "1\tone\t\\N", "{\"delete\":{\"_id\":\"1\"}}\n", 0},
    {&deletes, "1\t\xff\tabc", "{\"delete\":{\"_id\":\"1\"}}\n", 0}, // its fields don't matter
    {&by_title, "\\N\tC:\\\\x\t\\N", "{\"index\":{\"_id\":\"C:\\\\x\"}}\n{\"title\":\"C:\\\\x\"}\n",
     0},

    {&with_metadata, "\\N\tx\\n\\\"\\\\y\t\\N\t\\N\t1\tone\t\\N",
     "{\"index\":{\"_id\":\"x\\n\\\"\\\\y\"}}\n{\"id\":1,\"title\":\"one\"}\n", 0},
    {&with_metadata, "index\tx\tidx\tr\t1\t\\N\t5",
     "{\"index\":{\"_id\":\"x\",\"_index\":\"idx\",\"routing\":\"r\",\"version\":5,"
     "\"version_type\":\"external\"}}\n{\"id\":1}\n",
     0},
    {&with_metadata, "create\tx\t\\N\tr\t1\t\\N\t\\N",
     "{\"create\":{\"_id\":\"x\",\"routing\":\"r\"}}\n{\"id\":1}\n", 0},
    {&with_metadata, "update\tx\t\\N\t\\N\t1\t\\N\t\\N",
     "{\"update\":{\"_id\":\"x\"}}\n{\"doc\":{\"id\":1},\"doc_as_upsert\":true}\n", 0},
    {&with_metadata, "delete\tx\t\\N\t\\N\t1\tone\t6",
     "{\"delete\":{\"_id\":\"x\",\"version\":6,\"version_type\":\"external\"}}\n", 0},

    {&with_key, "[1]\t\"2026-01-02\"\t2026-01-02",
     "{\"index\":{\"_id\":\"2026-01-02\"}}\n{\"tags\":[1],\"key\":\"2026-01-02\"}\n", 0},
    {&of_types, "x\tt\t1\t0.5\t{}\t2026-01-02 03:04:05\t2026-01-02 03:04:05+00\t\\\\x00\n",
     "{\"index\":{\"_id\":\"1\"}}\n{\"a \\\"name\\\"\":\"x\",\"b\":true,\"c\":1,\"d\":0.5,\"e\":{},"
     "\"f\":\"2026-01-02T03:04:05\",\"g\":\"2026-01-02T03:04:05+00:00\",\"h\":\"AA==\"}\n",
     0},
    {&of_types, "\\N\t\\N\t1\tInfinity\t\\N\tinfinity\t-infinity\t\\N",
     "{\"index\":{\"_id\":\"1\"}}\n{\"c\":1,\"d\":null,\"f\":null,\"g\":null}\n", 3},
    {&empty, "a", "{\"index\":{\"_id\":\"a\"}}\n{}\n", 0},
    {&empty_update, "a", "{\"update\":{\"_id\":\"a\"}}\n{\"doc\":{},\"doc_as_upsert\":true}\n", 0},
};

START_TEST(a_row_becomes_an_action_line_and_a_source_line)
{
    struct document_result result;
    struct error err;
    struct buffer out;
    buffer_init(&out, 10000);
    unit_assert_ok(encode(cases[_i].shape, cases[_i].row, &out, &result, &err), err);
    ck_assert_msg(!result.is_dead, "%s: %s", result.column, result.reason);
    unit_assert_slice(buffer_slice(&out), cases[_i].lines);
    ck_assert_uint_eq(result.nulled, cases[_i].nulled);
    ck_assert_ptr_null(result.reason);
    ck_assert_ptr_null(result.column);
    buffer_free(&out);
}
END_TEST

START_TEST(each_line_is_json)
{
    struct document_result result;
    struct error err;
    struct buffer out;
    buffer_init(&out, 10000);
    unit_assert_ok(encode(cases[_i].shape, cases[_i].row, &out, &result, &err), err);
    for (const char *at = out.data; at < out.data + out.size;) {
        const char *end = memchr(at, '\n', out.size - (size_t)(at - out.data));
        ck_assert_ptr_nonnull(end);
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        ck_assert(json_is_object(line));
        json_decref(line);
        at = end + 1;
    }
    buffer_free(&out);
}
END_TEST

#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"
#define LONG_512 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64

static const struct {
    const struct document_shape *shape;
    const char *row;
    const char *column;
    const char *reason;
} dead[] = {
    {&indexes, "1\tcaf\xe9\t1", "title", "UTF-8"},
    {&indexes, "1\t\\377\t1", "title", "UTF-8"},
    {&indexes, "1\tx\t1,5", "score", "number"},
    {&indexes, "1\tNaN\t\xff", "score", "number"},
    {&indexes, "\\N\tx\t1", "id", "NULL"},
    {&by_title, "1\t\t1", "title", "empty"},
    {&by_title, "1\t\xff\t1", "title", "UTF-8"},
    {&by_title, "1\t" LONG_512 "x\t1", "title", "512"},
    {&updates, "1\t\xff\t1", "title", "UTF-8"},
    {&deletes, "\\N\tx\t1", "id", "NULL"},
    {&with_metadata, "\\N\t\\N\t\\N\t\\N\t1\tx\t\\N", "_id", "NULL"},
    {&with_metadata, "\\N\t\t\\N\t\\N\t1\tx\t\\N", "_id", "empty"},
    {&with_metadata, "upsert\tx\t\\N\t\\N\t1\tx\t\\N", "_op", "operation"},
    {&with_metadata, "\tx\t\\N\t\\N\t1\tx\t\\N", "_op", "operation"},
    {&with_metadata, "\\N\tx\t\xff\t\\N\t1\tx\t\\N", "_index", "UTF-8"},
    {&with_metadata, "\\N\tx\t\\N\t\xff\t1\tx\t\\N", "_routing", "UTF-8"},
    {&with_metadata, "\\N\tx\t\\N\t\\N\t1\tx\t-3", "_version", "version"},
    {&with_metadata, "update\tx\t\\N\t\\N\t1\tx\t3", "_version", "version"},
    {&with_key, "\tx\ty", "tags", "empty"},
    {&of_types, "x\tyes\t1\t1\t{}\t\\N\t\\N\t\\N", "b", "boolean"},
    {&of_types, "x\tt\t1\t1\t{}\ttoday\t\\N\t\\N", "f", "timestamp"},
    {&of_types, "x\tt\t1\tNaN\t{}\t\\N\t\\N\tx", "h", "bytea"}, // after something was nulled
};

START_TEST(a_row_that_cannot_be_a_document_is_dead_and_leaves_nothing)
{
    struct document_result result;
    struct error err;
    struct buffer out;
    buffer_init(&out, 10000);
    buffer_append_string(&out, "before");
    unit_assert_ok(encode(dead[_i].shape, dead[_i].row, &out, &result, &err), err);
    ck_assert(result.is_dead);
    ck_assert_str_eq(result.column, dead[_i].column);
    ck_assert_msg(strstr(result.reason, dead[_i].reason) != NULL, "%s", result.reason);
    ck_assert_uint_eq(result.nulled, 0);
    unit_assert_slice(buffer_slice(&out), "before");
    buffer_free(&out);
}
END_TEST

START_TEST(key_and_id_are_given_unescaped_for_dead_rows_too)
{
    struct document_encoder *e;
    struct document_result result;
    struct error err;
    struct buffer out;
    buffer_init(&out, 10000);
    unit_assert_ok(document_encoder_new(&e, &by_title, &err), err);
    unit_assert_ok(document_encode(e, slice_of("1\tC:\\\\new\\n\t2\n"), &out, &result, &err), err);
    unit_assert_slice(result.key, "C:\\new\n");
    unit_assert_slice(result.id, "C:\\new\n");
    unit_assert_ok(document_encode(e, slice_of("1\ta\\tb\tx\n"), &out, &result, &err), err);
    ck_assert(result.is_dead);
    unit_assert_slice(result.key, "a\tb");
    unit_assert_ok(document_encode(e, slice_of("1\t\\N\t2\n"), &out, &result, &err), err);
    ck_assert_ptr_null(result.key.data);
    document_encoder_free(e);

    unit_assert_ok(document_encoder_new(&e, &with_metadata, &err), err);
    unit_assert_ok(
        document_encode(e, slice_of("\\N\ta\\tb\t\\N\t\\N\t9\tx\t\\N\n"), &out, &result, &err),
        err);
    unit_assert_slice(result.key, "9");
    unit_assert_slice(result.id, "a\tb");
    document_encoder_free(e);
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *row;
    enum bulk_op op;
    const char *index, *routing, *source;
} parts[] = {
    {"\\N\tx\t\\N\t\\N\t1\tone\t\\N", BULK_INDEX, NULL, NULL, "{\"id\":1,\"title\":\"one\"}\n"},
    {"create\tx\ti\\\\1\tr\\n\t1\t\\N\t\\N", BULK_CREATE, "i\\1", "r\n", "{\"id\":1}\n"},
    {"delete\tx\t\\N\tr\t1\tone\t\\N", BULK_DELETE, NULL, "r", ""},
};

START_TEST(an_operation_is_given_in_its_parts)
{
    struct document_result result;
    struct error err;
    struct buffer out;
    struct document_encoder *e;
    buffer_init(&out, 10000);
    buffer_append_string(&out, "before");
    unit_assert_ok(document_encoder_new(&e, &with_metadata, &err), err);
    unit_assert_ok(document_encode(e, slice_of(parts[_i].row), &out, &result, &err), err);
    ck_assert_int_eq(result.op, parts[_i].op);
    ck_assert_int_eq(result.index.data == NULL, parts[_i].index == NULL);
    ck_assert_int_eq(result.routing.data == NULL, parts[_i].routing == NULL);
    unit_assert_slice(result.index, parts[_i].index ? parts[_i].index : "");
    unit_assert_slice(result.routing, parts[_i].routing ? parts[_i].routing : "");
    ck_assert_str_eq(buffer_string(&out) + strlen("before") + result.source_at, parts[_i].source);
    document_encoder_free(e);
    buffer_free(&out);
}
END_TEST

static const char *const miscounted[] = {"", "1", "1\t2", "1\t2\t3\t4", "1\t2\t3\t4\t5\t6\n"};

START_TEST(a_row_with_another_number_of_columns_is_a_bug)
{
    struct document_result result;
    struct error err;
    struct buffer out;
    buffer_init(&out, 10000);
    unit_assert_error(encode(&indexes, miscounted[_i], &out, &result, &err), err, ERROR_BUG,
                      "columns");
    ck_assert_uint_eq(out.size, 0);
    buffer_free(&out);
}
END_TEST

START_TEST(a_full_buffer_is_an_error_and_keeps_what_it_had)
{
    size_t whole = strlen(cases[_i].lines);
    for (size_t room = 0; room < whole; room++) {
        struct document_result result;
        struct error err;
        struct buffer out;
        buffer_init(&out, room + 3);
        buffer_append_string(&out, "abc");
        unit_assert_error(encode(cases[_i].shape, cases[_i].row, &out, &result, &err), err,
                          ERROR_MEMORY, "document");
        unit_assert_slice(buffer_slice(&out), "abc");
        buffer_free(&out);
    }
}
END_TEST

START_TEST(a_field_name_that_is_no_utf8_is_a_configuration_error)
{
    const struct document_column columns[] = {{"caf\xe9", VALUE_TEXT, COLUMN_FIELD}};
    const struct document_shape shape = SHAPE(columns, 0, BULK_INDEX, false);
    struct document_encoder *e;
    struct error err;
    unit_assert_error(document_encoder_new(&e, &shape, &err), err, ERROR_CONFIG, "column 1");
    document_encoder_free(NULL);
}
END_TEST

START_TEST(a_dead_letter_is_one_json_line_with_id_error_and_row)
{
    struct document_result result = {.id = slice_of("x\"7"),
                                     .is_dead = true,
                                     .reason = "the value is not valid UTF-8",
                                     .column = "title"};
    struct buffer out;
    buffer_init(&out, 1000);
    document_dead_letter(slice_of("x\"7\t\xff\n"), &result, &out);
    unit_assert_slice(buffer_slice(&out),
                      "{\"id\":\"x\\\"7\",\"error\":{\"type\":\"bobbin_encode\",\"reason\":\"the "
                      "value is not valid UTF-8\",\"column\":\"title\"},\"row\":\"eCI3Cf8=\"}\n");
    buffer_free(&out);
}
END_TEST

static const struct slice unusable_ids[] = {{NULL, 0}, {"caf\xe9", 4}};

START_TEST(a_dead_letter_without_a_usable_id_has_none)
{
    struct document_result result = {
        .id = unusable_ids[_i], .is_dead = true, .reason = "r", .column = "c"};
    struct buffer out;
    buffer_init(&out, 1000);
    document_dead_letter(slice_of("\\N"), &result, &out);
    unit_assert_slice(buffer_slice(&out), "{\"error\":{\"type\":\"bobbin_encode\",\"reason\":\"r\","
                                          "\"column\":\"c\"},\"row\":\"XE4=\"}\n");
    buffer_free(&out);
}
END_TEST

/* Every row of random texts comes back from a parser, one encoder for all. */
START_TEST(random_rows_survive_the_round_trip)
{
    static const struct document_column columns[] = {{"id", VALUE_INTEGER, COLUMN_FIELD},
                                                     {"a", VALUE_TEXT, COLUMN_FIELD},
                                                     {"b", VALUE_TEXT, COLUMN_FIELD}};
    const struct document_shape shape = SHAPE(columns, 0, BULK_INDEX, false);
    uint64_t random = 1234567891011u;
    struct document_encoder *e;
    struct error err;
    struct buffer texts[2], row, out;
    buffer_init(&texts[0], 100000);
    buffer_init(&texts[1], 100000);
    buffer_init(&row, 100000);
    buffer_init(&out, 100000);
    unit_assert_ok(document_encoder_new(&e, &shape, &err), err);
    for (int i = 0; i < 1000; i++) {
        buffer_clear(&row);
        buffer_clear(&out);
        buffer_append_format(&row, "%d", i);
        for (int k = 0; k < 2; k++) {
            buffer_clear(&texts[k]);
            copied_append_random_text(&texts[k], 100, &random);
            buffer_append_byte(&row, '\t');
            copied_append(&row, buffer_slice(&texts[k]));
        }
        struct document_result result;
        unit_assert_ok(document_encode(e, buffer_slice(&row), &out, &result, &err), err);
        ck_assert(!result.is_dead);
        const char *source = strchr(buffer_string(&out), '\n') + 1;
        json_t *object = json_loads(source, JSON_ALLOW_NUL, NULL);
        for (int k = 0; k < 2; k++) {
            json_t *text = json_object_get(object, columns[k + 1].name);
            struct slice back = {json_string_value(text), json_string_length(text)};
            ck_assert(slice_equal(back, buffer_slice(&texts[k])));
        }
        ck_assert_int_eq(json_integer_value(json_object_get(object, "id")), i);
        json_decref(object);
    }
    document_encoder_free(e);
    buffer_free(&texts[0]);
    buffer_free(&texts[1]);
    buffer_free(&row);
    buffer_free(&out);
}
END_TEST

UNIT_MAIN("encode/document", UNIT_EACH(a_row_becomes_an_action_line_and_a_source_line, cases),
          UNIT_EACH(each_line_is_json, cases),
          UNIT_EACH(a_row_that_cannot_be_a_document_is_dead_and_leaves_nothing, dead),
          UNIT_TEST(key_and_id_are_given_unescaped_for_dead_rows_too),
          UNIT_EACH(an_operation_is_given_in_its_parts, parts),
          UNIT_EACH(a_row_with_another_number_of_columns_is_a_bug, miscounted),
          UNIT_EACH(a_full_buffer_is_an_error_and_keeps_what_it_had, cases),
          UNIT_TEST(a_field_name_that_is_no_utf8_is_a_configuration_error),
          UNIT_TEST(a_dead_letter_is_one_json_line_with_id_error_and_row),
          UNIT_EACH(a_dead_letter_without_a_usable_id_has_none, unusable_ids),
          UNIT_TEST(random_rows_survive_the_round_trip))
