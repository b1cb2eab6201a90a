/* test_write.c: the dump's side: what is appended is pending once it is committed, not before. */
#include "spool/spool.h"

#include "spooled.h"

static struct error err;
static struct spool *s;

static void set_up(void)
{
    spooled_set_up();
    s = spooled_new();
}

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static void reopen(void)
{
    spool_close(s);
    s = spooled_open();
}

/* Rows = acknowledged + dead + pending, and the pending frames hold what is pending. */
static void assert_ledger_adds_up(void)
{
    struct index_job job = spooled_read_job(s);
    struct index_frame frame = {.number = 0};
    uint64_t pending = 0;
    ck_assert_uint_eq(job.rows, job.acknowledged + job.dead + job.pending);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame))
        pending += frame.documents;
    ck_assert_uint_eq(job.pending, pending);
}

START_TEST(a_frame_is_pending_once_it_is_committed)
{
    struct index_frame frame;
    spooled_append(s, 1, 4);
    ck_assert(!spooled_find_frame(s, FRAMES_PENDING, 0, &frame));
    spooled_assert_ledger(s, 0, 0, 0, 0);
    spooled_commit(s);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 0, &frame));
    ck_assert_uint_eq(frame.number, 1);
    ck_assert_uint_eq(frame.documents, 4);
    ck_assert_uint_eq(frame.segment, 1);
    ck_assert_uint_eq(frame.offset, 0);
    ck_assert_int_eq((int64_t)frame.size, spooled_size(spooled_segment(1)));
    spooled_assert_ledger(s, 4, 0, 0, 4);
}
END_TEST

START_TEST(what_was_not_committed_is_gone_after_a_new_start)
{
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spooled_append(s, 5, 4);
    reopen();
    spooled_assert_ledger(s, 4, 0, 0, 4);
    spooled_append(s, 5, 3);
    spooled_commit(s);
    struct index_frame frame;
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 2, &frame)); // no number is left out
    ck_assert_uint_eq(frame.documents, 3);
    ck_assert_uint_eq(frame.segment, 2);
}
END_TEST

START_TEST(the_record_counts_all_that_was_written)
{
    uint64_t bytes = 0, raw = 0;
    struct index_frame frame = {.number = 0};
    for (uint64_t i = 0; i < 10; i++)
        spooled_append(s, 1 + 10 * i, 10);
    spooled_commit(s);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame)) {
        bytes += frame.size;
        raw += frame.raw_size;
    }
    struct index_job job = spooled_read_job(s);
    ck_assert_uint_eq(job.frames, 10);
    ck_assert_uint_eq(job.next_frame, 11);
    ck_assert_uint_eq(job.rows, 100);
    ck_assert_uint_eq(job.compressed_bytes, bytes);
    ck_assert_uint_eq(job.spool_bytes, bytes);
    ck_assert_uint_eq(job.raw_bytes, raw);
    ck_assert_int_eq((int64_t)bytes, spooled_size(spooled_segment(1)));
    assert_ledger_adds_up();
}
END_TEST

START_TEST(nulled_values_are_counted_with_their_frames)
{
    struct compressor *c;
    struct slice body;
    struct frame f = {.documents = 1};
    unit_assert_ok(compressor_new(&c, 1, &err), err);
    unit_assert_ok(compressor_append(c, slice_of("x"), &err), err);
    unit_assert_ok(compressor_finish(c, &body, &err), err);
    for (uint64_t i = 1; i < 4; i++)
        unit_assert_ok(spool_append(s, &f, body, i, &err), err);
    compressor_free(c);
    ck_assert_uint_eq(spooled_read_job(s).nulled, 0);
    spooled_commit(s);
    ck_assert_uint_eq(spooled_read_job(s).nulled, 6);
}
END_TEST

START_TEST(a_segment_that_passes_its_size_is_followed_by_a_new_one)
{
    struct index_frame frame;
    spool_close(s);
    spooled.segment_bytes = 300;
    s = spooled_open();
    for (uint64_t i = 0; i < 20; i++) {
        spooled_append(s, 1 + 4 * i, 4);
        assert_ledger_adds_up();
    }
    spooled_commit(s);
    uint32_t segments = spooled_read_job(s).next_segment - 1;
    ck_assert_uint_gt(segments, 5);
    for (uint32_t i = 1; i <= segments; i++)
        ck_assert_int_gt(spooled_size(spooled_segment(i)), i < segments ? 299 : 0);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 20, &frame));
    ck_assert_uint_eq(frame.segment, segments);
    spooled_assert_ledger(s, 80, 0, 0, 80);
}
END_TEST

