/* scroll.c: all documents of an index, page by page. See search.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "sink/search_internal.h"

enum { ID_BYTES = 64 << 10, BODY_BYTES = 128 << 10, CLEAR_BYTES = 64 << 10 };

#define SCROLL_TIME "5m" // between two pages

struct scroll {
    struct http *http;
    char *host;
    char *index;
    uint64_t page_documents;
    uint64_t seen, announced;
    struct buffer page;
    struct buffer body; // of a question
    struct buffer id;   // the scroll's, as it stands in JSON; empty before the first page
    struct buffer text; // a document's id and routing, unescaped
};

static uint64_t choose_page(uint64_t average_bytes, uint64_t largest_bytes)
{
    uint64_t usual = SCROLL_PAGE_BYTES / (average_bytes + SCROLL_DOCUMENT_MIN_BYTES);
    uint64_t most = SCROLL_RESPONSE_MAX_BYTES / 2 / (largest_bytes + SCROLL_DOCUMENT_MIN_BYTES);
    uint64_t count = usual < most ? usual : most;
    if (count > SCROLL_PAGE_DOCUMENTS)
        return SCROLL_PAGE_DOCUMENTS;
    return count < 1 ? 1 : count;
}

bool scroll_new(struct scroll **out, struct http *h, const char *host, const char *index,
                uint64_t average_bytes, uint64_t largest_bytes, struct error *err)
{
    struct scroll *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    s->http = h;
    s->host = strdup(host);
    s->index = strdup(index);
    s->page_documents = choose_page(average_bytes, largest_bytes);
    buffer_init(&s->page, SCROLL_RESPONSE_MAX_BYTES);
    buffer_init(&s->body, BODY_BYTES);
    buffer_init(&s->id, ID_BYTES);
    buffer_init(&s->text, SCROLL_RESPONSE_MAX_BYTES);
    if (s->host == NULL || s->index == NULL) {
        scroll_free(s);
        return error_set_memory(err);
    }
    *out = s;
    return true;
}

static void put_scroll_id(struct scroll *s)
{
    buffer_append_string(&s->body, "\"scroll_id\":\"");
    buffer_append(&s->body, s->id.data, s->id.size);
    buffer_append_string(&s->body, "\"}");
}

/* The cluster would keep it for SCROLL_TIME. */
static void clear_scroll(struct scroll *s)
{
    struct error ignored = {.kind = ERROR_NONE};
    struct search_call c = {.host = s->host};
    buffer_clear(&s->page);
    buffer_clear(&s->body);
    buffer_append_byte(&s->body, '{');
    put_scroll_id(s);
    (void)!search_ask(s->http, &c, "DELETE", "_search/scroll", buffer_slice(&s->body), &s->page,
                      &ignored);
}

void scroll_free(struct scroll *s)
{
    if (s == NULL)
        return;
    if (s->id.size > 0)
        clear_scroll(s);
    buffer_free(&s->page);
    buffer_free(&s->body);
    buffer_free(&s->id);
    buffer_free(&s->text);
    free(s->host);
    free(s->index);
    free(s);
}

/* --- asking --- */

static bool ask_page(struct scroll *s, struct search_call *c, struct error *err)
{
    const char *path = "_search/scroll";
    buffer_clear(&s->body);
    buffer_clear(&s->page);
    if (s->id.size == 0) {
        path = "/_search?scroll=" SCROLL_TIME "&allow_partial_search_results=false";
        buffer_append_format(&s->body,
                             "{\"size\":%" PRIu64 ",\"sort\":[\"_doc\"],\"_source\":true,"
                             "\"track_total_hits\":true,\"query\":{\"match_all\":{}}}",
                             s->page_documents);
    } else {
        buffer_append_string(&s->body, "{\"scroll\":\"" SCROLL_TIME "\",");
        put_scroll_id(s);
    }
    return buffer_check(&s->body, "a question to the index", err) &&
           search_ask(s->http, c, "POST", path, buffer_slice(&s->body), &s->page, err);
}

static bool unreadable(const struct scroll *s, struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE,
                     "index %s: a page of documents can't be read; run the same command again",
                     s->index);
}

/* --- a page --- */

static bool keep_scroll_id(struct scroll *s, struct error *err)
{
    struct slice value, id;
    if (!json_scan_find(buffer_slice(&s->page), "_scroll_id", &value) ||
        (id = json_scan_string(value)).size == 0)
        return unreadable(s, err);
    buffer_clear(&s->id);
    buffer_append(&s->id, id.data, id.size);
    return buffer_check(&s->id, "a scroll's id", err);
}

