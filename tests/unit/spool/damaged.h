/* damaged.h: for the tests of damage: a small spool that is made once and given back its bytes as often as
 * wanted, and what may come of a spool whose bytes were changed. Behind spooled.h. */
#ifndef BOBBIN_TESTS_DAMAGED_H
#define BOBBIN_TESTS_DAMAGED_H

#include "spooled.h"

enum { DAMAGED_FILE_MAX = 1 << 20 };

struct damaged_file {
    const char *name;
    char bytes[DAMAGED_FILE_MAX];
    size_t size;
};

static inline void damaged_keep(struct damaged_file *file, const char *name)
{
    int fd = open(spooled_file(name), O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t size = read(fd, file->bytes, sizeof file->bytes);
    ck_assert_int_gt(size, 0);
    close(fd);
    file->name = name;
    file->size = (size_t)size;
}

/* The file's first SIZE bytes, as they were. */
static inline void damaged_restore(const struct damaged_file *file, size_t size)
{
    int fd = open(spooled_file(file->name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, file->bytes, size), (ssize_t)size);
    close(fd);
}

static inline void damaged_write(const struct damaged_file *file, size_t at, const void *bytes,
                                 size_t size)
{
    int fd = open(spooled_file(file->name), O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
    close(fd);
}

static inline void damaged_flip(const struct damaged_file *file, size_t at, unsigned char pattern)
{
    char byte = (char)((unsigned char)file->bytes[at] ^ pattern);
    damaged_write(file, at, &byte, 1);
}

/* Open with ROLES, send all that is pending and can be read, dump the rest, send that. True when it is done: then
 * every document was sent; false with ERROR_DAMAGED. Anything else, and a document that was never made, fails. */
static inline bool damaged_work(void)
{
    struct error error = {.kind = ERROR_NONE};
    memset(spooled_sent, 0, SPOOLED_SENT_BYTES);
    bool ok = spooled_work(&error);
    ck_assert_msg(ok || error.kind == ERROR_DAMAGED, "%s: %s", error_kind_name(error.kind),
                  error.message);
    for (int i = 1; ok && i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_msg(spooled_sent[i] > 0, "document %d was never sent", i);
    return ok;
}

#endif
