/* test_file.c: files on a real disk: nothing is followed, overwritten or lost by accident. Whether the
 * calls come in the durable order, test_file_order.c sees. */
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

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
    unit_remove_directory(path);
}

static void write_file(const char *name, const char *content)
{
    int fd;
    unit_assert_ok(file_create(&fd, dir, name, &err), err);
    unit_assert_ok(file_write_at(fd, name, 0, slice_of(content), &err), err);
    file_close(&fd);
}

/* Does NAME hold exactly CONTENT? */
static void assert_content(const char *name, const char *content)
{
    char bytes[1000];
    size_t got;
    int fd;
    unit_assert_ok(file_open(&fd, dir, name, false, &err), err);
    ck_assert_int_ge(fd, 0);
    unit_assert_ok(file_read_at(fd, name, 0, bytes, sizeof bytes, &got, &err), err);
    unit_assert_slice(((struct slice){bytes, got}), content);
    file_close(&fd);
}

static bool is_there(const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    ck_assert_int_eq(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static char *below(const char *name)
{
    char *joined;
    ck_assert_int_gt(asprintf(&joined, "%s/%s", path, name), 0);
    return joined;
}

START_TEST(a_missing_directory_is_no_error_and_no_descriptor)
{
    char *name = below("none");
    int fd = 7;
    unit_assert_ok(file_open_directory(&fd, name, false, &err), err);
    ck_assert_int_eq(fd, -1);
    ck_assert(!is_there("none"));
    free(name);
}
END_TEST

START_TEST(a_directory_is_made_for_its_owner_alone)
{
    char *name = below("spool");
    int fd;
    for (int i = 0; i < 2; i++) { // the second time it is there
        unit_assert_ok(file_open_directory(&fd, name, true, &err), err);
        ck_assert_int_ge(fd, 0);
        ck_assert_uint_eq(mode_of("spool"), 0700);
        file_close(&fd);
    }
    free(name);
}
END_TEST

START_TEST(a_directory_that_cannot_be_is_named)
{
    char *in_nothing = below("none/spool");
    char *in_file = below("file");
    int fd;
    write_file("file", "");
    unit_assert_error(file_open_directory(&fd, in_nothing, true, &err), err, ERROR_DISK,
                      "none/spool");
    unit_assert_error(file_open_directory(&fd, in_file, true, &err), err, ERROR_DISK, "file");
    free(in_nothing);
    free(in_file);
}
END_TEST

START_TEST(a_new_file_is_its_owners_alone_and_must_be_new)
{
    int fd;
    write_file("new", "content");
    ck_assert_uint_eq(mode_of("new"), 0600);
    unit_assert_error(file_create(&fd, dir, "new", &err), err, ERROR_DISK, "new");
    assert_content("new", "content");
}
END_TEST

START_TEST(a_missing_file_is_made_only_to_write)
{
    int fd = 7;
    unit_assert_ok(file_open(&fd, dir, "new", false, &err), err);
    ck_assert_int_eq(fd, -1);
    unit_assert_ok(file_open(&fd, dir, "new", true, &err), err);
    ck_assert_int_ge(fd, 0);
    file_close(&fd);
    ck_assert_uint_eq(mode_of("new"), 0600);
    write_file("old", "content");
    unit_assert_ok(file_open(&fd, dir, "old", true, &err), err);
    file_close(&fd);
    assert_content("old", "content"); // not cut
}
END_TEST

START_TEST(a_symbolic_link_is_never_followed)
{
    int fd;
    write_file("target", "content");
    ck_assert_int_eq(symlinkat("target", dir, "link"), 0);
    ck_assert_int_eq(symlinkat("nowhere", dir, "dangling"), 0);
    unit_assert_error(file_open(&fd, dir, "link", false, &err), err, ERROR_DISK, "link");
    unit_assert_error(file_open(&fd, dir, "link", true, &err), err, ERROR_DISK, "link");
    unit_assert_error(file_create(&fd, dir, "link", &err), err, ERROR_DISK, "link");
    unit_assert_error(file_open(&fd, dir, "dangling", true, &err), err, ERROR_DISK, "dangling");
    unit_assert_error(file_create(&fd, dir, "dangling", &err), err, ERROR_DISK, "dangling");
    ck_assert(!is_there("nowhere"));
    unit_assert_ok(file_replace(dir, "link", slice_of("new"), &err), err);
    assert_content("link", "new");
    assert_content("target", "content");
    unit_assert_ok(file_remove(dir, "dangling", &err), err);
}
END_TEST

START_TEST(bytes_are_written_and_read_at_their_offset)
{
    char bytes[8];
    size_t got;
    uint64_t size;
    int fd;
    unit_assert_ok(file_create(&fd, dir, "a", &err), err);
    unit_assert_ok(file_write_at(fd, "a", 6, slice_of("tail"), &err), err);
    unit_assert_ok(file_write_at(fd, "a", 0, slice_of("head"), &err), err);
    unit_assert_ok(file_write_at(fd, "a", 2, slice_of(""), &err), err);
    unit_assert_ok(file_size(fd, "a", &size, &err), err);
    ck_assert_uint_eq(size, 10);
    unit_assert_ok(file_read_at(fd, "a", 2, bytes, sizeof bytes, &got, &err), err);
    ck_assert_uint_eq(got, 8);
    ck_assert_mem_eq(bytes, "ad\0\0tail", 8);
    file_close(&fd);
}
END_TEST

START_TEST(a_read_is_short_only_at_the_end_of_the_file)
{
    static const struct {
        uint64_t offset;
        size_t size, got;
    } reads[] = {{0, 5, 5}, {0, 6, 5}, {3, 100, 2}, {5, 1, 0}, {1000, 10, 0}, {0, 0, 0}};
    char bytes[100];
    int fd;
    write_file("a", "12345");
    unit_assert_ok(file_open(&fd, dir, "a", false, &err), err);
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        size_t got = 99;
        unit_assert_ok(file_read_at(fd, "a", reads[i].offset, bytes, reads[i].size, &got, &err),
                       err);
        ck_assert_uint_eq(got, reads[i].got);
    }
    file_close(&fd);
}
END_TEST

START_TEST(every_failing_call_names_its_file)
{
    char byte;
    size_t got;
    uint64_t size;
    bool taken;
    unit_assert_error(file_write_at(-1, "seg", 0, slice_of("x"), &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_read_at(-1, "seg", 0, &byte, 1, &got, &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_size(-1, "seg", &size, &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_sync(-1, "seg", &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_cut(-1, "seg", 0, &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_lock(-1, "seg", 0, &taken, &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_remove(-1, "seg", &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_replace(-1, "seg", slice_of(""), &err), err, ERROR_DISK, "seg");
    unit_assert_error(file_sync_directory(-1, &err), err, ERROR_DISK, "directory");
    unit_assert_error(file_list(-1, NULL, NULL, &err), err, ERROR_DISK, "directory");
    ck_assert(!file_is_locked(-1, 0));
}
END_TEST

START_TEST(a_whole_file_is_read_up_to_the_buffers_maximum)
{
    struct buffer out;
    char *name = below("config");
    buffer_init(&out, 10);
    write_file("config", "0123456789");
    unit_assert_ok(file_read_whole(name, &out, &err), err);
    unit_assert_slice(buffer_slice(&out), "0123456789");
    buffer_clear(&out);
    buffer_append_byte(&out, 'x');
    unit_assert_error(file_read_whole(name, &out, &err), err, ERROR_CONFIG, "larger than 10");
    free(name);
    buffer_free(&out);
}
END_TEST

static const char *const unreadable[] = {"/nowhere/at/all", "/", "/dev/zero"};

START_TEST(what_is_no_readable_file_is_a_configuration_error)
{
    struct buffer out;
    buffer_init(&out, 100000);
    unit_assert_error(file_read_whole(unreadable[_i], &out, &err), err, ERROR_CONFIG,
                      unreadable[_i]);
    buffer_free(&out);
}
END_TEST

START_TEST(a_cut_file_has_the_size_that_was_asked_for)
{
    int fd;
    write_file("a", "0123456789");
    unit_assert_ok(file_open(&fd, dir, "a", true, &err), err);
    unit_assert_ok(file_cut(fd, "a", 10, &err), err);
    assert_content("a", "0123456789");
    unit_assert_ok(file_cut(fd, "a", 4, &err), err);
    assert_content("a", "0123");
    unit_assert_ok(file_cut(fd, "a", 0, &err), err);
    assert_content("a", "");
    file_start_writing(fd, 0, 100); // promises nothing, harms nothing
    file_close(&fd);
    ck_assert_int_eq(fd, -1);
    file_close(&fd);
}
END_TEST

START_TEST(an_absent_file_is_removed_already)
{
    write_file("a", "");
    unit_assert_ok(file_remove(dir, "a", &err), err);
    ck_assert(!is_there("a"));
    unit_assert_ok(file_remove(dir, "a", &err), err);
    ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
    unit_assert_error(file_remove(dir, "d", &err), err, ERROR_DISK, "d");
}
END_TEST

START_TEST(a_replaced_file_has_the_new_content_and_nothing_stays_beside_it)
{
    write_file("job.json.new", "left by a crash, and longer than what comes");
    for (int i = 0; i < 2; i++) { // the first makes it
        const char *content = i == 0 ? "a first and long content" : "second";
        unit_assert_ok(file_replace(dir, "job.json", slice_of(content), &err), err);
        assert_content("job.json", content);
        ck_assert_uint_eq(mode_of("job.json"), 0600);
        ck_assert(!is_there("job.json.new"));
    }
}
END_TEST

START_TEST(a_replacement_that_fails_leaves_the_file)
{
    char name[256];
    memset(name, 'n', sizeof name);
    name[255] = '\0'; // the longest name there is; no room for ".new"
    write_file(name, "content");
    unit_assert_error(file_replace(dir, name, slice_of("new"), &err), err, ERROR_DISK, "too long");
    assert_content(name, "content");
    ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
    unit_assert_error(file_replace(dir, "d", slice_of("new"), &err), err, ERROR_DISK, "d");
}
END_TEST

static bool note_name(const char *name, void *context, struct error *e)
{
    struct buffer *names = context;
    buffer_append_string(names, name);
    if (strcmp(name, "bad") == 0)
        return error_set(e, ERROR_DAMAGED, "bad");
    return true;
}

START_TEST(a_listing_has_every_entry_and_not_the_dots)
{
    struct buffer names;
    buffer_init(&names, 100);
    for (int i = 0; i < 2; i++) { // a second listing begins anew
        buffer_clear(&names);
        unit_assert_ok(file_list(dir, note_name, &names, &err), err);
        unit_assert_slice(buffer_slice(&names), i == 0 ? "" : "only");
        if (i == 0)
            write_file("only", "");
    }
    buffer_free(&names);
}
END_TEST

START_TEST(a_listing_stops_when_it_is_told_to)
{
    struct buffer names;
    buffer_init(&names, 100);
    write_file("bad", "");
    unit_assert_error(file_list(dir, note_name, &names, &err), err, ERROR_DAMAGED, "bad");
    unit_assert_slice(buffer_slice(&names), "bad");
    buffer_free(&names);
}
END_TEST

START_TEST(a_lock_is_taken_once_and_each_byte_is_a_lock_of_its_own)
{
    int mine, other;
    bool taken;
    unit_assert_ok(file_open(&mine, dir, "lock", true, &err), err);
    unit_assert_ok(file_open(&other, dir, "lock", true, &err), err);
    unit_assert_ok(file_lock(mine, "lock", 0, &taken, &err), err);
    ck_assert(taken);
    unit_assert_ok(file_lock(mine, "lock", 0, &taken, &err), err);
    ck_assert(taken); // it is mine
    unit_assert_ok(file_lock(other, "lock", 0, &taken, &err), err);
    ck_assert(!taken);
    ck_assert(file_is_locked(other, 0));
    ck_assert(!file_is_locked(mine, 0)); // not by another
    ck_assert(!file_is_locked(other, 1));
    unit_assert_ok(file_lock(other, "lock", 1, &taken, &err), err);
    ck_assert(taken);
    file_close(&mine);
    unit_assert_ok(file_lock(other, "lock", 0, &taken, &err), err);
    ck_assert(taken);
    file_close(&other);
}
END_TEST

START_TEST(a_lock_ends_with_the_process_that_held_it)
{
    int fd, ready[2];
    bool taken = true;
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        bool ok = file_open(&fd, dir, "lock", true, &err) &&
                  file_lock(fd, "lock", 0, &taken, &err) && write(ready[1], "x", 1) == 1;
        pause();
        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    unit_assert_ok(file_open(&fd, dir, "lock", true, &err), err);
    unit_assert_ok(file_lock(fd, "lock", 0, &taken, &err), err);
    ck_assert(!taken);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    unit_assert_ok(file_lock(fd, "lock", 0, &taken, &err), err);
    ck_assert(taken);
    file_close(&fd);
}
END_TEST

UNIT_MAIN_WITH("base/file", setup, teardown,
               UNIT_TEST(a_missing_directory_is_no_error_and_no_descriptor),
               UNIT_TEST(a_directory_is_made_for_its_owner_alone),
               UNIT_TEST(a_directory_that_cannot_be_is_named),
               UNIT_TEST(a_new_file_is_its_owners_alone_and_must_be_new),
               UNIT_TEST(a_missing_file_is_made_only_to_write),
               UNIT_TEST(a_symbolic_link_is_never_followed),
               UNIT_TEST(bytes_are_written_and_read_at_their_offset),
               UNIT_TEST(a_read_is_short_only_at_the_end_of_the_file),
               UNIT_TEST(every_failing_call_names_its_file),
               UNIT_TEST(a_whole_file_is_read_up_to_the_buffers_maximum),
               UNIT_EACH(what_is_no_readable_file_is_a_configuration_error, unreadable),
               UNIT_TEST(a_cut_file_has_the_size_that_was_asked_for),
               UNIT_TEST(an_absent_file_is_removed_already),
               UNIT_TEST(a_replaced_file_has_the_new_content_and_nothing_stays_beside_it),
               UNIT_TEST(a_replacement_that_fails_leaves_the_file),
               UNIT_TEST(a_listing_has_every_entry_and_not_the_dots),
               UNIT_TEST(a_listing_stops_when_it_is_told_to),
               UNIT_TEST(a_lock_is_taken_once_and_each_byte_is_a_lock_of_its_own),
               UNIT_TEST(a_lock_ends_with_the_process_that_held_it))
