/* replay_open.c: make ready to replay: URLs, HTTP, the index; and free it all again. See replay.h. */
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "job/replay_internal.h"
#include "sink/admin.h"

enum { INDEX_BODY_MAX_BYTES = 16 << 20, URL_MAX_BYTES = 8192, DEAD_MAX_BYTES = 1 << 30 };

/* The base URLs without the slash at their end. */
static bool copy_urls(struct replay *r, struct error *err)
{
    for (; r->options->urls[r->url_count] != NULL; r->url_count++) {
        const char *url = r->options->urls[r->url_count];
        size_t size = strlen(url);
        while (size > 0 && url[size - 1] == '/')
            size--;
        r->urls[r->url_count] = strndup(url, size);
        if (r->urls[r->url_count] == NULL)
            return error_set_memory(err);
    }
    return true;
}

static bool ensure_index(struct replay *r, const char *index, struct error *err)
{
    struct buffer body;
    bool created = false;
    buffer_init(&body, INDEX_BODY_MAX_BYTES);
    bool ok =
        r->options->create_index == NULL || file_read_whole(r->options->create_index, &body, err);
    for (size_t i = 0; ok && i < r->url_count; i++) {
        ok = admin_ensure_index(r->http, r->urls[i], index, buffer_slice(&body), &created, err);
        if (ok || err->kind != ERROR_UNAVAILABLE || i + 1 == r->url_count)
            break;
        log_message(LOG_WARNING, "%s", err->message);
        *err = (struct error){.kind = ERROR_NONE};
        ok = true;
    }
    buffer_free(&body);
    if (ok && created)
        log_message(LOG_INFO, "created index %s", index);
    return ok;
}

/* What follows the host in a bulk request's URL. */
static bool put_path(struct replay *r, const char *index, struct error *err)
{
    buffer_append_byte(&r->path, '/');
    admin_append_encoded(&r->path, index);
    buffer_append_string(&r->path, "/_bulk?filter_path=took,errors,items.*.status,items.*.error,"
                                   "items.*.failure_store");
    if (r->options->pipeline != NULL) {
        buffer_append_string(&r->path, "&pipeline=");
        admin_append_encoded(&r->path, r->options->pipeline);
    }
    return buffer_check(&r->path, "a URL", err);
}

static bool open_http(struct replay *r, struct error *err)
{
    const struct job_options *o = r->options;
    r->http_options = (struct http_options){
        .user = o->user,
        .password = o->password,
        .api_key = o->api_key,
        .bearer = o->bearer,
        .ca_file = o->ca_file,
        .cert_file = o->cert_file,
        .cert_key_file = o->cert_key_file,
        .is_insecure = o->insecure,
        .headers = o->headers,
        .timeout_ms = o->request_timeout_ms,
    };
    const char *hosts[JOB_URLS_MAX];
    for (size_t i = 0; i < r->url_count; i++)
        hosts[i] = r->urls[i];
    if (o->insecure)
        log_message(LOG_WARNING, "--insecure: the cluster's certificate is not verified");
    return http_new(&r->http, &r->http_options, err) &&
           throttle_new(&r->throttle, hosts, r->url_count, (unsigned)o->in_flight, err);
}

bool replay_open(struct replay **out, const struct job_options *o, const char *index,
                 struct job_live *live, struct error *err)
{
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set_memory(err);
    r->options = o;
    r->live = live;
    r->most_bytes = UINT64_MAX;
    r->index = index;
    buffer_init(&r->path, URL_MAX_BYTES);
    buffer_init(&r->url, URL_MAX_BYTES);
    buffer_init(&r->dead_lines, DEAD_MAX_BYTES);
    r->slot_count = (size_t)o->in_flight;
    r->slots = calloc(r->slot_count, sizeof *r->slots);
    bool ok = r->slots != NULL ? true : error_set_memory(err);
    ok = ok && copy_urls(r, err) && put_path(r, index, err) && open_http(r, err) &&
         ensure_index(r, index, err);
    if (ok)
        *out = r;
    else
        replay_close(r);
    return ok;
}

struct http *replay_http(struct replay *r)
{
    return r->http;
}

const char *replay_host(const struct replay *r, size_t i)
{
    return i < r->url_count ? r->urls[i] : NULL;
}

void replay_close(struct replay *r)
{
    if (r == NULL)
        return;
    http_free(r->http); // before the deliveries: it reads their bodies
    for (size_t i = 0; r->slots != NULL && i < r->slot_count; i++)
        delivery_free(r->slots[i].delivery);
    free(r->slots);
    for (size_t i = 0; i < r->url_count; i++)
        free(r->urls[i]);
    throttle_free(r->throttle);
    dead_close(r->dead);
    buffer_free(&r->path);
    buffer_free(&r->url);
    buffer_free(&r->dead_lines);
    free(r);
}
