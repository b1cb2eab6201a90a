/* replay_open.c: make ready to replay: URLs, HTTP, the index; and free it all again. See replay.h. */
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "job/replay_internal.h"
#include "sink/admin.h"

enum {
    INDEX_BODY_MAX_BYTES = 16 << 20,
    URL_MAX_BYTES = 8192,
    DEAD_MAX_BYTES = 1 << 30,
    PRIMARY_WAIT_MS = 60000, // so long the cluster waits for a shard that is away, unless told
};

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

/* Put a question to one host after the other, until one answers. */
static bool ask_hosts(struct replay *r,
                      bool (*ask)(struct replay *r, const char *host, struct error *err),
                      struct error *err)
{
    for (size_t i = 0;; i++) {
        if (ask(r, r->urls[i], err))
            return true;
        if (err->kind != ERROR_UNAVAILABLE || i + 1 == r->url_count)
            return false;
        log_message(LOG_WARNING, "%s", err->message);
        *err = (struct error){.kind = ERROR_NONE};
    }
}

static bool look(struct replay *r, const char *host, struct error *err)
{
    return admin_look(r->http, host, r->index, &r->guard.now, err);
}

static bool check_pipeline(struct replay *r, const char *host, struct error *err)
{
    return admin_check_pipeline(r->http, host, r->options->pipeline, err);
}

static bool create_index(struct replay *r, const char *host, struct error *err)
{
    struct buffer body;
    bool created = false;
    buffer_init(&body, INDEX_BODY_MAX_BYTES);
    bool ok = file_read_whole(r->options->create_index, &body, err) &&
              admin_create_index(r->http, host, r->index, buffer_slice(&body), &created, err);
    buffer_free(&body);
    if (created)
        log_message(LOG_INFO, "created index %s", r->index);
    return ok;
}

bool replay_ensure_index(struct replay *r, struct error *err)
{
    if (!target_is_missing(&r->guard.now))
        return true;
    if (r->options->create_index == NULL)
        return error_set(err, ERROR_CONFIG,
                         "index %s does not exist: create it, or give its settings and mappings "
                         "with --create-index FILE",
                         r->index);
    return ask_hosts(r, create_index, err) && ask_hosts(r, look, err);
}

/* What follows the host in a bulk request's URL; encoded in the one way that a signature allows. */
static bool put_path(struct replay *r, const char *index, struct error *err)
{
    buffer_append_byte(&r->path, '/');
    admin_append_encoded(&r->path, index);
    buffer_append_string(&r->path, "/_bulk?filter_path=took%2Cerrors%2Citems.%2A.status%2C"
                                   "items.%2A.error%2Citems.%2A.failure_store");
    int64_t half_ms = r->options->request_timeout_ms / 2;
    if (half_ms < PRIMARY_WAIT_MS) // so that its answer comes while we wait for it
        buffer_append_format(&r->path, "&timeout=%lldms", (long long)half_ms);
    if (r->options->pipeline != NULL) {
        buffer_append_string(&r->path, "&pipeline=");
        admin_append_encoded(&r->path, r->options->pipeline);
    }
    return buffer_check(&r->path, "a URL", err);
}

static bool open_http(struct replay *r, struct error *err)
{
    if (!cluster_open(&r->cluster, r->options, err))
        return false;
    r->http = r->cluster.http;
    const char *hosts[JOB_URLS_MAX];
    for (size_t i = 0; i < r->url_count; i++)
        hosts[i] = r->urls[i];
    return throttle_new(&r->throttle, hosts, r->url_count, (unsigned)r->options->in_flight, err);
}

bool replay_open(struct replay **out, const struct job_options *o, const char *index,
                 struct job_live *live, struct error *err)
{
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set_memory(err);
    r->options = o;
    r->live = live;
    sizing_init(&r->sizing);
    rate_init(&r->rate, o->max_rate, o->max_bandwidth);
    r->index = index;
    guard_init(&r->guard);
    buffer_init(&r->path, URL_MAX_BYTES);
    buffer_init(&r->url, URL_MAX_BYTES);
    buffer_init(&r->dead_lines, DEAD_MAX_BYTES);
    r->slot_count = (size_t)o->in_flight;
    r->slots = calloc(r->slot_count, sizeof *r->slots);
    bool ok = r->slots != NULL ? true : error_set_memory(err);
    ok = ok && copy_urls(r, err) && put_path(r, index, err) && open_http(r, err) &&
         ask_hosts(r, look, err) && (o->pipeline == NULL || ask_hosts(r, check_pipeline, err));
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

static void free_slot(struct slot *slot)
{
    delivery_free(slot->delivery);
    gzip_free(slot->gzip);
    pieces_free(slot->pieces);
    buffer_free(&slot->header);
}

void replay_close(struct replay *r)
{
    if (r == NULL)
        return;
    cluster_close(&r->cluster); // before the deliveries: it reads their bodies
    for (size_t i = 0; r->slots != NULL && i < r->slot_count; i++)
        free_slot(&r->slots[i]);
    free(r->slots);
    for (size_t i = 0; i < r->url_count; i++)
        free(r->urls[i]);
    throttle_free(r->throttle);
    dead_close(r->dead);
    buffer_free(&r->path);
    buffer_free(&r->url);
    buffer_free(&r->dead_lines);
    guard_free(&r->guard);
    free(r);
}
