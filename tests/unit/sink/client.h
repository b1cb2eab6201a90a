/* client.h: what the tests of http have in common: one canned server, one http that asks it, one good answer.
 * A test begins with client_begin and ends with client_end. */
#ifndef BOBBIN_TESTS_CLIENT_H
#define BOBBIN_TESTS_CLIENT_H

#include "base/clock.h"
#include "canned_server.h"
#include "sink/http.h"

enum { PATIENCE_MS = 20000 };

static struct canned_server server;
static struct http_options options;
static struct http *http;

static inline void client_set_up(void)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < COUNT_OF(proxies); i++)
        unsetenv(proxies[i]);
    options = (struct http_options){.timeout_ms = PATIENCE_MS};
}

static inline void client_begin(const struct canned_answer *answers, size_t count)
{
    struct error err;
    canned_start(&server, answers, count);
    unit_assert_ok(http_new(&http, &options, &err), err);
}

static inline void client_end(void)
{
    http_free(http);
    canned_stop(&server);
}

static inline void client_start(const char *method, const char *path, const struct http_body *body,
                                void *owner)
{
    struct error err;
    struct http_request q = {.method = method,
                             .url = canned_url(&server, "http://", path),
                             .content_type = body ? "application/x-ndjson" : NULL,
                             .body = body,
                             .owner = owner};
    unit_assert_ok(http_start(http, &q, &err), err);
}

static inline struct http_response client_response(void)
{
    struct http_response r;
    struct error err;
    int64_t give_up = clock_monotonic_ms() + 2 * PATIENCE_MS;
    while (!http_take_response(http, &r)) {
        unit_assert_ok(http_poll(http, 100, &err), err);
        ck_assert_int_lt(clock_monotonic_ms(), give_up);
    }
    return r;
}

static inline struct http_response client_get(const char *path)
{
    client_start("GET", path, NULL, NULL);
    return client_response();
}

static const struct canned_answer good = {.status = 200, .body = "{\"ok\":1}"};

/* A body of SIZE bytes that remembers what became of it. */
struct source {
    uint64_t size;
    uint64_t sent;
    uint64_t fails_at; // 0: never
    uint64_t ends_at;  // 0: at its size
    bool cannot_rewind;
    int rewinds;
    size_t largest_read;
};

static inline char source_byte(uint64_t position)
{
    return (char)('a' + position * 7 % 26);
}

static inline long source_read(void *context, char *out, size_t size)
{
    struct source *s = context;
    uint64_t end = s->ends_at ? s->ends_at : s->size;
    if (s->fails_at && s->sent >= s->fails_at)
        return -1;
    size_t count = size < end - s->sent ? size : (size_t)(end - s->sent);
    for (size_t i = 0; i < count; i++)
        out[i] = source_byte(s->sent + i);
    s->sent += count;
    s->largest_read = size > s->largest_read ? size : s->largest_read;
    return (long)count;
}

static inline bool source_rewind(void *context)
{
    struct source *s = context;
    s->rewinds++;
    s->sent = 0;
    return !s->cannot_rewind;
}

static inline struct http_body source_body(struct source *s)
{
    return (struct http_body){
        .size = s->size, .read = source_read, .rewind = source_rewind, .context = s};
}

#endif
