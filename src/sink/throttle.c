/* throttle.c: see throttle.h. */
#include "sink/throttle.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    FIRST_LIMIT = 8, // what any cluster takes; it says when it doesn't
    ROUND_TRIP_MS =
        1000, // a bulk request takes about so long: one overload is told of by all in flight
    REST_BASE_MS = 1000,
    REST_CAP_MS = 60000,
    REST_LEAST_MS =
        100,          // so that all that was in flight counts as one failure, whatever the jitter
    PROBE_MS = 30000, // a probe that nobody told of is forgotten
};

struct host {
    const char *url;
    unsigned in_flight;  // requests that it has not answered yet
    unsigned failures;   // in a row; 0: it answers
    bool is_probed;      // one request is out to see whether it answers again
    int64_t rests_until; // or, when probed, the probe is waited for until then
};

struct throttle {
    size_t host_count;
    size_t next; // the host whose turn it is
    unsigned maximum;
    unsigned limit;
    unsigned successes; // since the limit was last changed
    bool was_halved;
    int64_t halved_at;
    int64_t held_until; // INT64_MIN: never held
    struct host hosts[];
};

bool throttle_new(struct throttle **out, const char *const *hosts, size_t host_count,
                  unsigned maximum, struct error *err)
{
    assert(host_count > 0);
    struct throttle *t = calloc(1, sizeof *t + host_count * sizeof *t->hosts);
    if (t == NULL)
        return error_set_memory(err);
    t->host_count = host_count;
    t->maximum = maximum > 0 ? maximum : 1;
    t->limit = t->maximum < FIRST_LIMIT ? t->maximum : FIRST_LIMIT;
    t->held_until = INT64_MIN;
    for (size_t i = 0; i < host_count; i++)
        t->hosts[i].url = hosts[i];
    *out = t;
    return true;
}

void throttle_free(struct throttle *t)
{
    free(t);
}

unsigned throttle_limit(const struct throttle *t)
{
    return t->limit;
}

static void wake_host(struct throttle *t, size_t host)
{
    assert(host < t->host_count);
    t->hosts[host].failures = 0;
    t->hosts[host].is_probed = false;
}

static void halve_limit(struct throttle *t, int64_t now_ms)
{
    t->successes = 0;
    if (t->was_halved && now_ms - t->halved_at < ROUND_TRIP_MS)
        return;
    t->was_halved = true;
    t->halved_at = now_ms;
    t->limit = t->limit > 1 ? t->limit / 2 : 1;
}

void throttle_sent(struct throttle *t, size_t host)
{
    assert(host < t->host_count);
    t->hosts[host].in_flight++;
}

void throttle_ended(struct throttle *t, size_t host)
{
    assert(host < t->host_count && t->hosts[host].in_flight > 0);
    t->hosts[host].in_flight--;
}

void throttle_succeeded(struct throttle *t, size_t host)
{
    wake_host(t, host);
    if (++t->successes < t->limit)
        return;
    t->successes = 0;
    if (t->limit < t->maximum)
        t->limit++;
}

void throttle_overloaded(struct throttle *t, size_t host, int64_t now_ms, int64_t retry_after_ms)
{
    wake_host(t, host);
    halve_limit(t, now_ms);
    if (retry_after_ms >= 0 && now_ms + retry_after_ms > t->held_until)
        t->held_until = now_ms + retry_after_ms;
}

void throttle_failed(struct throttle *t, size_t host, int64_t now_ms, bool is_timeout,
                     int64_t retry_after_ms, uint32_t random)
{
    assert(host < t->host_count);
    struct host *h = &t->hosts[host];
    if (is_timeout)
        halve_limit(t, now_ms);
    if (h->failures == 0 || h->is_probed) { // else it rests already: this was in flight before
        h->failures++;
        h->is_probed = false;
        h->rests_until = now_ms + REST_LEAST_MS +
                         backoff_delay_ms(h->failures, REST_BASE_MS, REST_CAP_MS, random);
    }
    if (retry_after_ms >= 0 && now_ms + retry_after_ms > h->rests_until)
        h->rests_until = now_ms + retry_after_ms;
}

/* May HOST be given out? If not, WAIT_MS is lowered to when it may. */
static bool is_ready(const struct host *h, int64_t now_ms, int64_t *wait_ms)
{
    if (h->failures == 0 || now_ms >= h->rests_until)
        return true;
    if (h->rests_until - now_ms < *wait_ms)
        *wait_ms = h->rests_until - now_ms;
    return false;
}

/* The host that is ready and has the fewest requests, of several the one whose turn it is; NULL: all rest. */
static struct host *find_host(struct throttle *t, int64_t now_ms, int64_t *wait_ms)
{
    struct host *found = NULL;
    for (size_t i = 0; i < t->host_count; i++) {
        struct host *h = &t->hosts[(t->next + i) % t->host_count];
        if (is_ready(h, now_ms, wait_ms) && (found == NULL || h->in_flight < found->in_flight))
            found = h;
    }
    return found;
}

bool throttle_pick(struct throttle *t, int64_t now_ms, size_t *host, int64_t *wait_ms)
{
    if (now_ms < t->held_until) {
        *wait_ms = t->held_until - now_ms;
        return false;
    }
    *wait_ms = INT64_MAX;
    struct host *h = find_host(t, now_ms, wait_ms);
    if (h == NULL)
        return false;
    if (h->failures > 0) {
        h->is_probed = true;
        h->rests_until = now_ms + PROBE_MS;
    }
    *host = (size_t)(h - t->hosts);
    t->next = (*host + 1) % t->host_count;
    return true;
}

const char *throttle_host(const struct throttle *t, size_t host)
{
    assert(host < t->host_count);
    return t->hosts[host].url;
}
