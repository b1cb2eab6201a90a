/* test_file_owner.c: what is opened in a directory is the user's own file, whatever others, or a
 * careless hand, have put in its place. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "unit.h"

static char *path; // of the test's own directory
static int dir;
static struct error err;

static void setup(void)
{
    path = unit_make_directory();
    unit_assert_ok(file_open_directory(&dir, path, false, &err), err);
}

static void teardown(void)
{
    file_close(&dir);
    ck_assert_int_eq(chmod(path, 0700), 0);
    unit_remove_directory(path);
}

static void make(const char *name)
{
    int fd;
    unit_assert_ok(file_create(&fd, dir, name, &err), err);
    file_close(&fd);
}

/* NAME, opened in any way or only looked at, is refused with WORDS. */
static void assert_refused(const char *name, const char *words)
{
    int fd;
    unit_assert_error(file_check(dir, name, &err), err, ERROR_CONFIG, words);
    for (int write = 0; write < 2; write++) {
        unit_assert_error(file_open(&fd, dir, name, write, &err), err, ERROR_CONFIG, words);
        ck_assert_int_eq(fd, -1);
        ck_assert_msg(strstr(err.message, name) != NULL, "%s", err.message);
    }
}

START_TEST(a_link_is_refused_and_what_it_leads_to_untouched)
{
    make("target");
    ck_assert_int_eq(symlinkat("target", dir, "link"), 0);
    ck_assert_int_eq(symlinkat("nowhere", dir, "dangling"), 0);
    ck_assert_int_eq(linkat(dir, "target", dir, "second", 0), 0);
    assert_refused("link", "symbolic link");
    assert_refused("dangling", "symbolic link");
    assert_refused("target", "hard link");
    assert_refused("second", "hard link");
    ck_assert_int_ne(faccessat(dir, "nowhere", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting_for_it)
{
    ck_assert_int_eq(mkfifoat(dir, "pipe", 0600), 0);
    ck_assert_int_eq(mknodat(dir, "socket", S_IFSOCK | 0600, 0), 0);
    assert_refused("pipe", "no regular file");
    assert_refused("socket", "no regular file");
}
END_TEST

START_TEST(a_file_of_ones_own_and_an_absent_one_are_well)
{
    make("own");
    ck_assert_int_eq(mkdirat(dir, "lost+found", 0700), 0);
    unit_assert_ok(file_check(dir, "own", &err), err);
    unit_assert_ok(file_check(dir, "none", &err), err);
    unit_assert_ok(file_check(dir, "lost+found", &err), err); // where a disk is mounted
}
END_TEST

static const unsigned modes[] = {0720, 0702, 01777, 0770};

START_TEST(a_directory_that_others_can_write_to_is_refused)
{
    int fd;
    ck_assert_int_eq(chmod(path, modes[_i]), 0);
    unit_assert_error(file_open_directory(&fd, path, true, &err), err, ERROR_CONFIG, "chmod go-w");
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(chmod(path, 0755), 0);
    unit_assert_ok(file_open_directory(&fd, path, true, &err), err);
    file_close(&fd);
}
END_TEST

/* Only root can give a file away; without it there is nothing to try. */
START_TEST(another_users_directory_and_file_are_refused)
{
    int fd;
    if (geteuid() != 0)
        return;
    make("theirs");
    ck_assert_int_eq(fchownat(dir, "theirs", 2, 2, 0), 0);
    unit_assert_ok(file_check(dir, "theirs", &err), err); // to root
    ck_assert_int_eq(fchown(dir, 1, 1), 0);
    ck_assert_int_eq(seteuid(1), 0);
    unit_assert_ok(file_open_directory(&fd, path, false, &err), err);
    file_close(&fd);
    unit_assert_error(file_check(dir, "theirs", &err), err, ERROR_CONFIG, "belongs to user 2");
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(fchmod(dir, 0755), 0);
    ck_assert_int_eq(seteuid(2), 0);
    unit_assert_error(file_open_directory(&fd, path, false, &err), err, ERROR_CONFIG,
                      "belongs to user 1");
    ck_assert_int_eq(seteuid(0), 0);
    unit_assert_ok(file_open_directory(&fd, path, false, &err), err);
    file_close(&fd);
}
END_TEST

START_TEST(modes_are_tight_whatever_the_umask)
{
    static const mode_t masks[] = {0, 022, 077};
    struct stat st;
    char *name;
    int fd;
    for (size_t i = 0; i < COUNT_OF(masks); i++) {
        umask(masks[i]);
        ck_assert_int_gt(asprintf(&name, "%s/%zu", path, i), 0);
        unit_assert_ok(file_open_directory(&fd, name, true, &err), err);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0700);
        make("file");
        ck_assert_int_eq(fstatat(dir, "file", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        unit_assert_ok(file_remove(dir, "file", &err), err);
        file_close(&fd);
        free(name);
    }
}
END_TEST

UNIT_MAIN_WITH("base/file_owner", setup, teardown,
               UNIT_TEST(a_link_is_refused_and_what_it_leads_to_untouched),
               UNIT_TEST(what_is_no_file_is_refused_without_waiting_for_it),
               UNIT_TEST(a_file_of_ones_own_and_an_absent_one_are_well),
               UNIT_EACH(a_directory_that_others_can_write_to_is_refused, modes),
               UNIT_OWN_PROCESS(another_users_directory_and_file_are_refused, 1),
               UNIT_OWN_PROCESS(modes_are_tight_whatever_the_umask, 1))
