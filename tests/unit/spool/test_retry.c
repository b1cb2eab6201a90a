/* test_retry.c: dead letters become pending or dropped in one commit with the length of their file. */
#include "spool/spool.h"

#include "spooled.h"

enum { ROWS = 12, DEAD = 4 };

static struct error err;
static struct spool *s;

/* Three frames of four documents; the second one is dead, the others are in. */
static void set_up(void)
{
    const struct spool_acknowledgement a = {2, 0, DEAD};
    const struct spool_counters counters = {.requests = 1};
    spooled_set_up();
    s = spooled_new();
    for (uint64_t i = 0; i < 3; i++)
        spooled_append(s, 1 + 4 * i, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    spooled_acknowledge(s, 1, 4);
    spooled_acknowledge(s, 3, 4);
    unit_assert_ok(spool_acknowledge(s, &a, 1, 500, &counters, &err), err);
    bool is_finished;
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    ck_assert(is_finished);
}

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static void append_letters(uint64_t first, uint32_t count)
{
    struct compressor *c;
    struct slice body;
    struct frame f = {.documents = count, .first_key = slice_of("5"), .last_key = slice_of("8")};
    unit_assert_ok(compressor_new(&c, 1, &err), err);
    unit_assert_ok(spooled_compress(c, first, count, &err), err);
    f.raw_size = compressor_raw_size(c);
    unit_assert_ok(compressor_finish(c, &body, &err), err);
    unit_assert_ok(spool_append_letters(s, &f, body, &err), err);
    compressor_free(c);
}

static void assert_ledger(uint64_t rows, uint64_t dead, uint64_t pending, uint64_t dead_bytes)
{
    spooled_assert_ledger(s, rows, ROWS - DEAD, dead, pending);
    ck_assert_uint_eq(spooled_read_job(s).dead_bytes, dead_bytes);
}

START_TEST(nothing_is_pending_before_the_commit_and_all_is_after_it)
{
    append_letters(5, 2);
    append_letters(7, 1);
    assert_ledger(ROWS, DEAD, 0, 500);
    ck_assert_uint_ne(spooled_read_job(s).finished_ms, 0);
    unit_assert_ok(spool_commit_letters(s, 125, &err), err);
    assert_ledger(ROWS, 1, 3, 125);
    ck_assert_uint_eq(spooled_read_job(s).finished_ms, 0);
    unit_assert_ok(spool_finish_letters(s, &err), err);
    unit_assert_ok(spooled_replay(s, &err), err);
    ck_assert(spooled_sent[5] == 1 && spooled_sent[6] == 1 && spooled_sent[7] == 1);
    spooled_assert_ledger(s, ROWS, ROWS - 1, 1, 0);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
}
END_TEST

START_TEST(what_was_not_committed_never_was)
{
    append_letters(5, 4);
    spool_close(s);
    s = spooled_open();
    assert_ledger(ROWS, DEAD, 0, 500);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 0);
    ck_assert_int_eq(spooled_size(spooled_segment(2)), -1);
}
END_TEST

START_TEST(a_frame_of_letters_knows_its_keys_and_no_part)
{
    struct index_frame frame;
    struct buffer bytes;
    struct slice body;
    const char *why;
    append_letters(5, 4);
    unit_assert_ok(spool_commit_letters(s, 0, &err), err);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 0, &frame));
    ck_assert_uint_eq(frame.part, FRAME_NO_PART);
    buffer_init(&bytes, 1 << 20);
    unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
    unit_assert_slice(frame.first_key, "5");
    unit_assert_slice(frame.last_key, "8");
    buffer_free(&bytes);
}
END_TEST

