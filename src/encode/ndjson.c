/* ndjson.c: see ndjson.h. */
#include "encode/ndjson.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "encode/utf8.h"

enum { METADATA_MAX_BYTES = INT32_MAX };

struct ndjson_encoder {
    struct ndjson_shape shape;
    struct buffer metadata; // of the operation at hand, unescaped
};

/* Why lines can't be an operation; both NULL: they can. */
struct refusal {
    const char *reason;
    const char *part; // what is to blame
};

/* --- lines --- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice line)
{
    while (line.size > 0 && is_space(line.data[line.size - 1]))
        line.size--;
    while (line.size > 0 && is_space(line.data[0]))
        line = (struct slice){line.data + 1, line.size - 1};
    return line;
}

bool ndjson_is_blank(struct slice line)
{
    return trim(line).size == 0;
}

const char *ndjson_format_name(enum ndjson_format format)
{
    static const char *const names[] = {"auto", "documents", "hits", "bulk"};
    return names[format];
}

static bool is_object(struct slice value)
{
    return value.size > 0 && value.data[0] == '{';
}

/* A member that is looked for; VALUE's data stays NULL when it is absent. */
struct member {
    const char *name;
    struct slice value;
};

/* Find the COUNT MEMBERS (the first of each name) in one walk. False when LINE is not exactly one JSON object. */
static bool read_members(struct slice line, struct member *members, size_t count)
{
    struct json_scan s = json_scan_over(line);
    struct slice name, value;
    if (!json_scan_expect(&s, '{'))
        return false;
    enum json_scan_step step = json_scan_member(&s, true, &name);
    while (step == JSON_SCAN_ITEM && json_scan_value(&s, &value)) {
        for (size_t i = 0; i < count; i++)
            if (members[i].value.data == NULL && slice_equal(name, slice_of(members[i].name)))
                members[i].value = value;
        step = json_scan_member(&s, false, &name);
    }
    return step == JSON_SCAN_END && json_scan_is_at_end(&s);
}

/* The only member of LINE, an action: which operation, and its METADATA. */
static bool read_action(struct slice line, enum bulk_op *op, struct slice *metadata)
{
    struct json_scan s = json_scan_over(line);
    struct slice name, other;
    return json_scan_expect(&s, '{') && json_scan_member(&s, true, &name) == JSON_SCAN_ITEM &&
           json_scan_value(&s, metadata) && is_object(*metadata) && action_parse_op(name, op) &&
           json_scan_member(&s, false, &other) == JSON_SCAN_END && json_scan_is_at_end(&s);
}

bool ndjson_takes_source(struct slice line)
{
    enum bulk_op op;
    struct slice metadata;
    return read_action(line, &op, &metadata) && op != BULK_DELETE;
}

enum ndjson_format ndjson_detect(struct slice line)
{
    enum bulk_op op;
    struct slice metadata;
    struct member hit[] = {{.name = "_id"}, {.name = "_source"}};
    if (read_action(line, &op, &metadata))
        return NDJSON_BULK;
    bool is_hit =
        read_members(line, hit, 2) && hit[0].value.data != NULL && is_object(hit[1].value);
    return is_hit ? NDJSON_HITS : NDJSON_AUTO;
}

/* --- values --- */

