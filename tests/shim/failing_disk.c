/* failing_disk.c: a library to preload: of the calls by which a program changes the files of one
 * directory, the N-th of a kind fails. It counts, fails and writes down; all else is the kernel's.
 *
 *   FAILING_DISK_DIRECTORY  calls on it and on what lies in it count
 *   FAILING_DISK_LOG        a file that gets a line for each of them: "CALL NAME", and " failed" or
 *                           " short" behind it; NAME is relative to the directory, "." is itself
 *   FAILING_DISK_CALLS      what may fail: a pattern for "CALL NAME", as fnmatch(3) reads it
 *   FAILING_DISK_AT         which of these fails, from 1 on
 *   FAILING_DISK_ERRNO      with which errno, a number
 *   FAILING_DISK_HOW        once; lasting: so do all such calls after it; short: a write writes half of its
 *                           bytes, and all such calls after it fail
 *
 * Stands in front of the C library's functions, also for calls that come from other libraries. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WORDS_BYTES = PATH_MAX + 64 };
enum fate { PASSES, FAILS, IS_SHORT };

static atomic_long count;

static void note(const char *words, enum fate fate)
{
    static const char *const ends[] = {"\n", " failed\n", " short\n"};
    char line[WORDS_BYTES + 16];
    const char *path = getenv("FAILING_DISK_LOG");
    int size = snprintf(line, sizeof line, "%s%s", words, ends[fate]);
    if (path == NULL)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || syscall(SYS_write, fd, line, size) != size || syscall(SYS_close, fd) != 0)
        abort(); // a test that can't see would see no fault
}

static enum fate draw_fate(const char *words)
{
    const char *calls = getenv("FAILING_DISK_CALLS");
    const char *at = getenv("FAILING_DISK_AT");
    const char *how = getenv("FAILING_DISK_HOW");
    if (calls == NULL || at == NULL || how == NULL || fnmatch(calls, words, 0) != 0)
        return PASSES;
    long behind = atomic_fetch_add(&count, 1) + 1 - strtol(at, NULL, 10);
    if (behind == 0)
        return strcmp(how, "short") == 0 ? IS_SHORT : FAILS;
    return behind > 0 && strcmp(how, "once") != 0 ? FAILS : PASSES;
}

/* The fate of CALL on the file at PATH. */
static enum fate fate_of(const char *call, const char *path)
{
    const char *directory = getenv("FAILING_DISK_DIRECTORY");
    size_t size = directory == NULL ? 0 : strlen(directory);
    if (size == 0 || strncmp(path, directory, size) != 0 ||
        (path[size] != '/' && path[size] != '\0'))
        return PASSES;
    char words[WORDS_BYTES];
    const char *name = path[size] == '/' ? path + size + 1 : ".";
    snprintf(words, sizeof words, "%s %s", call, name);
    enum fate fate = draw_fate(words);
    note(words, fate);
    if (fate != PASSES)
        errno = atoi(getenv("FAILING_DISK_ERRNO"));
    return fate;
}

static void put_path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size < 0 ? 0 : size] = '\0';
}

static enum fate fate_of_fd(const char *call, int fd)
{
    char path[PATH_MAX];
    int before = errno;
    put_path_of(fd, path);
    errno = before;
    return fate_of(call, path);
}

static bool fails_at(const char *call, int dir, const char *name)
{
    char directory[PATH_MAX], path[2 * PATH_MAX];
    if (name[0] == '/' || dir == AT_FDCWD)
        return fate_of(call, name) != PASSES;
    put_path_of(dir, directory);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return fate_of(call, path) != PASSES;
}

/* --- the calls --- */

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    enum fate fate = fate_of_fd("pwrite", fd);
    size /= fate == IS_SHORT ? 2 : 1;
    return fate == FAILS ? -1 : syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    enum fate fate = fate_of_fd("write", fd);
    size /= fate == IS_SHORT ? 2 : 1;
    return fate == FAILS ? -1 : syscall(SYS_write, fd, bytes, size);
}

/* Short: the first part alone. */
ssize_t writev(int fd, const struct iovec *parts, int parts_count)
{
    enum fate fate = fate_of_fd("writev", fd);
    return fate == FAILS ? -1 : syscall(SYS_writev, fd, parts, fate == IS_SHORT ? 1 : parts_count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int parts_count, off_t offset)
{
    enum fate fate = fate_of_fd("pwritev", fd);
    parts_count = fate == IS_SHORT ? 1 : parts_count;
    return fate == FAILS ? -1 : syscall(SYS_pwritev, fd, parts, parts_count, offset, 0);
}

int fdatasync(int fd)
{
    return fate_of_fd("fdatasync", fd) != PASSES ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fate_of_fd("fsync", fd) != PASSES ? -1 : (int)syscall(SYS_fsync, fd);
}

/* The index is not written through its map: this library would not know the file's name. */
int msync(void *address, size_t size, int flags)
{
    (void)address;
    (void)size;
    (void)flags;
    abort();
}

int ftruncate(int fd, off_t size)
{
    return fate_of_fd("ftruncate", fd) != PASSES ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int unlinkat(int dir, const char *name, int flags)
{
    return fails_at("unlinkat", dir, name) ? -1 : (int)syscall(SYS_unlinkat, dir, name, flags);
}

int renameat(int old_dir, const char *old, int new_dir, const char *new)
{
    return fails_at("renameat", new_dir, new)
               ? -1
               : (int)syscall(SYS_renameat2, old_dir, old, new_dir, new, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return fails_at("mkdir", AT_FDCWD, path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int open_file(const char *call, int dir, const char *name, int flags, mode_t mode)
{
    if ((flags & O_CREAT) != 0 && fails_at(call, dir, name))
        return -1;
    return (int)syscall(SYS_openat, dir, name, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file("open", AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *name, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_file("openat", dir, name, flags, mode);
}
