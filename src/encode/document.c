/* document.c: see document.h. */
#include "encode/document.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "encode/base64.h"
#include "encode/copytext.h"
#include "encode/json.h"

enum { ROW_MAX_BYTES = INT32_MAX }; // libpq gives a row's length as an int (PQgetCopyData)

struct document_encoder {
    struct document_shape shape;
    size_t part_column[ACTION_PARTS]; // NO_COLUMN: absent
    struct slice *fields;             // of the row at hand, still escaped
    struct slice *names;              // per column: ,"name":
    struct buffer name_bytes;         // what NAMES borrow from
    struct buffer metadata;           // the row's key and metadata, unescaped
};

static const size_t NO_COLUMN = SIZE_MAX;

static size_t find_role(const struct document_shape *shape, enum column_role role)
{
    for (size_t i = 0; i < shape->column_count; i++)
        if (shape->columns[i].role == role)
            return i;
    return NO_COLUMN;
}

static void find_parts(struct document_encoder *e)
{
    static const enum column_role roles[ACTION_PARTS] = {
        [ACTION_ID] = COLUMN_ID,           [ACTION_INDEX] = COLUMN_INDEX,
        [ACTION_ROUTING] = COLUMN_ROUTING, [ACTION_VERSION] = COLUMN_VERSION,
        [ACTION_OP] = COLUMN_OP,
    };
    for (size_t part = 0; part < ACTION_PARTS; part++)
        e->part_column[part] = find_role(&e->shape, roles[part]);
    if (e->part_column[ACTION_ID] == NO_COLUMN)
        e->part_column[ACTION_ID] = e->shape.key;
}

/* Escape the fields' names, once for all rows. */
static bool prepare_names(struct document_encoder *e, struct error *err)
{
    struct buffer *bytes = &e->name_bytes;
    for (size_t i = 0; i < e->shape.column_count; i++) {
        size_t start = bytes->size;
        buffer_append_byte(bytes, ',');
        if (json_append_string(bytes, slice_of(e->shape.columns[i].name)) != NULL)
            return error_set(err, ERROR_CONFIG, "the name of column %zu is not valid UTF-8", i + 1);
        buffer_append_byte(bytes, ':');
        e->names[i].size = bytes->size - start;
    }
    if (!buffer_check(bytes, "the columns' names", err))
        return false;
    const char *at = bytes->data;
    for (size_t i = 0; i < e->shape.column_count; at += e->names[i++].size)
        e->names[i].data = at;
    return true;
}

bool document_encoder_new(struct document_encoder **out, const struct document_shape *shape,
                          struct error *err)
{
    assert(shape->key < shape->column_count);
    struct document_encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return error_set_memory(err);
    e->shape = *shape;
    buffer_init(&e->name_bytes, ROW_MAX_BYTES);
    buffer_init(&e->metadata, ROW_MAX_BYTES);
    find_parts(e);
    e->fields = calloc(shape->column_count, sizeof *e->fields);
    e->names = calloc(shape->column_count, sizeof *e->names);
    bool is_ready =
        e->fields != NULL && e->names != NULL ? prepare_names(e, err) : error_set_memory(err);
    if (!is_ready) {
        document_encoder_free(e);
        return false;
    }
    *out = e;
    return true;
}

void document_encoder_free(struct document_encoder *e)
{
    if (e == NULL)
        return;
    buffer_free(&e->metadata);
    buffer_free(&e->name_bytes);
    free(e->names);
    free(e->fields);
    free(e);
}

/* The row's value in COLUMN, unescaped; without data when it is NULL or there is no such column.
 * The room was reserved before, so that earlier values stay where they are. */
static struct slice read_metadata(struct document_encoder *e, size_t column)
{
    if (column == NO_COLUMN || e->fields[column].data == NULL)
        return (struct slice){NULL, 0};
    size_t start = e->metadata.size;
    copytext_unescape(&e->metadata, e->fields[column]);
    return (struct slice){e->metadata.data + start, e->metadata.size - start};
}

static bool reserve_metadata(struct document_encoder *e, struct error *err)
{
    size_t size = e->fields[e->shape.key].size + 1; // even an empty value has an address
    for (size_t part = 0; part < ACTION_PARTS; part++)
        if (e->part_column[part] != NO_COLUMN)
            size += e->fields[e->part_column[part]].size;
    buffer_clear(&e->metadata);
    (void)buffer_reserve(&e->metadata, size);
    return buffer_check(&e->metadata, "a row's metadata", err);
}

