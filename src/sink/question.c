/* question.c: see question.h. */
#include "sink/question.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "sink/aws.h"
#include "sink/bulk.h"
#include "sink/url.h"

enum {
    URL_BYTES = 64 << 10,
    WORDS_BYTES = 1024,
    REST_BASE_MS = 250, // when all hosts were asked in vain
    REST_CAP_MS = 10000,
};

/* --- answers --- */

void question_answer_init(struct question_answer *a, size_t maximum)
{
    *a = (struct question_answer){.status = 0};
    buffer_init(&a->text, maximum);
}

void question_answer_free(struct question_answer *a)
{
    json_decref(a->json);
    a->json = NULL;
    buffer_free(&a->text);
}

/* Its memory stays. */
static void empty(struct question_answer *a)
{
    json_decref(a->json);
    a->json = NULL;
    a->status = 0;
    buffer_clear(&a->text);
}

static void parse(struct question_answer *a, int status)
{
    a->status = status;
    if (a->text.size > 0)
        a->json = json_loadb(a->text.data, a->text.size, JSON_DECODE_ANY, NULL);
}

void question_answer_read(struct question_answer *a, int status, struct slice text)
{
    empty(a);
    buffer_append(&a->text, text.data, text.size);
    parse(a, status);
}

static const json_t *error_of(const struct question_answer *a)
{
    return json_object_get(a->json, "error");
}

const char *question_error_type(const struct question_answer *a)
{
    return json_string_value(json_object_get(error_of(a), "type"));
}

bool question_has_error(const struct question_answer *a, const char *type)
{
    const char *found = question_error_type(a);
    return found != NULL && strcmp(found, type) == 0;
}

/* --- what is wrong with one --- */

