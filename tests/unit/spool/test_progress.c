/* test_progress.c: up to which key a job is done, whatever is pending, lost or in several parts. */
#include "spool/spool.h"

#include "spooled.h"

enum { EACH = 4 }; // documents in a frame

static struct error err;
static struct spool *s;
static struct buffer key;
static struct spool_progress progress;

static void set_up(void)
{
    spooled_set_up();
    buffer_init(&key, 1 << 10);
}

static void tear_down(void)
{
    buffer_free(&key);
    spool_close(s);
    spooled_tear_down();
}

/* COUNT frames of part 0, durable. */
static void append(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        spooled_append(s, 1 + EACH * i, EACH);
    spooled_commit(s);
}

static void assert_progress(const char *at, bool is_inclusive, uint64_t acknowledged)
{
    unit_assert_ok(spool_get_progress(s, &progress, &key, &err), err);
    ck_assert_int_eq(progress.has_key, at != NULL);
    if (at != NULL)
        unit_assert_slice(buffer_slice(&key), at);
    ck_assert_int_eq(progress.is_inclusive, is_inclusive);
    ck_assert_uint_eq(progress.acknowledged, acknowledged);
}

START_TEST(nothing_is_done_at_the_beginning)
{
    s = spooled_new();
    assert_progress(NULL, false, 0);
}
END_TEST

START_TEST(a_range_is_done_up_to_where_it_begins)
{
    const struct key_range range = {
        .has_from = true, .is_from_inclusive = _i == 1, .from = slice_of("40")};
    s = spooled_open();
    unit_assert_ok(spool_begin(s, &spooled_job, slice_of("{\"index\":\"i\"}"), &range, 1, 0, &err),
                   err);
    assert_progress("40", _i == 1, 0);
}
END_TEST

START_TEST(all_before_the_first_pending_frame_is_done)
{
    s = spooled_new();
    append(4);
    assert_progress("1", true, 0);
    spooled_acknowledge(s, 1, EACH);
    assert_progress("5", true, EACH);
    spooled_acknowledge(s, 3, EACH); // behind the one that is pending
    assert_progress("5", true, EACH);
    spooled_acknowledge(s, 2, EACH);
    assert_progress("13", true, 3 * EACH);
}
END_TEST

START_TEST(without_pending_frames_all_that_was_read_is_done)
{
    s = spooled_new();
    append(2);
    spooled_acknowledge(s, 1, EACH);
    unit_assert_ok(spooled_try_acknowledge(s, 2, EACH - 1, 1, &err), err);
    assert_progress("8", false, 2 * EACH - 1);
    ck_assert_uint_eq(progress.dead, 1);
    ck_assert(!progress.is_finished);
}
END_TEST

START_TEST(parts_count_in_the_order_of_their_keys)
{
    s = spooled_open();
    spooled_begin(s, 2); // the second one begins behind 7
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, 1, 8, EACH, &err), err);
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, 0, 1, EACH, &err), err);
    spooled_commit(s);
    assert_progress("1", true, 0);
    spooled_acknowledge(s, 1, EACH); // of the second part
    assert_progress("1", true, 0);
    spooled_acknowledge(s, 2, EACH);
    assert_progress("4", false, EACH);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    assert_progress("11", false, 2 * EACH);
}
END_TEST

START_TEST(while_a_lost_range_is_to_be_read_again_nothing_is_known)
{
    s = spooled_new();
    append(2);
    spooled_acknowledge(s, 1, EACH);
    unit_assert_ok(spool_lose_frame(s, 2, "lost", &err), err);
    assert_progress(NULL, false, EACH);
}
END_TEST

START_TEST(a_finished_job_says_so)
{
    bool is_finished;
    s = spooled_new();
    append(1);
    spooled_acknowledge(s, 1, EACH);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    assert_progress("4", false, EACH);
    ck_assert(progress.is_finished);
}
END_TEST

UNIT_MAIN_WITH("spool/progress", set_up, tear_down, UNIT_TEST(nothing_is_done_at_the_beginning),
               UNIT_LOOP(a_range_is_done_up_to_where_it_begins, 2),
               UNIT_TEST(all_before_the_first_pending_frame_is_done),
               UNIT_TEST(without_pending_frames_all_that_was_read_is_done),
               UNIT_TEST(parts_count_in_the_order_of_their_keys),
               UNIT_TEST(while_a_lost_range_is_to_be_read_again_nothing_is_known),
               UNIT_TEST(a_finished_job_says_so))
