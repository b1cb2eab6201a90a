/* file.h: files that last. The only place that opens, writes, syncs, renames, truncates, unlinks
 * and locks; names are relative to a directory's descriptor.
 *
 * In a directory no symbolic link is ever followed; what is opened there must be a regular file of
 * one name that belongs to the user. So must the directory, and nobody else may write to it: then
 * what is opened in it by path (LMDB's files) is what was looked at. Root may use anybody's.
 *
 * A failed sync is never tried again: the kernel may have dropped the pages and would report
 * success the next time. All errors name the file; they are ERROR_DISK, but for
 * files and directories as above, which are ERROR_CONFIG. */
#ifndef BOBBIN_BASE_FILE_H
#define BOBBIN_BASE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

/* Open directory PATH; *FD is the caller's to close. With CREATE a missing one is made (0700), and
 * its entry synced: also when it is there, as who made it may have been killed before. A missing one without CREATE gives *FD = -1 and true. */
MUST_CHECK bool file_open_directory(int *fd, const char *path, bool create, struct error *err);

/* May NAME, which others open by its path, be opened: is it as above, a directory, or absent? */
MUST_CHECK bool file_check(int dir, const char *name, struct error *err);

/* Could files be made in directory PATH, or PATH itself when it is missing? Nothing is made. ERROR_DISK when
 * not, as far as permissions and mounts tell. */
MUST_CHECK bool file_check_place(const char *path, struct error *err);

/* Create NAME (0600) for writing; it must not exist. */
MUST_CHECK bool file_create(int *fd, int dir, const char *name, struct error *err);

/* Create a file (0600) without a name in directory DIR, to write and read: it is gone when FD is closed,
 * however the process ends. */
MUST_CHECK bool file_create_unnamed(int *fd, int dir, struct error *err);

/* Open NAME for reading, or (with WRITE) for reading and writing, made when missing. A missing one
 * without WRITE gives *FD = -1 and true. */
MUST_CHECK bool file_open(int *fd, int dir, const char *name, bool write, struct error *err);

/* Write all of BYTES at OFFSET, through short writes and EINTR. NAME is for the message. */
MUST_CHECK bool file_write_at(int fd, const char *name, uint64_t offset, struct slice bytes,
                              struct error *err);

/* Read SIZE bytes at OFFSET; *GOT is less only at the end of the file. */
MUST_CHECK bool file_read_at(int fd, const char *name, uint64_t offset, void *out, size_t size,
                             size_t *got, struct error *err);

/* Open PATH, a file, pipe or device of the user's own, for reading. ERROR_CONFIG when it can't be; ERROR_STOPPED
 * on a stop request, as a pipe waits for its writer. */
MUST_CHECK bool file_open_path(int *fd, const char *path, struct error *err);

/* Append the whole file NAME, named by PATH from the working directory, to OUT. ERROR_CONFIG when
 * it can't be read or is larger than OUT's maximum: this is for the user's own files. */
MUST_CHECK bool file_read_whole(const char *path, struct buffer *out, struct error *err);

MUST_CHECK bool file_size(int fd, const char *name, uint64_t *size, struct error *err);

/* Make the file's data and length durable (fdatasync). */
MUST_CHECK bool file_sync(int fd, const char *name, struct error *err);

/* Make the directory's entries durable. */
MUST_CHECK bool file_sync_directory(int dir, struct error *err);

/* Ask the kernel to start writing what is dirty in the SIZE bytes at OFFSET, and don't wait: so the
 * later file_sync is short. Promises nothing. */
void file_start_writing(int fd, uint64_t offset, uint64_t size);

/* Cut the file to SIZE bytes, durably. */
MUST_CHECK bool file_cut(int fd, const char *name, uint64_t size, struct error *err);

/* Remove NAME; one that is absent already is success. Durable after file_sync_directory. */
MUST_CHECK bool file_remove(int dir, const char *name, struct error *err);

/* Remove directory NAME and the files in it, but no directory below it; one that is absent already is success. */
MUST_CHECK bool file_remove_directory(int dir, const char *name, struct error *err);

/* Rename FROM to TO, which is replaced when it is there. Durable after file_sync_directory. */
MUST_CHECK bool file_rename(int dir, const char *from, const char *to, struct error *err);

/* Replace NAME by CONTENT, durably and at once: written beside it, synced, renamed, synced. */
MUST_CHECK bool file_replace(int dir, const char *name, struct slice content, struct error *err);

/* The same for a file that everybody may read (0644): replaced at once, by way of BESIDE, but not synced. */
MUST_CHECK bool file_publish(int dir, const char *name, const char *beside, struct slice content,
                             struct error *err);

/* Call EACH(name, context) for every entry but "." and ".."; stops with false when EACH says so. */
MUST_CHECK bool file_list(int dir, bool (*each)(const char *name, void *context, struct error *err),
                          void *context, struct error *err);

/* Lock byte BYTE of the open lock file FD for this open file; held until FD is closed, however the
 * process ends (open file description lock, fcntl(2) F_OFD_SETLK). *TAKEN false: somebody has it.
 */
MUST_CHECK bool file_lock(int fd, const char *name, off_t byte, bool *taken, struct error *err);

/* Does another open file hold byte BYTE's lock? False on any error. */
bool file_is_locked(int fd, off_t byte);

void file_close(int *fd);

#endif
