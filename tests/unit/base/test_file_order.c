/* test_file_order.c: base/file.h makes the system calls in the order that lasts, takes short writes
 * and reads and EINTR for what they are, and never goes on after a sync that failed.
 *
 * This program's own pwrite, fsync and so on stand in front of the C library's: they note their
 * name, fail when they are told to, and otherwise ask the kernel. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "unit.h"

static char calls[4000]; // the names, a blank behind each
static const char *failing = "";
static size_t most = 1000;  // bytes that one read or write does
static bool is_interrupted; // every second read or write

static char *path;
static int dir;
static struct error err;

static bool note(const char *name)
{
    strncat(calls, name, sizeof calls - strlen(calls) - 1);
    strncat(calls, " ", sizeof calls - strlen(calls) - 1);
    errno = EIO;
    return strcmp(name, failing) != 0;
}

static bool interrupts(void)
{
    static unsigned turn;
    errno = EINTR;
    return is_interrupted && turn++ % 2 == 0;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (interrupts() || !note("write"))
        return -1;
    return syscall(SYS_pwrite64, fd, bytes, size < most ? size : most, offset);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    if (interrupts() || !note("read"))
        return -1;
    return syscall(SYS_pread64, fd, bytes, size < most ? size : most, offset);
}

static bool has_no_unnamed; // as NFS

int openat(int at, const char *name, int flags, ...)
{
    if (has_no_unnamed && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, at, name, flags, 0600); // the only mode that is asked for
}

int fsync(int fd)
{
    return note("sync-directory") ? (int)syscall(SYS_fsync, fd) : -1;
}

int fdatasync(int fd)
{
    return note("sync") ? (int)syscall(SYS_fdatasync, fd) : -1;
}

int ftruncate(int fd, off_t size)
{
    return note("cut") ? (int)syscall(SYS_ftruncate, fd, size) : -1;
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
    return note("rename") ? (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, 0) : -1;
}

static void setup(void)
{
    path = unit_make_directory();
    unit_assert_ok(file_open_directory(&dir, path, false, &err), err);
    calls[0] = '\0';
    failing = "";
    most = sizeof calls;
    is_interrupted = false;
}

static void teardown(void)
{
    failing = "";
    file_close(&dir);
    unit_remove_directory(path);
}

START_TEST(a_file_is_replaced_by_write_sync_rename_sync)
{
    unit_assert_ok(file_replace(dir, "a", slice_of("content"), &err), err);
    ck_assert_str_eq(calls, "write sync rename sync-directory ");
}
END_TEST

START_TEST(a_renamed_file_takes_the_others_place)
{
    unit_assert_ok(file_replace(dir, "new", slice_of("new"), &err), err);
    unit_assert_ok(file_replace(dir, "old", slice_of("old"), &err), err);
    unit_assert_ok(file_rename(dir, "new", "old", &err), err);
    int fd = openat(dir, "old", O_RDONLY);
    char text[4] = "";
    ck_assert_int_eq(read(fd, text, 3), 3);
    ck_assert_str_eq(text, "new");
    close(fd);
    unit_assert_error(file_rename(dir, "new", "old", &err), err, ERROR_DISK,
                      "file new can't be renamed to old");
}
END_TEST

static const struct {
    const char *failing;
    const char *calls;
} failures[] = {
    {"write", "write "},
    {"sync", "write sync "},
    {"rename", "write sync rename "},
    {"sync-directory", "write sync rename sync-directory "},
};

START_TEST(a_replacement_ends_with_its_first_failure_and_no_call_is_made_again)
{
    failing = failures[_i].failing;
    unit_assert_error(file_replace(dir, "a", slice_of("content"), &err), err, ERROR_DISK,
                      "Input/output error");
    ck_assert_str_eq(calls, failures[_i].calls);
}
END_TEST

START_TEST(a_replacement_that_fails_leaves_the_old_content)
{
    struct buffer content;
    char *name;
    ck_assert_int_gt(asprintf(&name, "%s/a", path), 0);
    buffer_init(&content, 100);
    unit_assert_ok(file_replace(dir, "a", slice_of("old"), &err), err);
    failing = failures[_i].failing;
    ck_assert(!file_replace(dir, "a", slice_of("new"), &err));
    unit_assert_ok(file_read_whole(name, &content, &err), err);
    bool is_renamed = strcmp(failing, "sync-directory") == 0; // then it is one or the other
    unit_assert_slice(buffer_slice(&content), is_renamed ? "new" : "old");
    buffer_free(&content);
    free(name);
}
END_TEST

START_TEST(a_new_directory_is_made_durable_in_its_parent)
{
    char *name;
    int fd;
    ck_assert_int_gt(asprintf(&name, "%s/spool", path), 0);
    failing = "sync-directory";
    unit_assert_error(file_open_directory(&fd, name, true, &err), err, ERROR_DISK, "durable");
    ck_assert_int_eq(fd, -1);

    failing = "";
    calls[0] = '\0';
    unit_assert_ok(file_open_directory(&fd, name, true, &err), err); // it is there, and not durable
    ck_assert_str_eq(calls, "sync-directory ");
    file_close(&fd);
    calls[0] = '\0';
    unit_assert_ok(file_open_directory(&fd, name, false, &err), err);
    ck_assert_str_eq(calls, "");
    file_close(&fd);
    free(name);
}
END_TEST

START_TEST(a_cut_is_made_durable)
{
    int fd;
    unit_assert_ok(file_create(&fd, dir, "a", &err), err);
    unit_assert_ok(file_cut(fd, "a", 0, &err), err);
    ck_assert_str_eq(calls, "cut sync ");
    failing = "sync";
    unit_assert_error(file_cut(fd, "a", 0, &err), err, ERROR_DISK, "durable");
    failing = "cut";
    unit_assert_error(file_cut(fd, "a", 7, &err), err, ERROR_DISK, "7 bytes");
    file_close(&fd);
}
END_TEST

static const size_t portions[] = {1, 2, 3, 7, 100};

START_TEST(short_and_interrupted_writes_and_reads_are_gone_on_with)
{
    static const char text[] = "twenty bytes of text";
    char bytes[sizeof text + 10];
    size_t got;
    int fd;
    most = portions[_i];
    is_interrupted = true;
    unit_assert_ok(file_create(&fd, dir, "a", &err), err);
    unit_assert_ok(file_write_at(fd, "a", 5, slice_of(text), &err), err);
    unit_assert_ok(file_read_at(fd, "a", 5, bytes, sizeof bytes, &got, &err), err);
    unit_assert_slice(((struct slice){bytes, got}), text);
    file_close(&fd);
}
END_TEST

START_TEST(a_disk_that_fails_is_an_error_that_says_so)
{
    char byte;
    size_t got;
    int fd;
    unit_assert_ok(file_create(&fd, dir, "a", &err), err);
    failing = "write";
    unit_assert_error(file_write_at(fd, "a", 0, slice_of("x"), &err), err, ERROR_DISK,
                      "file a can't be written: Input/output error");
    failing = "read";
    unit_assert_error(file_read_at(fd, "a", 0, &byte, 1, &got, &err), err, ERROR_DISK,
                      "file a can't be read: Input/output error");
    failing = "sync";
    unit_assert_error(file_sync(fd, "a", &err), err, ERROR_DISK,
                      "file a can't be made durable: Input/output error");
    ck_assert_str_eq(calls, "write read sync ");
    file_close(&fd);
}
END_TEST

/* With _i the file system knows no files without a name. */
START_TEST(a_file_without_a_name_is_nowhere_to_be_found)
{
    char read[8] = "";
    size_t got;
    struct stat st;
    int fd;
    has_no_unnamed = _i == 1;
    unit_assert_ok(file_create_unnamed(&fd, dir, &err), err);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_nlink, 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    unit_assert_ok(file_write_at(fd, "it", 100, slice_of("content"), &err), err);
    unit_assert_ok(file_read_at(fd, "it", 100, read, 7, &got, &err), err);
    ck_assert_str_eq(read, "content");
    file_close(&fd);
    unit_assert_error(file_create_unnamed(&fd, -1, &err), err, ERROR_DISK, "can");
    has_no_unnamed = false;
}
END_TEST

UNIT_MAIN_WITH(
    "base/file, order", setup, teardown, UNIT_TEST(a_file_is_replaced_by_write_sync_rename_sync),
    UNIT_TEST(a_renamed_file_takes_the_others_place),
    UNIT_EACH(a_replacement_ends_with_its_first_failure_and_no_call_is_made_again, failures),
    UNIT_EACH(a_replacement_that_fails_leaves_the_old_content, failures),
    UNIT_TEST(a_new_directory_is_made_durable_in_its_parent), UNIT_TEST(a_cut_is_made_durable),
    UNIT_EACH(short_and_interrupted_writes_and_reads_are_gone_on_with, portions),
    UNIT_TEST(a_disk_that_fails_is_an_error_that_says_so),
    UNIT_LOOP(a_file_without_a_name_is_nowhere_to_be_found, 2))
