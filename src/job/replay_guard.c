/* replay_guard.c: is the index still the one that the job fills? See replay_internal.h and
 * sink/target.h. Asked before the first request, every ten seconds beside the requests, and once
 * more before the job may be called finished. */
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "job/replay_internal.h"
#include "sink/admin.h"

enum {
    INTERVAL_MS = 10000,
    PAUSE_BASE_MS = 500, // between two tries of the last look
    PAUSE_CAP_MS = 10000,
    UUIDS_MAX_BYTES = 1 << 20,
    URL_MAX_BYTES = 8192,
};

void guard_init(struct guard *g)
{
    *g = (struct guard){.interval_ms = INTERVAL_MS};
    target_init(&g->now);
    buffer_init(&g->known, UUIDS_MAX_BYTES);
    buffer_init(&g->url, URL_MAX_BYTES);
}

void guard_free(struct guard *g)
{
    target_free(&g->now);
    buffer_free(&g->known);
    buffer_free(&g->url);
}

bool replay_refuse_target(const struct replay *r, struct error *err)
{
    if (target_is_missing(&r->guard.now))
        error_set(err, ERROR_CONFIG,
                  "index %s is gone, and with it what was acknowledged: create it again, or give "
                  "--create-index",
                  r->index);
    else
        error_set(err, ERROR_CONFIG,
                  "index %s is not the one that this job began to fill: what was acknowledged is "
                  "gone with the old one; if nobody made the new one on purpose, the cluster has "
                  "invented it: delete it",
                  r->index);
    return error_hint(err, "then begin anew: bobbin run --again, or an empty --spool");
}

/* The uuids that documents of S were sent to; none while none of them is acknowledged. */
static bool load_known(struct guard *g, struct spool *s, struct error *err)
{
    struct index_job job;
    buffer_clear(&g->known);
    return spool_get_job(s, &job, err) &&
           (job.acknowledged == 0 || spool_get_target(s, &g->known, err));
}

bool replay_find_target(struct replay *r, struct spool *s, bool *is_same, struct error *err)
{
    if (!load_known(&r->guard, s, err))
        return false;
    *is_same = target_covers(&r->guard.now, buffer_slice(&r->guard.known));
    return true;
}

/* After a look: the end when what was sent to is no longer there; else the place where new documents
 * go (an alias or a data stream has rolled over, perhaps) is remembered before they go there. */
static bool judge(struct replay *r, struct error *err)
{
    struct guard *g = &r->guard;
    bool is_new;
    if (target_is_missing(&g->now) || !target_covers(&g->now, buffer_slice(&g->known)))
        return replay_refuse_target(r, err);
    target_add_write(&g->now, &g->known, &is_new);
    return !is_new || (buffer_check(&g->known, "the job's target", err) &&
                       spool_put_target(r->spool, buffer_slice(&g->known), err));
}

bool guard_begin(struct replay *r, struct error *err)
{
    r->guard.due_ms = clock_monotonic_ms() + r->guard.interval_ms;
    return load_known(&r->guard, r->spool, err) && judge(r, err);
}

bool guard_ask_if_due(struct replay *r, struct error *err)
{
    struct guard *g = &r->guard;
    if (g->is_asking || clock_monotonic_ms() < g->due_ms)
        return true;
    buffer_clear(&g->url);
    admin_put_look_url(&g->url, r->urls[g->host], r->index);
    struct http_request request = {.method = "GET", .url = buffer_string(&g->url), .owner = g};
    g->is_asking = buffer_check(&g->url, "a URL", err) && http_start(r->http, &request, err);
    return g->is_asking;
}

/* The next look goes to another host. */
static void note_no_answer(struct replay *r)
{
    r->guard.host = (r->guard.host + 1) % r->url_count;
}

bool guard_take_answer(struct replay *r, const struct http_response *response, struct error *err)
{
    struct guard *g = &r->guard;
    struct error no_answer = {.kind = ERROR_NONE};
    g->is_asking = false;
    g->due_ms = clock_monotonic_ms() + g->interval_ms;
    if (admin_read_look(r->urls[g->host], r->index, response, &g->now, &no_answer))
        return judge(r, err);
    note_no_answer(r); // what ails the cluster is told by the bulk requests
    return true;
}

static bool look_again(struct replay *r, struct error *err)
{
    struct guard *g = &r->guard;
    if (admin_look(r->http, r->urls[g->host], r->index, &g->now, err))
        return true;
    note_no_answer(r);
    return false;
}

bool guard_check_now(struct replay *r, struct error *err)
{
    return look_again(r, err) && judge(r, err);
}

/* Wait, unless asked to stop. An answer to the guard itself may come meanwhile: it is too old. */
static bool pause_ms(struct replay *r, int64_t ms, struct error *err)
{
    int64_t until = clock_monotonic_ms() + ms;
    int64_t now;
    while ((now = clock_monotonic_ms()) < until) {
        struct http_response response;
        if (stop_is_requested())
            return error_set(err, ERROR_STOPPED, "asked to stop");
        while (http_take_response(r->http, &response)) {
            r->guard.is_asking = false;
            http_release(r->http, &response);
        }
        if (!http_poll(r->http, (int)(until - now), err))
            return false;
    }
    return true;
}

bool guard_conclude(struct replay *r, struct error *err)
{
    int64_t give_up = clock_monotonic_ms() + r->options->give_up_after_ms;
    for (unsigned attempt = 1; !look_again(r, err); attempt++) {
        if (err->kind != ERROR_UNAVAILABLE || clock_monotonic_ms() >= give_up)
            return error_wrap(err, "all is sent, but a last look at index %s fails", r->index);
        log_message(LOG_WARNING, "a last look at index %s fails: %s: it is tried again", r->index,
                    err->message);
        *err = (struct error){.kind = ERROR_NONE};
        if (!pause_ms(r, backoff_delay_ms(attempt, PAUSE_BASE_MS, PAUSE_CAP_MS, clock_random()),
                      err))
            return false;
    }
    return judge(r, err);
}
