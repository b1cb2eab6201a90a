/* replay_answer.c: what the answer to a bulk request means for the frame that was sent. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/log.h"
#include "job/replay_internal.h"
#include "sink/bulk.h"
#include "sink/url.h"

enum {
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 30000,
    UNANSWERED_MAX = 3, // so many requests in a row: then smaller ones are tried
    WARY_DEAD = 1000,   // so many refusals in one answer are megabytes: not eight of them at a time
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

/* Nothing is wrong with the documents, nor is the cluster overloaded: said once, not for each frame. */
static void note_block(struct replay *r, const char *what)
{
    snprintf(r->last_failure, sizeof r->last_failure, "index %s takes no writes now: %s", r->index,
             what);
    if (!r->is_blocked)
        log_message(LOG_WARNING, "%s: waiting until it does", r->last_failure);
    r->is_blocked = true;
}

/* A document has its verdict. */
static void note_progress(struct replay *r)
{
    r->progress_ms = clock_monotonic_ms();
    if (r->is_blocked)
        log_message(LOG_INFO, "index %s takes writes again", r->index);
    r->is_blocked = false;
}

/* The cluster asks for patience: fewer requests at a time. */
static void slow_down(struct replay *r, const struct slot *slot,
                      const struct http_response *response)
{
    unsigned before = throttle_limit(r->throttle);
    throttle_overloaded(r->throttle, slot->host, clock_monotonic_ms(), response->retry_after_ms);
    unsigned limit = throttle_limit(r->throttle);
    if (limit < before)
        log_message(LOG_INFO, "the cluster asks for patience: at most %u request%s at a time",
                    limit, limit == 1 ? "" : "s");
}

/* SLOT's waiting documents are sent again after a while. */
static void retry_later(struct replay *r, struct slot *slot)
{
    slot->attempts++;
    slot->state = SLOT_WAITING;
    slot->due_ms = clock_monotonic_ms() + backoff_delay_ms(slot->attempts, BACKOFF_BASE_MS,
                                                           BACKOFF_CAP_MS, clock_random());
    r->retries++;
    atomic_fetch_add(&r->live->retries, 1);
}

/* Some servers end the connection, and some lines take too long, when a request is large: no answer ever
 * tells. */
static void try_smaller(struct slot *slot, const struct http_response *response)
{
    uint64_t bytes;
    slot->unanswered += response->status == 0 && response->was_sent;
    if (slot->unanswered < UNANSWERED_MAX)
        return;
    slot->unanswered = 0;
    if (delivery_halve(slot->delivery, &bytes))
        log_message(LOG_WARNING,
                    "frame %llu: %d requests of %llu bytes got no answer: it is sent in "
                    "smaller ones",
                    (unsigned long long)slot->frame.number, UNANSWERED_MAX,
                    (unsigned long long)bytes);
}

