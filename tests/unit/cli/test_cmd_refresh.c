/* test_cmd_refresh.c: refresh and refresh sql check what they are told, and say in one line what is wrong. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

static const struct {
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {"sql", 64, "--step is missing"},
    {"sql during", 64, "\"during\" is no step"},
    {"sql before", 64, "--steps is missing"},
    {"sql before --steps /nonexistent", 64, "--index is missing"},
    {"sql before --steps /nonexistent --index i", 78, "/nonexistent"},
    {"sql before --steps / --index i --set table", 64, "--set table: give it as NAME=VALUE"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    assert_read(COMMAND_REFRESH_SQL, cases[_i].line);
    captured_begin();
    int status = command_refresh_sql(&options);
    captured_end();
    captured_assert_one_line(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

static const struct {
    const char *line;
    int status;
    const char *text;
} wholes[] = {
    {"refresh", 64, "--alias is missing"},
    {"refresh /nonexistent", 78, "/nonexistent"},
    {"refresh --alias a", 64, "--create-index is missing"},
    {"refresh --alias a --create-index /x", 64, "give either --table NAME or --query FILE"},
    {"refresh --alias a --create-index /x --table t", 64, "--url is missing"},
    {"refresh --alias a --since c --table t --url http://h", 64, "--spool is missing"},
    {"refresh --alias a --index i", 64, "--index does not belong to this command"},
    {"refresh @ --alias a", 64, "--create-index is missing"},
};

START_TEST(a_whole_refresh_is_checked_first)
{
    put_file(config, "url = http://h\n");
    captured_begin();
    bool ok = read_line(COMMAND_REFRESH, wholes[_i].line);
    int status = ok ? command_refresh(&options) : command_failed(&err);
    captured_end();
    captured_assert_told(wholes[_i].text);
    ck_assert_int_eq(status, wholes[_i].status);
    ck_assert_str_eq(captured_out, "");
}
END_TEST

START_TEST(the_operand_is_the_config_file)
{
    put_file(config, "alias = images\nkeep-old = yes\n");
    assert_read(COMMAND_REFRESH, "refresh @ --mark changed");
    ck_assert_str_eq(options.step.alias, "images");
    ck_assert_str_eq(options.refresh.mark, "changed");
    ck_assert(options.refresh.keeps_old);
}
END_TEST

START_TEST(a_variable_in_the_config_file_may_have_commas_and_spaces)
{
    put_file(config, "set = a=1, 2\nset = b=3\n");
    assert_read(COMMAND_REFRESH_SQL, "sql before --config @");
    ck_assert_str_eq(options.refresh.variables[0], "a=1, 2");
    ck_assert_str_eq(options.refresh.variables[1], "b=3");
    ck_assert_ptr_null(options.refresh.variables[2]);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_refresh", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_EACH(a_whole_refresh_is_checked_first, wholes),
               UNIT_TEST(the_operand_is_the_config_file),
               UNIT_TEST(a_variable_in_the_config_file_may_have_commas_and_spaces))
