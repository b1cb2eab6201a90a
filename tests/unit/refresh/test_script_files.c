/* test_script_files.c: which files are a step's, in what order, and what is wrong with them. */
#include "refresh/script_files.h"

#include "scripted.h"

static const char *const variables[] = {"table=image", NULL};
static struct script_files *files;
static struct error err;

static bool read_step(const char *step)
{
    script_files_free(files);
    return script_files_read(&files, scripted_directory, step, variables, &err);
}

static void set_up(void)
{
    scripted_begin();
    files = NULL;
}

static void tear_down(void)
{
    script_files_free(files);
    scripted_end();
}

START_TEST(files_come_in_the_order_of_their_names_with_their_variables)
{
    scripted_make_step("before");
    scripted_put_text("before/20-b.sql", "SELECT ':table' FROM :table");
    scripted_put_text("before/10-a.sql", "");
    scripted_put_text("before/100-c.sql", "c");
    scripted_put_text("before/.30-hidden.sql", ":unknown");
    scripted_put_text("before/README.md", ":unknown");
    scripted_put_text("notes.txt", "of no step");
    unit_assert_ok(read_step("before"), err);
    ck_assert_uint_eq(files->count, 3);
    ck_assert_str_eq(files->files[0].name, "10-a.sql");
    ck_assert_str_eq(files->files[1].name, "100-c.sql");
    ck_assert_str_eq(files->files[2].name, "20-b.sql");
    ck_assert_ptr_nonnull(strstr(files->files[2].path, "/before/20-b.sql"));
    unit_assert_slice(buffer_slice(&files->files[0].sql), "");
    unit_assert_slice(buffer_slice(&files->files[2].sql), "SELECT ':table' FROM image");
}
END_TEST

START_TEST(a_step_without_a_directory_has_no_files)
{
    unit_assert_ok(read_step("after"), err);
    ck_assert_uint_eq(files->count, 0);
}
END_TEST

START_TEST(what_is_wrong_with_a_file_is_said_of_it)
{
    scripted_make_step("after");
    scripted_put_text("after/10-a.sql", "SELECT 1;\nSELECT :tables");
    unit_assert_error(read_step("after"), err, ERROR_CONFIG,
                      "/after/10-a.sql line 2: there is no variable \"tables\"");
    scripted_put("after/10-a.sql", "SELECT 1\0", 9);
    unit_assert_error(read_step("after"), err, ERROR_CONFIG, "/after/10-a.sql: a zero byte");
    scripted_put_text("stray.sql", "");
    unit_assert_error(read_step("before"), err, ERROR_CONFIG, "stray.sql is of no step");
}
END_TEST

START_TEST(a_directory_that_is_not_there_or_none_is_an_error)
{
    unit_assert_error(script_files_read(&files, "/nonexistent", "before", variables, &err), err,
                      ERROR_CONFIG, "/nonexistent");
    scripted_put_text("before", "a file");
    unit_assert_error(read_step("before"), err, ERROR_DISK, "can't be listed");
}
END_TEST

START_TEST(a_bad_variable_and_a_bad_step_are_told)
{
    static const char *const bad[] = {"table", NULL};
    unit_assert_error(script_files_read(&files, scripted_directory, "before", bad, &err), err,
                      ERROR_USAGE, "NAME=VALUE");
    unit_assert_ok(scripts_check_step("promote", &err), err);
    unit_assert_error(scripts_check_step("during", &err), err, ERROR_USAGE,
                      "\"during\" is no step: before, after or promote");
}
END_TEST

START_TEST(too_many_files_are_refused)
{
    char name[64];
    scripted_make_step("before");
    for (int i = 0; i <= SCRIPT_FILES_MAX; i++) {
        snprintf(name, sizeof name, "before/%03d.sql", i);
        scripted_put_text(name, "");
    }
    unit_assert_error(read_step("before"), err, ERROR_CONFIG, "before: more than 100 files");
}
END_TEST

UNIT_MAIN_WITH("refresh/script_files", set_up, tear_down,
               UNIT_TEST(files_come_in_the_order_of_their_names_with_their_variables),
               UNIT_TEST(a_step_without_a_directory_has_no_files),
               UNIT_TEST(what_is_wrong_with_a_file_is_said_of_it),
               UNIT_TEST(a_directory_that_is_not_there_or_none_is_an_error),
               UNIT_TEST(a_bad_variable_and_a_bad_step_are_told),
               UNIT_TEST(too_many_files_are_refused))
