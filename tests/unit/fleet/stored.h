/* stored.h: for the tests of what workers do with a store: one in memory, whose answers can be lost, and
 * a job in it. Real stores: tests/integration/test_fleet.py. */
#ifndef BOBBIN_TESTS_STORED_H
#define BOBBIN_TESTS_STORED_H

#include "fleet/jobs.h"
#include "unit.h"

enum { STORED_MAX = 64, STORED_SHARDS = 3 };

struct stored {
    struct {
        char id[SHARD_ID_BYTES];
        json_t *body; // NULL: there is none
        int64_t version;
    } documents[STORED_MAX];
    int64_t versions;
    bool is_away;         // no question is answered
    int lost_answers;     // so many writes are done, and the writer hears of a refusal
    void (*on_put)(void); // called before a document is written, once
    int gets, puts;
};

static struct stored stored;
static struct store *stored_store;
static struct fleet_job *stored_job;
static struct job_options stored_options;

static inline size_t stored_find(const char *id)
{
    for (size_t i = 0; i < STORED_MAX; i++) {
        if (stored.documents[i].id[0] == '\0')
            snprintf(stored.documents[i].id, SHARD_ID_BYTES, "%s", id);
        if (strcmp(stored.documents[i].id, id) == 0)
            return i;
    }
    ck_abort_msg("too many documents");
    return 0;
}

static inline bool stored_answers(struct error *err)
{
    return !stored.is_away || error_set(err, ERROR_UNAVAILABLE, "the store is away");
}

static inline bool stored_get(void *self, const char *id, bool is_brief, json_t **body,
                              struct store_version *version, struct error *err)
{
    size_t i = stored_find(id);
    (void)self;
    stored.gets++;
    if (!stored_answers(err))
        return false;
    *body = json_deep_copy(stored.documents[i].body);
    if (is_brief)
        json_object_del(*body, "plan");
    if (*body != NULL)
        version->number = stored.documents[i].version;
    return true;
}

static inline bool stored_put(void *self, const char *id, const char *text,
                              struct store_version *version, bool *is_done, struct error *err)
{
    size_t i = stored_find(id);
    void (*on_put)(void) = stored.on_put;
    (void)self;
    stored.on_put = NULL;
    if (on_put != NULL)
        on_put();
    stored.puts++;
    if (!stored_answers(err))
        return false;
    if ((stored.documents[i].body != NULL ? stored.documents[i].version : 0) != version->number)
        return true;
    json_decref(stored.documents[i].body);
    stored.documents[i].body = json_loads(text, 0, NULL);
    stored.documents[i].version = ++stored.versions;
    *is_done = stored.lost_answers-- <= 0;
    if (*is_done)
        version->number = stored.versions;
    return true;
}

static inline bool stored_remove(void *self, const char *id, struct error *err)
{
    size_t i = stored_find(id);
    (void)self;
    json_decref(stored.documents[i].body);
    stored.documents[i].body = NULL;
    return stored_answers(err);
}

static inline const char *stored_place(const void *self)
{
    (void)self;
    return "memory";
}

static inline void stored_close(void *self)
{
    (void)self;
}

static const struct store_calls stored_calls = {.get = stored_get,
                                                .put = stored_put,
                                                .remove = stored_remove,
                                                .place = stored_place,
                                                .close = stored_close};

static inline struct plan *stored_plan(size_t shards)
{
    char hash[JOB_HASH_BYTES], key[16];
    struct error err;
    struct plan *plan;
    json_t *list = json_array();
    unit_assert_ok(job_hash_query(&stored_options, "SELECT * FROM t", hash, &err), err);
    for (size_t i = 0; i < shards; i++) {
        json_t *shard = json_pack("{s:i}", "rows", 10);
        snprintf(key, sizeof key, "%zu", i);
        if (i > 0)
            json_object_set_new(shard, "after", json_string(key));
        snprintf(key, sizeof key, "%zu", i + 1);
        if (i + 1 < shards)
            json_object_set_new(shard, "to", json_string(key));
        json_array_append_new(list, shard);
    }
    unit_assert_ok(
        plan_from_json(&plan,
                       json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:b, s:o}", "bobbin_plan", 1,
                                 "query", hash, "key", "id", "key_type", "bigint", "of",
                                 (int)shards, "rows", 10 * (int)shards, "exact", 1, "shards", list),
                       &err),
        err);
    return plan;
}

static inline void stored_set_up(void)
{
    struct error err;
    memset(&stored, 0, sizeof stored);
    stored_options = (struct job_options){.table = "t", .key = "id", .index = "images"};
    unit_assert_ok(store_new(&stored_store, &stored_calls, &stored, &err), err);
    struct plan *plan = stored_plan(STORED_SHARDS);
    unit_assert_ok(fleet_make_job(stored_store, "images", &stored_options, plan, &stored_job, &err),
                   err);
    plan_free(plan);
}

static inline void stored_tear_down(void)
{
    fleet_free_job(stored_job);
    store_close(stored_store);
    for (size_t i = 0; i < STORED_MAX; i++)
        json_decref(stored.documents[i].body);
}

/* What the store says of shard NUMBER; to be freed. */
static inline struct shard stored_shard(size_t number)
{
    struct shard shard;
    struct error err;
    unit_assert_ok(fleet_get_shard(stored_store, stored_job, number, &shard, &err), err);
    return shard;
}

#endif