/* {"value": 12, "relation": "eq"} */
static bool read_total(struct slice total, uint64_t *count)
{
    struct slice value, relation;
    return json_scan_find(total, "value", &value) && search_number(value, count) &&
           json_scan_find(total, "relation", &relation) &&
           slice_equal(json_scan_string(relation), slice_of("eq"));
}

/* Where a member of a hit belongs; NULL: nowhere. */
static struct slice *member_of(struct scroll_document *document, struct slice name)
{
    if (slice_equal(name, slice_of("_index")))
        return &document->index;
    if (slice_equal(name, slice_of("_id")))
        return &document->id;
    if (slice_equal(name, slice_of("_routing")))
        return &document->routing;
    return slice_equal(name, slice_of("_source")) ? &document->source : NULL;
}

/* Make plain text of the strings of DOCUMENT, which are values in JSON. */
static bool make_text(struct scroll *s, struct scroll_document *document, struct error *err)
{
    struct slice *const members[] = {&document->index, &document->id, &document->routing};
    size_t ends[3];
    buffer_clear(&s->text);
    for (size_t i = 0; i < 3; i++) {
        if (members[i]->data != NULL)
            json_scan_unescape(&s->text, json_scan_string(*members[i]));
        ends[i] = s->text.size;
    }
    buffer_append_byte(&s->text, '\0'); // so that even empty texts have an address
    for (size_t i = 0, start = 0; i < 3; start = ends[i++])
        if (members[i]->data != NULL)
            *members[i] = (struct slice){s->text.data + start, ends[i] - start};
    return buffer_check(&s->text, "a document's id", err);
}

/* Behind the "{" of a hit. */
static bool read_hit(struct json_scan *at, struct scroll_document *document)
{
    struct slice name, value;
    enum json_scan_step step = json_scan_member(at, true, &name);
    for (; step == JSON_SCAN_ITEM; step = json_scan_member(at, false, &name)) {
        if (!json_scan_value(at, &value))
            return false;
        struct slice *member = member_of(document, name);
        if (member != NULL)
            *member = value;
    }
    return step == JSON_SCAN_END && json_scan_string(document->id).data != NULL &&
           json_scan_string(document->index).data != NULL &&
           (document->routing.data == NULL || document->routing.data[0] == '"');
}

static bool see_hits(struct scroll *s, struct slice hits, scroll_see *see, void *context,
                     uint64_t *count, struct error *err)
{
    struct json_scan at = json_scan_over(hits);
    *count = 0;
    if (!json_scan_expect(&at, '['))
        return unreadable(s, err);
    enum json_scan_step step = json_scan_element(&at, true);
    for (; step == JSON_SCAN_ITEM; step = json_scan_element(&at, false)) {
        struct scroll_document document = {.id = {NULL, 0}};
        if (!json_scan_expect(&at, '{') || !read_hit(&at, &document))
            return unreadable(s, err);
        if (!make_text(s, &document, err) || !see(context, &document, err))
            return false;
        ++*count;
    }
    return step == JSON_SCAN_END || unreadable(s, err);
}

static bool check_end(const struct scroll *s, struct error *err)
{
    if (s->seen == s->announced)
        return true;
    return error_set(err, ERROR_UNAVAILABLE,
                     "index %s: %" PRIu64 " documents were announced and %" PRIu64
                     " came; run the same command again",
                     s->index, s->announced, s->seen);
}

/* A scroll that the cluster has lost (a node's restart, or a page that was long in the reading) is 404. */
static bool page_refused(const struct search_call *c, bool is_first, struct slice page,
                         struct error *err)
{
    if (is_first || c->status != 404)
        return search_refused(c, page, err);
    return error_set(err, ERROR_UNAVAILABLE,
                     "index %s: the cluster has lost the scroll; run the same command again",
                     c->index);
}

bool scroll_next(struct scroll *s, scroll_see *see, void *context, bool *is_end, struct error *err)
{
    struct search_call c = {.host = s->host, .index = s->index, .privilege = "read"};
    struct slice hits, list, total;
    uint64_t count;
    bool is_first = s->id.size == 0;
    if (!ask_page(s, &c, err))
        return false;
    struct slice page = buffer_slice(&s->page);
    if (c.status != 200)
        return page_refused(&c, is_first, page, err);
    if (!keep_scroll_id(s, err) || !search_check_shards(&c, page, err))
        return false;
    if (!json_scan_find(page, "hits", &hits) || !json_scan_find(hits, "hits", &list) ||
        (is_first && !(json_scan_find(hits, "total", &total) && read_total(total, &s->announced))))
        return unreadable(s, err);
    if (!see_hits(s, list, see, context, &count, err))
        return false;
    s->seen += count;
    *is_end = count == 0;
    return !*is_end || check_end(s, err);
}
