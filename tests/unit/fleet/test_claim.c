/* test_claim.c: a shard has one holder at a time, whoever looks when and whatever answer is lost. */
#include "fleet/claim.h"

#include "base/clock.h"
#include "stored.h"

enum { LEASE_MS = 400 }; // two looks in a row take less, also on a slow machine

static struct claims *one, *two;
static struct shard shard, other;
static enum claim what;
static struct error err;

static struct claims *new_claims(void)
{
    struct claims *c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    claims_init(c, stored_store, stored_job, LEASE_MS);
    c->first = 0;
    return c;
}

static void set_up(void)
{
    stored_set_up();
    one = new_claims();
    two = new_claims();
}

static void tear_down(void)
{
    shard_free(&shard);
    shard_free(&other);
    free(one);
    free(two);
    stored_tear_down();
}

static void claim(struct claims *c, struct shard *out, enum claim expected)
{
    shard_free(out);
    unit_assert_ok(claim_next(c, out, &what, &err), err);
    ck_assert_int_eq(what, expected);
}

static void put(struct claims *c, struct shard *s, enum shard_state state)
{
    bool is_ours;
    s->state = state;
    unit_assert_ok(claim_write(c, s, &is_ours, &err), err);
    ck_assert(is_ours);
}

static void wait_for_lease(void)
{
    int64_t until = clock_monotonic_ms() + LEASE_MS + 1;
    while (clock_monotonic_ms() < until)
        usleep(1000);
}

START_TEST(each_takes_another_shard)
{
    for (size_t i = 0; i < STORED_SHARDS; i++) {
        claim(i % 2 ? one : two, &shard, CLAIM_TAKEN);
        ck_assert_uint_eq(shard.number, i);
        ck_assert_uint_eq(shard.epoch, 1);
    }
    claim(one, &shard, CLAIM_NONE);
}
END_TEST

static void take_as_two(void)
{
    claim(two, &other, CLAIM_TAKEN);
}

START_TEST(of_two_that_saw_a_free_shard_one_has_it)
{
    claim(one, &shard, CLAIM_TAKEN);
    put(one, &shard, SHARD_FREE);
    stored.on_put = take_as_two; // between our look and our write
    claim(one, &shard, CLAIM_TAKEN);
    ck_assert_uint_eq(other.number, 0);
    ck_assert_uint_eq(shard.number, 1);
}
END_TEST

START_TEST(a_holder_that_beats_keeps_its_shard)
{
    claim(one, &shard, CLAIM_TAKEN);
    for (size_t i = 1; i < STORED_SHARDS; i++)
        claim(one, &other, CLAIM_TAKEN);
    for (int i = 0; i < 3; i++) {
        claim(two, &other, i == 0 ? CLAIM_NONE : CLAIM_TAKEN); // the others, that don't beat
        ck_assert_uint_ne(other.number, i == 0 ? STORED_SHARDS : 0);
        wait_for_lease();
        shard.beat++;
        put(one, &shard, SHARD_HELD);
    }
}
END_TEST

START_TEST(a_silent_holder_loses_its_shard_and_learns_it)
{
    bool is_ours;
    claim(one, &shard, CLAIM_TAKEN);
    unit_assert_ok(shard_set_key(&shard, slice_of("5"), true, &err), err);
    shard.acknowledged = 4;
    put(one, &shard, SHARD_HELD);
    for (size_t i = 1; i < STORED_SHARDS; i++)
        claim(two, &other, CLAIM_TAKEN);
    claim(two, &other, CLAIM_NONE);
    wait_for_lease();
    two->first = 0; // the others don't beat either
    claim(two, &other, CLAIM_TAKEN);
    ck_assert_uint_eq(other.number, 0);
    ck_assert_uint_eq(other.epoch, 2);
    ck_assert_uint_eq(other.acknowledged, 4);
    ck_assert_str_eq(other.key, "5");
    shard.beat++;
    unit_assert_ok(claim_write(one, &shard, &is_ours, &err), err);
    ck_assert(!is_ours);
}
END_TEST

START_TEST(the_holders_own_lease_counts_when_it_is_longer)
{
    one->lease_ms = 3600 * 1000;
    for (size_t i = 0; i < STORED_SHARDS; i++)
        claim(one, &shard, CLAIM_TAKEN);
    claim(two, &other, CLAIM_NONE);
    wait_for_lease();
    claim(two, &other, CLAIM_NONE);
}
END_TEST

START_TEST(a_write_whose_answer_was_lost_is_known_again)
{
    bool is_ours;
    stored.lost_answers = 1;
    claim(one, &shard, CLAIM_TAKEN);
    ck_assert_uint_eq(shard.number, 0);
    stored.lost_answers = 1;
    shard.beat++;
    unit_assert_ok(claim_write(one, &shard, &is_ours, &err), err);
    ck_assert(is_ours);
    shard.beat++;
    unit_assert_ok(claim_write(one, &shard, &is_ours, &err), err);
    ck_assert(is_ours);
}
END_TEST

START_TEST(what_was_handed_back_or_done_is_written_though_its_answer_is_lost)
{
    static const enum shard_state states[] = {SHARD_FREE, SHARD_DONE};
    claim(one, &shard, CLAIM_TAKEN);
    stored.lost_answers = 1;
    put(one, &shard, states[_i]);
    other = stored_shard(0);
    ck_assert_int_eq(other.state, states[_i]);
}
END_TEST

START_TEST(all_are_done_when_all_are_whoever_did_them)
{
    for (size_t i = 0; i < STORED_SHARDS; i++) {
        claim(one, &shard, CLAIM_TAKEN);
        shard.dead = i;
        put(one, &shard, SHARD_DONE);
    }
    claim(two, &other, CLAIM_ALL_DONE);
    ck_assert_uint_eq(claims_dead(two), 3);
    int gets = stored.gets;
    claim(two, &other, CLAIM_ALL_DONE);
    ck_assert_int_eq(stored.gets, gets); // what is done is not asked for again
}
END_TEST

START_TEST(without_an_answer_nothing_is_taken)
{
    stored.is_away = true;
    unit_assert_error(claim_next(one, &shard, &what, &err), err, ERROR_UNAVAILABLE, "away");
}
END_TEST

UNIT_MAIN_WITH("fleet/claim", set_up, tear_down, UNIT_TEST(each_takes_another_shard),
               UNIT_TEST(of_two_that_saw_a_free_shard_one_has_it),
               UNIT_TEST(a_holder_that_beats_keeps_its_shard),
               UNIT_TEST(a_silent_holder_loses_its_shard_and_learns_it),
               UNIT_TEST(the_holders_own_lease_counts_when_it_is_longer),
               UNIT_TEST(a_write_whose_answer_was_lost_is_known_again),
               UNIT_LOOP(what_was_handed_back_or_done_is_written_though_its_answer_is_lost, 2),
               UNIT_TEST(all_are_done_when_all_are_whoever_did_them),
               UNIT_TEST(without_an_answer_nothing_is_taken))
