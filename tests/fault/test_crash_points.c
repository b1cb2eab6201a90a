/* test_crash_points.c: a process that dies by SIGKILL at any named crash point, however often, loses
 * no document and doubles none: the next one finishes the work. */
#include "base/fault.h"

#include "../unit/spool/spooled.h"
#include "killed.h"

#ifdef ENABLE_FAULT_POINTS

static const char *const points[] = {
    "frame-written",         "segment-synced",  "directory-synced", "index-committed",
    "acknowledge-committed", "delete-intended", "segment-unlinked",
};

enum { PASSES_MAX = 200, IN_A_FRAME = 4 };

static void set_up(void)
{
    spooled_set_up();
    spooled.segment_bytes = 400; // some three frames
}

/* Finish what a process left, and look at it all. */
static void finish_and_check(unsigned deaths)
{
    struct error err;
    unsigned again = 0;
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        again += spooled_sent[i] - 1;
    ck_assert_uint_le(again, deaths * IN_A_FRAME); // what was in flight, and no more
}

START_TEST(a_process_killed_at_a_point_is_made_good_by_the_next)
{
    int n = 1;
    for (; n < PASSES_MAX && killed_at(points[_i], n, spooled_work); n++) {
        finish_and_check(1);
        spooled_tear_down();
        set_up();
    }
    ck_assert_int_gt(n, 1); // the point was passed
    ck_assert_int_lt(n, PASSES_MAX);
}
END_TEST

/* Each life gets a little further, or none does: a crash while clearing up is only one more crash. */
START_TEST(processes_killed_one_after_the_other_are_made_good)
{
    uint64_t random = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    unsigned deaths = 0;
    for (int life = 0; life < 30; life++) {
        const char *point = points[unit_random(&random) % COUNT_OF(points)];
        if (!killed_at(point, 1 + (int)(unit_random(&random) % 3), spooled_work))
            break;
        deaths++;
    }
    finish_and_check(deaths);
}
END_TEST

/* A crash in every commit of frames, so that each life writes one segment, and the index counts on. */
START_TEST(a_process_killed_after_each_commit_still_gets_there)
{
    unsigned deaths = 0;
    while (killed_at("index-committed", 1, spooled_work))
        deaths++;
    ck_assert_uint_gt(deaths, 5);
    finish_and_check(deaths);
}
END_TEST

/* While the segments are kept, every document is in exactly one frame of the disk. */
START_TEST(kept_frames_hold_every_document_once)
{
    uint64_t random = 0xdeadbeefcafef00du + (uint64_t)_i;
    struct error err;
    spooled.keeps_segments = true;
    for (int life = 0; life < 20; life++)
        (void)killed_at(points[unit_random(&random) % COUNT_OF(points)],
                        1 + (int)(unit_random(&random) % 4), spooled_work);
    unit_assert_ok(spooled_work(&err), err);

    struct spool *s = spooled_open();
    struct index_frame frame = {.number = 0};
    struct buffer bytes;
    buffer_init(&bytes, 1 << 16);
    memset(spooled_sent, 0, SPOOLED_SENT_BYTES);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 0);
    while (spooled_find_frame(s, FRAMES_DONE, frame.number + 1, &frame)) {
        struct slice body;
        const char *why;
        unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
        ck_assert_msg(why == NULL, "frame %d: %s", (int)frame.number, why);
        unit_assert_ok(spooled_tally(body, &err), err);
    }
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_uint_eq(spooled_sent[i], 1);
    spooled_assert_ledger(s, SPOOLED_DOCUMENTS, SPOOLED_DOCUMENTS, 0, 0);
    buffer_free(&bytes);
    spool_close(s);
}
END_TEST

UNIT_MAIN_WITH("fault/crash_points", set_up, spooled_tear_down,
               UNIT_EACH(a_process_killed_at_a_point_is_made_good_by_the_next, points),
               UNIT_LOOP(processes_killed_one_after_the_other_are_made_good, 20),
               UNIT_TEST(a_process_killed_after_each_commit_still_gets_there),
               UNIT_LOOP(kept_frames_hold_every_document_once, 10))

#else

START_TEST(a_release_has_no_crash_points)
{
    struct error err;
    ck_assert_int_eq(setenv("BOBBIN_CRASH_AT", "index-committed", 1), 0);
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
}
END_TEST

UNIT_MAIN_WITH("fault/crash_points", spooled_set_up, spooled_tear_down,
               UNIT_TEST(a_release_has_no_crash_points))

#endif
