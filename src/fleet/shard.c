/* shard.c: see shard.h. */
#include "fleet/shard.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const states[] = {"free", "held", "done"};

const char *shard_state_name(enum shard_state state)
{
    return states[state];
}

void shard_put_id(const char *job, size_t number, char out[SHARD_ID_BYTES])
{
    snprintf(out, SHARD_ID_BYTES, "%s:%zu", job, number);
}

static bool read_state(const char *name, enum shard_state *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(name, states[i]) == 0) {
            *state = (enum shard_state)i;
            return true;
        }
    return false;
}

bool shard_set_key(struct shard *s, struct slice key, bool is_inclusive, struct error *err)
{
    char *copy = strndup(key.size > 0 ? key.data : "", key.size);
    if (copy == NULL)
        return error_set_memory(err);
    free(s->key);
    s->key = copy;
    s->is_inclusive = is_inclusive;
    return true;
}

static bool is_of(json_t *json, const struct shard_job *job)
{
    const char *id = json_string_value(json_object_get(json, "job_id"));
    return json == NULL || (id != NULL && strcmp(id, job->id) == 0);
}

static bool fill(struct shard *s, json_t *json, struct error *err)
{
    const char *state, *holder, *updated, *through = NULL, *before = NULL;
    json_int_t epoch, beat, lease, acknowledged, dead, rate;
    if (json_unpack(json, "{s:s, s:I, s:I, s:I, s:s, s?:s, s?:s, s:I, s:I, s:I, s:s}", "state",
                    &state, "epoch", &epoch, "beat", &beat, "lease_ms", &lease, "holder", &holder,
                    "acked_through", &through, "acked_before", &before, "acknowledged",
                    &acknowledged, "dead", &dead, "rows_per_s", &rate, "updated", &updated) != 0 ||
        !read_state(state, &s->state))
        return error_set(err, ERROR_CONFIG, "it is no shard's");
    s->epoch = (uint64_t)epoch;
    s->beat = (uint64_t)beat;
    s->lease_ms = lease;
    s->acknowledged = (uint64_t)acknowledged;
    s->dead = (uint64_t)dead;
    s->rows_per_s = (uint64_t)rate;
    snprintf(s->holder, sizeof s->holder, "%s", holder);
    snprintf(s->updated, sizeof s->updated, "%s", updated);
    const char *key = through != NULL ? through : before;
    return key == NULL || shard_set_key(s, slice_of(key), through == NULL, err);
}

bool shard_read(struct shard *s, const struct shard_job *job, size_t number, json_t *json,
                struct error *err)
{
    char id[SHARD_ID_BYTES];
    *s = (struct shard){.number = number};
    if (json == NULL || !is_of(json, job) || fill(s, json, err))
        return true;
    shard_free(s);
    shard_put_id(job->name, number, id);
    return error_wrap(err, "document %s", id);
}

void shard_free(struct shard *s)
{
    free(s->key);
    s->key = NULL;
}

json_t *shard_json(const struct shard *s, const struct shard_job *job)
{
    char now[CLOCK_TEXT_BYTES];
    clock_format(clock_wall_ms(), now); // for people: nothing is decided by it
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:s, s:s*, s:s*, s:I, s:I, s:I, s:s}", "kind",
        "shard", "job", job->name, "job_id", job->id, "shard", (json_int_t)s->number, "state",
        states[s->state], "epoch", (json_int_t)s->epoch, "beat", (json_int_t)s->beat, "lease_ms",
        (json_int_t)s->lease_ms, "holder", s->holder, "acked_through",
        s->is_inclusive ? NULL : s->key, "acked_before", s->is_inclusive ? s->key : NULL,
        "acknowledged", (json_int_t)s->acknowledged, "dead", (json_int_t)s->dead, "rows_per_s",
        (json_int_t)s->rows_per_s, "updated", now);
}
