/* bulk.c: see bulk.h. */
#include "sink/bulk.h"

#include <jansson.h>

#include "base/json_scan.h"

enum { EXCERPT_BYTES = 60 }; // of an answer that can't be read

enum operation { OPERATION_INDEX, OPERATION_CREATE, OPERATION_UPDATE, OPERATION_DELETE };

/* One item as the response has it, before it is judged. */
struct verdict {
    enum operation operation;
    unsigned status;    // 0: absent
    struct slice error; // size 0: absent or null
    bool is_put_aside;  // failure_store: used
};

static bool find_operation(struct slice name, enum operation *operation)
{
    static const char *const names[] = {
        [OPERATION_INDEX] = "index",
        [OPERATION_CREATE] = "create",
        [OPERATION_UPDATE] = "update",
        [OPERATION_DELETE] = "delete",
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (slice_equal(name, slice_of(names[i]))) {
            *operation = (enum operation)i;
            return true;
        }
    }
    return false;
}

/* A status is three digits of JSON; everything else is no status. */
static bool read_status(struct slice value, unsigned *status)
{
    if (value.size != 3 || *status != 0)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        *status = *status * 10 + (unsigned)(value.data[i] - '0');
    }
    return (*status >= 200 && *status < 300) || (*status >= 400 && *status < 600);
}

static bool read_member(struct slice name, struct slice value, struct verdict *v)
{
    if (slice_equal(name, slice_of("status")))
        return read_status(value, &v->status);
    if (slice_equal(name, slice_of("error"))) {
        if (v->error.size != 0)
            return false;
        if (!slice_equal(value, slice_of("null")))
            v->error = value;
    } else if (slice_equal(name, slice_of("failure_store"))) {
        v->is_put_aside = slice_equal(value, slice_of("\"used\""));
    }
    return true;
}

/* Behind the colon of {"index": ...}. */
static bool scan_verdict(struct json_scan *s, struct verdict *v)
{
    struct slice name, value;
    if (!json_scan_expect(s, '{'))
        return false;
    enum json_scan_step step = json_scan_member(s, true, &name);
    while (step == JSON_SCAN_ITEM) {
        if (!json_scan_value(s, &value) || !read_member(name, value, v))
            return false;
        step = json_scan_member(s, false, &name);
    }
    return step == JSON_SCAN_END && v->status != 0 && (v->status >= 300 || v->error.size == 0);
}

static bool scan_item(struct json_scan *s, struct verdict *v)
{
    struct slice name;
    *v = (struct verdict){0};
    return json_scan_expect(s, '{') && json_scan_member(s, true, &name) == JSON_SCAN_ITEM &&
           find_operation(name, &v->operation) && scan_verdict(s, v) &&
           json_scan_member(s, false, &name) == JSON_SCAN_END;
}

static bool is_error_type(struct slice type, const char *name)
{
    return slice_equal(json_scan_string(type), slice_of(name));
}

bool bulk_is_block(struct slice error_json)
{
    struct slice type = {NULL, 0};
    return json_scan_find(error_json, "type", &type) &&
           (is_error_type(type, "cluster_block_exception") ||
            is_error_type(type, "index_closed_exception"));
}

/* Elasticsearch and OpenSearch have no type for these, only a reason. */
static bool is_misconfiguration(struct slice error_json)
{
    static const char *const beginnings[] = {"pipeline with id [",
                                             "no write index is defined for alias ["};
    struct slice reason = {NULL, 0};
    if (!json_scan_find(error_json, "reason", &reason))
        return false;
    reason = json_scan_string(reason);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t size = strlen(beginnings[i]);
        if (reason.size > size && memcmp(reason.data, beginnings[i], size) == 0)
            return true;
    }
    return false;
}

static enum bulk_outcome judge_status(unsigned status)
{
    if (status == 408 || status == 429 || status >= 500)
        return BULK_RETRY;
    return status == 401 || status == 403 ? BULK_DENIED : BULK_DEAD;
}

static enum bulk_outcome judge(const struct verdict *v)
{
    struct slice type = {NULL, 0};
    if (v->status < 300)
        return v->is_put_aside ? BULK_DEAD : BULK_DONE;
    (void)json_scan_find(v->error, "type", &type); // none: the status alone decides
    if (bulk_is_block(v->error))
        return BULK_BLOCKED;
    if (is_error_type(type, "index_not_found_exception"))
        return BULK_INDEX_MISSING;
    if (v->status == 400 && is_misconfiguration(v->error))
        return BULK_MISCONFIGURED;
    if (v->status == 404 && v->operation == OPERATION_DELETE && v->error.size == 0)
        return BULK_DONE;
    if (v->status == 409)
        return v->operation != OPERATION_UPDATE ? BULK_DONE : BULK_RETRY;
    return judge_status(v->status);
}

