/* ask.c: see ask.h. */
#include "index/ask.h"

#include <stdlib.h>

#include "sink/admin.h"

enum { PATH_MAX_BYTES = 16 << 10 };

static bool ask_with(struct question_hosts *hosts, const struct ask *ask, const char *path,
                     struct question_answer *a, struct error *err)
{
    char *body = NULL;
    if (ask->body != NULL && (body = json_dumps(ask->body, JSON_COMPACT)) == NULL)
        return error_set_memory(err);
    struct question q = {.method = ask->method,
                         .path = path,
                         .body = slice_of(body != NULL ? body : ""),
                         .index = ask->index,
                         .privilege = ask->privilege};
    memcpy(q.answers, ask->answers, sizeof q.answers);
    bool ok = question_ask(hosts, &q, a, err);
    free(body);
    return ok;
}

bool ask_cluster(struct question_hosts *hosts, const struct ask *ask, struct question_answer *a,
                 struct error *err)
{
    struct buffer path;
    if (ask->path != NULL)
        return ask_with(hosts, ask, ask->path, a, err);
    buffer_init(&path, PATH_MAX_BYTES);
    buffer_append_string(&path, ask->before != NULL ? ask->before : "/");
    admin_append_encoded(&path, ask->index);
    if (ask->after != NULL)
        buffer_append_string(&path, ask->after);
    bool ok =
        buffer_check(&path, "a URL", err) && ask_with(hosts, ask, buffer_string(&path), a, err);
    buffer_free(&path);
    return ok;
}

bool ask_for_change(struct question_hosts *hosts, const struct ask *ask, struct error *err)
{
    struct question_answer a;
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, ask, &a, err);
    if (ok && json_is_false(json_object_get(a.json, "acknowledged")))
        ok = error_set(err, ERROR_UNAVAILABLE,
                       "index %s: not all nodes know of the change yet: run the same command again",
                       ask->index);
    question_answer_free(&a);
    return ok;
}

bool ask_to_flush(struct question_hosts *hosts, const char *index, struct error *err)
{
    struct question_answer a;
    const struct ask ask = {.method = "POST",
                            .index = index,
                            .after = "/_flush?wait_if_ongoing=true",
                            .privilege = "maintenance"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    const json_t *shards = json_object_get(a.json, "_shards");
    if (ok && json_integer_value(json_object_get(shards, "failed")) != 0)
        ok = error_set(err, ERROR_UNAVAILABLE,
                       "index %s: not all of its shards were flushed: run the same command again",
                       index);
    question_answer_free(&a);
    return ok;
}
