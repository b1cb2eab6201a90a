/* test_failing_calls.c: each call by which the spool, or LMDB below it, changes the disk fails once.
 * The error is ERROR_DISK, nothing is tried again, and a new start finishes the work.
 *
 * This program's own pwrite, fsync and so on stand in front of the C library's, for LMDB's shared
 * library too. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../unit/spool/spooled.h"

enum call { WRITE, WRITEV, SYNC, SYNC_DIRECTORY, CUT, REMOVE, RENAME, CREATE, CALLS };

static const char *const names[CALLS] = {"write", "writev", "sync",   "sync-directory",
                                         "cut",   "remove", "rename", "create"};

enum { NEVER = 0, PASSES_MAX = 2000 };

static struct {
    enum call call;
    int at; // of its calls; 0: none
    int cause;
    bool lasts;    // all later calls fail too, as on a disk that stays full
    bool is_short; // what fails has written half
    int count[CALLS];
    int after; // calls of its kind after the one that failed
    bool has_failed;
} fault;

static bool fails(enum call call)
{
    int n = ++fault.count[call];
    fault.after += fault.has_failed && call == fault.call;
    if (fault.at == NEVER || call != fault.call ||
        (n != fault.at && !(fault.lasts && n > fault.at)))
        return false;
    fault.has_failed = true;
    errno = fault.cause;
    return true;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (!fails(WRITE))
        return syscall(SYS_pwrite64, fd, bytes, size, offset);
    if (fault.is_short && size > 1 && !fault.lasts) { // half now, and the rest fails
        fault.at++;
        return syscall(SYS_pwrite64, fd, bytes, size / 2, offset);
    }
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return fails(WRITE) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return fails(WRITEV) ? -1 : syscall(SYS_writev, fd, parts, count);
}

int fdatasync(int fd)
{
    return fails(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails(SYNC_DIRECTORY) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t size)
{
    return fails(CUT) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int unlinkat(int dir, const char *name, int flags)
{
    return fails(REMOVE) ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
    return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, 0);
}

int openat(int dir, const char *name, int flags, ...)
{
    if ((flags & O_CREAT) && fails(CREATE))
        return -1;
    return (int)syscall(SYS_openat, dir, name, flags, 0600); // the only mode that is asked for
}

/* --- the scenario --- */

static void set_up(void)
{
    spooled_set_up();
    spooled.segment_bytes = 400;
}

static void tear_down(void)
{
    fault.at = NEVER;
    spooled_tear_down();
}

/* A spool with something to clear up: a torn tail, a stray segment, a part not finished. */
static void leave_remains(void)
{
    spooled.segment_bytes = 1 << 20;
    struct spool *s = spooled_new();
    for (uint64_t next = 1; next <= 17; next += 4)
        spooled_append(s, next, 4);
    spooled_commit(s);
    spooled_append(s, 21, 4);
    spool_close(s);
    spooled.segment_bytes = 400; // some three frames
    int fd = open(spooled_segment(99), O_WRONLY | O_CREAT, 0600);
    close(fd);
}

static bool work_with_fault(enum call call, int at, struct error *err)
{
    memset(fault.count, 0, sizeof fault.count);
    fault.call = call;
    fault.at = at;
    fault.has_failed = false;
    fault.after = 0;
    *err = (struct error){.kind = ERROR_NONE};
    bool ok = spooled_work(err);
    fault.at = NEVER;
    return ok;
}

/* Every document is accounted for at once, not only at the end. */
static void assert_nothing_is_lost(void)
{
    struct spool *s = spooled_open();
    if (!spool_is_new(s)) {
        struct index_job job = spooled_read_job(s);
        ck_assert_uint_eq(job.rows, job.acknowledged + job.dead + job.pending);
        ck_assert_uint_eq(job.parts, 1); // no frame became a part again
    }
    spool_close(s);
}

