/* test_overview.c: the sums over a job's shards, and which of them are to be done again. */
#include "fleet/overview.h"

#include "stored.h"

static struct overview overview;
static struct error err;

static void put(size_t number, enum shard_state state, uint64_t acknowledged, uint64_t dead,
                uint64_t rate)
{
    struct shard shard = stored_shard(number);
    bool is_done;
    shard.state = state;
    shard.acknowledged = acknowledged;
    shard.dead = dead;
    shard.rows_per_s = rate;
    unit_assert_ok(shard_set_key(&shard, slice_of("5"), true, &err), err);
    unit_assert_ok(fleet_put_shard(stored_store, stored_job, &shard, &is_done, &err), err);
    ck_assert(is_done);
    shard_free(&shard);
}

static void look(void)
{
    overview_free(&overview);
    unit_assert_ok(overview_read(stored_store, "images", &overview, &err), err);
}

static void tear_down(void)
{
    overview_free(&overview);
    stored_tear_down();
}

START_TEST(a_job_that_nobody_began_has_nothing_done)
{
    look();
    ck_assert(overview_count(&overview) == STORED_SHARDS && overview.done == 0 &&
              overview.held == 0);
    ck_assert_int_eq(overview.eta_s, -1);
    ck_assert(!overview_is_over(&overview));
}
END_TEST

START_TEST(shards_add_up)
{
    put(0, SHARD_DONE, 8, 2, 0);
    put(1, SHARD_HELD, 4, 0, 2);
    put(2, SHARD_FREE, 2, 0, 7); // nobody works on it
    look();
    ck_assert(overview.done == 1 && overview.held == 1);
    ck_assert(overview.acknowledged == 14 && overview.dead == 2 && overview.rows_per_s == 2);
    ck_assert_int_eq(overview.eta_s, 7);
    json_t *json = overview_json(&overview);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "shards")), STORED_SHARDS);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "acknowledged")), 14);
    json_decref(json);
}
END_TEST

START_TEST(a_job_is_over_when_it_is_done_or_cancelled)
{
    if (_i == 0)
        unit_assert_ok(fleet_cancel_job(stored_store, stored_job, &err), err);
    for (size_t i = 0; _i == 1 && i < STORED_SHARDS; i++)
        put(i, SHARD_DONE, 10, 0, 0);
    look();
    ck_assert(overview_is_over(&overview));
}
END_TEST

START_TEST(only_done_shards_with_dead_letters_are_done_again)
{
    size_t count;
    put(0, SHARD_DONE, 8, 2, 0);
    put(1, SHARD_DONE, 10, 0, 0);
    put(2, SHARD_HELD, 4, 1, 0);
    look();
    unit_assert_ok(overview_retry_dead(stored_store, &overview, &count, &err), err);
    ck_assert_uint_eq(count, 1);
    look();
    ck_assert_int_eq(overview.shards[0].state, SHARD_FREE);
    ck_assert_ptr_null(overview.shards[0].key);
    ck_assert(overview.shards[0].acknowledged == 0 && overview.shards[0].dead == 0);
    ck_assert_int_eq(overview.shards[1].state, SHARD_DONE);
    ck_assert_int_eq(overview.shards[2].state, SHARD_HELD);
}
END_TEST

UNIT_MAIN_WITH("fleet/overview", stored_set_up, tear_down,
               UNIT_TEST(a_job_that_nobody_began_has_nothing_done), UNIT_TEST(shards_add_up),
               UNIT_LOOP(a_job_is_over_when_it_is_done_or_cancelled, 2),
               UNIT_TEST(only_done_shards_with_dead_letters_are_done_again))
