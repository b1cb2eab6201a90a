/* test_cmd_serve.c: serve checks what it is told, and says in one line what is wrong. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

static const struct {
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {"serve --tasks 0", 64, "--tasks: 0 is not within 1 and 64"},
    {"serve --tasks 65", 64, "--tasks: 65 is not within"},
    {"serve --listen=", 64, "--listen is missing"},
    {"serve --state=", 64, "--state is missing"},
    {"serve --models=", 64, "--models is missing"},
    {"serve --token-file @", 64, "--token is empty"},
    {"serve --models /nonexistent", 78, "--models /nonexistent"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    put_file(config, "\n");
    assert_read(COMMAND_SERVE, cases[_i].line);
    captured_begin();
    int status = command_serve(&options);
    captured_end();
    captured_assert_one_line(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

START_TEST(a_token_does_not_stand_on_the_command_line)
{
    ck_assert(!read_line(COMMAND_SERVE, "serve --token=secret"));
    ck_assert_ptr_nonnull(strstr(err.message, "--token-file"));
}
END_TEST

START_TEST(by_itself_it_listens_on_this_machine_alone)
{
    assert_read(COMMAND_SERVE, "serve");
    ck_assert_str_eq(options.serve.listen, "127.0.0.1:8003");
    ck_assert_ptr_null(options.serve.token);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_serve", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_TEST(a_token_does_not_stand_on_the_command_line),
               UNIT_TEST(by_itself_it_listens_on_this_machine_alone))
