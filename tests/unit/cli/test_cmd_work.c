/* test_cmd_work.c: work checks what it is told before it asks anybody. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

static const struct {
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {"work images --index i --url http://h --spool s", 64,
     "give either --table NAME or --query FILE"},
    {"work images --table t --index i --spool s", 64, "--url is missing"},
    {"work images --table t --index i --url http://h", 64, "--spool is missing"},
    {"work --table t --index i --url http://h --spool s", 64, "name the job"},
    {"work a:b --table t --index i --url http://h --spool s", 64, "a name is"},
    {"work images --table t --index i --url http://h --spool s --lease 100ms", 64, "--lease"},
    {"work images --table t --index i --url http://127.0.0.1:1 --spool s", 75,
     "no answer from http://127.0.0.1:1"},
    {"work images --table t --index i --url http://h --spool s --coordinator host=/nonexistent", 75,
     "--coordinator: PostgreSQL at /nonexistent"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    assert_read(COMMAND_WORK, cases[_i].line);
    captured_begin();
    int status = command_work(&options);
    captured_end();
    captured_assert_told(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
    ck_assert_str_eq(captured_out, "");
}
END_TEST

START_TEST(a_worker_has_no_range_of_its_own)
{
    static const char *const lines[] = {"work images --from 1", "work images --to 1",
                                        "work images --shard 0/2", "work images --keep",
                                        "work images --again"};
    unit_assert_error(read_line(COMMAND_WORK, lines[_i]), err, ERROR_USAGE, "does not belong");
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_work", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_LOOP(a_worker_has_no_range_of_its_own, 5))
