/* throttle.h: how many requests may be in flight, and to which host the next one goes. Pure: times
 * are passed in (clock_monotonic_ms), nothing is sent. Single-threaded.
 *
 * In flight: additive increase, halved on 429 or a timeout, between 1 and the maximum (the rule of
 * RFC 5681's congestion avoidance). Hosts: the one that has the fewest requests, in turn when several
 * have, so that one that is silent keeps no more than its share; one that did not answer rests, longer
 * each time (backoff with full jitter), and is tried again by a single request. */
#ifndef BOBBIN_SINK_THROTTLE_H
#define BOBBIN_SINK_THROTTLE_H

#include <stdint.h>

#include "base/buffer.h"

struct throttle;

/* HOSTS: base URLs without a trailing slash, at least one, borrowed. MAXIMUM: most requests in
 * flight; 0 counts as 1. Errors: ERROR_MEMORY. */
MUST_CHECK bool throttle_new(struct throttle **out, const char *const *hosts, size_t host_count,
                             unsigned maximum, struct error *err);
void throttle_free(struct throttle *t);

/* How many requests may be in flight now: starts at 8 (or MAXIMUM when less). */
unsigned throttle_limit(const struct throttle *t);

/* A request went to HOST; its end (an answer, or none) has come. */
void throttle_sent(struct throttle *t, size_t host);
void throttle_ended(struct throttle *t, size_t host);

/* HOST answered a request well: it rests no more, and a window's worth of these (as many as the
 * limit is) raises the limit by one. */
void throttle_succeeded(struct throttle *t, size_t host);

/* HOST answered, and asks for patience (429, or items with 429): it rests no more, but the limit is
 * halved, at most once per round trip: further calls within 1 s count as one. RETRY_AFTER_MS, when
 * not negative, holds all new requests back for so long. */
void throttle_overloaded(struct throttle *t, size_t host, int64_t now_ms, int64_t retry_after_ms);

/* HOST did not answer, or with 5xx: it rests, for 100 ms and backoff_delay_ms (1 s, doubling up to
 * 60 s) of its failures in a row, at least RETRY_AFTER_MS. What was in flight when it went to rest
 * fails too, and is not counted again. The limit is halved, as by throttle_overloaded, when it was a
 * timeout. */
void throttle_failed(struct throttle *t, size_t host, int64_t now_ms, bool is_timeout,
                     int64_t retry_after_ms, uint32_t random);

/* The host for the next request, or false while all rest or requests are held back: then *WAIT_MS
 * (at least 1) says when to ask again; sooner when the throttle is told of an answer. A host whose
 * rest is over is given out once; it is given out again when that request was told of (succeeded,
 * overloaded, failed), or after 30 s when it never was. */
bool throttle_pick(struct throttle *t, int64_t now_ms, size_t *host, int64_t *wait_ms);

/* The base URL of host number HOST. */
const char *throttle_host(const struct throttle *t, size_t host);

#endif
