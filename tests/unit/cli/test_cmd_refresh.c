/* test_cmd_refresh.c: refresh sql checks what it is told, and says in one line what is wrong. */
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
    captured_assert_told(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
    ck_assert_str_eq(captured_out, "");
    ck_assert_str_eq(strchr(captured_err, '\n'), "\n");
}
END_TEST

START_TEST(a_variable_in_the_config_file_may_have_commas_and_spaces)
{
    put_file(config, "set = a=1, 2\nset = b=3\n");
    assert_read(COMMAND_REFRESH_SQL, "sql before --config @");
    ck_assert_str_eq(options.variables[0], "a=1, 2");
    ck_assert_str_eq(options.variables[1], "b=3");
    ck_assert_ptr_null(options.variables[2]);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_refresh", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_TEST(a_variable_in_the_config_file_may_have_commas_and_spaces))
