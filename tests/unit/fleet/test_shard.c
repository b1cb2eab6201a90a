/* test_shard.c: a shard's document says all that the next worker must know, and nothing of another job is believed. */
#include "fleet/shard.h"

#include "unit.h"

static const struct shard_job job = {"images", "0123456789abcdef0123456789abcdef"};
static struct shard shard, found;
static struct error err;

static void set_up(void)
{
    shard = (struct shard){.number = 3,
                           .state = SHARD_HELD,
                           .epoch = 2,
                           .beat = 9,
                           .lease_ms = 60000,
                           .holder = "host:1:ab",
                           .acknowledged = 70,
                           .dead = 1,
                           .rows_per_s = 12};
}

static void tear_down(void)
{
    shard_free(&shard);
    shard_free(&found);
}

static bool read_again(const struct shard_job *as)
{
    json_t *json = shard_json(&shard, &job);
    ck_assert_ptr_nonnull(json);
    bool ok = shard_read(&found, as, 3, json, &err);
    json_decref(json);
    return ok;
}

START_TEST(what_is_written_is_read)
{
    if (_i > 0)
        unit_assert_ok(shard_set_key(&shard, slice_of("k\"é"), _i == 2, &err), err);
    unit_assert_ok(read_again(&job), err);
    ck_assert_int_eq(found.state, SHARD_HELD);
    ck_assert(found.epoch == 2 && found.beat == 9 && found.lease_ms == 60000);
    ck_assert(found.acknowledged == 70 && found.dead == 1 && found.rows_per_s == 12);
    ck_assert_str_eq(found.holder, "host:1:ab");
    ck_assert_ptr_null(_i == 0 ? found.key : NULL);
    if (_i > 0)
        ck_assert_str_eq(found.key, "k\"é");
    ck_assert_int_eq(found.is_inclusive, _i == 2);
}
END_TEST

START_TEST(no_document_is_a_shard_that_nobody_took)
{
    unit_assert_ok(shard_read(&found, &job, 5, NULL, &err), err);
    ck_assert_int_eq(found.state, SHARD_FREE);
    ck_assert_uint_eq(found.number, 5);
    ck_assert_uint_eq(found.epoch, 0);
}
END_TEST

START_TEST(what_an_earlier_job_of_that_name_has_left_is_nothing)
{
    const struct shard_job later = {"images", "ffffffffffffffffffffffffffffffff"};
    unit_assert_ok(shard_set_key(&shard, slice_of("k"), false, &err), err);
    unit_assert_ok(read_again(&later), err);
    ck_assert_int_eq(found.state, SHARD_FREE);
    ck_assert_ptr_null(found.key);
    ck_assert_uint_eq(found.acknowledged, 0);
}
END_TEST

START_TEST(what_is_no_shard_is_refused)
{
    json_t *json = shard_json(&shard, &job);
    json_object_set_new(json, "state", json_string("lost"));
    unit_assert_error(shard_read(&found, &job, 3, json, &err), err, ERROR_CONFIG,
                      "document images:3");
    json_decref(json);
}
END_TEST

UNIT_MAIN_WITH("fleet/shard", set_up, tear_down, UNIT_LOOP(what_is_written_is_read, 3),
               UNIT_TEST(no_document_is_a_shard_that_nobody_took),
               UNIT_TEST(what_an_earlier_job_of_that_name_has_left_is_nothing),
               UNIT_TEST(what_is_no_shard_is_refused))
