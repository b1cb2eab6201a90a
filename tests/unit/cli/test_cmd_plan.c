/* test_cmd_plan.c: plan and --shard check what they are told, and say in one line what is wrong. */
#include "cli/commands.h"

#include "captured.h"
#include "optioned.h"

static const struct {
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {"plan --shards 4", 64, "give either --table NAME or --query FILE"},
    {"plan --table t", 64, "--shards: 0 is not within 1 and 1000"},
    {"plan --table t --shards 1001", 64, "--shards: 1001 is not within"},
    {"plan --table t --shards 4 --estimate --exact", 64, "--estimate and --exact: only one"},
    {"plan --table t --shards 4 --from 1 --after 1", 64, "--from and --after: only one"},
    {"plan --table t --shards 4 --key=", 64, "--key is missing"},
    {"plan --table t --shards 4 --dsn host=/nonexistent", 75, "/nonexistent:5432"},
    {"plan images --table t --shards 4 --url http://h", 64, "--index is missing"},
    {"plan images --table t --shards 4 --index i", 64, "--url is missing"},
    {"plan a:b --table t --shards 4 --index i --url http://h", 64, "a name is"},
    {"plan images --table t --shards 4 --index i --url http://127.0.0.1:1", 75, "no answer"},
};

static void assert_says(int status, int expected, const char *text)
{
    captured_assert_one_line(text);
    ck_assert_int_eq(status, expected);
}

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    assert_read(COMMAND_PLAN, cases[_i].line);
    captured_begin();
    int status = command_plan(&options);
    captured_end();
    assert_says(status, cases[_i].status, cases[_i].text);
}
END_TEST

static const struct {
    const char *line;
    int status;
    const char *text;
} shards[] = {
    {"run --table t --shard 0/2", 64, "--shard and --plan go together"},
    {"run --table t --plan @", 64, "--shard and --plan go together"},
    {"run --table t --shard 0/2 --plan /nonexistent", 78, "/nonexistent"},
    {"run --table t --shard 0/2 --plan @", 78, "is no plan: bobbin plan --json makes one"},
    {"run --table t --from 1 --after 1 --index i", 64, "--from and --after: only one"},
};

START_TEST(a_shard_is_of_a_plan)
{
    put_file(config, "{}");
    assert_read(COMMAND_RUN, shards[_i].line);
    captured_begin();
    int status = command_run(&options, SPOOL_DUMP | SPOOL_REPLAY);
    captured_end();
    assert_says(status, shards[_i].status, shards[_i].text);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_plan", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_EACH(a_shard_is_of_a_plan, shards))
