/* search.c: see search.h: questions to an index, and what their answers mean. Pages: scroll.c. */
#include "sink/search_internal.h"

#include "base/json_scan.h"
#include "sink/admin.h"
#include "sink/bulk.h"
#include "sink/url.h"

enum { URL_BYTES = 4096, WORDS_BYTES = 1024, COUNT_BYTES = 64 << 10 };

/* Fill ERR with what HOST said is wrong. */
static bool refused(const struct search_call *c, struct slice answer, enum error_kind kind,
                    const char *hint, struct error *err)
{
    struct buffer host, words;
    struct slice error;
    buffer_init(&host, WORDS_BYTES);
    buffer_init(&words, WORDS_BYTES);
    url_append_host(&host, c->host);
    bulk_describe_error(json_scan_find(answer, "error", &error) ? error : answer, &words);
    error_set(err, kind, "index %s: %s answered %d%s%s", c->index, buffer_string(&host), c->status,
              words.size > 0 ? ": " : "", words.size > 0 ? buffer_string(&words) : "");
    buffer_free(&host);
    buffer_free(&words);
    return error_hint(err, "%s", hint);
}

bool search_refused(const struct search_call *c, struct slice answer, struct error *err)
{
    if (c->status == 401)
        return refused(c, answer, ERROR_DENIED, "the credentials are missing or wrong", err);
    if (c->status == 403) {
        refused(c, answer, ERROR_DENIED, "the user lacks a privilege", err);
        return error_hint(err, "needed on index %s: %s", c->index, c->privilege);
    }
    if (c->status == 404)
        return refused(c, answer, ERROR_CONFIG, "is the index there, and is --url right?", err);
    if (c->status == 408 || c->status == 429 || c->status >= 500)
        return refused(c, answer, ERROR_UNAVAILABLE, "run the same command again", err);
    return refused(c, answer, ERROR_CONFIG, "is --url that of a search engine?", err);
}

bool search_ask(struct http *h, struct search_call *c, const char *method, const char *path,
                struct slice body, struct buffer *answer, struct error *err)
{
    struct buffer url;
    buffer_init(&url, URL_BYTES);
    buffer_append_format(&url, "%s/", c->host);
    if (c->index != NULL && path[0] != '_')
        admin_append_encoded(&url, c->index);
    buffer_append_string(&url, path);
    bool ok = buffer_check(&url, "a URL", err) &&
              http_call(h, method, buffer_string(&url), body.size > 0 ? "application/json" : NULL,
                        body, &c->status, answer, err);
    buffer_free(&url);
    return ok;
}

/* The parts of the index that could not answer. */
static bool has_failed_shards(struct slice answer)
{
    struct slice shards, failed;
    return !json_scan_find(answer, "_shards", &shards) ||
           !json_scan_find(shards, "failed", &failed) || !slice_equal(failed, slice_of("0"));
}

bool search_check_shards(const struct search_call *c, struct slice answer, struct error *err)
{
    struct slice timed_out;
    bool is_late = json_scan_find(answer, "timed_out", &timed_out) &&
                   !slice_equal(timed_out, slice_of("false"));
    if (!is_late && !has_failed_shards(answer))
        return true;
    return error_set(err, ERROR_UNAVAILABLE,
                     "index %s: some of its shards did not answer, so documents would seem to be "
                     "missing; run the same command again",
                     c->index);
}

bool search_number(struct slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *number > (UINT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0;
}

bool search_refresh(struct http *h, const char *host, const char *index, bool *is_done,
                    struct error *err)
{
    struct search_call c = {.host = host, .index = index, .privilege = "maintenance"};
    struct buffer answer;
    buffer_init(&answer, COUNT_BYTES);
    bool ok = search_ask(h, &c, "POST", "/_refresh", (struct slice){NULL, 0}, &answer, err);
    *is_done = ok && c.status == 200;
    if (ok && c.status != 200 && c.status != 403)
        ok = search_refused(&c, buffer_slice(&answer), err);
    buffer_free(&answer);
    return ok;
}

bool search_count(struct http *h, const char *host, const char *index, uint64_t *count,
                  struct error *err)
{
    struct search_call c = {.host = host, .index = index, .privilege = "read"};
    struct buffer answer;
    struct slice number;
    buffer_init(&answer, COUNT_BYTES);
    bool ok = search_ask(h, &c, "GET", "/_count", (struct slice){NULL, 0}, &answer, err);
    struct slice text = buffer_slice(&answer);
    if (ok && (c.status != 200 || !json_scan_find(text, "count", &number) ||
               !search_number(number, count)))
        ok = search_refused(&c, text, err);
    ok = ok && search_check_shards(&c, text, err);
    buffer_free(&answer);
    return ok;
}
