/* hold.c: see hold.h. */
#include "fleet/hold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/stop.h"
#include "fleet/child.h"
#include "fleet/mirror.h"
#include "job/gauges.h"

enum {
    ROUND_MS = 100,  // how often the child is looked after
    STOP_MS = 8000,  // it ends what is in flight within 4 s
    TELL_MS = 10000, // a log line so often
    PATH_BYTES = 4096,
    BUSY_TRIES = 20, // a round each
};

struct holding {
    struct claims *claims;
    struct shard *shard;
    struct job_options options; // the child's
    struct buffer spool;
    struct mirror mirror;
    struct child *child;
    int64_t lease_ms, beat_ms;
    int64_t due_ms;   // of the next beat
    int64_t round_ms; // when the latest round began
    int64_t
        doubt_until_ms; // until then nothing is done before the store has said that the shard is ours
    int64_t told_ms;
    bool is_unreachable; // and the log says so
    bool is_begun;       // the spool is ours
};

enum beat { BEAT_OURS, BEAT_LOST, BEAT_UNKNOWN };

/* --- beats --- */

/* No answer is no reason to stop. Any other error is. */
static bool bear(struct holding *h, enum beat *beat, struct error *err)
{
    *beat = BEAT_UNKNOWN;
    if (err->kind != ERROR_UNAVAILABLE)
        return false;
    if (!h->is_unreachable)
        log_message(LOG_WARNING, "shard %zu: %s; the load goes on", h->shard->number, err->message);
    h->is_unreachable = true;
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}

static void tell(struct holding *h)
{
    int64_t now = clock_monotonic_ms();
    if (h->is_unreachable)
        log_message(LOG_INFO, "shard %zu: the store answers again", h->shard->number);
    h->is_unreachable = false;
    if (now - h->told_ms < TELL_MS)
        return;
    h->told_ms = now;
    log_message(LOG_INFO, "shard %zu: %llu rows acknowledged, %llu/s", h->shard->number,
                (unsigned long long)h->shard->acknowledged,
                (unsigned long long)h->shard->rows_per_s);
}

/* Is the job still there, and the shard ours? Tell the store how far it is. */
static bool beat(struct holding *h, enum beat *beat, struct error *err)
{
    bool is_ours, is_durable;
    if (!fleet_is_open(h->claims->store, h->claims->job, err))
        return bear(h, beat, err);
    if (!mirror_update(&h->mirror, h->shard, &is_durable, err))
        return false;
    h->shard->beat++;
    if (!claim_write(h->claims, h->shard, &is_ours, err))
        return bear(h, beat, err);
    *beat = is_ours ? BEAT_OURS : BEAT_LOST;
    if (is_ours)
        tell(h);
    return true;
}

/* This process did nothing for as long as a lease: the shard may be another's. The clock runs while
 * the machine sleeps, too. */
static void note_pause(struct holding *h, int64_t now)
{
    if (now - h->round_ms >= h->lease_ms) {
        log_message(LOG_WARNING,
                    "shard %zu: this worker stood still for %lld s: is the shard still its own?",
                    h->shard->number, (long long)(now - h->round_ms) / 1000);
        h->doubt_until_ms = now + h->lease_ms;
        h->due_ms = now;
    }
    h->round_ms = now;
}

/* Beat when it is due. *IS_LOST: the shard is another's. */
static bool look_after(struct holding *h, bool *is_lost, struct error *err)
{
    enum beat what = BEAT_UNKNOWN;
    int64_t now = clock_boot_ms();
    *is_lost = false;
    note_pause(h, now);
    if (now >= h->due_ms) {
        h->due_ms = now + h->beat_ms;
        if (!beat(h, &what, err))
            return false;
    }
    *is_lost = what == BEAT_LOST;
    if (what == BEAT_OURS)
        h->doubt_until_ms = 0;
    if (now >= h->doubt_until_ms)
        child_allow(h->child,
                    now + h->lease_ms); // from when the round began: it may have been long
    return true;
}

/* --- the ends --- */

static void remove_spool(struct holding *h)
{
    struct error err = {.kind = ERROR_NONE};
    if (!spool_remove(h->options.spool, &err))
        log_message(LOG_WARNING, "%s", err.message);
}

