/* file.c: see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"

enum {
    OPEN_FLAGS =
        O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, // a pipe in a file's place must not make us wait
    FILE_MODE = 0600,
    PUBLIC_MODE = 0644,
    DIRECTORY_MODE = 0700,
};

/* --- whose files are these --- */

/* Others who could write here could put links to our user's other files in our files' places. */
static bool check_directory_owner(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, ERROR_DISK, "directory %s", path);
    if (st.st_uid != geteuid() && geteuid() != 0)
        return error_set(err, ERROR_CONFIG,
                         "directory %s belongs to user %u, but bobbin runs as user %u: run it as "
                         "that user, or give it a directory of its own",
                         path, (unsigned)st.st_uid, (unsigned)geteuid());
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(err, ERROR_CONFIG,
                         "directory %s can be written by others (mode %04o): chmod go-w %s", path,
                         (unsigned)st.st_mode & 07777, path);
    return true;
}

static bool check_status(const struct stat *st, const char *name, struct error *err)
{
    if (S_ISLNK(st->st_mode))
        return error_set(err, ERROR_CONFIG,
                         "file %s is a symbolic link, and bobbin follows none: remove it", name);
    if (!S_ISREG(st->st_mode))
        return error_set(err, ERROR_CONFIG, "file %s is no regular file: remove it", name);
    if (st->st_nlink > 1)
        return error_set(err, ERROR_CONFIG,
                         "file %s has another name too (a hard link): copy it in its place", name);
    if (st->st_uid != geteuid() && geteuid() != 0)
        return error_set(err, ERROR_CONFIG,
                         "file %s belongs to user %u, but bobbin runs as user %u", name,
                         (unsigned)st->st_uid, (unsigned)geteuid());
    return true;
}

bool file_check(int dir, const char *name, struct error *err)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISDIR(st.st_mode) || check_status(&st, name, err);
    return errno == ENOENT || error_set_errno(err, ERROR_DISK, "file %s", name);
}

/* --- directories --- */

static bool sync_parent(const char *path, struct error *err)
{
    char parent[4096];
    if (snprintf(parent, sizeof parent, "%s/..", path) >= (int)sizeof parent)
        return error_set(err, ERROR_DISK, "directory %s: the name is too long", path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, ERROR_DISK, "directory %s", parent);
    bool ok = file_sync_directory(fd, err);
    file_close(&fd);
    return ok;
}

/* The last name in PATH may be a link, of the user's own making; what is in the directory may not. */
static bool open_own_directory(int *fd, const char *path, struct error *err)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT || error_set_errno(err, ERROR_DISK, "directory %s", path);
    if (check_directory_owner(*fd, path, err))
        return true;
    file_close(fd);
    return false;
}

bool file_open_directory(int *fd, const char *path, bool create, struct error *err)
{
    *fd = -1;
    if (create && mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST)
        return error_set_errno(err, ERROR_DISK, "directory %s can't be made", path);
    if (!open_own_directory(fd, path, err))
        return false;
    if (*fd < 0)
        return !create || error_set(err, ERROR_DISK, "directory %s is gone again", path);
    if (!create || sync_parent(path, err))
        return true;
    file_close(fd);
    return false;
}

/* PATH without its last name: "a/b/" -> "a", "b" -> ".". */
static void put_parent(const char *path, char *out, size_t size)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    while (end > 1 && path[end - 1] == '/')
        end--;
    snprintf(out, size, "%.*s", end == 0 ? 1 : (int)end, end == 0 ? "." : path);
}

bool file_check_place(const char *path, struct error *err)
{
    char parent[4096];
    if (access(path, W_OK | X_OK) == 0)
        return true;
    if (errno != ENOENT)
        return error_set_errno(err, ERROR_DISK, "directory %s", path);
    put_parent(path, parent, sizeof parent);
    return access(parent, W_OK | X_OK) == 0 ||
           error_set_errno(err, ERROR_DISK, "directory %s can't be made", path);
}

