/* test_index.c: the index keeps what was committed, numbers in order, and tells damage from absence. */
#include "spool/index.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "spool/record.h"
#include "unit.h"

static char *directory;
static char path[4096]; // of the index
static struct error err;
static struct index *opened;

static void open_index(void)
{
    unit_assert_ok(index_open(&opened, directory, INDEX_WRITE, &err), err);
    ck_assert_ptr_nonnull(opened);
}

static void reopen(void)
{
    index_close(opened);
    open_index();
}

static void set_up(void)
{
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/%s", directory, INDEX_FILE);
    open_index();
}

static void tear_down(void)
{
    index_close(opened);
    unit_remove_directory(directory);
}

static struct index_txn *begin(bool write)
{
    struct index_txn *txn = NULL;
    unit_assert_ok(index_begin(opened, write, &txn, &err), err);
    return txn;
}

static void commit(struct index_txn *txn)
{
    unit_assert_ok(index_commit(txn, &err), err);
}

static const struct index_job some_job = {
    .id = {{9, 8, 7, 6, 5, 4, 3, 2, 1, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6}}, .rows = 5};

static void put_job(void)
{
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_put_job(txn, &some_job, &err), err);
    commit(txn);
}

static bool has_job(void)
{
    struct index_job job;
    bool found;
    struct index_txn *txn = begin(false);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    index_abort(txn);
    return found && job.rows == some_job.rows;
}

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

/* --- opening --- */

static void close_and_write(const void *bytes, size_t size, bool truncate)
{
    index_close(opened);
    opened = NULL;
    int fd = open(path, O_WRONLY | (truncate ? O_TRUNC : 0));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

START_TEST(to_read_an_absent_index_is_no_error)
{
    index_close(opened);
    remove(path);
    unit_assert_ok(index_open(&opened, directory, INDEX_READ, &err), err);
    ck_assert_ptr_null(opened);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(to_read_an_index_whose_making_was_cut_short_is_no_error)
{
    close_and_write("", 0, true);
    unit_assert_ok(index_open(&opened, directory, INDEX_READ, &err), err);
    ck_assert_ptr_null(opened);
    open_index(); // and it can be made after all
    put_job();
    ck_assert(has_job());
}
END_TEST

START_TEST(an_index_can_be_read_without_being_written)
{
    put_job();
    index_close(opened);
    unit_assert_ok(index_open(&opened, directory, INDEX_READ, &err), err);
    ck_assert(has_job());
}
END_TEST

START_TEST(a_file_that_is_no_index_is_damage)
{
    char noise[20000];
    memset(noise, _i == 0 ? 'x' : 0, sizeof noise);
    close_and_write(noise, sizeof noise, true);
    unit_assert_error(index_open(&opened, directory, INDEX_READ, &err), err, ERROR_DAMAGED,
                      INDEX_FILE);
    unit_assert_error(index_open(&opened, directory, INDEX_WRITE, &err), err, ERROR_DAMAGED,
                      INDEX_FILE);
    ck_assert_ptr_null(opened);
}
END_TEST

START_TEST(a_directory_that_is_none_is_an_error)
{
    index_close(opened);
    unit_assert_error(index_open(&opened, "/nonexistent/spool", INDEX_WRITE, &err), err, ERROR_DISK,
                      "No such file");
    char long_name[5000] = "/";
    memset(long_name + 1, 'a', sizeof long_name - 2);
    long_name[sizeof long_name - 1] = '\0';
    unit_assert_error(index_open(&opened, long_name, INDEX_WRITE, &err), err, ERROR_DISK,
                      "too long");
}
END_TEST

/* --- damage --- */

static char file[1 << 20];

/* Read the index's file; the place of the job's record is where its id stands, but for its format. */
static size_t find_job_record(size_t *size)
{
    index_close(opened);
    opened = NULL;
    int fd = open(path, O_RDONLY);
    ssize_t got = read(fd, file, sizeof file);
    close(fd);
    ck_assert_int_gt(got, 0);
    *size = (size_t)got;
    char *at = memmem(file, *size, some_job.id.bytes, JOB_ID_BYTES);
    ck_assert_ptr_nonnull(at);
    return (size_t)(at - file) - 4;
}

static bool read_job(void)
{
    struct index_job job;
    bool found;
    struct index_txn *txn = begin(false);
    bool ok = index_get_job(txn, &job, &found, &err);
    index_abort(txn);
    return ok;
}

START_TEST(a_record_with_a_changed_byte_is_damage)
{
    size_t size;
    put_job();
    size_t at = find_job_record(&size);
    for (size_t i = 0; i < 180; i += 9) {
        file[at + i] ^= 1;
        int fd = open(path, O_WRONLY | O_TRUNC);
        ck_assert_int_eq(write(fd, file, size), (ssize_t)size);
        close(fd);
        open_index();
        unit_assert_error(read_job(), err, ERROR_DAMAGED, "table \"meta\" is damaged");
        index_close(opened);
        opened = NULL;
        file[at + i] ^= 1;
    }
}
END_TEST

START_TEST(an_index_of_another_format_is_refused_by_name)
{
    struct buffer record;
    size_t size;
    put_job();
    size_t at = find_job_record(&size);
    buffer_init(&record, 1000);
    record_put_job(&record, &some_job);
    ck_assert_mem_eq(record.data, file + at, record.size);
    store_u32(record.data, RECORD_FORMAT + 1);
    record_seal(&record);
    memcpy(file + at, record.data, record.size);
    buffer_free(&record);
    close_and_write(file, size, true);
    open_index();
    unit_assert_error(read_job(), err, ERROR_CONFIG, "format 2");
}
END_TEST

/* Files may not grow beyond a limit: LMDB's write fails, as with a full disk. */
START_TEST(after_a_failed_commit_the_index_refuses_all_work)
{
    struct rlimit before, small;
    struct index_txn *txn;
    put_job();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 16384;
    signal(SIGXFSZ, SIG_IGN);
    txn = begin(true);
    for (uint32_t i = 0; i < 2000; i++)
        unit_assert_ok(index_put_segment(txn, &(struct index_segment){.number = i}, &err), err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    unit_assert_error(index_commit(txn, &err), err, ERROR_DISK, "can't be committed");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    unit_assert_error(index_begin(opened, true, &txn, &err), err, ERROR_DISK, "failed before");
    unit_assert_error(index_begin(opened, false, &txn, &err), err, ERROR_DISK, "failed before");
    reopen();
    ck_assert(has_job());
    put_job();
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
               UNIT_TEST(a_description_that_is_too_long_is_an_error),
               UNIT_LOOP(frames_come_in_the_order_of_their_numbers, 2),
               UNIT_TEST(a_deleted_record_is_gone_and_deleting_it_again_is_no_error),
               UNIT_TEST(a_record_is_replaced_by_the_next_of_its_number),
               UNIT_TEST(to_read_an_absent_index_is_no_error),
               UNIT_TEST(to_read_an_index_whose_making_was_cut_short_is_no_error),
               UNIT_TEST(an_index_can_be_read_without_being_written),
               UNIT_LOOP(a_file_that_is_no_index_is_damage, 2),
               UNIT_TEST(a_directory_that_is_none_is_an_error),
               UNIT_TEST(a_record_with_a_changed_byte_is_damage),
               UNIT_TEST(an_index_of_another_format_is_refused_by_name),
               UNIT_TEST(after_a_failed_commit_the_index_refuses_all_work),
               UNIT_TEST(another_process_sees_each_commit))