/* Give the shard up, with what is done of it. */
static void hand_back(struct holding *h)
{
    struct error err = {.kind = ERROR_NONE};
    bool is_ours = true, is_durable;
    h->shard->state = SHARD_FREE;
    h->shard->rows_per_s = 0;
    if ((!h->is_begun || mirror_update(&h->mirror, h->shard, &is_durable, &err)) &&
        claim_write(h->claims, h->shard, &is_ours, &err)) {
        log_message(LOG_INFO,
                    is_ours ? "shard %zu: handed back" : "shard %zu: another worker has it",
                    h->shard->number);
        if (h->is_begun && h->shard->dead == h->mirror.dead_before)
            remove_spool(h); // else its letters may be looked at
    } else {
        log_message(LOG_WARNING, "shard %zu: not handed back: %s", h->shard->number, err.message);
    }
}

/* As asked: the child ends what is in flight, as any job does. */
static bool stop(struct holding *h, struct error *err)
{
    int64_t until = clock_monotonic_ms() + STOP_MS;
    int status = 0;
    stop_forget(); // what is left to do has its own limits
    if (h->doubt_until_ms == 0)
        child_allow(h->child, clock_boot_ms() + STOP_MS);
    child_ask_to_stop(h->child);
    while (!child_has_ended(h->child, &status) && clock_monotonic_ms() < until)
        stop_wait(ROUND_MS);
    child_end(h->child);
    h->child = NULL;
    hand_back(h);
    return error_set(err, ERROR_STOPPED, "asked to stop");
}

/* One try to tell the store that the shard is done. *RESULT says what is known then. */
static bool tell_of_end(struct holding *h, struct hold_result *result, bool *is_told,
                        struct error *err)
{
    bool is_ours = true, is_durable;
    *is_told = false;
    if (!mirror_update(&h->mirror, h->shard, &is_durable, err))
        return false;
    if (!is_durable)
        return true;
    if (!h->mirror.is_finished) { // --max-dead ended it
        hand_back(h);
        *is_told = true;
        return true;
    }
    h->shard->state = SHARD_DONE;
    h->shard->rows_per_s = 0;
    *is_told = claim_write(h->claims, h->shard, &is_ours, err);
    if (*is_told)
        result->end = is_ours ? HOLD_DONE : HOLD_LOST;
    else
        h->shard->state = SHARD_HELD;
    return *is_told || err->kind == ERROR_UNAVAILABLE || err->kind == ERROR_STOPPED;
}

static void tell_of_patience(struct holding *h, const struct error *err)
{
    if (err->kind == ERROR_UNAVAILABLE && !h->is_unreachable) {
        log_message(LOG_WARNING, "shard %zu is done, but the store doesn't know yet: %s",
                    h->shard->number, err->message);
        h->is_unreachable = true;
    }
}

/* The child has ended well: tell the store, which may need patience. A stop request ends that after one more try. */
static bool conclude(struct holding *h, struct hold_result *result, struct error *err)
{
    int64_t give_up = clock_monotonic_ms() + h->options.give_up_after_ms;
    bool is_told = false, is_last = false;
    while (tell_of_end(h, result, &is_told, err) && !is_told) {
        if (is_last || clock_monotonic_ms() >= give_up)
            break;
        tell_of_patience(h, err);
        is_last = stop_wait((int)h->beat_ms);
        if (is_last)
            stop_forget();
        *err = (struct error){.kind = ERROR_NONE};
    }
    if (is_last)
        stop_request();
    if (is_told)
        return true;
    if (err->kind == ERROR_NONE)
        error_set(err, ERROR_UNAVAILABLE, "its index can't be flushed");
    return error_wrap(err, "shard %zu is done, but the store doesn't know", h->shard->number);
}

static bool has_finished(int status)
{
    return status == 0 || status == error_exit_status(ERROR_DEAD_LETTERS);
}

/* The child has ended with STATUS. */
static bool end(struct holding *h, int status, struct hold_result *result, struct error *err)
{
    *result = (struct hold_result){HOLD_BACK, status};
    if (has_finished(status))
        return conclude(h, result, err);
    if (status > PROCESS_BY_SIGNAL) {
        log_message(LOG_ERROR, "shard %zu: the process that did it was ended by signal %d",
                    h->shard->number, status - PROCESS_BY_SIGNAL);
        result->status = error_exit_status(ERROR_STOPPED);
    }
    hand_back(h);
    return true;
}

