/* test_recover.c: whatever a crash left, the next start makes a whole spool of it: the index and the
 * segments agree, and what is lost is a part to dump again. */
#include "spool/spool.h"

#include "spool/record.h"
#include "spooled.h"

static struct error err;
static struct spool *s;

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

static void append_bytes(uint32_t segment, const char *bytes, size_t size)
{
    int fd = open(spooled_segment(segment), O_WRONLY | O_APPEND | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

/* The index's segment NUMBER, which must be there. */
static struct index_segment *wanted;

static bool copy_segment(const struct index_segment *segment, void *context, struct error *e)
{
    (void)e;
    if (segment->number == *(uint32_t *)context)
        *wanted = *segment;
    return true;
}

static struct index_segment read_segment(uint32_t number)
{
    struct index_segment segment = {.number = 0};
    wanted = &segment;
    unit_assert_ok(spool_each_segment(s, copy_segment, &number, &err), err);
    ck_assert_uint_eq(segment.number, number);
    return segment;
}

/* Three frames of four documents, committed; a fourth that is not. */
static int64_t append_torn(void)
{
    s = spooled_new();
    for (uint64_t i = 0; i < 3; i++)
        spooled_append(s, 1 + 4 * i, 4);
    spooled_commit(s);
    int64_t committed = spooled_size(spooled_segment(1));
    spooled_append(s, 13, 4);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), committed);
    return committed;
}

START_TEST(a_torn_tail_is_cut_at_the_last_commit)
{
    int64_t committed = append_torn();
    spool_close(s);
    if (_i == 1)
        ck_assert_int_eq(truncate(spooled_segment(1), committed + 1), 0);
    if (_i == 2)
        append_bytes(1, "noise", 5);
    s = spooled_open();
    ck_assert_int_eq(spooled_size(spooled_segment(1)), committed);
    spooled_assert_ledger(s, 12, 0, 0, 12);
    struct index_segment segment = read_segment(1);
    ck_assert_int_eq((int64_t)segment.size, committed);
    ck_assert_int_eq(segment.state, SEGMENT_SEALED);
    unit_assert_ok(spooled_replay(s, &err), err);
    for (int i = 1; i <= 16; i++)
        ck_assert_uint_eq(spooled_sent[i], i <= 12);
}
END_TEST

START_TEST(a_replay_alone_leaves_the_tail_to_the_dump)
{
    int64_t committed = append_torn();
    spool_close(s);
    spooled.roles = _i == 0 ? SPOOL_REPLAY : SPOOL_READER;
    s = spooled_open();
    ck_assert_int_gt(spooled_size(spooled_segment(1)), committed);
    ck_assert_int_eq(read_segment(1).state, SEGMENT_OPEN);
}
END_TEST

START_TEST(a_segment_that_the_index_never_knew_is_removed)
{
    append_torn();
    spool_close(s);
    append_bytes(2, "begun, never committed", 22);
    append_bytes(77, "", 0);
    s = spooled_open();
    ck_assert_int_eq(spooled_size(spooled_segment(2)), -1);
    ck_assert_int_eq(spooled_size(spooled_segment(77)), -1);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
    spooled_append(s, 13, 4);
    spooled_commit(s);
    spooled_assert_ledger(s, 16, 0, 0, 16);
}
END_TEST

/* The parts behind the first: one for each frame that was lost. */
static uint64_t sum_lost(void)
{
    struct index_part part = {.number = 0};
    struct buffer keys;
    uint64_t sum = 0;
    bool found = true;
    buffer_init(&keys, 1000);
    for (;;) {
        unit_assert_ok(spool_next_part(s, part.number + 1, &part, &keys, &found, &err), err);
        if (!found)
            break;
        ck_assert(part.range.is_from_inclusive);
        sum += spooled_number(part.range.to) - spooled_number(part.range.from) + 1;
    }
    buffer_free(&keys);
    return sum;
}

/* At each length that segment 1 may have: the frames that end before it are there, the others are
 * parts. */
START_TEST(the_frames_of_a_truncated_segment_become_parts)
{
    int64_t size = append_torn();
    struct index_frame frame = {.number = 0};
    int64_t ends[4] = {0};
    for (int i = 1; spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame); i++)
        ends[i] = (int64_t)(frame.offset + frame.size);
    for (int64_t left = size; left >= ends[1] - 1; left--) {
        uint64_t whole = left >= ends[3] ? 12 : left >= ends[2] ? 8 : left >= ends[1] ? 4 : 0;
        spool_close(s);
        ck_assert_int_eq(truncate(spooled_segment(1), left), 0);
        s = spooled_open();
        spooled_assert_ledger(s, whole, 0, 0, whole);
        ck_assert_uint_eq(sum_lost(), 12 - whole);
        // it is cut behind its last whole frame, and without one removed
        ck_assert_int_eq((int64_t)spooled_read_job(s).spool_bytes, ends[whole / 4]);
    }
}
END_TEST

