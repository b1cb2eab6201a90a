/* test_index_damage.c: an index that is absent, not one, damaged, another version's or failed is told
 * from a good one. */
#include "spool/index.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "indexed.h"
#include "spool/record.h"

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
    char long_name[400] = "/";
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
    record_seal(&record, TABLE_META, META_JOB);
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
    for (int write = 0; write < 2; write++) // with the words of the one that failed
        unit_assert_error(index_begin(opened, write == 1, &txn, &err), err, ERROR_DISK,
                          "can't be committed");
    reopen();
    ck_assert(has_job());
    put_job();
}
END_TEST

UNIT_MAIN_WITH("spool/index_damage", set_up, tear_down,
               UNIT_TEST(to_read_an_absent_index_is_no_error),
               UNIT_TEST(to_read_an_index_whose_making_was_cut_short_is_no_error),
               UNIT_TEST(an_index_can_be_read_without_being_written),
               UNIT_LOOP(a_file_that_is_no_index_is_damage, 2),
               UNIT_TEST(a_directory_that_is_none_is_an_error),
               UNIT_TEST(a_record_with_a_changed_byte_is_damage),
               UNIT_TEST(an_index_of_another_format_is_refused_by_name),
               UNIT_TEST(after_a_failed_commit_the_index_refuses_all_work))