struct parse {
    const char *start; // of the response
    size_t count;
    struct bulk_item *items;
    bool has_items;      // the "items" member was seen
    bool is_other_count; // well-formed as far as it was read, but not COUNT items
};

static struct bulk_item make_item(const struct parse *p, const struct verdict *v)
{
    struct bulk_item item = {.outcome = (uint8_t)judge(v), .status = (uint16_t)v->status};
    if (v->error.size != 0) {
        item.error_offset = (uint32_t)(v->error.data - p->start);
        item.error_size = (uint32_t)v->error.size;
    }
    return item;
}

static bool scan_items(struct json_scan *s, struct parse *p)
{
    size_t found = 0;
    struct verdict v;
    if (p->has_items || !json_scan_expect(s, '['))
        return false;
    p->has_items = true;
    enum json_scan_step step = json_scan_element(s, true);
    for (; step == JSON_SCAN_ITEM; step = json_scan_element(s, false)) {
        if (!scan_item(s, &v))
            return false;
        if (found < p->count)
            p->items[found] = make_item(p, &v);
        found++;
    }
    p->is_other_count = found != p->count;
    return step == JSON_SCAN_END;
}

static bool scan_response(struct json_scan *s, struct parse *p)
{
    struct slice name, value;
    if (!json_scan_expect(s, '{'))
        return false;
    enum json_scan_step step = json_scan_member(s, true, &name);
    while (step == JSON_SCAN_ITEM) {
        bool is_items = slice_equal(name, slice_of("items"));
        if (is_items ? !scan_items(s, p) : !json_scan_value(s, &value))
            return false;
        step = json_scan_member(s, false, &name);
    }
    return step == JSON_SCAN_END && json_scan_is_at_end(s);
}

/* At most LIMIT bytes of TEXT, and no part of a character at the end. */
static void append_cut(struct buffer *out, struct slice text, size_t limit)
{
    size_t size = text.size < limit ? text.size : limit;
    while (size > 0 && size < text.size && ((unsigned char)text.data[size] & 0xC0) == 0x80)
        size--;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        buffer_append_byte(out, c < ' ' || c == 0x7F ? ' ' : text.data[i]);
    }
}

/* RESPONSE is nothing that a search engine says: then its size and first words help. */
static bool unreadable(struct slice response, size_t at, struct error *err)
{
    struct buffer words;
    if (response.size == 0)
        return error_set(err, ERROR_UNAVAILABLE, "the cluster's answer to a bulk request is empty");
    buffer_init(&words, EXCERPT_BYTES + 1);
    append_cut(&words, response, EXCERPT_BYTES);
    error_set(err, ERROR_UNAVAILABLE,
              "the cluster's answer to a bulk request can't be read (%zu bytes, not well-formed "
              "near byte %zu): it begins \"%s\"",
              response.size, at, buffer_string(&words));
    buffer_free(&words);
    return false;
}

bool bulk_parse_response(struct slice response, size_t count, struct bulk_item *items,
                         struct error *err)
{
    struct json_scan s = json_scan_over(response);
    struct parse p = {s.next, count, items, false, false};
    if (response.size > UINT32_MAX)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the cluster's answer to a bulk request can't be read: it has %zu bytes",
                         response.size);
    if (!scan_response(&s, &p))
        return unreadable(response, (size_t)(s.next - p.start), err);
    if (!p.has_items)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the cluster's answer to a bulk request has no items");
    if (p.is_other_count)
        return error_set(err, ERROR_UNAVAILABLE,
                         "the cluster's answer to a bulk request of %zu operations has another "
                         "number of items",
                         count);
    return true;
}

static void append_error(struct buffer *out, const json_t *error)
{
    const char *type = json_string_value(json_object_get(error, "type"));
    const char *reason = json_string_value(json_object_get(error, "reason"));
    if (json_is_string(error))
        reason = json_string_value(error);
    if (type != NULL)
        buffer_append_string(out, type);
    if (type != NULL && reason != NULL)
        buffer_append_string(out, ": ");
    if (reason != NULL)
        buffer_append_string(out, reason);
}

void bulk_describe_error(struct slice error_json, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, error_json.size + sizeof ": ");
    json_t *error =
        json_loadb(error_json.size ? error_json.data : "", error_json.size, JSON_DECODE_ANY, NULL);
    append_error(&text, error);
    struct slice words = text.size != 0 ? buffer_slice(&text) : error_json;
    append_cut(out, words, BULK_ERROR_TEXT_BYTES);
    json_decref(error);
    buffer_free(&text);
}
