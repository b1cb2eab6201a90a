/* replay_answer.c: what the answer to a bulk request means for the frame that was sent. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/replay_internal.h"
#include "sink/bulk.h"
#include "sink/json_scan.h"

enum {
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 30000,
    LEAST_BYTES = 1 << 10, // a limit learned from 413 never goes below
    WARY_DEAD = 1000, // so many refusals in one answer are megabytes: not eight of them at a time
};

/* --- retries --- */

/* "HOST: WHAT" without the password that the host's URL may have. */
static void describe_host(const struct replay *r, const struct slot *slot, const char *what,
                          char out[FAILURE_BYTES])
{
    struct buffer host;
    buffer_init(&host, FAILURE_BYTES);
    log_redact(&host, throttle_host(r->throttle, slot->host));
    snprintf(out, FAILURE_BYTES, "%s: %s", buffer_string(&host), what);
    buffer_free(&host);
}

static void note_failure(struct replay *r, const struct slot *slot, const char *what)
{
    describe_host(r, slot, what, r->last_failure);
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

/* Verdicts have come for SLOT's frame, REFUSED of them for good. */
static bool settle(struct replay *r, struct slot *slot, size_t refused, struct error *err)
{
    struct error unwritten = {.kind = ERROR_NONE};
    complete_or_go_on(slot);
    bool are_few = replay_count_refusals(r, slot, refused, err);
    if (slot->state != SLOT_COMPLETE || replay_put_dead_letters(r, slot, &unwritten))
        return are_few;
    *err = unwritten;
    slot->state = SLOT_WAITING; // it must not be acknowledged
    return false;
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
    if (outcome->done + outcome->dead > 0)
        r->progress_ms = now;
    if (outcome->is_denied)
        return error_set(err, ERROR_DENIED, "index %s: %s: check the user's privileges", r->index,
                         outcome->error);
    if (outcome->is_index_missing)
        return index_is_gone(r, err);
    if (outcome->dead > 0)
        log_message(LOG_WARNING, "frame %llu: %zu documents are refused for good: %s",
                    (unsigned long long)slot->frame.number, outcome->dead, outcome->error);
    r->is_wary = outcome->dead > WARY_DEAD;
    if (!settle(r, slot, outcome->dead, err))
        return false;
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

/* What the answer says is wrong: its "error", or all of it when it is none of a search engine. */
static struct slice error_of(const struct http_response *response)
{
    struct slice error;
    return json_scan_find(response->body, "error", &error) ? error : response->body;
}

/* A full disk, or an operator who wants no writes for now. */
static bool is_blocked(const struct http_response *response)
{
    struct slice type;
    return json_scan_find(error_of(response), "type", &type) &&
           slice_equal(json_scan_string(type), slice_of("cluster_block_exception"));
}

/* In words: the status and what the answer says is wrong. */
static void describe_response(const struct http_response *response, char *out, size_t size)
{
    struct buffer words;
    buffer_init(&words, FAILURE_BYTES);
    bulk_describe_error(error_of(response), &words);
    snprintf(out, size, "HTTP %d%s%s", response->status, words.size > 0 ? ": " : "",
             words.size > 0 ? buffer_string(&words) : "");
    buffer_free(&words);
}

/* 413, or 400 for the request as a whole: halves find out which document is to blame. */
static bool take_refusal(struct replay *r, struct slot *slot, const struct http_response *response,
                         const char *what, struct error *err)
{
    uint64_t bytes;
    if (!delivery_split(slot->delivery, response->status, error_of(response), &bytes, err))
        return false;
    if (response->status == 413 && bytes / 2 < r->most_bytes)
        r->most_bytes = bytes / 2 > LEAST_BYTES ? bytes / 2 : LEAST_BYTES;
    throttle_succeeded(r->throttle, slot->host);
    size_t done, dead;
    delivery_count(slot->delivery, &done, &dead);
    bool is_refused = dead > slot->dead;
    if (is_refused)
        r->progress_ms = clock_monotonic_ms();
    log_message(is_refused ? LOG_WARNING : LOG_INFO, "frame %llu: %s: %s of %llu bytes is %s",
                (unsigned long long)slot->frame.number, what,
                is_refused ? "a document" : "a request", (unsigned long long)bytes,
                is_refused ? "refused for good" : "sent in smaller ones");
    return settle(r, slot, is_refused ? 1 : 0, err);
}

/* The cluster answers, but takes nothing now. */
static bool take_patience(struct replay *r, struct slot *slot, const struct http_response *response,
                          const char *what)
{
    delivery_return(slot->delivery);
    throttle_overloaded(r->throttle, slot->host, clock_monotonic_ms(), response->retry_after_ms);
    note_failure(r, slot, what);
    retry_later(r, slot, false);
    return true;
}

static bool take_status(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err)
{
    char what[FAILURE_BYTES], at_host[FAILURE_BYTES];
    if (response->status == 200)
        return take_success(r, slot, response,
                            err); // without a look at all of it: it may be megabytes
    describe_response(response, what, sizeof what);
    describe_host(r, slot, what, at_host);
    switch (response->status) {
    case 400:
    case 413:
        return take_refusal(r, slot, response, what, err);
    case 401:
    case 403:
        if (is_blocked(response))
            return take_patience(r, slot, response, what);
        return error_set(err, ERROR_DENIED, "%s: check user, password or key", at_host);
    case 404:
        return index_is_gone(r, err);
    case 408:
    case 429:
        return take_patience(r, slot, response, what);
    default:
        break;
    }
    if (response->status < 500)
        return error_set(err, ERROR_CONFIG, "%s: this is no answer of a search engine; check --url",
                         at_host);
    request_failed(r, slot, false, what);
    return true;
}

bool replay_take_answer(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err)
{
    r->requests++;
    r->is_wary = false;
    if (response->status != 0)
        return take_status(r, slot, response, err);
    if (response->is_certificate_refused) {
        char at_host[FAILURE_BYTES];
        describe_host(r, slot, response->failure, at_host);
        return error_set(err, ERROR_DENIED, "%s", at_host);
    }
    request_failed(r, slot, response->is_timeout, response->failure);
    return true;
}
