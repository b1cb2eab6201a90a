/* overview.c: see overview.h. */
#include "fleet/overview.h"

#include <stdlib.h>

size_t overview_count(const struct overview *o)
{
    return plan_count(o->job->plan);
}

static void add(struct overview *o, const struct shard *shard)
{
    o->done += shard->state == SHARD_DONE;
    o->held += shard->state == SHARD_HELD;
    o->acknowledged += shard->acknowledged;
    o->dead += shard->dead;
    if (shard->state == SHARD_HELD)
        o->rows_per_s += shard->rows_per_s;
}

static void estimate(struct overview *o)
{
    uint64_t rows = plan_rows(o->job->plan), done = o->acknowledged + o->dead;
    o->eta_s = o->rows_per_s > 0 && rows > done ? (int64_t)((rows - done) / o->rows_per_s) : -1;
}

static bool read_shards(struct store *s, struct overview *o, struct error *err)
{
    for (size_t i = 0; i < overview_count(o); i++) {
        if (!fleet_get_shard(s, o->job, i, &o->shards[i], err))
            return false;
        add(o, &o->shards[i]);
    }
    return true;
}

bool overview_read(struct store *s, const char *name, struct overview *out, struct error *err)
{
    *out = (struct overview){.eta_s = -1};
    if (!fleet_check_name(name, err) || !fleet_need_job(s, name, &out->job, err))
        return false;
    out->shards = calloc(overview_count(out), sizeof *out->shards);
    if (out->shards == NULL) {
        overview_free(out);
        return error_set_memory(err);
    }
    if (read_shards(s, out, err)) {
        estimate(out);
        return true;
    }
    overview_free(out);
    return false;
}

void overview_free(struct overview *o)
{
    for (size_t i = 0; o->shards != NULL && i < overview_count(o); i++)
        shard_free(&o->shards[i]);
    free(o->shards);
    fleet_free_job(o->job);
    *o = (struct overview){.job = NULL};
}

bool overview_is_over(const struct overview *o)
{
    return fleet_is_cancelled(o->job) || o->done == overview_count(o);
}

static json_t *json_of_shards(const struct overview *o)
{
    const struct shard_job of = fleet_shard_job(o->job);
    json_t *list = json_array();
    for (size_t i = 0; i < overview_count(o); i++) {
        json_t *shard = shard_json(&o->shards[i], &of);
        const char *updated = o->shards[i].updated;
        json_object_set_new(shard, "rows",
                            json_integer((json_int_t)plan_shard_rows(o->job->plan, i)));
        json_object_set_new(shard, "updated",
                            updated[0] != '\0' ? json_string(updated) : json_null());
        json_array_append_new(list, shard);
    }
    return list;
}

json_t *overview_json(const struct overview *o)
{
    json_t *json = json_deep_copy(o->job->body);
    json_object_set_new(json, "job", json_string(o->job->name));
    json_object_set_new(json, "rows", json_integer((json_int_t)plan_rows(o->job->plan)));
    json_object_set_new(json, "acknowledged", json_integer((json_int_t)o->acknowledged));
    json_object_set_new(json, "dead", json_integer((json_int_t)o->dead));
    json_object_set_new(json, "rows_per_s", json_integer((json_int_t)o->rows_per_s));
    json_object_set_new(json, "eta_s", o->eta_s >= 0 ? json_integer(o->eta_s) : json_null());
    json_object_set_new(json, "shards_done", json_integer((json_int_t)o->done));
    json_object_set_new(json, "shards_held", json_integer((json_int_t)o->held));
    json_object_set_new(json, "shards", json_of_shards(o));
    return json;
}

/* The epoch stays: it only ever goes up. */
static void begin_anew(struct shard *shard)
{
    shard_free(shard);
    shard->state = SHARD_FREE;
    shard->acknowledged = shard->dead = 0;
}

bool overview_retry_dead(struct store *s, struct overview *o, size_t *count, struct error *err)
{
    *count = 0;
    for (size_t i = 0; i < overview_count(o); i++) {
        struct shard *shard = &o->shards[i];
        bool is_done;
        if (shard->state != SHARD_DONE || shard->dead == 0)
            continue;
        begin_anew(shard);
        if (!fleet_put_shard(s, o->job, shard, &is_done, err))
            return false;
        *count += is_done; // else somebody else has just done the same
    }
    return true;
}
