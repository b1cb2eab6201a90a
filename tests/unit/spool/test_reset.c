/* test_reset.c: what a spool holds goes, in whatever state it is, but never under somebody's hands. */
#include "spool/spool.h"

#include "spooled.h"

static struct error err;

static void assert_is_empty(void)
{
    struct spool *s = spooled_open();
    ck_assert(spool_is_new(s));
    spool_close(s);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_int_eq(access(spooled_file(SPOOL_JOB_FILE), F_OK), -1);
}

START_TEST(an_unfinished_job_is_removed)
{
    spooled_make_two_segments();
    unit_assert_ok(spool_remove_unfinished(spooled_path, &err), err);
    assert_is_empty();
}
END_TEST

START_TEST(a_damaged_one_too)
{
    spooled_make_two_segments();
    ck_assert_int_eq(truncate(spooled_file(INDEX_FILE), 5000), 0);
    unit_assert_ok(spool_remove(spooled_path, &err), err);
    assert_is_empty();
}
END_TEST

START_TEST(a_finished_job_stays_unless_told)
{
    unit_assert_ok(spooled_work(&err), err);
    unit_assert_ok(spool_remove_unfinished(spooled_path, &err), err);
    spooled_assert_finished();
    unit_assert_ok(spool_remove(spooled_path, &err), err);
    assert_is_empty();
}
END_TEST

START_TEST(what_is_not_there_needs_no_removal)
{
    unit_assert_ok(spool_remove(spooled_path, &err), err);
    ck_assert_int_eq(access(spooled_path, F_OK), -1);
}
END_TEST

START_TEST(a_job_at_work_is_left_alone)
{
    struct spool *s = spooled_new();
    unit_assert_error(spool_remove(spooled_path, &err), err, ERROR_BUSY, "another bobbin dumps");
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spool_close(s);
}
END_TEST

UNIT_MAIN_WITH("spool/reset", spooled_set_up, spooled_tear_down,
               UNIT_TEST(an_unfinished_job_is_removed), UNIT_TEST(a_damaged_one_too),
               UNIT_TEST(a_finished_job_stays_unless_told),
               UNIT_TEST(what_is_not_there_needs_no_removal),
               UNIT_TEST(a_job_at_work_is_left_alone))
