/* test_file_directory.c: directories are removed with their files, and nothing that lies elsewhere. */
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "unit.h"

static char *directory;
static int dir;
static struct error err;

static void set_up(void)
{
    directory = unit_make_directory();
    unit_assert_ok(file_open_directory(&dir, directory, false, &err), err);
}

static void tear_down(void)
{
    file_close(&dir);
    unit_remove_directory(directory);
}

static void make_file(const char *name)
{
    int fd = openat(dir, name, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static bool exists(const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

START_TEST(a_directory_is_removed_with_its_files)
{
    ck_assert_int_eq(mkdirat(dir, "full", 0700), 0);
    make_file("full/one");
    make_file("full/two");
    unit_assert_ok(file_remove_directory(dir, "full", &err), err);
    ck_assert(!exists("full"));
}
END_TEST

START_TEST(an_absent_directory_is_removed_already)
{
    unit_assert_ok(file_remove_directory(dir, "none", &err), err);
}
END_TEST

START_TEST(a_directory_in_it_is_left_alone)
{
    ck_assert_int_eq(mkdirat(dir, "outer", 0700), 0);
    ck_assert_int_eq(mkdirat(dir, "outer/inner", 0700), 0);
    unit_assert_error(file_remove_directory(dir, "outer", &err), err, ERROR_DISK, "inner");
    ck_assert(exists("outer/inner"));
}
END_TEST

START_TEST(what_a_link_leads_to_is_left_alone)
{
    ck_assert_int_eq(mkdirat(dir, "real", 0700), 0);
    make_file("real/one");
    ck_assert_int_eq(symlinkat("real", dir, "link"), 0);
    unit_assert_error(file_remove_directory(dir, "link", &err), err, ERROR_DISK, "link");
    ck_assert_int_eq(mkdirat(dir, "full", 0700), 0);
    ck_assert_int_eq(symlinkat("../real", dir, "full/link"), 0);
    unit_assert_ok(file_remove_directory(dir, "full", &err), err);
    ck_assert(exists("real/one"));
}
END_TEST

UNIT_MAIN_WITH("base/file_directory", set_up, tear_down,
               UNIT_TEST(a_directory_is_removed_with_its_files),
               UNIT_TEST(an_absent_directory_is_removed_already),
               UNIT_TEST(a_directory_in_it_is_left_alone),
               UNIT_TEST(what_a_link_leads_to_is_left_alone))
