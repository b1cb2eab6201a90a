/* http_call.c: http_call of http.h: one request from start to end, while others are in flight. */
#include "base/stop.h"
#include "sink/http_request.h"
#include "sink/url.h"

enum {
    WAIT_MS = 1000, // a stop request ends a wait anyhow, but for one that came before
    HOST_BYTES = 1024,
};

struct upload {
    struct slice body;
    size_t sent;
};

static long read_upload(void *context, char *out, size_t size)
{
    struct upload *u = context;
    size_t left = u->body.size - u->sent;
    size_t count = size < left ? size : left;
    if (count > 0)
        memcpy(out, u->body.data + u->sent, count);
    u->sent += count;
    return (long)count;
}

static bool rewind_upload(void *context)
{
    struct upload *u = context;
    u->sent = 0;
    return true;
}

static bool no_answer(const char *url, const struct http_response *response, struct error *err)
{
    struct buffer host;
    buffer_init(&host, HOST_BYTES);
    url_append_host(&host, url);
    enum error_kind kind = response->is_refused ? ERROR_DENIED : ERROR_UNAVAILABLE;
    error_set(err, kind, "no answer from %s: %s", buffer_string(&host), response->failure);
    buffer_free(&host);
    return false;
}

static bool redirected(const char *url, const struct http_response *response, struct error *err)
{
    struct buffer host, target;
    buffer_init(&host, HOST_BYTES);
    buffer_init(&target, HOST_BYTES);
    url_append_host(&host, url);
    url_append_redirect(&target, response->redirect);
    error_set(err, ERROR_CONFIG, "%s answered %d: %s", buffer_string(&host), response->status,
              buffer_string(&target));
    buffer_free(&host);
    buffer_free(&target);
    return false;
}

static bool take_answer(struct request *r, const char *url, int *status, struct buffer *out,
                        struct error *err)
{
    struct http_response response;
    request_response(r, &response);
    if (response.status == 0)
        return no_answer(url, &response, err);
    if (response.redirect != NULL)
        return redirected(url, &response, err);
    buffer_append(out, response.body.data, response.body.size);
    if (!buffer_check(out, "a response", err))
        return false;
    *status = response.status;
    return true;
}

static bool wait_until_done(struct http *h, const struct request *r, struct error *err)
{
    while (!request_is_done(r)) {
        if (stop_is_requested())
            return error_set(err, ERROR_STOPPED, "stopped while waiting for the cluster");
        if (!request_step(h, WAIT_MS, err))
            return false;
    }
    return true;
}

bool http_call(struct http *h, const char *method, const char *url, const char *content_type,
               struct slice body, int *status, struct buffer *out, struct error *err)
{
    struct upload upload = {.body = body};
    struct http_body source = {
        .size = body.size, .read = read_upload, .rewind = rewind_upload, .context = &upload};
    struct http_request q = {.method = method,
                             .url = url,
                             .content_type = content_type,
                             .body = body.size > 0 ? &source : NULL,
                             .response_max = out->maximum};
    struct request *r;
    if (!request_start(h, &q, &r, err))
        return false;
    bool ok = wait_until_done(h, r, err) && take_answer(r, url, status, out, err);
    request_release(r);
    return ok;
}
