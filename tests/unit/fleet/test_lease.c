/* test_lease.c: a shard is taken only from a holder that did not beat for a whole lease of the contender's own time. */
#include "fleet/lease.h"

#include "unit.h"

enum { LEASE = 60000 };

static struct lease_view view;

/* A look that took no time. */
static bool look(uint64_t epoch, uint64_t beat, int64_t at_ms)
{
    return lease_has_ended(&view, epoch, beat, at_ms, at_ms, LEASE);
}

static void set_up(void)
{
    view = (struct lease_view){.has_seen = false};
}

START_TEST(the_first_look_never_takes)
{
    ck_assert(!look(1, 0, 0));
    set_up();
    ck_assert(!look(0, 0, 10 * LEASE));
}
END_TEST

START_TEST(the_same_beat_for_a_lease_is_the_end_of_it)
{
    ck_assert(!look(1, 7, 1000));
    ck_assert(!look(1, 7, 1000 + LEASE - 1));
    ck_assert(look(1, 7, 1000 + LEASE));
}
END_TEST

START_TEST(a_new_beat_begins_a_new_lease)
{
    ck_assert(!look(1, 7, 0));
    ck_assert(!look(1, 8, LEASE - 1));
    ck_assert(!look(1, 8, 2 * LEASE - 2));
    ck_assert(look(1, 8, 2 * LEASE - 1));
}
END_TEST

START_TEST(a_new_epoch_begins_a_new_lease_too)
{
    ck_assert(!look(1, 7, 0));
    ck_assert(!look(2, 7, LEASE));
    ck_assert(look(2, 7, 2 * LEASE));
}
END_TEST

/* Its first answer may be as late as its end, and its second as early as its beginning. */
START_TEST(the_time_of_a_look_counts_for_the_holder)
{
    ck_assert(!lease_has_ended(&view, 1, 7, 0, 5000, LEASE));
    ck_assert(!lease_has_ended(&view, 1, 7, LEASE, LEASE + 6000, LEASE));
    ck_assert(lease_has_ended(&view, 1, 7, 5000 + LEASE, 5000 + LEASE, LEASE));
}
END_TEST

/* Two machines whose clocks are hours apart agree, as each uses its own alone. */
START_TEST(no_clock_but_the_own_one_matters)
{
    struct lease_view other = {.has_seen = false};
    int64_t hour = 3600 * 1000;
    for (int64_t at = 0; at <= LEASE; at += 1000) {
        bool is_over = at == LEASE;
        ck_assert_int_eq(look(3, 3, at - hour), is_over);
        ck_assert_int_eq(lease_has_ended(&other, 3, 3, at + hour, at + hour, LEASE), is_over);
    }
}
END_TEST

static const int64_t leases[] = {1000, 3000, 60000, 3600 * 1000};

START_TEST(a_lease_has_room_for_several_beats)
{
    int64_t lease = leases[_i];
    ck_assert_int_le(lease_beat_ms(lease) * 8, lease);
    ck_assert_int_le(lease_beat_ms(lease), 10000);
    ck_assert_int_le(lease_timeout_ms(lease) * 2, lease);
    ck_assert_int_gt(lease_poll_ms(lease, 0), 0);
    ck_assert_int_le(lease_poll_ms(lease, UINT32_MAX), 5000);
    ck_assert_int_lt(lease_poll_ms(lease, 0), lease_poll_ms(lease, UINT32_MAX));
}
END_TEST

UNIT_MAIN_WITH("fleet/lease", set_up, NULL, UNIT_TEST(the_first_look_never_takes),
               UNIT_TEST(the_same_beat_for_a_lease_is_the_end_of_it),
               UNIT_TEST(a_new_beat_begins_a_new_lease),
               UNIT_TEST(a_new_epoch_begins_a_new_lease_too),
               UNIT_TEST(the_time_of_a_look_counts_for_the_holder),
               UNIT_TEST(no_clock_but_the_own_one_matters),
               UNIT_EACH(a_lease_has_room_for_several_beats, leases))
