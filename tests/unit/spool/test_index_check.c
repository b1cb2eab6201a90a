/* test_index_check.c: the file is judged beside LMDB's use of it, also while others commit. */
#include "spool/index_check.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/file.h"
#include "paged.h"

static int fd;

static void begin_test(void)
{
    set_up();
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
}

static void end_test(void)
{
    file_close(&fd);
    tear_down();
}

START_TEST(damage_names_the_file_and_the_remedy)
{
    unit_assert_error(index_damaged(&err, "page %d is torn", 7), err, ERROR_DAMAGED,
                      "index.mdb: page 7 is torn; bobbin verify --rebuild makes a new one");
}
END_TEST

START_TEST(a_sound_file_may_be_opened)
{
    bool is_absent = true;
    unit_assert_ok(index_check_metas(fd, &is_absent, &err), err);
    ck_assert(!is_absent);
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    unit_assert_ok(index_check_metas(fd, &is_absent, &err), err);
    ck_assert(is_absent);
}
END_TEST

START_TEST(a_damaged_meta_page_is_told)
{
    bool is_absent;
    ck_assert_int_eq(pwrite(fd, "x", 1, 16), 1);
    unit_assert_error(index_check_metas(fd, &is_absent, &err), err, ERROR_DAMAGED,
                      "page 0 is damaged: it is no meta page");
}
END_TEST

START_TEST(another_version_is_refused)
{
    bool is_absent;
    ck_assert_int_eq(pwrite(fd, "\2", 1, 20), 1);
    ck_assert_int_eq(pwrite(fd, "\2", 1, 4096 + 20), 1);
    unit_assert_error(index_check_metas(fd, &is_absent, &err), err, ERROR_CONFIG,
                      "another version");
}
END_TEST

static bool check_commit(size_t txn, bool *is_found)
{
    return index_check_commit(fd, txn, paged_tables, COUNT_OF(paged_tables), is_found, &err);
}

START_TEST(the_last_two_commits_are_found)
{
    bool is_found;
    put_job();
    put_job();
    for (size_t txn = 1; txn <= 4; txn++) {
        unit_assert_ok(check_commit(txn, &is_found), err);
        ck_assert_int_eq(is_found, txn == 2 || txn == 3);
    }
}
END_TEST

START_TEST(a_damaged_page_is_told)
{
    bool is_found;
    paged_work(100);
    paged_load();
    ck_assert_int_eq(ftruncate(fd, 2 * 4096), 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)paged.size), 0); // every page but the metas is zeros now
    unit_assert_error(check_commit(6, &is_found), err, ERROR_DAMAGED, "is damaged");
}
END_TEST

/* Another process commits without a pause. */
static pid_t start_commits(void)
{
    index_close(opened);
    opened = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        struct index *index;
        struct index_txn *txn;
        bool ok = index_open(&index, directory, INDEX_WRITE, &err);
        for (uint64_t i = 0; ok; i++) {
            ok = index_begin(index, true, &txn, &err);
            for (uint64_t number = i; ok && number < i + 30; number++)
                paged_put_frame(txn, number % 2000);
            ok = ok && index_commit(txn, &err);
        }
        _exit(1);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

START_TEST(an_index_is_sound_while_another_process_commits)
{
    paged_work(2000);
    pid_t pid = start_commits();
    for (int i = 0; i < 300; i++) {
        unit_assert_ok(index_open(&opened, directory, i % 2 == 0 ? INDEX_READ : INDEX_WRITE, &err),
                       err);
        ck_assert_ptr_nonnull(opened);
        index_close(opened);
        opened = NULL;
    }
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0); // it still commits
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

UNIT_MAIN_WITH("spool/index_check", begin_test, end_test,
               UNIT_TEST(damage_names_the_file_and_the_remedy),
               UNIT_TEST(a_sound_file_may_be_opened), UNIT_TEST(a_damaged_meta_page_is_told),
               UNIT_TEST(another_version_is_refused), UNIT_TEST(the_last_two_commits_are_found),
               UNIT_TEST(a_damaged_page_is_told),
               UNIT_TEST(an_index_is_sound_while_another_process_commits))