/* --- files --- */

bool file_create(int *fd, int dir, const char *name, struct error *err)
{
    *fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS, FILE_MODE);
    if (*fd < 0)
        return error_set_errno(err, ERROR_DISK, "file %s can't be made", name);
    return true;
}

/* Where the file system has no O_TMPFILE (NFS): make it, and take its name away at once. */
static bool create_and_unlink(int *fd, int dir, struct error *err)
{
    static const char name[] = "unnamed.tmp"; // a crash between the two calls leaves it, empty
    if (!file_remove(dir, name, err) || !file_create(fd, dir, name, err))
        return false;
    if (file_remove(dir, name, err))
        return true;
    file_close(fd);
    return false;
}

bool file_create_unnamed(int *fd, int dir, struct error *err)
{
    *fd = openat(dir, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, FILE_MODE);
    if (*fd >= 0)
        return true;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return create_and_unlink(fd, dir, err);
    return error_set_errno(err, ERROR_DISK, "no file without a name can be made there");
}

bool file_open(int *fd, int dir, const char *name, bool write, struct error *err)
{
    struct stat st;
    *fd = openat(dir, name, (write ? O_RDWR | O_CREAT : O_RDONLY) | OPEN_FLAGS, FILE_MODE);
    if (*fd < 0 && errno == ENOENT && !write)
        return true;
    if (*fd < 0 && (errno == ELOOP || errno == ENXIO)) // a link; a pipe or socket
        return file_check(dir, name, err) &&
               error_set(err, ERROR_CONFIG, "file %s is no regular file: remove it", name);
    if (*fd < 0 || fstat(*fd, &st) != 0)
        error_set_errno(err, ERROR_DISK, "file %s can't be opened", name);
    else if (check_status(&st, name, err))
        return true;
    file_close(fd);
    return false;
}

bool file_write_at(int fd, const char *name, uint64_t offset, struct slice bytes, struct error *err)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t n = pwrite(fd, bytes.data + done, bytes.size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ERROR_DISK, "file %s can't be written", name);
        done += (size_t)n;
    }
    return true;
}

bool file_read_at(int fd, const char *name, uint64_t offset, void *out, size_t size, size_t *got,
                  struct error *err)
{
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(fd, (char *)out + *got, size - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ERROR_DISK, "file %s can't be read", name);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return true;
}

bool file_open_path(int *fd, const char *path, struct error *err)
{
    do { // a pipe without a writer makes it wait
        *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    } while (*fd < 0 && errno == EINTR && !stop_is_requested());
    if (*fd < 0 && stop_is_requested())
        return error_set(err, ERROR_STOPPED, "asked to stop");
    return *fd >= 0 || error_set_errno(err, ERROR_CONFIG, "file %s can't be read", path);
}

bool file_read_whole(const char *path, struct buffer *out, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set_errno(err, ERROR_CONFIG, "file %s can't be read", path);
    char chunk[4096];
    size_t n;
    while (!out->has_failed && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
        buffer_append(out, chunk, n);
    explicit_bzero(chunk, sizeof chunk); // it may have been a secret
    bool is_read = !ferror(file);
    if (!is_read)
        error_set_errno(err, ERROR_CONFIG, "file %s can't be read", path);
    fclose(file);
    if (is_read && out->has_failed)
        return error_set(err, ERROR_CONFIG, "file %s is larger than %zu bytes", path, out->maximum);
    return is_read;
}

bool file_size(int fd, const char *name, uint64_t *size, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, ERROR_DISK, "file %s", name);
    *size = (uint64_t)st.st_size;
    return true;
}

bool file_sync(int fd, const char *name, struct error *err)
{
    if (fdatasync(fd) != 0)
        return error_set_errno(err, ERROR_DISK, "file %s can't be made durable", name);
    return true;
}

bool file_sync_directory(int dir, struct error *err)
{
    if (fsync(dir) != 0)
        return error_set_errno(err, ERROR_DISK, "the spool directory can't be made durable");
    return true;
}