/* Until the child has ended, or may not go on. */
static bool watch(struct holding *h, struct hold_result *result, struct error *err)
{
    int status = 0;
    bool is_lost = false;
    for (;;) {
        if (!look_after(h, &is_lost, err))
            return err->kind == ERROR_STOPPED ? stop(h, err) : false;
        if (is_lost) {
            result->end = HOLD_LOST;
            return true;
        }
        if (child_has_ended(h->child, &status))
            return end(h, status, result, err);
        if (stop_wait(ROUND_MS))
            return stop(h, err);
    }
}

/* --- the beginning --- */

/* Another worker that starts here may be looking whether something is to be cleared up. */
static bool clear_spool(struct holding *h, struct error *err)
{
    for (int i = 0; !spool_remove(h->options.spool, err); i++) {
        if (err->kind != ERROR_BUSY || i == BUSY_TRIES)
            return false;
        *err = (struct error){.kind = ERROR_NONE};
        if (stop_wait(ROUND_MS))
            return error_set(err, ERROR_STOPPED, "asked to stop");
    }
    return true;
}

static bool make_place(struct holding *h, const struct job_options *o, struct error *err)
{
    int fd;
    if (!file_open_directory(&fd, o->spool, true, err))
        return false;
    file_close(&fd);
    buffer_append_format(&h->spool, "%s/%s-%zu", o->spool, h->claims->job->name, h->shard->number);
    h->options.spool = buffer_string(&h->spool);
    return buffer_check(&h->spool, "the spool's path", err) && clear_spool(h, err);
}

/* The shard's range, from where an earlier holder has left it. */
static void set_range(struct holding *h)
{
    struct job_options *o = &h->options;
    const struct shard *shard = h->shard;
    plan_shard_bounds(h->claims->job->plan, shard->number, &o->from, &o->after, &o->to);
    if (shard->key == NULL)
        return;
    o->from = shard->is_inclusive ? shard->key : NULL;
    o->after = shard->is_inclusive ? NULL : shard->key;
}

/* The child keeps the key that it begins at: the shard's own changes. */
static bool begin(struct holding *h, const struct job_options *o, struct error *err)
{
    set_range(h);
    if (!make_place(h, o, err) ||
        !mirror_open(&h->mirror, &h->options, lease_timeout_ms(h->lease_ms), h->shard, err))
        return false;
    h->is_begun = true;
    if (!child_start(&h->child, &h->options, err))
        return false;
    h->round_ms = clock_boot_ms();
    h->due_ms = h->round_ms + h->beat_ms;
    return true;
}

static void tell_of_claim(const struct shard *shard)
{
    if (shard->key != NULL)
        log_message(LOG_INFO, "shard %zu: taken (epoch %llu): goes on %s key %s", shard->number,
                    (unsigned long long)shard->epoch, shard->is_inclusive ? "at" : "behind",
                    shard->key);
    else
        log_message(LOG_INFO, "shard %zu: taken (epoch %llu)", shard->number,
                    (unsigned long long)shard->epoch);
}

static void finish(struct holding *h, const struct hold_result *result)
{
    const struct shard *shard = h->shard;
    if (result->end == HOLD_LOST)
        log_message(LOG_WARNING, "shard %zu: another worker has it by now: it is left alone",
                    shard->number);
    if (result->end == HOLD_DONE)
        log_message(LOG_INFO, "shard %zu: done: %llu rows acknowledged, %llu dead", shard->number,
                    (unsigned long long)shard->acknowledged, (unsigned long long)shard->dead);
    if (result->end == HOLD_LOST || (result->end == HOLD_DONE && shard->dead == 0))
        remove_spool(h);
}

bool hold_shard(struct claims *c, const struct job_options *o, struct shard *shard,
                struct hold_result *result, struct error *err)
{
    struct holding h = {.claims = c,
                        .shard = shard,
                        .options = *o,
                        .lease_ms = c->lease_ms,
                        .beat_ms = lease_beat_ms(c->lease_ms),
                        .told_ms = clock_monotonic_ms()};
    buffer_init(&h.spool, PATH_BYTES);
    tell_of_claim(shard);
    gauges_name_shard(o->gauges, shard->number);
    bool ok = begin(&h, o, err);
    if (!ok)
        hand_back(&h);
    ok = ok && watch(&h, result, err);
    child_end(h.child);
    if (ok)
        finish(&h, result);
    else if (h.is_begun && err->kind == ERROR_CONFIG)
        remove_spool(&h); // the job is no more
    mirror_close(&h.mirror);
    gauges_rest(o->gauges);
    buffer_free(&h.spool);
    return ok;
}
