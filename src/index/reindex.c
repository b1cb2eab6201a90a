/* reindex.c: see reindex.h. Elasticsearch reference, "Reindex API" and "Task management API". */
#include "index/reindex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sink/admin.h"
#include "sink/bulk.h"

enum { PATH_BYTES = 1024, DESCRIPTION_BYTES = 1200 };

/* --- is it there? --- */

bool reindex_check(struct question_hosts *hosts, const struct reindex *r, struct error *err)
{
    // an empty request is refused by _reindex itself, in an object, and by what has none in a string
    struct question_answer a;
    json_t *nothing = json_object();
    const struct ask ask = {.method = "POST",
                            .path = "/_reindex",
                            .index = r->into,
                            .body = nothing,
                            .answers = {400, 404, 405},
                            .privilege = "create_index, write"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    if (ok && !json_is_object(json_object_get(a.json, "error")))
        ok = error_set(
            err, ERROR_CONFIG,
            "this cluster has no _reindex (its reindex module is not installed): leave the "
            "documents out by the query, with bobbin run");
    question_answer_free(&a);
    json_decref(nothing);
    return ok;
}

/* --- finding --- */

/* Is TASK a whole reindex of R, not a slice of one? */
static bool is_of(json_t *task, const char *description)
{
    const char *found = json_string_value(json_object_get(task, "description"));
    return found != NULL && json_object_get(task, "parent_task_id") == NULL &&
           strncmp(found, description, strlen(description)) == 0;
}

/* The first of the tasks in ANSWER: {"nodes": {NODE: {"tasks": {ID: TASK}}}}. */
static const char *find_in(json_t *answer, const char *description)
{
    const char *node_name, *id;
    json_t *node, *task;
    json_object_foreach(json_object_get(answer, "nodes"), node_name, node)
    {
        json_object_foreach(json_object_get(node, "tasks"), id, task)
        {
            if (is_of(task, description))
                return id;
        }
    }
    return NULL;
}

static bool find(struct http *h, const char *host, const struct reindex *r,
                 char task[REINDEX_TASK_BYTES], struct error *err)
{
    char description[DESCRIPTION_BYTES];
    struct question_answer a;
    const struct question q = {.method = "GET",
                               .path =
                                   "/_tasks?actions=indices%3Adata%2Fwrite%2Freindex&detailed=true",
                               .index = r->into,
                               .privilege = "monitor (of the cluster)"};
    snprintf(description, sizeof description, "reindex from [%s] to [%s]", r->source, r->into);
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = question_ask_host(h, host, &q, &a, err);
    if (ok && a.status != 200)
        ok = question_refused(&q, host, &a, err);
    const char *found = ok ? find_in(a.json, description) : NULL;
    snprintf(task, REINDEX_TASK_BYTES, "%s", found != NULL ? found : "");
    question_answer_free(&a);
    return ok;
}

/* --- starting --- */

static char *body_of(const struct reindex *r)
{
    json_t *body =
        json_pack("{s:s, s:{s:s, s:O}, s:{s:s, s:s}}", "conflicts", "proceed", "source", "index",
                  r->source, "query", r->query, "dest", "index", r->into, "op_type", "create");
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

static bool start(struct http *h, const char *host, const struct reindex *r, const char *body,
                  char task[REINDEX_TASK_BYTES], struct error *err)
{
    char path[PATH_BYTES];
    char bound[64] = "";
    struct question_answer a;
    if (r->requests_per_second > 0)
        snprintf(bound, sizeof bound, "&requests_per_second=%" PRIu64, r->requests_per_second);
    snprintf(path, sizeof path, "/_reindex?wait_for_completion=false&slices=auto%s", bound);
    const struct question q = {.method = "POST",
                               .path = path,
                               .body = slice_of(body),
                               .index = r->into,
                               .privilege = "create_index, write; read on the other"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = question_ask_host(h, host, &q, &a, err);
    const char *id = json_string_value(json_object_get(a.json, "task"));
    if (ok && (a.status != 200 || id == NULL))
        ok = question_refused(&q, host, &a, err);
    if (ok)
        snprintf(task, REINDEX_TASK_BYTES, "%s", id);
    question_answer_free(&a);
    return ok;
}

static bool rethrottle(struct http *h, const char *host, const struct reindex *r, const char *task,
                       struct error *err)
{
    struct buffer path;
    struct question_answer a;
    struct question q = {.method = "POST", .index = r->into, .privilege = "write"};
    buffer_init(&path, PATH_BYTES);
    buffer_append_string(&path, "/_reindex/");
    admin_append_encoded(&path, task);
    buffer_append_string(&path, "/_rethrottle?requests_per_second=");
    if (r->requests_per_second > 0)
        buffer_append_format(&path, "%" PRIu64, r->requests_per_second);
    else
        buffer_append_string(&path, "-1");
    q.path = buffer_string(&path);
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = question_ask_host(h, host, &q, &a, err);
    if (ok && a.status != 200 && a.status != 404) // 404: it has just ended
        ok = question_refused(&q, host, &a, err);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

struct starting {
    const struct reindex *reindex;
    const char *body;
    char *task; // of REINDEX_TASK_BYTES
};

/* A question_try: each try looks first, since the answer to the last one may have been lost. */
static bool find_or_start(void *context, struct http *h, const char *host, struct error *err)
{
    struct starting *s = context;
    if (!find(h, host, s->reindex, s->task, err))
        return false;
    return s->task[0] != '\0' ? rethrottle(h, host, s->reindex, s->task, err)
                              : start(h, host, s->reindex, s->body, s->task, err);
}

bool reindex_start(struct question_hosts *hosts, const struct reindex *r,
                   char task[REINDEX_TASK_BYTES], struct error *err)
{
    char *body = body_of(r);
    struct starting s = {r, body, task};
    if (body == NULL)
        return error_set_memory(err);
    bool ok = question_persist(hosts, find_or_start, &s, err);
    free(body);
    return ok;
}

/* --- looking --- */

static uint64_t number_in(json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static void note_failure(struct reindex_status *status, json_t *error, json_int_t code)
{
    struct buffer words;
    char *text = json_dumps(error, JSON_ENCODE_ANY | JSON_COMPACT);
    buffer_init(&words, sizeof status->failure - 1);
    if (text != NULL)
        bulk_describe_error(slice_of(text), &words);
    snprintf(status->failure, sizeof status->failure, "%s", buffer_string(&words));
    buffer_free(&words);
    free(text);
    status->has_failed = true;
    status->may_pass = code == 429 || code >= 500;
}

/* An error of the task as a whole, such as a search that was cancelled or met shards that are away, may pass; one of
 * what was asked for doesn't. */
static bool is_of_the_request(json_t *error)
{
    static const char *const types[] = {"illegal_argument_exception", "index_not_found_exception",
                                        "parsing_exception", "query_shard_exception",
                                        "security_exception"};
    json_t *root = json_array_get(json_object_get(error, "root_cause"), 0);
    const char *type = json_string_value(json_object_get(root != NULL ? root : error, "type"));
    for (size_t i = 0; type != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* Failures are of documents ("cause", "status") or of searches ("reason"); an "error" is of the task. */
static void read_end(json_t *answer, struct reindex_status *status)
{
    json_t *response = json_object_get(answer, "response");
    json_t *failures = json_object_get(response, "failures");
    json_t *first = json_array_get(failures, 0);
    json_t *error = json_object_get(answer, "error");
    json_t *cancelled = json_object_get(response, "canceled");
    status->failures = json_array_size(failures);
    if (first != NULL) {
        json_t *cause = json_object_get(first, "cause");
        json_t *code = json_object_get(first, "status");
        note_failure(status, cause != NULL ? cause : json_object_get(first, "reason"),
                     code != NULL ? json_integer_value(code) : 500);
    } else if (error != NULL) {
        note_failure(status, error, is_of_the_request(error) ? 400 : 500);
    } else if (cancelled != NULL) {
        note_failure(status, cancelled, 500);
    } else if (json_is_true(json_object_get(response, "timed_out"))) {
        note_failure(status, json_object_get(response, "timed_out"), 500);
    }
}

bool reindex_look(struct question_hosts *hosts, const struct reindex *r, const char *task,
                  struct reindex_status *status, struct error *err)
{
    struct question_answer a;
    struct buffer path;
    struct ask ask = {.method = "GET",
                      .index = r->into,
                      .answers = {404},
                      .privilege = "monitor (of the cluster)"};
    *status = (struct reindex_status){.is_known = false};
    buffer_init(&path, PATH_BYTES);
    buffer_append_string(&path, "/_tasks/");
    admin_append_encoded(&path, task);
    ask.path = buffer_string(&path);
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    json_t *now = json_object_get(json_object_get(a.json, "task"), "status");
    status->is_known = ok && a.status == 200;
    status->is_completed = json_is_true(json_object_get(a.json, "completed"));
    status->total = number_in(now, "total");
    status->created = number_in(now, "created");
    status->there = number_in(now, "version_conflicts");
    if (status->is_completed)
        read_end(a.json, status);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}