/* Every call number from FIRST on in steps of STEP. */
static void fail_calls(enum call call, int first, int step)
{
    struct error err;
    for (int n = first; n < PASSES_MAX; n += step) {
        set_up();
        leave_remains();
        bool ok = work_with_fault(call, n, &err);
        if (!fault.has_failed) {
            unit_assert_ok(ok, err);
            ck_assert(n > first || call == RENAME); // only a new spool renames
            tear_down();
            return;
        }
        ck_assert_msg(!ok, "%s %d failed, and nobody noticed", names[call], n);
        ck_assert_msg(err.kind == ERROR_DISK, "%s %d: %s: %s", names[call], n,
                      error_kind_name(err.kind), err.message);
        assert_nothing_is_lost();
        unit_assert_ok(spooled_work(&err), err);
        spooled_assert_finished();
        tear_down();
    }
    ck_abort_msg("%s: more than %d calls", names[call], PASSES_MAX);
}

START_TEST(a_call_that_fails_is_a_disk_error_and_a_new_start_makes_it_good)
{
    fault.cause = EIO;
    fail_calls((enum call)_i, 1, 1);
}
END_TEST

START_TEST(a_disk_that_is_full_and_stays_full_is_the_same)
{
    fault.cause = ENOSPC;
    fault.lasts = true;
    fail_calls((enum call)_i, 1, 4);
}
END_TEST

START_TEST(a_write_that_ends_early_before_it_fails_is_the_same)
{
    fault.cause = ENOSPC;
    fault.is_short = true;
    fail_calls(WRITE, 2, 4);
}
END_TEST

START_TEST(a_new_spool_that_cannot_be_made_is_made_by_the_next_start)
{
    struct error err;
    fault.cause = EIO;
    for (int n = 1; n < PASSES_MAX; n += n < 20 ? 1 : 10) { // the beginning is what is new
        set_up();
        bool ok = work_with_fault((enum call)_i, n, &err);
        if (!fault.has_failed)
            break;
        ck_assert(!ok);
        ck_assert_int_eq(err.kind, ERROR_DISK);
        unit_assert_ok(spooled_work(&err), err);
        spooled_assert_finished();
        tear_down();
    }
    tear_down();
}
END_TEST

/* After a failed sync the kernel may have dropped the pages, and the next one would succeed. */
START_TEST(a_failed_sync_is_never_tried_again)
{
    struct error err;
    struct spool *s;
    set_up();
    s = spooled_new();
    fault.cause = EIO;
    fault.call = SYNC;
    fault.has_failed = false;
    fault.after = 0;
    fault.at = fault.count[SYNC] + 1 + _i; // the segment's, or LMDB's behind it
    spooled_append(s, 1, 4);
    unit_assert_error(spool_commit(s, &err), err, ERROR_DISK, "Input/output error");
    ck_assert(fault.has_failed);
    for (int i = 0; i < 3; i++) {
        ck_assert(!spool_commit(s, &err));
        ck_assert_int_eq(err.kind, ERROR_DISK);
        ck_assert(!spool_finish_part(s, 0, &err));
        ck_assert(!spool_finish_dump(s, &err));
        ck_assert(!spooled_try_acknowledge(s, 1, 4, 0, &err));
    }
    spool_close(s);
    s = spooled_open();
    spooled_assert_ledger(s, 0, 0, 0, 0);
    spool_close(s);
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
    tear_down();
}
END_TEST

UNIT_MAIN("fault/failing_calls",
          UNIT_LOOP(a_call_that_fails_is_a_disk_error_and_a_new_start_makes_it_good, CALLS),
          UNIT_LOOP(a_disk_that_is_full_and_stays_full_is_the_same, CALLS),
          UNIT_TEST(a_write_that_ends_early_before_it_fails_is_the_same),
          UNIT_LOOP(a_new_spool_that_cannot_be_made_is_made_by_the_next_start, CALLS),
          UNIT_LOOP(a_failed_sync_is_never_tried_again, 2))
