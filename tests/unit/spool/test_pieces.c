/* test_pieces.c: what was checked whole comes back piece by piece, and nothing else does. */
#include "spool/pieces.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "spool/frame.h"
#include "unit.h"

#define NAME "a-file"

enum { BEFORE = 11, BEHIND = 7, MOST = 200000 };

static struct error err;
static char *path;
static int dir, fd;
static struct pieces *pieces;
static char bytes[BEFORE + MOST + BEHIND];

static void set_up(void)
{
    uint64_t state = 1;
    path = unit_make_directory();
    dir = open(path, O_RDONLY | O_DIRECTORY);
    fd = openat(dir, NAME, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)unit_random(&state);
    ck_assert_int_eq(pwrite(fd, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    unit_assert_ok(pieces_new(&pieces, &err), err);
    err.kind = ERROR_NONE;
}

static void tear_down(void)
{
    pieces_free(pieces);
    pieces_free(NULL);
    file_close(&fd);
    file_close(&dir);
    unit_remove_directory(path);
}

/* Of SIZE bytes behind the first ones. */
static struct body_source check(size_t size)
{
    uint64_t checksum;
    bool is_whole = false;
    unit_assert_ok(pieces_check(pieces, dir, NAME, fd, BEFORE, size, &checksum, &is_whole, &err),
                   err);
    ck_assert(is_whole);
    ck_assert_uint_eq(checksum, frame_checksum((struct slice){bytes + BEFORE, size}));
    return pieces_source(pieces);
}

/* Read all of SOURCE and compare. */
static bool read_all(const struct body_source *source)
{
    struct slice piece;
    for (uint64_t at = 0; at < source->size; at += piece.size) {
        if (!source->read(source->context, at, &piece, &err))
            return false;
        ck_assert_uint_ge(piece.size, 1);
        ck_assert_uint_le(at + piece.size, source->size);
        ck_assert(memcmp(piece.data, bytes + BEFORE + at, piece.size) == 0);
    }
    return true;
}

static const size_t sizes[] = {0,        1,   1000, (32 << 10) - 1, 32 << 10, (32 << 10) + 1,
                               64 << 10, MOST};

START_TEST(what_was_checked_is_read_as_often_as_wanted)
{
    struct body_source source = check(sizes[_i]);
    ck_assert_uint_eq(source.size, sizes[_i]);
    unit_assert_ok(read_all(&source), err);
    unit_assert_ok(read_all(&source), err);
}
END_TEST

START_TEST(one_body_follows_the_other)
{
    for (size_t i = COUNT_OF(sizes); i-- > 0;) {
        struct body_source source = check(sizes[i]);
        unit_assert_ok(read_all(&source), err);
    }
}
END_TEST

START_TEST(a_file_that_ends_early_is_not_whole)
{
    uint64_t checksum;
    bool is_whole = true;
    ck_assert_int_eq(ftruncate(fd, BEFORE + MOST - 1), 0);
    unit_assert_ok(pieces_check(pieces, dir, NAME, fd, BEFORE, MOST, &checksum, &is_whole, &err),
                   err);
    ck_assert(!is_whole);
}
END_TEST

static void change_first(void)
{
    ck_assert_int_eq(pwrite(fd, bytes, 1, BEFORE), 1);
}

static void change_last(void)
{
    ck_assert_int_eq(pwrite(fd, bytes, 1, BEFORE + MOST - 1), 1);
}

static void cut(void)
{
    ck_assert_int_eq(ftruncate(fd, BEFORE + MOST - 1), 0);
}

static void cut_all(void)
{
    ck_assert_int_eq(ftruncate(fd, 0), 0);
}

static void take_away(void)
{
    ck_assert_int_eq(unlinkat(dir, NAME, 0), 0);
}

static void (*const changes[])(void) = {change_first, change_last, cut, cut_all, take_away};

START_TEST(what_has_changed_since_is_never_given_out)
{
    struct body_source source = check(MOST);
    changes[_i]();
    unit_assert_error(read_all(&source), err, ERROR_DAMAGED,
                      "a-file has changed since it was checked");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error)
{
    uint64_t checksum;
    bool is_whole;
    unit_assert_error(
        pieces_check(pieces, dir, NAME, dir, BEFORE, MOST, &checksum, &is_whole, &err), err,
        ERROR_DISK, NAME);
}
END_TEST

UNIT_MAIN_WITH("spool/pieces", set_up, tear_down,
               UNIT_EACH(what_was_checked_is_read_as_often_as_wanted, sizes),
               UNIT_TEST(one_body_follows_the_other),
               UNIT_TEST(a_file_that_ends_early_is_not_whole),
               UNIT_EACH(what_has_changed_since_is_never_given_out, changes),
               UNIT_TEST(a_file_that_cannot_be_read_is_an_error))
