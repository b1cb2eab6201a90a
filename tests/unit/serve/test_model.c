/* test_model.c: a model is a config file that can be read. */
#include "serve/model.h"

#include "unit.h"

static char *directory;
static struct error err;

static void set_up(void)
{
    directory = unit_make_directory();
}

static void tear_down(void)
{
    unit_remove_directory(directory);
}

static void make_file(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    fclose(fopen(path, "w"));
}

START_TEST(a_directory_with_a_config_file_is_one_of_models)
{
    unit_assert_error(model_check_directory(directory, &err), err, ERROR_CONFIG, "holds no model");
    make_file("image.sql");
    make_file(".conf");
    unit_assert_error(model_check_directory(directory, &err), err, ERROR_CONFIG, "holds no model");
    make_file("image.conf");
    unit_assert_ok(model_check_directory(directory, &err), err);
    unit_assert_error(model_check_directory("/nonexistent", &err), err, ERROR_CONFIG,
                      "--models /nonexistent");
}
END_TEST

START_TEST(a_model_is_found_by_its_name)
{
    char path[MODEL_PATH_BYTES], expected[4096];
    make_file("image.conf");
    snprintf(expected, sizeof expected, "%s/image.conf", directory);
    ck_assert(model_find(directory, "image", path));
    ck_assert_str_eq(path, expected);
    ck_assert(!model_find(directory, "audio", path));
}
END_TEST

START_TEST(a_path_that_is_too_long_is_no_model)
{
    static char name[MODEL_PATH_BYTES];
    char path[MODEL_PATH_BYTES];
    memset(name, 'a', sizeof name - 1);
    ck_assert(!model_find(directory, name, path));
}
END_TEST

UNIT_MAIN_WITH("serve/model", set_up, tear_down,
               UNIT_TEST(a_directory_with_a_config_file_is_one_of_models),
               UNIT_TEST(a_model_is_found_by_its_name),
               UNIT_TEST(a_path_that_is_too_long_is_no_model))