static void blame(struct document_encoder *e, struct document_result *result, size_t column,
                  const char *reason)
{
    result->is_dead = true;
    result->reason = reason;
    result->column = e->shape.columns[column].name;
    result->nulled = 0;
}

/* Append the action line, or blame a column. */
static void encode_action(struct document_encoder *e, struct buffer *out,
                          struct document_result *result)
{
    const size_t *columns = e->part_column;
    struct slice op_text = read_metadata(e, columns[ACTION_OP]);
    result->op = e->shape.op;
    if (op_text.data != NULL && !action_parse_op(op_text, &result->op)) {
        blame(e, result, columns[ACTION_OP],
              "the operation is not index, create, update or delete");
        return;
    }
    result->index = read_metadata(e, columns[ACTION_INDEX]);
    result->routing = read_metadata(e, columns[ACTION_ROUTING]);
    struct action action = {
        .op = result->op,
        .id = result->id,
        .index = result->index,
        .routing = result->routing,
        .version = read_metadata(e, columns[ACTION_VERSION]),
    };
    struct action_refusal refusal;
    if (!action_append(out, &action, &refusal))
        blame(e, result, columns[refusal.part], refusal.reason);
}

/* Append {"name":value,...}, or blame a column. */
static void encode_fields(struct document_encoder *e, struct buffer *out,
                          struct document_result *result)
{
    size_t skip = 1; // the comma in front of the first field
    buffer_append_byte(out, '{');
    for (size_t i = 0; i < e->shape.column_count; i++) {
        const struct document_column *column = &e->shape.columns[i];
        struct slice raw = e->fields[i];
        if (column->role != COLUMN_FIELD || (raw.data == NULL && !e->shape.keeps_nulls))
            continue;
        buffer_append(out, e->names[i].data + skip, e->names[i].size - skip);
        skip = 0;
        if (raw.data == NULL) {
            buffer_append(out, "null", 4);
            continue;
        }
        const char *reason = value_append(out, column->type, raw, &result->nulled);
        if (reason != NULL) {
            blame(e, result, i, reason);
            return;
        }
    }
    buffer_append_byte(out, '}');
}

static void encode_source(struct document_encoder *e, struct buffer *out,
                          struct document_result *result)
{
    if (result->op == BULK_UPDATE)
        buffer_append_string(out, "{\"doc\":");
    encode_fields(e, out, result);
    if (result->op == BULK_UPDATE)
        buffer_append_string(out, ",\"doc_as_upsert\":true}");
    buffer_append_byte(out, '\n');
}

bool document_encode(struct document_encoder *e, struct slice row, struct buffer *out,
                     struct document_result *result, struct error *err)
{
    size_t start = out->size;
    *result = (struct document_result){.is_dead = false};
    size_t count = copytext_split(row, e->fields, e->shape.column_count);
    if (count != e->shape.column_count)
        return error_set(err, ERROR_BUG, "a row has %zu columns where %zu were announced", count,
                         e->shape.column_count);
    if (!reserve_metadata(e, err))
        return false;

    result->key = read_metadata(e, e->shape.key);
    bool is_key = e->part_column[ACTION_ID] == e->shape.key;
    result->id = is_key ? result->key : read_metadata(e, e->part_column[ACTION_ID]);
    encode_action(e, out, result);
    result->source_at = out->size - start;
    if (!result->is_dead && result->op != BULK_DELETE)
        encode_source(e, out, result);
    bool has_room = buffer_check(out, "a document", err);
    if (result->is_dead || !has_room)
        out->size = start;
    return has_room;
}

void document_dead_letter(struct slice row, const struct document_result *result,
                          struct buffer *out)
{
    size_t start = out->size;
    buffer_append_string(out, "{\"id\":");
    if (result->id.data == NULL || json_append_string(out, result->id) != NULL) {
        out->size = start;
        buffer_append_byte(out, '{');
    } else {
        buffer_append_byte(out, ',');
    }
    buffer_append_string(out, "\"error\":{\"type\":\"bobbin_encode\",\"reason\":");
    (void)!json_append_string(out, slice_of(result->reason));
    buffer_append_string(out, ",\"column\":");
    (void)!json_append_string(out, slice_of(result->column));
    buffer_append_string(out, "},\"row\":\"");
    base64_append(out, copytext_trim_newline(row));
    buffer_append_string(out, "\"}\n");
}
