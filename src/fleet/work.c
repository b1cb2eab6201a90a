/* work.c: see work.h. */
#include "fleet/work.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "fleet/hold.h"

enum { LEASE_LEAST_MS = 1000, LEASE_MOST_MS = 3600 * 1000 };

struct work {
    const struct work_options *options;
    struct job_options job;
    struct store *store;
    struct fleet_job *fleet_job;
    struct claims *claims;
    int64_t reached_ms;              // the store gave an answer last
    bool is_waiting, is_unreachable; // and the log says so
};

static bool open_job(struct work *w, struct error *err)
{
    const struct work_options *o = w->options;
    const struct store_options options = {
        .job = o->job, .coordinator = o->coordinator, .timeout_ms = lease_timeout_ms(o->lease_ms)};
    if (!fleet_check_name(o->name, err) || !store_open(&w->store, &options, err) ||
        !fleet_need_job(w->store, o->name, &w->fleet_job, err) ||
        !fleet_check_job(w->fleet_job, o->job, err) ||
        (!o->takes_any_version && !fleet_check_version(w->fleet_job, err)) ||
        !fleet_is_open(w->store, w->fleet_job, err))
        return false;
    w->claims = calloc(1, sizeof *w->claims);
    if (w->claims == NULL)
        return error_set_memory(err);
    claims_init(w->claims, w->store, w->fleet_job, o->lease_ms);
    w->reached_ms = clock_monotonic_ms();
    return true;
}

/* What a worker that was killed here has left, and nobody will go on with. */
static void clear_place(const struct work *w)
{
    struct buffer path;
    buffer_init(&path, 4096);
    for (size_t i = 0; i < plan_count(w->fleet_job->plan); i++) {
        struct error ignored = {.kind = ERROR_NONE};
        buffer_clear(&path);
        buffer_append_format(&path, "%s/%s-%zu", w->job.spool, w->fleet_job->name, i);
        (void)!spool_remove_unfinished(buffer_string(&path),
                                       &ignored); // what is at work is left alone
    }
    buffer_free(&path);
}

/* Without the store nothing can be claimed: it is waited for. */
static bool bear(struct work *w, struct error *err)
{
    int64_t now = clock_monotonic_ms();
    if (err->kind != ERROR_UNAVAILABLE || now - w->reached_ms >= w->job.give_up_after_ms)
        return false;
    if (!w->is_unreachable)
        log_message(LOG_WARNING, "%s; nothing can be claimed until it answers", err->message);
    w->is_unreachable = true;
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}

static bool claim(struct work *w, struct shard *shard, enum claim *what, struct error *err)
{
    *what = CLAIM_NONE;
    if (!fleet_is_open(w->store, w->fleet_job, err) || !claim_next(w->claims, shard, what, err)) {
        *what = CLAIM_NONE;
        return bear(w, err);
    }
    w->reached_ms = clock_monotonic_ms();
    w->is_unreachable = false;
    if (*what == CLAIM_NONE && !w->is_waiting)
        log_message(LOG_INFO, "others hold all shards that are not done: waiting");
    w->is_waiting = *what == CLAIM_NONE;
    return true;
}

static bool rest(const struct work *w, struct error *err)
{
    return !stop_wait((int)lease_poll_ms(w->options->lease_ms, clock_random())) ||
           error_set(err, ERROR_STOPPED, "asked to stop");
}

/* One shard. *IS_TOLD: it could not be done here, and the log says why. */
static bool do_shard(struct work *w, struct shard *shard, bool *is_told, int *status,
                     struct error *err)
{
    struct hold_result result = {HOLD_LOST, 0};
    bool ok = hold_shard(w->claims, &w->job, shard, &result, err);
    if (ok && result.end == HOLD_DONE)
        claims_note_done(w->claims, shard);
    if (ok && result.end == HOLD_BACK) {
        *is_told = true;
        *status = result.status;
    }
    w->reached_ms = clock_monotonic_ms();
    return ok;
}

static bool conclude(const struct work *w, struct error *err)
{
    uint64_t dead = claims_dead(w->claims);
    log_message(LOG_INFO, "job %s: all %zu shards are done", w->fleet_job->name,
                plan_count(w->fleet_job->plan));
    return dead == 0 || error_set(err, ERROR_DEAD_LETTERS,
                                  "%llu documents were refused: bobbin job show %s says in which "
                                  "shards, and bobbin job "
                                  "retry-dead %s has these done again",
                                  (unsigned long long)dead, w->fleet_job->name, w->fleet_job->name);
}

static bool work_on(struct work *w, bool *is_told, int *status, struct error *err)
{
    for (;;) {
        struct shard shard;
        enum claim what;
        if (stop_is_requested())
            return error_set(err, ERROR_STOPPED, "asked to stop");
        if (!claim(w, &shard, &what, err))
            return false;
        if (what == CLAIM_ALL_DONE)
            return conclude(w, err);
        if (what == CLAIM_NONE) {
            if (!rest(w, err))
                return false;
            continue;
        }
        bool ok = do_shard(w, &shard, is_told, status, err);
        shard_free(&shard);
        if (!ok || *is_told)
            return ok;
    }
}

bool work_run(const struct work_options *options, bool *is_told, int *status, struct error *err)
{
    struct work w = {.options = options, .job = *options->job};
    *is_told = false;
    *status = 0;
    if (options->lease_ms < LEASE_LEAST_MS || options->lease_ms > LEASE_MOST_MS)
        return error_set(err, ERROR_USAGE, "--lease: it is from 1s to 1h");
    bool ok = open_job(&w, err);
    if (ok)
        clear_place(&w);
    ok = ok && work_on(&w, is_told, status, err);
    free(w.claims);
    fleet_free_job(w.fleet_job);
    store_close(w.store);
    return ok;
}