/* The range of the frame that the letters came from is dumped again. */
START_TEST(a_lost_frame_of_letters_becomes_a_part)
{
    struct index_part part;
    struct buffer keys;
    bool found;
    append_letters(5, 2);
    unit_assert_ok(spool_commit_letters(s, 250, &err), err);
    unit_assert_ok(spool_finish_letters(s, &err), err);
    unit_assert_ok(spool_lose_frame(s, 4, "it is damaged", &err), err);
    assert_ledger(ROWS - 2, 2, 0, 250);
    buffer_init(&keys, 1000);
    unit_assert_ok(spool_next_part(s, 1, &part, &keys, &found, &err), err);
    ck_assert(found);
    unit_assert_slice(part.range.from, "5");
    unit_assert_slice(part.range.to, "8");
    ck_assert_uint_eq(spooled_read_job(s).dumped_ms, 0);
    buffer_free(&keys);
}
END_TEST

START_TEST(rows_that_are_read_again_become_parts_of_one_key)
{
    struct index_part part = {.number = 0};
    struct buffer keys;
    bool found;
    unit_assert_ok(spool_read_row_again(s, slice_of("6"), &err), err);
    unit_assert_ok(spool_read_row_again(s, slice_of("8"), &err), err);
    assert_ledger(ROWS, DEAD, 0, 500);
    unit_assert_ok(spool_commit_letters(s, 250, &err), err);
    assert_ledger(ROWS - 2, 2, 0, 250);
    unit_assert_ok(spool_commit_letters(s, 250, &err), err);
    assert_ledger(ROWS - 2, 2, 0, 250); // they are not taken twice
    buffer_init(&keys, 1000);
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(spool_next_part(s, part.number + 1, &part, &keys, &found, &err), err);
        ck_assert(found);
        unit_assert_slice(part.range.from, i == 0 ? "6" : "8");
        unit_assert_slice(part.range.to, i == 0 ? "6" : "8");
        ck_assert(part.range.is_from_inclusive);
    }
    buffer_free(&keys);
}
END_TEST

START_TEST(more_letters_than_are_dead_are_a_bug)
{
    append_letters(5, DEAD + 1);
    unit_assert_error(spool_commit_letters(s, 0, &err), err, ERROR_BUG, "than the 4 dead ones");
    assert_ledger(ROWS, DEAD, 0, 500);
}
END_TEST

START_TEST(a_full_segment_is_sealed_with_the_commit)
{
    spooled.segment_bytes = 1;
    spool_close(s);
    s = spooled_open();
    append_letters(5, 2);
    append_letters(7, 1); // the two stay in one segment: there was no commit between
    unit_assert_ok(spool_commit_letters(s, 125, &err), err);
    append_letters(8, 1);
    unit_assert_ok(spool_commit_letters(s, 0, &err), err);
    ck_assert_int_gt(spooled_size(spooled_segment(2)), 0);
    ck_assert_int_gt(spooled_size(spooled_segment(3)), 0);
    assert_ledger(ROWS, 0, 4, 0);
}
END_TEST

START_TEST(dropped_letters_stay_in_the_ledger)
{
    uint64_t dropped;
    unit_assert_ok(spool_drop_letters(s, &dropped, &err), err);
    ck_assert_uint_eq(dropped, DEAD);
    assert_ledger(ROWS, 0, 0, 0);
    ck_assert_uint_eq(spooled_read_job(s).dropped, DEAD);
    ck_assert_uint_ne(spooled_read_job(s).finished_ms, 0);
    unit_assert_ok(spool_drop_letters(s, &dropped, &err), err);
    ck_assert_uint_eq(dropped, 0);
    ck_assert_uint_eq(spooled_read_job(s).dropped, DEAD);
}
END_TEST

UNIT_MAIN_WITH("spool/retry", set_up, tear_down,
               UNIT_TEST(nothing_is_pending_before_the_commit_and_all_is_after_it),
               UNIT_TEST(what_was_not_committed_never_was),
               UNIT_TEST(a_frame_of_letters_knows_its_keys_and_no_part),
               UNIT_TEST(a_lost_frame_of_letters_becomes_a_part),
               UNIT_TEST(rows_that_are_read_again_become_parts_of_one_key),
               UNIT_TEST(more_letters_than_are_dead_are_a_bug),
               UNIT_TEST(a_full_segment_is_sealed_with_the_commit),
               UNIT_TEST(dropped_letters_stay_in_the_ledger))
