/* admin.c: see admin.h. */
#include "sink/admin.h"

#include <stdlib.h>

#include <jansson.h>

#include "sink/bulk.h"
#include "sink/url.h"

enum {
    URL_BYTES = 4096,
    ANSWER_BYTES = 1 << 20, // an alias or data stream may have thousands of indices behind it
    WORDS_BYTES = 1024,
};

/* One question and its answer. */
struct call {
    const char *host;
    const char *index;
    int status;
    struct buffer answer;
    json_t *json; // the answer; NULL when it is no JSON
};

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void admin_append_encoded(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_unreserved(*text))
            buffer_append_byte(out, *text);
        else
            buffer_append_format(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static bool ask(struct http *h, struct call *c, const char *method, const char *query,
                struct slice body, struct error *err)
{
    struct buffer url;
    buffer_init(&url, URL_BYTES);
    buffer_append_format(&url, "%s/", c->host);
    admin_append_encoded(&url, c->index);
    buffer_append_string(&url, query);
    bool ok = buffer_check(&url, "a URL", err) &&
              http_call(h, method, buffer_string(&url), body.size > 0 ? "application/json" : NULL,
                        body, &c->status, &c->answer, err);
    buffer_free(&url);
    if (ok && c->answer.size > 0)
        c->json = json_loadb(c->answer.data, c->answer.size, 0, NULL);
    return ok;
}

static void begin_call(struct call *c, const char *host, const char *index)
{
    *c = (struct call){.host = host, .index = index};
    buffer_init(&c->answer, ANSWER_BYTES);
}

static void end_call(struct call *c)
{
    json_decref(c->json);
    buffer_free(&c->answer);
}

static const json_t *error_of(const struct call *c)
{
    return json_object_get(c->json, "error");
}

static bool has_error_type(const struct call *c, const char *type)
{
    const char *found = json_string_value(json_object_get(error_of(c), "type"));
    return found != NULL && strcmp(found, type) == 0;
}

/* Append what the cluster says is wrong: its error; else the "message" that cloud services send. */
static void append_words(struct buffer *out, const struct call *c)
{
    const json_t *error = error_of(c);
    if (error == NULL)
        error = json_object_get(c->json, "message");
    if (error == NULL)
        error = json_object_get(c->json, "Message");
    char *text = error != NULL ? json_dumps(error, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (text != NULL) {
        buffer_append_string(out, ": ");
        bulk_describe_error(slice_of(text), out);
    }
    free(text);
}

/* Fill ERR: HOST answered STATUS, and in which words; then WHAT that means. */
static bool answered(const struct call *c, enum error_kind kind, const char *what,
                     struct error *err)
{
    struct buffer host, words;
    buffer_init(&host, WORDS_BYTES);
    buffer_init(&words, WORDS_BYTES);
    url_append_host(&host, c->host);
    append_words(&words, c);
    error_set(err, kind, "%s answered %d%s", buffer_string(&host), c->status,
              buffer_string(&words));
    buffer_free(&host);
    buffer_free(&words);
    return error_hint(err, "%s", what);
}

/* An answer that is neither yes nor no. PRIVILEGE: what the question needs. */
static bool refused(const struct call *c, const char *privilege, struct error *err)
{
    if (c->status == 401)
        return answered(c, ERROR_DENIED, "the credentials are missing or wrong", err);
    if (c->status == 403 || has_error_type(c, "security_exception")) {
        answered(c, ERROR_DENIED, "the user lacks a privilege", err);
        return error_hint(err, "needed on index %s: %s", c->index, privilege);
    }
    if (c->status == 408 || c->status == 429 || c->status >= 500)
        return answered(c, ERROR_UNAVAILABLE, "try again later", err);
    if (json_is_object(error_of(c)))
        return answered(c, ERROR_CONFIG, "the cluster refuses this index", err);
    return answered(c, ERROR_CONFIG,
                    "this URL is no search engine (Elasticsearch or OpenSearch): check --url", err);
}

/* Is the answer {"NAME": {"settings": {"index": {"uuid": ...}}}, ...}? */
static bool shows_an_index(const struct call *c)
{
    json_t *first = json_object_iter_value(json_object_iter(c->json));
    json_t *index = json_object_get(json_object_get(first, "settings"), "index");
    return c->status == 200 && json_is_string(json_object_get(index, "uuid"));
}

static bool is_missing(const struct call *c)
{
    return c->status == 404 && has_error_type(c, "index_not_found_exception");
}

static bool create_index(struct http *h, const char *host, const char *index, struct slice body,
                         bool *created, struct error *err)
{
    struct call c;
    begin_call(&c, host, index);
    bool ok = ask(h, &c, "PUT", "", body, err);
    *created = ok && c.status == 200 && json_is_true(json_object_get(c.json, "acknowledged"));
    if (ok && !*created && !has_error_type(&c, "resource_already_exists_exception")) {
        if (c.status == 200 && json_is_false(json_object_get(c.json, "acknowledged")))
            ok = answered(&c, ERROR_UNAVAILABLE, "the index is not created yet: try again later",
                          err);
        else
            ok = refused(&c, "create_index", err);
        error_wrap(err, "index %s can't be created", index);
    }
    end_call(&c);
    return ok;
}

bool admin_ensure_index(struct http *h, const char *host, const char *index, struct slice body,
                        bool *created, struct error *err)
{
    struct call c;
    *created = false;
    if (index[0] == '\0' || strpbrk(index, "*?,") != NULL)
        return error_set(err, ERROR_CONFIG, "index \"%s\" is a pattern or a list: name one index",
                         index);
    begin_call(&c, host, index);
    bool ok = ask(h, &c, "GET", "?filter_path=*.settings.index.uuid", (struct slice){NULL, 0}, err);
    bool missing = ok && is_missing(&c);
    if (ok && !missing && !shows_an_index(&c))
        ok = refused(&c, "view_index_metadata", err);
    end_call(&c);
    if (!missing)
        return ok;
    if (body.size > 0)
        return create_index(h, host, index, body, created, err);
    return error_set(err, ERROR_CONFIG,
                     "index %s does not exist: create it, or give its settings and mappings with "
                     "--create-index FILE",
                     index);
}
