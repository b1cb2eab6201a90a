/* route.c: see route.h. */
#include "serve/route.h"

#include <stdlib.h>

#include <jansson.h>

#include "serve/metrics.h"
#include "serve/model.h"
#include "serve/page.h"

#define TASK_PATH "/task"
#define BUSY_MESSAGE "the server has no memory left"

/* --- answers --- */

/* Takes JSON's reference; NULL: there was no memory for it. */
static void answer_json(struct response *out, unsigned status, json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    out->status = text != NULL ? status : 503;
    out->type = "application/json";
    buffer_append_string(&out->body, text != NULL ? text : "{\"message\":\"" BUSY_MESSAGE "\"}");
    buffer_append_byte(&out->body, '\n');
    free(text);
}

static void answer(struct response *out, unsigned status, const char *message)
{
    json_t *text = json_string(message);
    answer_json(out, status,
                json_pack("{s:o}", "message", text != NULL ? text : json_string("no UTF-8")));
}

static void answer_error(struct response *out, const struct error *err)
{
    if (err->kind == ERROR_USAGE)
        answer(out, 400, err->message);
    else
        answer(out, error_is_retryable(err->kind) ? 503 : 500, err->message);
}

/* --- who may ask --- */

/* Takes as long for any GIVEN of one length. */
static bool is_token(const char *token, const char *given)
{
    size_t size = strlen(token);
    unsigned char difference = strlen(given) != size;
    for (size_t i = 0; i < size && given[i] != '\0'; i++)
        difference |= (unsigned char)(token[i] ^ given[i]);
    return difference == 0;
}

static bool may_ask(const struct route_context *context, const struct request *r)
{
    return context->token == NULL ||
           (r->credential != NULL && is_token(context->token, r->credential));
}

/* A page of another site can make a browser on this machine send forms here: it says so in Origin. */
static bool is_of_other_site(const struct request *r)
{
    static const char scheme[] = "http";
    if (r->origin == NULL)
        return false;
    const char *host = strstr(r->origin, "://");
    return r->host == NULL || host == NULL || strncmp(r->origin, scheme, sizeof scheme - 1) != 0 ||
           strcmp(host + 3, r->host) != 0;
}

/* --- /task --- */

/* What the client calls this server, if that can stand in a URL. */
static const char *host_of(const struct route_context *context, const struct request *r)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_:[]";
    bool is_good =
        r->host != NULL && r->host[0] != '\0' && r->host[strspn(r->host, letters)] == '\0';
    return is_good ? r->host : context->address;
}

static void create_task(const struct route_context *context, const struct request *r,
                        struct response *out)
{
    struct wish wish;
    struct task task;
    struct error err = {.kind = ERROR_NONE};
    char path[MODEL_PATH_BYTES];
    if (r->is_too_large) {
        answer(out, 413, "the body is longer than 64 KiB");
        return;
    }
    bool ok = wish_read(&wish, r->type, r->body, &err);
    if (ok && !model_find(context->models, wish.model, path))
        ok = error_set(&err, ERROR_USAGE, "model_name \"%s\" is unknown", wish.model);
    if (!ok || !tasks_add(context->tasks, &wish, &task, &err)) {
        answer_error(out, &err);
        return;
    }
    struct buffer url;
    buffer_init(&url, 4096);
    buffer_append_format(&url, "http://%s" TASK_PATH "/%s", host_of(context, r), task.id);
    answer_json(out, 202,
                json_pack("{s:s, s:s, s:s}", "message", "the task is accepted", "task_id", task.id,
                          "status_check", buffer_string(&url)));
    buffer_free(&url);
}

static void show_task(const struct route_context *context, const char *id, struct response *out)
{
    struct task task;
    if (tasks_get(context->tasks, id, &task))
        answer_json(out, 200, task_to_json(&task));
    else
        answer(out, 404, "there is no such task");
}

static void stop_task(const struct route_context *context, const char *id, struct response *out)
{
    bool was_active;
    if (!tasks_ask_to_stop(context->tasks, id, &was_active))
        answer(out, 404, "there is no such task");
    else if (was_active)
        answer(out, 202, "the task is being stopped");
    else
        answer(out, 200, "the task has ended already");
}

