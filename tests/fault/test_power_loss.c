/* test_power_loss.c: what was never synced is lost, and what was removed may be there again; the
 * next start still finds every frame that the index knows.
 *
 * This program's own fsync and so on note what is durable. A power cut is a SIGKILL, after which the
 * segments are put back to that. LMDB's own file is left as it is: its order of writes is its own. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../unit/spool/spooled.h"

enum { SEGMENTS = 64, CUTS_MAX = 1000 };

/* Of each segment, in memory that outlives the process. */
struct durable {
    bool is_entry;    // the directory's entry
    bool is_in_attic; // removed, but that is not durable
    int64_t size;
};

static struct shared {
    struct durable segments[SEGMENTS];
    int calls;  // that change the disk, so far
    int cut_at; // the power is cut before this one; 0: never
} * shared;

static char attic[4096]; // removed segments whose removal is not durable yet

static void power_may_fail(void)
{
    if (shared != NULL && ++shared->calls == shared->cut_at)
        raise(SIGKILL);
}

/* The segment that FD is, or 0. */
static uint32_t segment_of(int fd)
{
    char link[64], target[4096];
    uint32_t number;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size <= 0)
        return 0;
    target[size] = '\0';
    return segment_number(strrchr(target, '/') + 1, &number) && number < SEGMENTS ? number : 0;
}

static const char *in_attic(uint32_t number)
{
    static char path[sizeof attic + SEGMENT_NAME_BYTES + 1];
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    snprintf(path, sizeof path, "%s/%s", attic, name);
    return path;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    power_may_fail();
    return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

int fdatasync(int fd)
{
    power_may_fail();
    uint32_t number = segment_of(fd);
    if (number > 0)
        shared->segments[number].size = spooled_size(spooled_segment(number));
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    power_may_fail();
    for (uint32_t i = 1; i < SEGMENTS; i++) {
        shared->segments[i].is_entry = spooled_size(spooled_segment(i)) >= 0;
        if (shared->segments[i].is_in_attic)
            remove(in_attic(i));
        shared->segments[i].is_in_attic = false;
    }
    return (int)syscall(SYS_fsync, fd);
}

int unlinkat(int dir, const char *name, int flags)
{
    uint32_t number;
    power_may_fail();
    if (!segment_number(name, &number) || number >= SEGMENTS || !shared->segments[number].is_entry)
        return (int)syscall(SYS_unlinkat, dir, name, flags);
    shared->segments[number].is_in_attic = true;
    return rename(spooled_segment(number), in_attic(number));
}

/* --- the cut --- */

static void set_up(void)
{
    spooled_set_up();
    spooled.segment_bytes = 400; // some three frames
    snprintf(attic, sizeof attic, "%s/attic", spooled_parent);
    ck_assert_int_eq(mkdir(attic, 0700), 0);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static void tear_down(void)
{
    munmap(shared, sizeof *shared);
    shared = NULL;
    spooled_tear_down();
}

/* Work until the power is cut at call number AT. False when the work was done before. */
static bool work_until_cut(int at)
{
    int status;
    shared->calls = 0;
    shared->cut_at = at;
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        bool ok = spooled_work(&err);
        if (!ok)
            fprintf(stderr, "call %d: %s\n", at, err.message);
        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    shared->cut_at = 0;
    ck_assert(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    return status != 0;
}

/* Of what is not durable some is lost: all of it, half of it, or (KEEPS) nothing but the promise. */
static void lose_what_is_not_durable(int how)
{
    for (uint32_t i = 1; i < SEGMENTS; i++) {
        const struct durable *d = &shared->segments[i];
        if (d->is_in_attic)
            ck_assert_int_eq(rename(in_attic(i), spooled_segment(i)), 0);
        shared->segments[i].is_in_attic = false;
        int64_t size = spooled_size(spooled_segment(i));
        if (size < 0)
            continue;
        if (!d->is_entry && how != 2)
            ck_assert_int_eq(remove(spooled_segment(i)), 0);
        else if (size > d->size)
            ck_assert_int_eq(
                truncate(spooled_segment(i), how == 0 ? d->size : (d->size + size) / 2), 0);
    }
}

/* No frame became a part again: each that the index knows was durable. */
static void assert_no_frame_was_lost(void)
{
    struct spool *s = spooled_open();
    if (!spool_is_new(s))
        ck_assert_uint_eq(spooled_read_job(s).parts, 1);
    spool_close(s);
}

START_TEST(after_a_power_cut_at_any_call_all_that_the_index_knows_is_there)
{
    struct error err;
    int at = 1 + _i;
    for (; at < CUTS_MAX && work_until_cut(at); at += 3) {
        lose_what_is_not_durable(_i);
        assert_no_frame_was_lost();
        unit_assert_ok(spooled_work(&err), err);
        spooled_assert_finished();
        tear_down();
        set_up();
    }
    ck_assert_int_gt(at, 50);
    ck_assert_int_lt(at, CUTS_MAX);
}
END_TEST

START_TEST(after_many_power_cuts_too)
{
    struct error err;
    uint64_t random = 0x2545f4914f6cdd1du + (uint64_t)_i;
    for (int life = 0; life < 30; life++) {
        if (!work_until_cut(1 + (int)(unit_random(&random) % 40)))
            break;
        lose_what_is_not_durable((int)(unit_random(&random) % 3));
        assert_no_frame_was_lost();
    }
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
}
END_TEST

UNIT_MAIN_WITH("fault/power_loss", set_up, tear_down,
               UNIT_LOOP(after_a_power_cut_at_any_call_all_that_the_index_knows_is_there, 3),
               UNIT_LOOP(after_many_power_cuts_too, 8))
