/* test_hold.c: a shard that can't be worked on here is handed back, one that is another's is left alone. With real workers:
 * tests/integration/test_fleet.py. */
#include "fleet/hold.h"

#include "stored.h"

static struct claims *claims;
static struct shard shard, found;
static struct hold_result result;
static struct error err;
static char *directory;

static void set_up(void)
{
    enum claim what;
    stored_set_up();
    directory = unit_make_directory();
    stored_options.spool = directory;
    stored_options.urls[0] = "http://127.0.0.1:1";
    stored_options.dsn = "host=/nonexistent";
    stored_options.in_flight = 1;
    stored_options.request_timeout_ms = 1000;
    claims = calloc(1, sizeof *claims);
    claims_init(claims, stored_store, stored_job, 1000);
    unit_assert_ok(claim_next(claims, &shard, &what, &err), err);
    ck_assert_int_eq(what, CLAIM_TAKEN);
}

static void tear_down(void)
{
    shard_free(&shard);
    shard_free(&found);
    free(claims);
    unit_remove_directory(directory);
    stored_tear_down();
}

START_TEST(what_its_job_cannot_do_is_handed_back_with_the_jobs_status)
{
    unit_assert_ok(hold_shard(claims, &stored_options, &shard, &result, &err), err);
    ck_assert(result.end == HOLD_BACK && result.status == 75);
    found = stored_shard(shard.number);
    ck_assert_int_eq(found.state, SHARD_FREE);
    ck_assert_uint_eq(found.epoch, 1);
}
END_TEST

START_TEST(without_a_place_for_spools_it_is_handed_back)
{
    stored_options.spool = "/nonexistent/place";
    unit_assert_error(hold_shard(claims, &stored_options, &shard, &result, &err), err, ERROR_DISK,
                      "/nonexistent");
    found = stored_shard(shard.number);
    ck_assert_int_eq(found.state, SHARD_FREE);
}
END_TEST

START_TEST(a_shard_that_another_took_meanwhile_is_not_handed_back)
{
    bool is_done;
    found = stored_shard(shard.number);
    found.epoch++;
    unit_assert_ok(fleet_put_shard(stored_store, stored_job, &found, &is_done, &err), err);
    shard_free(&found);
    unit_assert_ok(hold_shard(claims, &stored_options, &shard, &result, &err), err);
    found = stored_shard(shard.number);
    ck_assert(found.state == SHARD_HELD && found.epoch == 2);
}
END_TEST

UNIT_MAIN_WITH("fleet/hold", set_up, tear_down,
               UNIT_TEST(what_its_job_cannot_do_is_handed_back_with_the_jobs_status),
               UNIT_TEST(without_a_place_for_spools_it_is_handed_back),
               UNIT_TEST(a_shard_that_another_took_meanwhile_is_not_handed_back))
