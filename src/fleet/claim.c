/* claim.c: see claim.h. */
#include "fleet/claim.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { HOST_BYTES = 65 };

void claims_init(struct claims *c, struct store *store, const struct fleet_job *job,
                 int64_t lease_ms)
{
    char host[HOST_BYTES] = "?";
    memset(c, 0, sizeof *c);
    c->store = store;
    c->job = job;
    c->lease_ms = lease_ms;
    c->first = clock_random() % plan_count(job->plan);
    (void)gethostname(host, sizeof host - 1);
    snprintf(c->holder, sizeof c->holder, "%s:%d:%08x%08x", host, (int)getpid(), clock_random(),
             clock_random());
}

void claims_note_done(struct claims *c, const struct shard *shard)
{
    c->shards[shard->number].is_done = true;
    c->shards[shard->number].dead = shard->dead;
}

uint64_t claims_dead(const struct claims *c)
{
    uint64_t dead = 0;
    for (size_t i = 0; i < plan_count(c->job->plan); i++)
        dead += c->shards[i].dead;
    return dead;
}

/* Nobody else has taken it since: that would have raised the epoch. */
static bool is_ours(const struct claims *c, const struct shard *found, uint64_t epoch)
{
    return found->epoch == epoch && strcmp(found->holder, c->holder) == 0;
}

/* The write was refused: perhaps as it was made already, and the answer was lost. */
static bool look_whose(struct claims *c, struct shard *shard, bool *ours, struct error *err)
{
    struct shard found;
    if (!fleet_get_shard(c->store, c->job, shard->number, &found, err))
        return false;
    *ours = is_ours(c, &found, shard->epoch);
    if (*ours)
        shard->version = found.version;
    shard_free(&found);
    return true;
}

bool claim_write(struct claims *c, struct shard *shard, bool *ours, struct error *err)
{
    enum { TRIES = 3 }; // each but the first after a lost answer
    bool is_done = false;
    *ours = true;
    for (int i = 0; i < TRIES && !is_done && *ours; i++)
        if (!fleet_put_shard(c->store, c->job, shard, &is_done, err) ||
            (!is_done && !look_whose(c, shard, ours, err)))
            return false;
    return is_done || !*ours ||
           error_set(err, ERROR_UNAVAILABLE, "shard %zu: the store refuses what it should take",
                     shard->number);
}

/* Is SHARD, as a look from BEGUN_MS to now has shown it, to be had? */
static bool is_free(struct claims *c, const struct shard *shard, int64_t begun_ms)
{
    struct lease_view *view = &c->shards[shard->number].view;
    int64_t lease_ms = shard->lease_ms > c->lease_ms ? shard->lease_ms : c->lease_ms;
    return shard->state == SHARD_FREE || lease_has_ended(view, shard->epoch, shard->beat, begun_ms,
                                                         clock_monotonic_ms(), lease_ms);
}

static bool take(struct claims *c, struct shard *shard, bool *is_taken, struct error *err)
{
    if (shard->state == SHARD_HELD)
        log_message(LOG_WARNING,
                    "shard %zu: its holder %s was not heard of for the length of its lease",
                    shard->number, shard->holder);
    shard->state = SHARD_HELD;
    shard->epoch++;
    shard->beat = 0;
    shard->rows_per_s = 0;
    shard->lease_ms = c->lease_ms;
    snprintf(shard->holder, sizeof shard->holder, "%s", c->holder);
    if (!fleet_put_shard(c->store, c->job, shard, is_taken, err))
        return false;
    return *is_taken || look_whose(c, shard, is_taken, err);
}

static bool try_shard(struct claims *c, size_t number, struct shard *shard, bool *is_taken,
                      struct error *err)
{
    int64_t begun_ms = clock_monotonic_ms();
    *is_taken = false;
    if (!fleet_get_shard(c->store, c->job, number, shard, err))
        return false;
    bool ok = true;
    if (shard->state == SHARD_DONE)
        claims_note_done(c, shard);
    else if (is_free(c, shard, begun_ms))
        ok = take(c, shard, is_taken, err);
    if (!*is_taken)
        shard_free(shard);
    return ok;
}

bool claim_next(struct claims *c, struct shard *shard, enum claim *what, struct error *err)
{
    size_t count = plan_count(c->job->plan);
    *what = CLAIM_ALL_DONE;
    for (size_t i = 0; i < count; i++) {
        size_t number = (c->first + i) % count;
        bool is_taken = false;
        if (c->shards[number].is_done)
            continue;
        if (!try_shard(c, number, shard, &is_taken, err))
            return false;
        if (is_taken) {
            c->first = number;
            *what = CLAIM_TAKEN;
            return true;
        }
        if (!c->shards[number].is_done)
            *what = CLAIM_NONE;
    }
    return true;
}