/* No usable answer came: the whole request is sent again, perhaps to another host. */
static void request_failed(struct replay *r, struct slot *slot,
                           const struct http_response *response, const char *what)
{
    try_smaller(slot, response);
    delivery_return(slot->delivery);
    throttle_failed(r->throttle, slot->host, clock_monotonic_ms(), response->is_timeout,
                    response->retry_after_ms, clock_random());
    note_failure(r, slot, what);
    retry_later(r, slot);
    if (slot->attempts <= r->url_count) // else the frame may be to blame, not the host, which rests
        slot->due_ms = clock_monotonic_ms();
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

/* Is it the job's own index, and gone with all that is in? Else a document names another one. */
static bool index_is_missing(struct replay *r, const char *what, struct error *err)
{
    struct error look = {.kind = ERROR_NONE};
    if (!guard_check_now(r, &look) && look.kind == ERROR_CONFIG) {
        *err = look;
        return false;
    }
    return error_set(err, ERROR_CONFIG,
                     "index %s: %s: create what is missing, then run the same command", r->index,
                     what);
}

/* Does the answer say that no request can come in until somebody repairs something? */
static bool is_end(struct replay *r, const struct delivery_outcome *outcome, struct error *err)
{
    if (outcome->is_denied)
        return !error_set(err, ERROR_DENIED, "index %s: %s: check the user's privileges", r->index,
                          outcome->error);
    if (outcome->is_index_missing)
        return !index_is_missing(r, outcome->error, err);
    if (outcome->is_misconfigured)
        return !error_set(err, ERROR_CONFIG, "index %s: %s: repair it, then run the same command",
                          r->index, outcome->error);
    return false;
}

static bool take_outcome(struct replay *r, struct slot *slot, const struct http_response *response,
                         uint64_t bytes, const struct delivery_outcome *outcome, struct error *err)
{
    slot->unanswered = 0;
    if (outcome->done + outcome->dead > 0) {
        note_progress(r);
        slot->attempts = 0;
    }
    if (is_end(r, outcome, err))
        return false;
    if (outcome->dead > 0)
        log_message(LOG_WARNING, "frame %llu: %zu documents are refused for good: %s",
                    (unsigned long long)slot->frame.number, outcome->dead, outcome->error);
    r->is_wary = outcome->dead > WARY_DEAD;
    if (!settle(r, slot, outcome->dead, err))
        return false;
    if (outcome->retried == 0) {
        throttle_succeeded(r->throttle, slot->host);
        sizing_passed(&r->sizing, bytes);
        return true;
    }
    slow_down(r, slot, response);
    char what[FAILURE_BYTES];
    snprintf(what, sizeof what, "%zu documents not now: %s", outcome->retried, outcome->error);
    if (outcome->is_blocked)
        note_block(r, outcome->error);
    else
        note_failure(r, slot, what);
    retry_later(r, slot);
    return true;
}

static bool take_success(struct replay *r, struct slot *slot, const struct http_response *response,
                         struct error *err)
{
    struct delivery_outcome outcome;
    struct error unreadable = {.kind = ERROR_NONE};
    uint64_t bytes;
    (void)delivery_sending(slot->delivery, &bytes);
    if (delivery_settle(slot->delivery, response->body, &outcome, &unreadable))
        return take_outcome(r, slot, response, bytes, &outcome, err);
    if (unreadable.kind != ERROR_UNAVAILABLE) {
        *err = unreadable;
        return false;
    }
    request_failed(r, slot, response, unreadable.message);
    return true;
}

/* What the answer says is wrong: its "error", or all of it when it is none of a search engine. */
static struct slice error_of(const struct http_response *response)
{
    struct slice error;
    return json_scan_find(response->body, "error", &error) ? error : response->body;
}

static bool has_error_type(const struct http_response *response, const char *name)
{
    struct slice type;
    return json_scan_find(error_of(response), "type", &type) &&
           slice_equal(json_scan_string(type), slice_of(name));
}

/* In words: the status, and whereto it leads or what the answer says is wrong. */
static void describe_response(const struct http_response *response, char *out, size_t size)
{
    struct buffer words;
    buffer_init(&words, FAILURE_BYTES);
    if (response->redirect != NULL)
        url_append_redirect(&words, response->redirect);
    else
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
    if (response->status == 413)
        sizing_refused(&r->sizing, bytes);
    throttle_succeeded(r->throttle, slot->host);
    size_t done, dead;
    delivery_count(slot->delivery, &done, &dead);
    bool is_refused = dead > slot->dead;
    if (is_refused)
        note_progress(r);
    log_message(is_refused ? LOG_WARNING : LOG_INFO, "frame %llu: %s: %s of %llu bytes is %s",
                (unsigned long long)slot->frame.number, what,
                is_refused ? "a document" : "a request", (unsigned long long)bytes,
                is_refused ? "refused for good" : "sent in smaller ones");
    return settle(r, slot, is_refused ? 1 : 0, err);
}

/* 429 to a request that is alone, once more: it may be larger than what the cluster has free. */
static void shrink_requests(struct replay *r, struct slot *slot)
{
    uint64_t bytes;
    if (r->in_flight > 0 || delivery_sending(slot->delivery, &bytes) == 1 ||
        !sizing_overloaded(&r->sizing, bytes, slot->attempts + 1))
        return;
    log_message(LOG_INFO,
                "frame %llu: a request of %llu bytes is too large for the cluster now: it is "
                "sent in smaller ones",
                (unsigned long long)slot->frame.number, (unsigned long long)bytes);
    slot->attempts = 0;
}

/* The cluster answers, but takes nothing now. */
static bool take_patience(struct replay *r, struct slot *slot, const struct http_response *response,
                          const char *what)
{
    bool is_blocked = bulk_is_block(error_of(response));
    if (is_blocked)
        note_block(r, what);
    else
        note_failure(r, slot, what);
    if (response->status == 429 && !is_blocked)
        shrink_requests(r, slot);
    delivery_return(slot->delivery);
    slow_down(r, slot, response);
    retry_later(r, slot);
    return true;
}

static bool denied(const struct http_response *response, const char *at_host, struct error *err)
{
    const char *remedy = aws_remedy(response->body);
    return error_set(err, ERROR_DENIED, "%s: %s", at_host,
                     remedy != NULL ? remedy : "check user, password or key");
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
    if (response->status < 500 && bulk_is_block(error_of(response)))
        return take_patience(r, slot, response, what);
    switch (response->status) {
    case 400:
    case 413:
        return take_refusal(r, slot, response, what, err);
    case 401:
    case 403:
        return denied(response, at_host, err);
    case 407:
        return error_set(err, ERROR_DENIED, "%s: the proxy refuses --proxy-user and its password",
                         at_host);
    case 404:
        if (has_error_type(response, "index_not_found_exception"))
            return index_is_missing(r, what, err);
        break;
    case 408:
    case 429:
        return take_patience(r, slot, response, what);
    default:
        break;
    }
    if (response->redirect != NULL)
        return error_set(err, ERROR_CONFIG, "%s", at_host);
    if (response->status < 500)
        return error_set(err, ERROR_CONFIG, "%s: this is no answer of a search engine; check --url",
                         at_host);
    request_failed(r, slot, response, what);
    return true;
}

/* More words than can be taken, of each document's error perhaps: fewer documents, fewer words. */
static void take_flood(struct replay *r, struct slot *slot, const struct http_response *response)
{
    uint64_t bytes;
    char at_host[FAILURE_BYTES];
    if (!delivery_halve(slot->delivery, &bytes)) {
        request_failed(r, slot, response, response->failure);
        return;
    }
    describe_host(r, slot, response->failure, at_host);
    log_message(LOG_WARNING, "frame %llu: %s: a request of %llu bytes is sent in smaller ones",
                (unsigned long long)slot->frame.number, at_host, (unsigned long long)bytes);
    throttle_succeeded(r->throttle, slot->host);
    complete_or_go_on(slot);
}

bool replay_take_answer(struct replay *r, struct slot *slot, const struct http_response *response,
                        struct error *err)
{
    r->requests++;
    r->is_wary = false;
    if (response->status != 0)
        return take_status(r, slot, response, err);
    if (response->is_refused) {
        char at_host[FAILURE_BYTES];
        describe_host(r, slot, response->failure, at_host);
        return error_set(err, ERROR_DENIED, "%s", at_host);
    }
    if (response->is_too_large)
        take_flood(r, slot, response);
    else
        request_failed(r, slot, response, response->failure);
    return true;
}