START_TEST(appending_commits_when_a_second_has_passed)
{
    spooled_append(s, 1, 4);
    unit_assert_ok(spool_commit_if_due(s, &err), err);
    spooled_assert_ledger(s, 0, 0, 0, 0);
    usleep(1050000);
    spooled_append(s, 5, 4);
    spooled_assert_ledger(s, 8, 0, 0, 8);
    spooled_append(s, 9, 4);
    usleep(1050000);
    unit_assert_ok(spool_commit_if_due(s, &err), err);
    spooled_assert_ledger(s, 12, 0, 0, 12);
    usleep(1050000);
    unit_assert_ok(spool_commit_if_due(s, &err), err); // nothing waits
}
END_TEST

START_TEST(a_commit_of_nothing_makes_no_segment)
{
    spooled_commit(s);
    unit_assert_ok(spool_commit_if_due(s, &err), err);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_uint_eq(spooled_read_job(s).next_segment, 1);
}
END_TEST

/* --- a full spool --- */

START_TEST(a_full_spool_says_so_and_commits_what_waits)
{
    bool is_full;
    spool_close(s);
    spooled.max_bytes = 1000;
    s = spooled_open();
    for (uint64_t i = 0; i < 100; i++) {
        unit_assert_ok(spool_is_full(s, &is_full, &err), err);
        if (is_full)
            break;
        spooled_append(s, 1 + 4 * i, 4);
    }
    ck_assert(is_full);
    ck_assert_uint_ge(spooled_read_job(s).spool_bytes, 1000);
    ck_assert_uint_lt(spooled_read_job(s).spool_bytes, 1300);
    assert_ledger_adds_up();
}
END_TEST

START_TEST(room_comes_back_with_acknowledged_segments)
{
    bool is_full;
    uint64_t frame = 1;
    spool_close(s);
    spooled.max_bytes = 1000;
    spooled.segment_bytes = 250;
    s = spooled_open();
    for (uint64_t next = 1; next < 400; next += 4) { // more than fits at once
        spooled_append(s, next, 4);
        unit_assert_ok(spool_is_full(s, &is_full, &err), err);
        for (; is_full; frame++) {
            spooled_acknowledge(s, frame, 4);
            unit_assert_ok(spool_is_full(s, &is_full, &err), err);
        }
        ck_assert_uint_lt(spooled_read_job(s).spool_bytes, 1300);
    }
    ck_assert_uint_gt(frame, 50);
    assert_ledger_adds_up();
}
END_TEST

START_TEST(without_a_bound_or_with_kept_segments_no_spool_is_full)
{
    bool is_full;
    spool_close(s);
    spooled.max_bytes = _i == 0 ? 0 : 1;
    spooled.keeps_segments = _i == 1;
    s = spooled_open();
    spooled_append(s, 1, 100);
    spooled_commit(s);
    unit_assert_ok(spool_is_full(s, &is_full, &err), err);
    ck_assert(!is_full);
}
END_TEST

START_TEST(a_repairs_frame_belongs_to_no_part_and_its_job_is_not_finished)
{
    bool is_finished;
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    ck_assert(is_finished);
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, FRAME_OF_REPAIR, 1, 4, &err), err);
    ck_assert_uint_ne(spooled_read_job(s).finished_ms, 0);
    spooled_commit(s);
    ck_assert_uint_eq(spooled_read_job(s).finished_ms, 0);
    spooled_assert_ledger(s, 4, 0, 0, 4);
    spooled_acknowledge(s, 1, 4);
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    ck_assert(is_finished);
    spooled_assert_ledger(s, 4, 4, 0, 0);
}
END_TEST

UNIT_MAIN_WITH("spool/write", set_up, tear_down, UNIT_TEST(a_frame_is_pending_once_it_is_committed),
               UNIT_TEST(what_was_not_committed_is_gone_after_a_new_start),
               UNIT_TEST(a_repairs_frame_belongs_to_no_part_and_its_job_is_not_finished),
               UNIT_TEST(the_record_counts_all_that_was_written),
               UNIT_TEST(nulled_values_are_counted_with_their_frames),
               UNIT_TEST(a_segment_that_passes_its_size_is_followed_by_a_new_one),
               UNIT_TEST(appending_commits_when_a_second_has_passed),
               UNIT_TEST(a_commit_of_nothing_makes_no_segment),
               UNIT_TEST(a_full_spool_says_so_and_commits_what_waits),
               UNIT_TEST(room_comes_back_with_acknowledged_segments),
               UNIT_LOOP(without_a_bound_or_with_kept_segments_no_spool_is_full, 2))
