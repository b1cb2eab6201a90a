/* test_cmd_job.c: job's subcommands check what they are told; what they print is in tests/integration/test_fleet.py. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

static const struct {
    enum command command;
    int (*run)(struct options *o);
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {COMMAND_JOB_LIST, command_job_list, "list", 64, "--url is missing"},
    {COMMAND_JOB_LIST, command_job_list, "list --url http://127.0.0.1:1", 75,
     "no answer from http://127.0.0.1:1"},
    {COMMAND_JOB_SHOW, command_job_show, "show --url http://h", 64, "name the job"},
    {COMMAND_JOB_SHOW, command_job_show, "show a:b --url http://h", 64, "a name is"},
    {COMMAND_JOB_WATCH, command_job_watch, "watch a --url ftp://h", 64, "it must begin with http"},
    {COMMAND_JOB_CANCEL, command_job_cancel, "cancel a --coordinator host=/nonexistent", 75,
     "/nonexistent"},
    {COMMAND_JOB_DELETE, command_job_delete, "delete a --url http://127.0.0.1:1", 75, "no answer"},
    {COMMAND_JOB_RETRY_DEAD, command_job_retry_dead, "retry-dead a --url http://127.0.0.1:1", 75,
     "no answer"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    assert_read(cases[_i].command, cases[_i].line);
    captured_begin();
    int status = cases[_i].run(&options);
    captured_end();
    captured_assert_one_line(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

START_TEST(list_is_of_all_jobs)
{
    unit_assert_error(read_line(COMMAND_JOB_LIST, "list images"), err, ERROR_USAGE,
                      "unexpected argument");
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_job", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_TEST(list_is_of_all_jobs))