/* Append what the cluster says is wrong: its error; else the "message" that cloud services send. */
static void append_words(struct buffer *out, const struct question_answer *a)
{
    const json_t *error = error_of(a);
    if (error == NULL)
        error = json_object_get(a->json, "message");
    if (error == NULL)
        error = json_object_get(a->json, "Message");
    char *text = error != NULL ? json_dumps(error, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (text != NULL) {
        buffer_append_string(out, ": ");
        bulk_describe_error(slice_of(text), out);
    }
    free(text);
}

bool question_answered(const char *host, const struct question_answer *a, enum error_kind kind,
                       const char *what, struct error *err)
{
    struct buffer name, words;
    buffer_init(&name, WORDS_BYTES);
    buffer_init(&words, WORDS_BYTES);
    url_append_host(&name, host);
    append_words(&words, a);
    error_set(err, kind, "%s answered %d%s", buffer_string(&name), a->status,
              buffer_string(&words));
    buffer_free(&name);
    buffer_free(&words);
    return error_hint(err, "%s", what);
}

bool question_refused(const struct question *q, const char *host, const struct question_answer *a,
                      struct error *err)
{
    const char *remedy = a->status == 403 ? aws_remedy(buffer_slice(&a->text)) : NULL;
    if (remedy != NULL)
        return question_answered(host, a, ERROR_DENIED, remedy, err);
    if (a->status == 407)
        return question_answered(host, a, ERROR_DENIED,
                                 "the proxy refuses --proxy-user and its password", err);
    if (a->status == 401)
        return question_answered(host, a, ERROR_DENIED, "the credentials are missing or wrong",
                                 err);
    if (question_has_error(a, "cluster_block_exception"))
        return question_answered(host, a, ERROR_UNAVAILABLE,
                                 "it is blocked: try again when it no longer is", err);
    if (a->status == 403 || question_has_error(a, "security_exception")) {
        question_answered(host, a, ERROR_DENIED, "the user lacks a privilege", err);
        return error_hint(err, "needed on index %s: %s", q->index, q->privilege);
    }
    if (a->status == 408 || a->status == 429 || a->status >= 500)
        return question_answered(host, a, ERROR_UNAVAILABLE, "try again later", err);
    if (json_is_object(error_of(a)))
        return question_answered(host, a, ERROR_CONFIG, "the cluster refuses this index", err);
    return question_answered(
        host, a, ERROR_CONFIG,
        "this URL is no search engine (Elasticsearch or OpenSearch): check --url", err);
}

/* --- one host --- */

bool question_ask_host(struct http *h, const char *host, const struct question *q,
                       struct question_answer *a, struct error *err)
{
    struct buffer url;
    int status;
    const char *content_type = q->body.size > 0 ? "application/json" : NULL;
    buffer_init(&url, URL_BYTES);
    buffer_append_string(&url, host);
    buffer_append_string(&url, q->path);
    empty(a);
    bool ok =
        buffer_check(&url, "a URL", err) &&
        http_call(h, q->method, buffer_string(&url), content_type, q->body, &status, &a->text, err);
    buffer_free(&url);
    if (ok)
        parse(a, status);
    else
        empty(a);
    return ok;
}

/* --- one host after the other --- */

static bool try_next(struct question_hosts *hosts, question_try *try, void *context,
                     struct error *err)
{
    struct buffer host;
    const char *url = hosts->urls[hosts->next];
    size_t size = strlen(url);
    while (size > 0 && url[size - 1] == '/')
        size--;
    buffer_init(&host, URL_BYTES);
    buffer_append(&host, url, size);
    bool ok =
        buffer_check(&host, "a URL", err) && try(context, hosts->http, buffer_string(&host), err);
    buffer_free(&host);
    return ok;
}

/* ATTEMPT hosts were asked in vain. */
static bool rest(size_t attempt, size_t count, struct error *err)
{
    if (attempt % count != 0)
        return true;
    int64_t ms =
        backoff_delay_ms((unsigned)(attempt / count), REST_BASE_MS, REST_CAP_MS, clock_random());
    return !stop_wait((int)ms) ||
           error_set(err, ERROR_STOPPED, "stopped while waiting for the cluster");
}

bool question_persist(struct question_hosts *hosts, question_try *try, void *context,
                      struct error *err)
{
    int64_t give_up = clock_monotonic_ms() + hosts->give_up_after_ms;
    size_t count = 0;
    while (hosts->urls[count] != NULL)
        count++;
    assert(count > 0 && "there is a host to ask");
    for (size_t attempt = 1; !try_next(hosts, try, context, err); attempt++) {
        hosts->next = (hosts->next + 1) % count;
        if (err->kind != ERROR_UNAVAILABLE || clock_monotonic_ms() >= give_up)
            return false;
        if (hosts->tell != NULL)
            hosts->tell(err);
        *err = (struct error){.kind = ERROR_NONE};
        if (!rest(attempt, count, err))
            return false;
    }
    return true;
}

struct asking {
    const struct question *question;
    struct question_answer *answer;
    size_t tries;
};

static bool is_wanted(const struct question *q, const struct question_answer *a)
{
    bool is_listed = a->status >= 200 && a->status < 300;
    for (int i = 0; i < QUESTION_ANSWERS && !is_listed; i++)
        is_listed = q->answers[i] != 0 && q->answers[i] == a->status;
    return is_listed && (a->json != NULL || a->text.size == 0);
}

/* A question_try. */
static bool ask_once(void *context, struct http *h, const char *host, struct error *err)
{
    struct asking *asking = context;
    struct question_answer *a = asking->answer;
    bool is_first = asking->tries++ == 0;
    if (!question_ask_host(h, host, asking->question, a, err))
        return false;
    if (!is_wanted(asking->question, a)) {
        question_refused(asking->question, host, a, err);
        empty(a);
        return false;
    }
    a->is_repeated = !is_first;
    return true;
}

bool question_ask(struct question_hosts *hosts, const struct question *q, struct question_answer *a,
                  struct error *err)
{
    struct asking asking = {q, a, 0};
    a->is_repeated = false;
    return question_persist(hosts, ask_once, &asking, err);
}
