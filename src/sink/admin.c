/* admin.c: see admin.h. */
#include "sink/admin.h"

#include <stdlib.h>

#include <jansson.h>

#include "sink/aws.h"
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
    const char *name; // of the index or pipeline
    int status;
    struct buffer answer;
    json_t *json; // the answer; NULL when it is no JSON
};

void admin_append_encoded(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++)
        url_append_encoded(out, *text);
}

static void read_answer(struct call *c, int status, struct slice answer)
{
    c->status = status;
    c->json = answer.size > 0 ? json_loadb(answer.data, answer.size, 0, NULL) : NULL;
}

static bool ask(struct http *h, struct call *c, const char *method, struct buffer *url,
                struct slice body, struct error *err)
{
    int status;
    bool ok = buffer_check(url, "a URL", err) &&
              http_call(h, method, buffer_string(url), body.size > 0 ? "application/json" : NULL,
                        body, &status, &c->answer, err);
    if (ok)
        read_answer(c, status, buffer_slice(&c->answer));
    return ok;
}

static void begin_call(struct call *c, const char *host, const char *name)
{
    *c = (struct call){.host = host, .name = name};
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
    const char *remedy = c->status == 403 ? aws_remedy(buffer_slice(&c->answer)) : NULL;
    if (remedy != NULL)
        return answered(c, ERROR_DENIED, remedy, err);
    if (c->status == 407)
        return answered(c, ERROR_DENIED, "the proxy refuses --proxy-user and its password", err);
    if (c->status == 401)
        return answered(c, ERROR_DENIED, "the credentials are missing or wrong", err);
    if (has_error_type(c, "cluster_block_exception"))
        return answered(c, ERROR_UNAVAILABLE, "it is blocked: try again when it no longer is", err);
    if (c->status == 403 || has_error_type(c, "security_exception")) {
        answered(c, ERROR_DENIED, "the user lacks a privilege", err);
        return error_hint(err, "needed on index %s: %s", c->name, privilege);
    }
    if (c->status == 408 || c->status == 429 || c->status >= 500)
        return answered(c, ERROR_UNAVAILABLE, "try again later", err);
    if (json_is_object(error_of(c)))
        return answered(c, ERROR_CONFIG, "the cluster refuses this index", err);
    return answered(c, ERROR_CONFIG,
                    "this URL is no search engine (Elasticsearch or OpenSearch): check --url", err);
}

static bool is_missing(const struct call *c)
{
    return c->status == 404 && has_error_type(c, "index_not_found_exception");
}

static bool judge_look(const struct call *c, struct target *target, struct error *err)
{
    bool is_there = target_read(target, c->name, c->json) && c->status == 200;
    if (!is_there)
        return is_missing(c) || refused(c, "view_index_metadata", err);
    return target->write.size > 0 ||
           error_set(err, ERROR_CONFIG,
                     "alias %s has no index to write to: make one of its indices its write index",
                     c->name);
}

void admin_put_look_url(struct buffer *out, const char *host, const char *index)
{
    buffer_append_format(out, "%s/", host);
    admin_append_encoded(out, index);
    buffer_append_string(out, "?filter_path=" TARGET_FILTER);
}

bool admin_read_look(const char *host, const char *index, const struct http_response *response,
                     struct target *target, struct error *err)
{
    struct call c;
    if (response->status == 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s", response->failure);
    begin_call(&c, host, index);
    read_answer(&c, response->status, response->body);
    bool ok = judge_look(&c, target, err);
    end_call(&c);
    return ok;
}

bool admin_look(struct http *h, const char *host, const char *index, struct target *target,
                struct error *err)
{
    struct call c;
    struct buffer url;
    if (index[0] == '\0' || strpbrk(index, "*?,") != NULL)
        return error_set(err, ERROR_CONFIG, "index \"%s\" is a pattern or a list: name one index",
                         index);
    begin_call(&c, host, index);
    buffer_init(&url, URL_BYTES);
    admin_put_look_url(&url, host, index);
    bool ok = ask(h, &c, "GET", &url, (struct slice){NULL, 0}, err) && judge_look(&c, target, err);
    buffer_free(&url);
    end_call(&c);
    return ok;
}

static bool judge_creation(const struct call *c, bool *created, struct error *err)
{
    const json_t *acknowledged = json_object_get(c->json, "acknowledged");
    *created = c->status == 200 && json_is_true(acknowledged);
    if (*created || has_error_type(c, "resource_already_exists_exception"))
        return true;
    if (c->status == 200 && json_is_false(acknowledged))
        answered(c, ERROR_UNAVAILABLE, "the index is not created yet: try again later", err);
    else
        refused(c, "create_index", err);
    return error_wrap(err, "index %s can't be created", c->name);
}

bool admin_create_index(struct http *h, const char *host, const char *index, struct slice body,
                        bool *created, struct error *err)
{
    struct call c;
    struct buffer url;
    *created = false;
    begin_call(&c, host, index);
    buffer_init(&url, URL_BYTES);
    buffer_append_format(&url, "%s/", host);
    admin_append_encoded(&url, index);
    bool ok = ask(h, &c, "PUT", &url, body, err) && judge_creation(&c, created, err);
    buffer_free(&url);
    end_call(&c);
    return ok;
}

/* 404 says {}: as an answer of a search engine that is enough, since the index was seen before. */
static bool judge_pipeline(const struct call *c, struct error *err)
{
    bool is_there = c->status == 200 && json_object_get(c->json, c->name) != NULL;
    if (is_there || c->status == 403)
        return true;
    if (c->status == 404 || (c->status == 200 && json_is_object(c->json)))
        return error_set(err, ERROR_CONFIG,
                         "ingest pipeline %s does not exist: create it, or check --pipeline",
                         c->name);
    return refused(c, "read_pipeline", err);
}

bool admin_check_pipeline(struct http *h, const char *host, const char *name, struct error *err)
{
    struct call c;
    struct buffer url;
    // Elasticsearch's word for: no pipeline; a name that the question would take for several
    if (strcmp(name, "_none") == 0 || strpbrk(name, ",*") != NULL)
        return true;
    begin_call(&c, host, name);
    buffer_init(&url, URL_BYTES);
    buffer_append_format(&url, "%s/_ingest/pipeline/", host);
    admin_append_encoded(&url, name);
    bool ok = ask(h, &c, "GET", &url, (struct slice){NULL, 0}, err) && judge_pipeline(&c, err);
    buffer_free(&url);
    end_call(&c);
    return ok;
}
