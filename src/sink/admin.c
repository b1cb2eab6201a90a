/* admin.c: see admin.h. */
#include "sink/admin.h"

#include "sink/question.h"
#include "sink/url.h"

enum { URL_BYTES = 4096 };

/* One question about an index or a pipeline, and its answer. */
struct call {
    const char *host;
    const char *name;
    struct question question;
    struct question_answer answer;
    struct buffer path;
};

void admin_append_encoded(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++)
        url_append_encoded(out, *text);
}

static void begin_call(struct call *c, const char *host, const char *name, const char *privilege)
{
    *c = (struct call){.host = host, .name = name};
    c->question.index = name;
    c->question.privilege = privilege;
    question_answer_init(&c->answer, QUESTION_ANSWER_MAX_BYTES);
    buffer_init(&c->path, URL_BYTES);
}

static void end_call(struct call *c)
{
    question_answer_free(&c->answer);
    buffer_free(&c->path);
}

/* METHOD c->path */
static bool ask(struct http *h, struct call *c, const char *method, struct slice body,
                struct error *err)
{
    if (!buffer_check(&c->path, "a URL", err))
        return false;
    c->question.method = method;
    c->question.path = buffer_string(&c->path);
    c->question.body = body;
    return question_ask_host(h, c->host, &c->question, &c->answer, err);
}

static bool refused(const struct call *c, struct error *err)
{
    return question_refused(&c->question, c->host, &c->answer, err);
}

#define LOOK_PRIVILEGE "view_index_metadata"

static bool is_missing(const struct call *c)
{
    return c->answer.status == 404 && question_has_error(&c->answer, "index_not_found_exception");
}

static bool judge_look(const struct call *c, struct target *target, struct error *err)
{
    bool is_there = target_read(target, c->name, c->answer.json) && c->answer.status == 200;
    if (!is_there)
        return is_missing(c) || refused(c, err);
    return target->write.size > 0 ||
           error_set(err, ERROR_CONFIG,
                     "alias %s has no index to write to: make one of its indices its write index",
                     c->name);
}

static void put_look_path(struct buffer *out, const char *index)
{
    buffer_append_byte(out, '/');
    admin_append_encoded(out, index);
    buffer_append_string(out, "?filter_path=" TARGET_FILTER);
}

void admin_put_look_url(struct buffer *out, const char *host, const char *index)
{
    buffer_append_string(out, host);
    put_look_path(out, index);
}

bool admin_read_look(const char *host, const char *index, const struct http_response *response,
                     struct target *target, struct error *err)
{
    struct call c;
    if (response->status == 0)
        return error_set(err, ERROR_UNAVAILABLE, "%s", response->failure);
    begin_call(&c, host, index, LOOK_PRIVILEGE);
    question_answer_read(&c.answer, response->status, response->body);
    bool ok = judge_look(&c, target, err);
    end_call(&c);
    return ok;
}

bool admin_look(struct http *h, const char *host, const char *index, struct target *target,
                struct error *err)
{
    struct call c;
    if (index[0] == '\0' || strpbrk(index, "*?,") != NULL)
        return error_set(err, ERROR_CONFIG, "index \"%s\" is a pattern or a list: name one index",
                         index);
    begin_call(&c, host, index, LOOK_PRIVILEGE);
    put_look_path(&c.path, index);
    bool ok = ask(h, &c, "GET", (struct slice){NULL, 0}, err) && judge_look(&c, target, err);
    end_call(&c);
    return ok;
}

static bool judge_creation(const struct call *c, bool *created, struct error *err)
{
    const struct question_answer *a = &c->answer;
    const json_t *acknowledged = json_object_get(a->json, "acknowledged");
    *created = a->status == 200 && json_is_true(acknowledged);
    if (*created || question_has_error(a, "resource_already_exists_exception"))
        return true;
    if (a->status == 200 && json_is_false(acknowledged))
        question_answered(c->host, a, ERROR_UNAVAILABLE,
                          "the index is not created yet: try again later", err);
    else
        refused(c, err);
    return error_wrap(err, "index %s can't be created", c->name);
}

bool admin_create_index(struct http *h, const char *host, const char *index, struct slice body,
                        bool *created, struct error *err)
{
    struct call c;
    *created = false;
    begin_call(&c, host, index, "create_index");
    buffer_append_byte(&c.path, '/');
    admin_append_encoded(&c.path, index);
    bool ok = ask(h, &c, "PUT", body, err) && judge_creation(&c, created, err);
    end_call(&c);
    return ok;
}

/* 404 says {}: as an answer of a search engine that is enough, since the index was seen before. */
static bool judge_pipeline(const struct call *c, struct error *err)
{
    const struct question_answer *a = &c->answer;
    bool is_there = a->status == 200 && json_object_get(a->json, c->name) != NULL;
    if (is_there || a->status == 403)
        return true;
    if (a->status == 404 || (a->status == 200 && json_is_object(a->json)))
        return error_set(err, ERROR_CONFIG,
                         "ingest pipeline %s does not exist: create it, or check --pipeline",
                         c->name);
    return refused(c, err);
}

bool admin_check_pipeline(struct http *h, const char *host, const char *name, struct error *err)
{
    struct call c;
    // Elasticsearch's word for: no pipeline; a name that the question would take for several
    if (strcmp(name, "_none") == 0 || strpbrk(name, ",*") != NULL)
        return true;
    begin_call(&c, host, name, "read_pipeline");
    buffer_append_string(&c.path, "/_ingest/pipeline/");
    admin_append_encoded(&c.path, name);
    bool ok = ask(h, &c, "GET", (struct slice){NULL, 0}, err) && judge_pipeline(&c, err);
    end_call(&c);
    return ok;
}