START_TEST(the_frames_of_a_missing_segment_become_parts)
{
    append_torn();
    spooled_acknowledge(s, 2, 4);
    spool_close(s);
    remove(spooled_segment(1));
    s = spooled_open();
    spooled_assert_ledger(s, 4, 4, 0, 0);
    ck_assert_uint_eq(sum_lost(), 8); // what is acknowledged needs no dumping
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
    unit_assert_ok(spooled_dump(s, &err), err);
    unit_assert_ok(spooled_replay(s, &err), err);
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_uint_eq(spooled_sent[i], i < 5 || i > 8);
    spooled_assert_ledger(s, SPOOLED_DOCUMENTS, SPOOLED_DOCUMENTS, 0, 0);
}
END_TEST

START_TEST(acknowledged_frames_that_are_missing_are_not_dumped_again)
{
    int64_t size = append_torn();
    spooled_acknowledge(s, 1, 4);
    spooled_acknowledge(s, 3, 4);
    spool_close(s);
    ck_assert_int_eq(truncate(spooled_segment(1), size / 2), 0);
    s = spooled_open();
    spooled_assert_ledger(s, 8, 8, 0, 0);
    ck_assert_uint_eq(sum_lost(), 4);
    reopen(); // the index agrees with itself
    spooled_assert_ledger(s, 8, 8, 0, 0);
}
END_TEST

START_TEST(an_acknowledged_frame_at_the_end_may_be_missing)
{
    append_torn();
    reopen();
    spooled_acknowledge(s, 3, 4);
    int64_t size = spooled_size(spooled_segment(1));
    spool_close(s);
    ck_assert_int_eq(truncate(spooled_segment(1), size - 1), 0);
    s = spooled_open();
    spooled_assert_ledger(s, 12, 4, 0, 8);
    ck_assert_uint_eq(sum_lost(), 0);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 0);
}
END_TEST

static unsigned told;

static void tell_loss(const struct index_frame *frame, const char *why)
{
    ck_assert_uint_eq(frame->number, 2 + told++);
    ck_assert_uint_eq(spooled_number(frame->first_key), 4 * frame->number - 3);
    ck_assert_uint_eq(spooled_number(frame->last_key), 4 * frame->number);
    ck_assert_str_eq(why, "the file ends before it");
}

START_TEST(each_frame_that_is_lost_is_told)
{
    struct index_frame frame;
    append_torn();
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 1, &frame));
    spool_close(s);
    ck_assert_int_eq(truncate(spooled_segment(1), (off_t)frame.size + 1), 0);
    spooled.tell_loss = tell_loss;
    s = spooled_open();
    ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(a_description_that_is_not_the_jobs_is_written_again)
{
    struct buffer text;
    bool found = false;
    append_torn();
    if (_i == 0)
        remove(spooled_file("job.json"));
    else
        ck_assert_int_eq(truncate(spooled_file("job.json"), _i - 1), 0);
    reopen();
    buffer_init(&text, 1000);
    unit_assert_ok(spool_read_description_file(spool_directory(s), &text, &found, &err), err);
    unit_assert_slice(buffer_slice(&text), "{\"index\":\"images\"}");
    buffer_free(&text);
}
END_TEST

START_TEST(a_sealed_segment_that_lost_its_tail_becomes_parts_too)
{
    s = spooled_new();
    for (uint64_t i = 0; i < 3; i++)
        spooled_append(s, 1 + 4 * i, 4);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    spool_close(s);
    ck_assert_int_eq(truncate(spooled_segment(1), spooled_size(spooled_segment(1)) - 1), 0);
    s = spooled_open();
    spooled_assert_ledger(s, 8, 0, 0, 8);
    ck_assert_uint_eq(sum_lost(), 4);
}
END_TEST

/* As if the process had died between the intention and the unlink, or between unlink and index. */
START_TEST(an_intended_deletion_is_finished_at_the_next_start)
{
    struct index *index;
    struct index_txn *txn;
    struct index_segment segment;
    bool found;
    append_torn();
    for (uint64_t i = 1; i <= 3; i++)
        spooled_acknowledge(s, i, 4);
    spool_close(s);
    unit_assert_ok(index_open(&index, spooled_path, INDEX_WRITE, &err), err);
    unit_assert_ok(index_begin(index, true, &txn, &err), err);
    unit_assert_ok(index_next_segment(txn, 1, &segment, &found, &err), err);
    segment.state = SEGMENT_DELETING;
    unit_assert_ok(index_put_segment(txn, &segment, &err), err);
    unit_assert_ok(index_commit(txn, &err), err);
    index_close(index);
    if (_i == 1)
        remove(spooled_segment(1));
    if (_i == 2)
        spooled.roles = SPOOL_REPLAY;
    s = spooled_open();
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
    spooled_assert_ledger(s, 12, 12, 0, 0);
    uint32_t number = 0;
    wanted = &segment;
    segment.number = 99;
    unit_assert_ok(spool_each_segment(s, copy_segment, &number, &err), err);
    ck_assert_uint_eq(segment.number, 99); // the index has none
}
END_TEST

