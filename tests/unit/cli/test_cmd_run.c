/* test_cmd_run.c: run, dump and replay check what they are told before they touch anything, and say
 * in one line what is wrong. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

enum { RUN = SPOOL_DUMP | SPOOL_REPLAY };

static const struct {
    unsigned roles;
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {RUN, "run", 64, "give either --table NAME or --query FILE"},
    {RUN, "run --table t", 64, "--index is missing"},
    {RUN, "run --table t --index=", 64, "--index is missing"},
    {RUN, "run --table t --index i --key=", 64, "--key is missing"},
    {RUN, "run --table t --index i", 64, "--url is missing"},
    {RUN, "run --table t --index i --url es:9200", 64, "--url es:9200: it must begin with http"},
    {RUN, "run --table t --index i --url http://a --url b", 64, "--url b: it must begin"},
    {RUN, "run --table t --index i --url http://a", 64, "--spool is missing"},
    {RUN, "run --table t --index i --url http://a --spool=", 64, "--spool is missing"},
    {RUN, "run --table t --index i --jobs 0", 64, "--jobs: 0 is not within 1 and 64"},
    {RUN, "run --table t --index i --jobs 65", 64, "--jobs: 65 is not within 1 and 64"},
    {RUN, "run --table t --index i --window-rows 0", 64, "--window-rows: 0 is not within"},
    {RUN, "run --table t --index i --level 20", 64, "--level: 20 is not within 1 and 19"},
    {RUN, "run --table t --index i --frame-size 1K", 64, "--frame-size: 1024 is not within"},
    {RUN, "run --table t --index i --frame-size 65M", 64, "--frame-size"},
    {RUN, "run --table t --index i --segment-size 1", 64, "--segment-size: 1 is not within"},
    {RUN, "run --table t --index i --segment-size 4G", 64, "--segment-size"},
    {RUN, "run --table t --index i --spool-max 1K", 64, "--spool-max: 1024 is not within"},
    {RUN, "run --table t --index i --url http://a --in-flight 0", 64, "--in-flight: 0"},
    {RUN, "run --table t --index i --url http://a --in-flight 257", 64, "--in-flight: 257"},
    {RUN, "run --query /nonexistent --index i --url http://a --spool /nonexistent/s", 78,
     "/nonexistent"},
    {RUN, "run --table t --dry-run --index i --dsn host=/nonexistent", 75, "/nonexistent:5432"},
    {SPOOL_DUMP, "dump --table t --index i", 64, "--spool is missing"},
    {SPOOL_REPLAY, "replay", 64, "--url is missing"},
    {SPOOL_REPLAY, "replay --url http://a", 64, "--spool is missing"},
    {SPOOL_REPLAY, "replay --url http://a --spool /nonexistent/spool", 78, "there is none"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    unit_assert_ok(read_line(cases[_i].roles == SPOOL_DUMP     ? COMMAND_DUMP
                             : cases[_i].roles == SPOOL_REPLAY ? COMMAND_REPLAY
                                                               : COMMAND_RUN,
                             cases[_i].line),
                   err);
    captured_begin();
    int status = command_run(&options, cases[_i].roles);
    captured_end();
    ck_assert_msg(strstr(captured_err, cases[_i].text) != NULL, "%s", captured_err);
    ck_assert_int_eq(status, cases[_i].status);
    ck_assert_str_eq(captured_out, "");
    const char *newline = strchr(captured_err, '\n');
    ck_assert_ptr_nonnull(newline);
    ck_assert_str_eq(newline, "\n");
    ck_assert_int_ne(access("/nonexistent", F_OK), 0);
}
END_TEST

START_TEST(the_ledger_is_one_line)
{
    captured_begin();
    command_print_ledger(
        &(struct index_job){.rows = 10, .acknowledged = 6, .dead = 1, .pending = 3});
    captured_end();
    ck_assert_str_eq(captured_out, "rows read 10 = acknowledged 6 + dead 1 + pending 3\n");
}
END_TEST

static const struct {
    enum error_kind kind;
    int status;
    const char *level;
} failures[] = {
    {ERROR_USAGE, 64, "error"},   {ERROR_DEAD_LETTERS, 65, "warning"},
    {ERROR_BUG, 70, "error"},     {ERROR_DISK, 74, "error"},
    {ERROR_DAMAGED, 74, "error"}, {ERROR_UNAVAILABLE, 75, "error"},
    {ERROR_BUSY, 75, "error"},    {ERROR_STOPPED, 75, "error"},
    {ERROR_MEMORY, 75, "error"},  {ERROR_DENIED, 77, "error"},
    {ERROR_CONFIG, 78, "error"},  {ERROR_DIFFERENT, 65, "warning"},
};

START_TEST(a_failed_command_says_why_and_exits_as_documented)
{
    struct error failure;
    error_set(&failure, failures[_i].kind, "the words");
    captured_begin();
    int status = command_failed(&failure);
    captured_end();
    ck_assert_int_eq(status, failures[_i].status);
    ck_assert_ptr_nonnull(strstr(captured_err, failures[_i].level));
    ck_assert_ptr_nonnull(strstr(captured_err, "the words\n"));
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_run", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_TEST(the_ledger_is_one_line),
               UNIT_EACH(a_failed_command_says_why_and_exits_as_documented, failures))