/* --- of all tasks --- */

typedef void put_tasks(struct response *out, const struct task *tasks, size_t count);

static void put_list(struct response *out, const struct task *tasks, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, task_to_json(&tasks[i]));
    answer_json(out, 200, list);
}

static void put_page(struct response *out, const struct task *tasks, size_t count)
{
    out->status = 200;
    out->type = "text/html; charset=utf-8";
    page_put(&out->body, tasks, count);
}

static void put_metrics(struct response *out, const struct task *tasks, size_t count)
{
    out->status = 200;
    out->type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_put(&out->body, tasks, count);
}

static void show_all(const struct route_context *context, put_tasks *put, struct response *out)
{
    struct task *list;
    size_t count;
    struct error err;
    if (!tasks_list(context->tasks, &list, &count, &err)) {
        answer_error(out, &err);
        return;
    }
    put(out, list, count);
    free(list);
}

/* --- paths and methods --- */

enum action { NO_PATH, HEALTH, LIST, CREATE, SHOW, STOP, METRICS, PAGE, NO_METHOD };

/* The methods of a path, and what each does: GET also answers HEAD. */
struct path_row {
    const char *path;
    const char *allow;
    enum action get, post, remove;
};

static const struct path_row one_task = {TASK_PATH "/", "GET, HEAD, DELETE", SHOW, NO_METHOD, STOP};
static const struct path_row paths[] = {
    {"/", "GET, HEAD", PAGE, NO_METHOD, NO_METHOD},
    {"/healthcheck", "GET, HEAD", HEALTH, NO_METHOD, NO_METHOD},
    {"/metrics", "GET, HEAD", METRICS, NO_METHOD, NO_METHOD},
    {TASK_PATH, "GET, HEAD, POST", LIST, CREATE, NO_METHOD},
    {TASK_PATH "/", "GET, HEAD, POST", LIST, CREATE, NO_METHOD},
};

static const struct path_row *find_path(const char *path)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (strcmp(path, paths[i].path) == 0)
            return &paths[i];
    return strncmp(path, one_task.path, strlen(one_task.path)) == 0 ? &one_task : NULL;
}

static enum action find_action(const struct path_row *row, const char *method)
{
    if (row == NULL)
        return NO_PATH;
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return row->get;
    if (strcmp(method, "POST") == 0)
        return row->post;
    return strcmp(method, "DELETE") == 0 ? row->remove : NO_METHOD;
}

static bool changes_something(enum action action)
{
    return action == CREATE || action == STOP;
}

static void act(const struct route_context *context, const struct request *r, enum action action,
                struct response *out)
{
    const char *id = r->path + sizeof TASK_PATH; // of SHOW and STOP alone
    switch (action) {
    case HEALTH:
        answer_json(out, 200, json_pack("{s:s}", "status", "200 OK"));
        break;
    case LIST:
        show_all(context, put_list, out);
        break;
    case CREATE:
        create_task(context, r, out);
        break;
    case SHOW:
        show_task(context, id, out);
        break;
    case STOP:
        stop_task(context, id, out);
        break;
    case METRICS:
        show_all(context, put_metrics, out);
        break;
    case PAGE:
        show_all(context, put_page, out);
        break;
    case NO_PATH:
        answer(out, 404, "there is no such path");
        break;
    case NO_METHOD:
        answer(out, 405, "the path has no such method");
        break;
    }
}

void route(const struct route_context *context, const struct request *r, struct response *out)
{
    const struct path_row *row = find_path(r->path);
    enum action action = find_action(row, r->method);
    *out = (struct response){.allow = action == NO_METHOD ? row->allow : NULL};
    buffer_init(&out->body, RESPONSE_MAX_BYTES);
    if (action != HEALTH && !may_ask(context, r)) {
        out->asks_for_token = true;
        answer(out, 401, "give the server's token: Authorization: Bearer TOKEN");
    } else if (changes_something(action) && is_of_other_site(r)) {
        answer(out, 403, "the request comes from a page of another site");
    } else {
        act(context, r, action, out);
    }
    if (out->body.has_failed) {
        buffer_clear(&out->body);
        answer(out, 503, BUSY_MESSAGE);
    }
}