START_TEST(segments_that_were_kept_are_removed_when_they_need_not_be)
{
    spooled.keeps_segments = true;
    append_torn();
    for (uint64_t i = 1; i <= 3; i++)
        spooled_acknowledge(s, i, 4);
    reopen();
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
    spooled.keeps_segments = false;
    reopen();
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 0);
}
END_TEST

static void assert_same_job(const struct index_job *a, const struct index_job *b)
{
    struct buffer one, other;
    buffer_init(&one, 1000);
    buffer_init(&other, 1000);
    record_put_job(&one, a);
    record_put_job(&other, b);
    ck_assert(slice_equal(buffer_slice(&one), buffer_slice(&other)));
    buffer_free(&one);
    buffer_free(&other);
}

START_TEST(a_second_recovery_changes_nothing)
{
    append_torn();
    reopen();
    struct index_job first = spooled_read_job(s);
    int64_t size = spooled_size(spooled_segment(1));
    for (int i = 0; i < 3; i++)
        reopen();
    struct index_job last = spooled_read_job(s);
    last.updated_ms = first.updated_ms;
    assert_same_job(&first, &last);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), size);
}
END_TEST

START_TEST(numbers_of_frames_and_segments_are_never_given_twice)
{
    struct index_frame frame;
    append_torn();
    for (uint64_t i = 1; i <= 3; i++)
        spooled_acknowledge(s, i, 4);
    for (uint64_t life = 0; life < 5; life++) {
        reopen();
        spooled_append(s, 13 + 4 * life, 4);
        spooled_commit(s);
        ck_assert(spooled_find_frame(s, FRAMES_PENDING, 4 + life, &frame));
        ck_assert_uint_eq(frame.number, 4 + life);
        ck_assert_uint_eq(frame.segment, 2 + life);
        spooled_acknowledge(s, frame.number, 4);
    }
}
END_TEST

START_TEST(a_damaged_index_record_stops_the_start)
{
    static char file[1 << 20];
    append_torn();
    spool_close(s);
    s = NULL;
    int fd = open(spooled_file("index.mdb"), O_RDWR);
    ssize_t size = read(fd, file, sizeof file);
    for (char *at = file; (at = memmem(at, (size_t)(file + size - at), spooled_job.bytes, 16));
         at++)
        ck_assert_int_eq(pwrite(fd, "x", 1, at - file + 3), 1);
    close(fd);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DAMAGED,
                      "index.mdb");
    s = NULL;
}
END_TEST

START_TEST(the_whole_work_is_done_after_any_number_of_new_starts)
{
    s = spooled_new();
    for (uint64_t next = 1; next <= 40; next += 4) {
        spooled_append(s, next, 4);
        spooled_commit(s);
        if (next % 8 == 1)
            spooled_append(s, next + 4, 4);
        reopen();
    }
    spool_close(s);
    s = NULL;
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_uint_eq(spooled_sent[i], 1);
}
END_TEST

UNIT_MAIN_WITH("spool/recover", spooled_set_up, tear_down,
               UNIT_LOOP(a_torn_tail_is_cut_at_the_last_commit, 3),
               UNIT_LOOP(a_replay_alone_leaves_the_tail_to_the_dump, 2),
               UNIT_TEST(a_segment_that_the_index_never_knew_is_removed),
               UNIT_TEST(the_frames_of_a_truncated_segment_become_parts),
               UNIT_TEST(the_frames_of_a_missing_segment_become_parts),
               UNIT_TEST(acknowledged_frames_that_are_missing_are_not_dumped_again),
               UNIT_TEST(an_acknowledged_frame_at_the_end_may_be_missing),
               UNIT_TEST(each_frame_that_is_lost_is_told),
               UNIT_LOOP(a_description_that_is_not_the_jobs_is_written_again, 3),
               UNIT_TEST(a_sealed_segment_that_lost_its_tail_becomes_parts_too),
               UNIT_LOOP(an_intended_deletion_is_finished_at_the_next_start, 3),
               UNIT_TEST(segments_that_were_kept_are_removed_when_they_need_not_be),
               UNIT_TEST(a_second_recovery_changes_nothing),
               UNIT_TEST(numbers_of_frames_and_segments_are_never_given_twice),
               UNIT_TEST(a_damaged_index_record_stops_the_start),
               UNIT_TEST(the_whole_work_is_done_after_any_number_of_new_starts))
