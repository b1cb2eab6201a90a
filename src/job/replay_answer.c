/* replay_answer.c: what the answer to a bulk request means for the frame that was sent. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/replay_internal.h"
#include "sink/bulk.h"
#include "spool/compress.h"

enum {
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 30000,
    LEAST_BYTES = 1 << 10, // a limit learned from 413 never goes below
};

/* --- retries --- */

static void note_failure(struct replay *r, const struct slot *slot, const char *what)
{
    struct buffer host;
    buffer_init(&host, FAILURE_BYTES);
    log_redact(&host, throttle_host(r->throttle, slot->host));
    snprintf(r->last_failure, sizeof r->last_failure, "%s: %s", buffer_string(&host), what);
    buffer_free(&host);
    log_message(LOG_WARNING, "frame %llu: %s: it is sent again",
                (unsigned long long)slot->frame.number, r->last_failure);
}

/* SLOT's waiting documents are sent again after a while. */
static void retry_later(struct replay *r, struct slot *slot, bool has_progressed)
{
    slot->attempts = has_progressed ? 1 : slot->attempts + 1;
    slot->state = SLOT_WAITING;
    slot->due_ms = clock_monotonic_ms() + backoff_delay_ms(slot->attempts, BACKOFF_BASE_MS,
                                                           BACKOFF_CAP_MS, clock_random());
    r->retries++;
    atomic_fetch_add(&r->live->retries, 1);
}

/* No usable answer came: the whole request is sent again, perhaps to another host. */
static void request_failed(struct replay *r, struct slot *slot, bool is_timeout, const char *what)
{
    delivery_return(slot->delivery);
    throttle_failed(r->throttle, slot->host, clock_monotonic_ms(), is_timeout, clock_random());
    note_failure(r, slot, what);
    slot->attempts = 0; // the host rests, so the frame need not
    retry_later(r, slot, false);
    slot->due_ms = 0;
}

/* --- verdicts --- */

static void complete_or_go_on(struct slot *slot)
{
    size_t done, dead;
    slot->state = delivery_is_complete(slot->delivery) ? SLOT_COMPLETE : SLOT_WAITING;
    slot->due_ms = 0;
    delivery_count(slot->delivery, &done, &dead);
    slot->done = done;
    slot->dead = dead;
}

static bool index_is_gone(const struct replay *r, struct error *err)
{
    return error_set(
        err, ERROR_CONFIG,
        "index %s is gone: create it again (--create-index), then run the same command", r->index);
}

static bool take_outcome(struct replay *r, struct slot *slot, const struct http_response *response,
                         const struct delivery_outcome *outcome, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (outcome->done > 0)
        r->progress_ms = now;
    if (outcome->is_denied)
        return error_set(err, ERROR_DENIED, "index %s: %s: check the user's privileges", r->index,
                         outcome->error);
    if (outcome->is_index_missing)
        return index_is_gone(r, err);
    if (outcome->dead > 0)
        log_message(LOG_WARNING, "frame %llu: %zu documents are refused for good: %s",
                    (unsigned long long)slot->frame.number, outcome->dead, outcome->error);
    complete_or_go_on(slot);
    if (outcome->retried == 0) {
        throttle_succeeded(r->throttle, slot->host);
        return true;
    }
    throttle_overloaded(r->throttle, slot->host, now, response->retry_after_ms);
    char what[FAILURE_BYTES];
    snprintf(what, sizeof what, "%zu documents not now: %s", outcome->retried, outcome->error);
    note_failure(r, slot, what);
    retry_later(r, slot, outcome->done > 0);
    return true;
}

static bool take_success(struct replay *r, struct slot *slot, const struct http_response *response,
                         struct error *err)
{
    struct delivery_outcome outcome;
    struct error unreadable = {.kind = ERROR_NONE};
    if (delivery_settle(slot->delivery, response->body, &outcome, &unreadable))
        return take_outcome(r, slot, response, &outcome, err);
    if (unreadable.kind != ERROR_UNAVAILABLE) {
        *err = unreadable;
        return false;
    }
    request_failed(r, slot, false, unreadable.message);
    return true;
}

/* 413, or 400 for the request as a whole: halves find out which document is to blame. */
static bool take_refusal(struct replay *r, struct slot *slot, const struct http_response *response,
                         struct error *err)
{
    uint64_t bytes;
    if (!delivery_split(slot->delivery, response->status, response->body, &bytes, err))
        return false;
    if (response->status == 413 && bytes / 2 < r->most_bytes)
        r->most_bytes = bytes / 2 > LEAST_BYTES ? bytes / 2 : LEAST_BYTES;
    log_message(
        LOG_INFO, "frame %llu: HTTP %d for a request of %llu bytes: it is sent in smaller ones",
        (unsigned long long)slot->frame.number, response->status, (unsigned long long)bytes);
    throttle_succeeded(r->throttle, slot->host);
    complete_or_go_on(slot);
    return true;
}

/* In words: the status and what the answer's "error" says. */
static void describe_response(const struct http_response *response, char *out, size_t size)
{
    struct buffer words;
    struct slice body = response->body;
    buffer_init(&words, FAILURE_BYTES);
    bulk_describe_error(body, &words);
    snprintf(out, size, "HTTP %d%s%s", response->status, words.size > 0 ? ": " : "",
             words.size > 0 ? buffer_string(&words) : "");
    buffer_free(&words);
}

static bool take_status(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err)
{
    char what[FAILURE_BYTES];
    describe_response(response, what, sizeof what);
    switch (response->status) {
    case 200:
        return take_success(r, slot, response, err);
    case 400:
    case 413:
        return take_refusal(r, slot, response, err);
    case 401:
    case 403:
        return error_set(err, ERROR_DENIED, "%s: %s: check user, password or key",
                         throttle_host(r->throttle, slot->host), what);
    case 408:
    case 429:
        delivery_return(slot->delivery);
        throttle_overloaded(r->throttle, slot->host, clock_monotonic_ms(),
                            response->retry_after_ms);
        note_failure(r, slot, what);
        retry_later(r, slot, false);
        return true;
    case 404:
        return index_is_gone(r, err);
    default:
        break;
    }
    if (response->status < 500)
        return error_set(err, ERROR_CONFIG,
                         "%s: %s: this is no answer of a search engine; check --url",
                         throttle_host(r->throttle, slot->host), what);
    request_failed(r, slot, false, what);
    return true;
}

bool replay_take_answer(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err)
{
    r->requests++;
    if (response->status != 0)
        return take_status(r, slot, response, err);
    if (response->is_certificate_refused)
        return error_set(err, ERROR_DENIED, "%s: %s", throttle_host(r->throttle, slot->host),
                         response->failure);
    request_failed(r, slot, response->is_timeout, response->failure);
    return true;
}

bool replay_take_dead_rows(struct replay *r, struct slot *slot, struct slice body,
                           struct error *err)
{
    struct decompressor *d;
    char chunk[4096];
    size_t got;
    if (!decompressor_new(&d, err))
        return false;
    decompressor_open(d, body);
    bool ok;
    while ((ok = decompressor_read(d, chunk, sizeof chunk, &got, err)) && got > 0)
        buffer_append(&r->dead_lines, chunk, got);
    decompressor_free(d);
    r->has_more_now = true;
    slot->state = SLOT_COMPLETE;
    slot->done = 0;
    slot->dead = slot->frame.documents;
    return ok && buffer_check(&r->dead_lines, "dead letters", err);
}
