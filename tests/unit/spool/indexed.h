/* indexed.h: for the tests of the index: one in a directory of its own. */
#ifndef BOBBIN_TESTS_INDEXED_H
#define BOBBIN_TESTS_INDEXED_H

#include "spool/index.h"
#include "unit.h"

static char *directory;
static char path[4096]; // of the index
static struct error err;
static struct index *opened;

static inline void open_index(void)
{
    unit_assert_ok(index_open(&opened, directory, INDEX_WRITE, &err), err);
    ck_assert_ptr_nonnull(opened);
}

static inline void reopen(void)
{
    index_close(opened);
    open_index();
}

static inline void set_up(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); // a commit takes no time there
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/%s", directory, INDEX_FILE);
    open_index();
}

static inline void tear_down(void)
{
    index_close(opened);
    unit_remove_directory(directory);
}

static inline struct index_txn *begin(bool write)
{
    struct index_txn *txn = NULL;
    unit_assert_ok(index_begin(opened, write, &txn, &err), err);
    return txn;
}

static inline void commit(struct index_txn *txn)
{
    unit_assert_ok(index_commit(txn, &err), err);
}

static const struct index_job some_job = {
    .id = {{9, 8, 7, 6, 5, 4, 3, 2, 1, 0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6}}, .rows = 5};

static inline void put_job(void)
{
    struct index_txn *txn = begin(true);
    unit_assert_ok(index_put_job(txn, &some_job, &err), err);
    commit(txn);
}

static inline bool has_job(void)
{
    struct index_job job;
    bool found;
    struct index_txn *txn = begin(false);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    index_abort(txn);
    return found && job.rows == some_job.rows;
}

#endif
