/* test_index.c: the index keeps what was committed, numbers in order, and tells damage from absence. */
#include "spool/index.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "indexed.h"

START_TEST(a_new_index_is_empty)
{
    struct index_job job;
    struct index_part part;
    struct index_frame frame;
    struct index_segment segment;
    struct slice text;
    bool found = true;
    struct index_txn *txn = begin(false);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    ck_assert(!found);
    unit_assert_ok(index_get_description(txn, &text, &err), err);
    ck_assert_uint_eq(text.size, 0);
    unit_assert_ok(index_next_part(txn, 0, &part, &found, &err), err);
    ck_assert(!found);
    unit_assert_ok(index_next_frame(txn, FRAMES_PENDING, 0, &frame, &found, &err), err);
    ck_assert(!found);
    unit_assert_ok(index_next_frame(txn, FRAMES_DONE, 0, &frame, &found, &err), err);
    ck_assert(!found);
    unit_assert_ok(index_next_segment(txn, 0, &segment, &found, &err), err);
    ck_assert(!found);
    index_abort(txn);
    index_abort(NULL);
}
END_TEST

START_TEST(what_was_committed_is_there_after_a_new_start)
{
    put_job();
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    reopen();
    ck_assert(has_job());
}
END_TEST

START_TEST(what_was_aborted_never_was)
{
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_put_job(txn, &some_job, &err), err);
    index_abort(txn);
    ck_assert(!has_job());
    reopen();
    ck_assert(!has_job());
}
END_TEST

START_TEST(a_reader_sees_the_commit_before_it)
{
    struct index_job job;
    bool found;
    put_job();
    struct index_txn *reader = begin(false);
    struct index_txn *writer = begin(true);
    unit_assert_ok(index_put_job(writer, &(struct index_job){.rows = 6}, &err), err);
    commit(writer);
    unit_assert_ok(index_get_job(reader, &job, &found, &err), err);
    ck_assert_uint_eq(job.rows, 5);
    index_abort(reader);
    ck_assert(!has_job());
}
END_TEST

START_TEST(job_and_description_stand_beside_each_other)
{
    struct slice text;
    put_job();
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_get_description(txn, &text, &err), err);
    ck_assert_uint_eq(text.size, 0);
    unit_assert_ok(index_put_description(txn, slice_of("{\"query\":\"SELECT 1\"}"), &err), err);
    commit(txn);
    ck_assert(has_job());
    txn = begin(false);
    unit_assert_ok(index_get_description(txn, &text, &err), err);
    unit_assert_slice(text, "{\"query\":\"SELECT 1\"}");
    index_abort(txn);
}
END_TEST

START_TEST(the_target_stands_beside_the_description)
{
    struct slice text;
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_put_description(txn, slice_of("{}"), &err), err);
    unit_assert_ok(index_get_target(txn, &text, &err), err);
    unit_assert_slice(text, "");
    unit_assert_ok(index_put_target(txn, slice_of("Kq3\n"), &err), err);
    commit(txn);
    reopen();
    txn = begin(false);
    unit_assert_ok(index_get_target(txn, &text, &err), err);
    unit_assert_slice(text, "Kq3\n");
    unit_assert_ok(index_get_description(txn, &text, &err), err);
    unit_assert_slice(text, "{}");
    index_abort(txn);
}
END_TEST

START_TEST(a_description_that_is_too_long_is_an_error)
{
    static char text[(4 << 20) + 1];
    struct index_txn *txn = begin(true);
    unit_assert_error(index_put_description(txn, (struct slice){text, sizeof text}, &err), err,
                      ERROR_MEMORY, "index record");
    index_abort(txn);
}
END_TEST

/* Put frames in this order; they come in the order of their numbers, past 255 and 2^32 too. */
static const uint64_t numbers[] = {256,       3, 1, 65536, 255, 1ull << 32, 2, (1ull << 32) - 1,
                                   UINT64_MAX};
static const uint64_t in_order[] = {1,          2,         3, 255, 256, 65536, (1ull << 32) - 1,
                                    1ull << 32, UINT64_MAX};

static void put_frames(enum frame_table table)
{
    struct index_txn *txn = begin(true);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct index_frame frame = {.number = numbers[i], .offset = ~numbers[i]};
        unit_assert_ok(index_put_frame(txn, table, &frame, &err), err);
    }
    commit(txn);
}

