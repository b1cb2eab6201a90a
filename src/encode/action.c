/* action.c: see action.h. */
#include "encode/action.h"

#include <stdint.h>

#include "encode/json.h"

static const char *const op_names[] = {
    [BULK_INDEX] = "index",
    [BULK_CREATE] = "create",
    [BULK_UPDATE] = "update",
    [BULK_DELETE] = "delete",
};

bool action_parse_op(struct slice text, enum bulk_op *op)
{
    for (size_t i = 0; i < sizeof op_names / sizeof op_names[0]; i++)
        if (slice_equal(text, slice_of(op_names[i]))) {
            *op = (enum bulk_op)i;
            return true;
        }
    return false;
}

static const char *check_id(struct slice id)
{
    if (id.data == NULL)
        return "the document has no id: it is NULL";
    if (id.size == 0)
        return "the document's id is empty";
    if (id.size > DOCUMENT_ID_MAX_BYTES)
        return "the document's id is longer than 512 bytes";
    return NULL;
}

static bool parse_version(struct slice text, uint64_t *version)
{
    *version = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (*version > (INT64_MAX - digit) / 10)
            return false;
        *version = *version * 10 + digit;
    }
    return text.size > 0;
}

static const char *append_version(struct buffer *out, const struct action *a)
{
    uint64_t version;
    if (a->version.data == NULL)
        return NULL;
    if (!parse_version(a->version, &version))
        return "the version is not an integer from 0 to 9223372036854775807";
    if (a->op == BULK_CREATE || a->op == BULK_UPDATE)
        return "create and update take no external version";
    buffer_append_format(out, ",\"version\":%llu,\"version_type\":\"external\"",
                         (unsigned long long)version);
    return NULL;
}

static const char *append_text(struct buffer *out, const char *name, struct slice value)
{
    if (value.data == NULL)
        return NULL;
    buffer_append_string(out, name);
    return json_append_string(out, value);
}

static const char *append_id(struct buffer *out, const struct action *a)
{
    const char *reason = check_id(a->id);
    return reason != NULL ? reason : append_text(out, "\":{\"_id\":", a->id);
}

static const char *append_index(struct buffer *out, const struct action *a)
{
    if (a->index.data != NULL && a->index.size == 0)
        return "the index name is empty";
    return append_text(out, ",\"_index\":", a->index);
}

static const char *append_routing(struct buffer *out, const struct action *a)
{
    return append_text(out, ",\"routing\":", a->routing);
}

bool action_append(struct buffer *out, const struct action *a, struct action_refusal *refusal)
{
    static const struct {
        enum action_part part;
        const char *(*append)(struct buffer *out, const struct action *a);
    } steps[] = {
        {ACTION_ID, append_id},
        {ACTION_INDEX, append_index},
        {ACTION_ROUTING, append_routing},
        {ACTION_VERSION, append_version},
    };
    size_t start = out->size;
    buffer_append(out, "{\"", 2);
    buffer_append_string(out, op_names[a->op]);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const char *reason = steps[i].append(out, a);
        if (reason != NULL) {
            *refusal = (struct action_refusal){steps[i].part, reason};
            out->size = start;
            return false;
        }
    }
    buffer_append(out, "}}\n", 3);
    return true;
}