static bool is_integer(struct slice value)
{
    size_t at = value.size > 0 && value.data[0] == '-';
    for (size_t i = at; i < value.size; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
    return value.size > at;
}

static bool is_null(struct slice value)
{
    return slice_equal(value, slice_of("null"));
}

/* VALUE as text: a string's, an integer's as it is written; data NULL for null, for what is absent, and for all
 * else, when *IS_OTHER too. The room was reserved before, so that earlier values stay where they are. */
static struct slice take_text(struct ndjson_encoder *e, struct slice value, bool *is_other)
{
    size_t start = e->metadata.size;
    struct slice inside = json_scan_string(value);
    *is_other = false;
    if (inside.data != NULL) {
        json_scan_unescape(&e->metadata, inside);
        return (struct slice){e->metadata.data + start, e->metadata.size - start};
    }
    if (is_integer(value))
        return value;
    *is_other = value.data != NULL && !is_null(value);
    return (struct slice){NULL, 0};
}

static void take_member(struct ndjson_encoder *e, struct slice value, const char *part,
                        struct slice *out, struct refusal *refusal)
{
    bool is_other;
    *out = take_text(e, value, &is_other);
    if (is_other)
        *refusal = (struct refusal){"it is neither a string nor an integer", part};
}

/* --- operations: what is sent of the lines --- */

struct operation {
    struct action action;
    struct slice source;
    bool is_wrapped;  // an update whose source is a document
    bool is_external; // the version
};

static const struct refusal no_object = {"it is not one JSON object", "line"};

static void read_document(struct ndjson_encoder *e, struct slice line, struct operation *o,
                          struct refusal *refusal)
{
    struct member id = {.name = e->shape.id_field};
    o->action.op = e->shape.op;
    o->source = trim(line);
    o->is_wrapped = true;
    if (read_members(line, &id, 1))
        take_member(e, id.value, id.name, &o->action.id, refusal);
    else
        *refusal = no_object;
}

static void read_hit(struct ndjson_encoder *e, struct slice line, struct operation *o,
                     struct refusal *refusal)
{
    struct member hit[] = {{.name = "_id"}, {.name = "_routing"}, {.name = "_source"}};
    o->action.op = e->shape.op;
    o->is_wrapped = true;
    if (!read_members(line, hit, 3)) {
        *refusal = no_object;
        return;
    }
    take_member(e, hit[0].value, hit[0].name, &o->action.id, refusal);
    take_member(e, hit[1].value, hit[1].name, &o->action.routing, refusal);
    o->source = hit[2].value;
    if (!is_object(o->source) && o->action.op != BULK_DELETE)
        *refusal = (struct refusal){"the hit has no object \"_source\"", "_source"};
}

/* NAME without the underscore with which some versions begin it. */
static struct slice plain_name(struct slice name)
{
    bool has = name.size > 0 && name.data[0] == '_';
    return (struct slice){name.data + has, name.size - has};
}

static void read_metadata(struct ndjson_encoder *e, struct slice name, struct slice value,
                          struct operation *o, struct refusal *refusal)
{
    const struct {
        const char *name;
        const char *part;
        struct slice *value;
    } members[] = {
        {"id", "_id", &o->action.id},
        {"index", "_index", &o->action.index},
        {"routing", "routing", &o->action.routing},
        {"version", "version", &o->action.version},
    };
    name = plain_name(name);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (slice_equal(name, slice_of(members[i].name))) {
            if (members[i].value->data == NULL) // the first counts
                take_member(e, value, members[i].part, members[i].value, refusal);
            return;
        }
    if (slice_equal(name, slice_of("version_type")))
        o->is_external = slice_equal(value, slice_of("\"external\""));
    else if (!slice_equal(name, slice_of("type")))
        *refusal = (struct refusal){"the action has a member that bobbin does not know", "action"};
}

static void read_bulk(struct ndjson_encoder *e, struct slice line, struct slice source,
                      struct operation *o, struct refusal *refusal)
{
    struct slice metadata, name, value;
    if (!read_action(line, &o->action.op, &metadata)) {
        *refusal = (struct refusal){"it is not an action of a bulk request", "line"};
        return;
    }
    struct json_scan s = json_scan_over(metadata);
    bool is_first = true;
    if (!json_scan_expect(&s, '{'))
        return;
    while (json_scan_member(&s, is_first, &name) == JSON_SCAN_ITEM && json_scan_value(&s, &value)) {
        read_metadata(e, name, value, o, refusal);
        is_first = false;
    }
    o->source = trim(source);
    if (o->action.version.data != NULL && !o->is_external && refusal->reason == NULL)
        *refusal =
            (struct refusal){"only an external version is known before it is sent", "version"};
    if (o->action.op == BULK_DELETE || refusal->reason != NULL)
        return;
    if (source.data == NULL)
        *refusal = (struct refusal){"the file ends before its source line", "action"};
    else if (!read_members(source, NULL, 0))
        *refusal = (struct refusal){"the line behind it is not one JSON object", "source"};
}

static void read_operation(struct ndjson_encoder *e, struct slice line, struct slice source,
                           struct operation *o, struct refusal *refusal)
{
    *o = (struct operation){.is_wrapped = false};
    *refusal = (struct refusal){NULL, NULL};
    if (!utf8_is_valid(line) || !utf8_is_valid(source))
        *refusal = (struct refusal){"it is not valid UTF-8", "line"};
    else if (e->shape.format == NDJSON_BULK)
        read_bulk(e, line, source, o, refusal);
    else if (e->shape.format == NDJSON_HITS)
        read_hit(e, line, o, refusal);
    else
        read_document(e, line, o, refusal);
}

/* --- writing --- */

static const char *part_name(const struct ndjson_encoder *e, enum action_part part)
{
    static const char *const names[ACTION_PARTS] = {
        [ACTION_ID] = "_id",          [ACTION_INDEX] = "_index", [ACTION_ROUTING] = "routing",
        [ACTION_VERSION] = "version", [ACTION_OP] = "action",
    };
    bool is_field = part == ACTION_ID && e->shape.format == NDJSON_DOCUMENTS;
    return is_field ? e->shape.id_field : names[part];
}

static void append_source(struct buffer *out, const struct operation *o)
{
    bool wraps = o->is_wrapped && o->action.op == BULK_UPDATE;
    if (o->action.op == BULK_DELETE)
        return;
    if (wraps)
        buffer_append_string(out, "{\"doc\":");
    buffer_append(out, o->source.data, o->source.size);
    if (wraps)
        buffer_append_string(out, ",\"doc_as_upsert\":true}");
    buffer_append_byte(out, '\n');
}

bool ndjson_encoder_new(struct ndjson_encoder **out, const struct ndjson_shape *shape,
                        struct error *err)
{
    struct ndjson_encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return error_set_memory(err);
    e->shape = *shape;
    buffer_init(&e->metadata, METADATA_MAX_BYTES);
    *out = e;
    return true;
}

void ndjson_encoder_free(struct ndjson_encoder *e)
{
    if (e == NULL)
        return;
    buffer_free(&e->metadata);
    free(e);
}

/* Text is never longer than what it was escaped as; even an empty one has an address. */
static bool reserve_metadata(struct ndjson_encoder *e, struct slice line, struct error *err)
{
    buffer_clear(&e->metadata);
    (void)!buffer_reserve(&e->metadata, line.size + 1);
    return buffer_check(&e->metadata, "an operation's metadata", err);
}

bool ndjson_encode(struct ndjson_encoder *e, struct slice line, struct slice source,
                   struct buffer *out, struct document_result *result, struct error *err)
{
    struct operation o;
    struct refusal refusal;
    struct action_refusal of_action;
    size_t start = out->size;
    *result = (struct document_result){.is_dead = false};
    if (!reserve_metadata(e, line, err))
        return false;
    read_operation(e, line, source, &o, &refusal);
    if (refusal.reason == NULL && !action_append(out, &o.action, &of_action))
        refusal = (struct refusal){of_action.reason, part_name(e, of_action.part)};
    result->op = o.action.op;
    result->id = o.action.id;
    result->index = o.action.index;
    result->routing = o.action.routing;
    result->source_at = out->size - start;
    result->is_dead = refusal.reason != NULL;
    result->reason = refusal.reason;
    result->column = refusal.part;
    if (!result->is_dead)
        append_source(out, &o);
    bool has_room = buffer_check(out, "an operation", err);
    if (result->is_dead || !has_room)
        out->size = start;
    return has_room;
}