void file_start_writing(int fd, uint64_t offset, uint64_t size)
{
    (void)sync_file_range(fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
}

bool file_cut(int fd, const char *name, uint64_t size, struct error *err)
{
    if (ftruncate(fd, (off_t)size) != 0)
        return error_set_errno(err, ERROR_DISK, "file %s can't be cut to %llu bytes", name,
                               (unsigned long long)size);
    return file_sync(fd, name, err);
}

bool file_remove(int dir, const char *name, struct error *err)
{
    if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
        return error_set_errno(err, ERROR_DISK, "file %s can't be removed", name);
    return true;
}

bool file_rename(int dir, const char *from, const char *to, struct error *err)
{
    if (renameat(dir, from, dir, to) != 0)
        return error_set_errno(err, ERROR_DISK, "file %s can't be renamed to %s", from, to);
    return true;
}

static bool write_beside(int dir, const char *name, struct slice content, struct error *err)
{
    int fd;
    if (!file_remove(dir, name, err) || !file_create(&fd, dir, name, err))
        return false;
    bool ok = file_write_at(fd, name, 0, content, err) && file_sync(fd, name, err);
    file_close(&fd);
    return ok;
}

bool file_replace(int dir, const char *name, struct slice content, struct error *err)
{
    char beside[256];
    if (snprintf(beside, sizeof beside, "%s.new", name) >= (int)sizeof beside)
        return error_set(err, ERROR_DISK, "file %s: the name is too long", name);
    return write_beside(dir, beside, content, err) && file_rename(dir, beside, name, err) &&
           file_sync_directory(dir, err);
}

bool file_publish(int dir, const char *name, const char *beside, struct slice content,
                  struct error *err)
{
    int fd;
    if (!file_remove(dir, beside, err) || !file_create(&fd, dir, beside, err))
        return false;
    bool ok = file_write_at(fd, beside, 0, content, err) &&
              (fchmod(fd, PUBLIC_MODE) == 0 || error_set_errno(err, ERROR_DISK, "file %s", beside));
    file_close(&fd);
    return ok && file_rename(dir, beside, name, err);
}

static bool list_entries(DIR *stream,
                         bool (*each)(const char *name, void *context, struct error *err),
                         void *context, struct error *err)
{
    for (;;) {
        errno = 0; // readdir returns NULL at the end and on an error
        struct dirent *entry = readdir(stream);
        if (entry == NULL && errno != 0)
            return error_set_errno(err, ERROR_DISK, "the directory can't be listed");
        if (entry == NULL)
            return true;
        bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_dots && !each(entry->d_name, context, err))
            return false;
    }
}

bool file_list(int dir, bool (*each)(const char *name, void *context, struct error *err),
               void *context, struct error *err)
{
    int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    if (stream == NULL) {
        error_set_errno(err, ERROR_DISK, "the directory can't be listed");
        file_close(&own);
        return false;
    }
    bool ok = list_entries(stream, each, context, err);
    closedir(stream);
    return ok;
}

static bool remove_listed(const char *name, void *dir, struct error *err)
{
    return file_remove(*(const int *)dir, name, err);
}

bool file_remove_directory(int dir, const char *name, struct error *err)
{
    int own = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (own < 0 && errno == ENOENT)
        return true;
    if (own < 0)
        return error_set_errno(err, ERROR_DISK, "directory %s can't be removed", name);
    bool ok = file_list(own, remove_listed, &own, err);
    file_close(&own);
    if (ok && unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        ok = error_set_errno(err, ERROR_DISK, "directory %s can't be removed", name);
    return ok;
}

bool file_lock(int fd, const char *name, off_t byte, bool *taken, struct error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    *taken = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (*taken || errno == EAGAIN || errno == EACCES)
        return true;
    return error_set_errno(err, ERROR_DISK, "file %s can't be locked", name);
}

bool file_is_locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