START_TEST(frames_come_in_the_order_of_their_numbers)
{
    enum frame_table table = (enum frame_table)_i;
    enum frame_table other = table == FRAMES_DONE ? FRAMES_PENDING : FRAMES_DONE;
    struct index_frame frame = {.number = 0};
    bool found = true;
    put_frames(table);
    struct index_txn *txn = begin(false);
    for (size_t i = 0; i < COUNT_OF(in_order); i++) {
        unit_assert_ok(index_next_frame(txn, table, frame.number + 1, &frame, &found, &err), err);
        ck_assert(found);
        ck_assert_uint_eq(frame.number, in_order[i]);
        ck_assert_uint_eq(frame.offset, ~in_order[i]);
    }
    unit_assert_ok(index_next_frame(txn, table, 65537, &frame, &found, &err), err);
    ck_assert_uint_eq(frame.number, (1ull << 32) - 1);
    unit_assert_ok(index_next_frame(txn, other, 0, &frame, &found, &err), err);
    ck_assert(!found);
    index_abort(txn);
}
END_TEST

START_TEST(a_deleted_record_is_gone_and_deleting_it_again_is_no_error)
{
    struct index_frame frame;
    struct index_segment segment;
    bool found;
    put_frames(FRAMES_PENDING);
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_put_segment(txn, &(struct index_segment){.number = 4}, &err), err);
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(index_delete_frame(txn, FRAMES_PENDING, 255, &err), err);
        unit_assert_ok(index_delete_frame(txn, FRAMES_DONE, 255, &err), err);
        unit_assert_ok(index_delete_segment(txn, 4, &err), err);
    }
    commit(txn);
    txn = begin(false);
    unit_assert_ok(index_next_frame(txn, FRAMES_PENDING, 255, &frame, &found, &err), err);
    ck_assert_uint_eq(frame.number, 256);
    unit_assert_ok(index_next_segment(txn, 0, &segment, &found, &err), err);
    ck_assert(!found);
    index_abort(txn);
}
END_TEST

START_TEST(a_record_is_replaced_by_the_next_of_its_number)
{
    struct index_part part = {.number = 2, .has_last = true, .last = slice_of("first")};
    struct index_segment segment = {.number = 3, .state = SEGMENT_OPEN};
    bool found;
    struct index_txn *txn = begin(true);
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(index_put_part(txn, &part, &err), err);
        unit_assert_ok(index_put_segment(txn, &segment, &err), err);
        part.last = slice_of("second, and longer");
        segment.state = SEGMENT_SEALED;
    }
    commit(txn);
    reopen();
    txn = begin(false);
    unit_assert_ok(index_next_part(txn, 0, &part, &found, &err), err);
    ck_assert_uint_eq(part.number, 2);
    unit_assert_slice(part.last, "second, and longer");
    unit_assert_ok(index_next_segment(txn, 1, &segment, &found, &err), err);
    ck_assert_uint_eq(segment.number, 3);
    ck_assert_int_eq(segment.state, SEGMENT_SEALED);
    unit_assert_ok(index_next_part(txn, 3, &part, &found, &err), err);
    ck_assert(!found);
    index_abort(txn);
}
END_TEST

START_TEST(another_process_sees_each_commit)
{
    put_job();
    pid_t child = fork();
    if (child == 0) {
        struct index *own;
        struct index_txn *txn;
        struct index_job job;
        bool found = false;
        bool ok = index_open(&own, directory, INDEX_READ, &err) &&
                  index_begin(own, false, &txn, &err) && index_get_job(txn, &job, &found, &err);
        _exit(ok && found && job.rows == some_job.rows ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

UNIT_MAIN_WITH("spool/index", set_up, tear_down, UNIT_TEST(a_new_index_is_empty),
               UNIT_TEST(what_was_committed_is_there_after_a_new_start),
               UNIT_TEST(what_was_aborted_never_was), UNIT_TEST(a_reader_sees_the_commit_before_it),
               UNIT_TEST(job_and_description_stand_beside_each_other),
               UNIT_TEST(the_target_stands_beside_the_description),
               UNIT_TEST(a_description_that_is_too_long_is_an_error),
               UNIT_LOOP(frames_come_in_the_order_of_their_numbers, 2),
               UNIT_TEST(a_deleted_record_is_gone_and_deleting_it_again_is_no_error),
               UNIT_TEST(a_record_is_replaced_by_the_next_of_its_number),
               UNIT_TEST(another_process_sees_each_commit))
