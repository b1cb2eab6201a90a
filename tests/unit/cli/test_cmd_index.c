/* test_cmd_index.c: the steps check what they are told, and print what they found. */
#include "cli/commands.h"

#include "../sink/canned_server.h"
#include "captured.h"
#include "optioned.h"

static const struct {
    enum command command;
    const char *line;
    int status;
    const char *text;
} cases[] = {
    {COMMAND_INDEX_DELETE, "delete --url http://127.0.0.1:1", 64, "--index is missing"},
    {COMMAND_INDEX_DELETE, "delete images", 64, "--url is missing"},
    {COMMAND_INDEX_DELETE, "delete images --replaced-by b --url http://127.0.0.1:1", 64,
     "one of both"},
    {COMMAND_INDEX_DELETE, "delete images --url localhost", 64,
     "it must begin with http:// or https://"},
    {COMMAND_INDEX_CREATE, "create images --url http://127.0.0.1:1", 64,
     "--create-index is missing"},
    {COMMAND_INDEX_COUNT, "count images --url http://127.0.0.1:1 --from 1 --after 1", 64,
     "only one of them"},
    {COMMAND_INDEX_PROMOTE, "promote images --url http://127.0.0.1:1", 64, "--alias is missing"},
    {COMMAND_INDEX_FILTER, "filter images --url http://127.0.0.1:1", 64, "--into is missing"},
    {COMMAND_INDEX_TUNE, "tune images --url http://127.0.0.1:1 --give-up-after 0", 75,
     "no answer from"},
    {COMMAND_INDEX_RESTORE, "restore a,b --url http://127.0.0.1:1", 78, "name one index"},
    {COMMAND_INDEX_REFRESH, "refresh images --url http://127.0.0.1:1 --give-up-after 0", 75,
     "no answer from"},
};

START_TEST(what_is_wrong_is_one_line_and_a_status)
{
    assert_read(cases[_i].command, cases[_i].line);
    captured_begin();
    int status = command_index(cases[_i].command, &options);
    captured_end();
    captured_assert_one_line(cases[_i].text);
    ck_assert_int_eq(status, cases[_i].status);
}
END_TEST

START_TEST(the_operand_is_the_index)
{
    struct canned_server server;
    const struct canned_answer gone = {
        .status = 404, .body = "{\"error\":{\"type\":\"index_not_found_exception\"}}"};
    char line[128];
    canned_start(&server, &gone, 1);
    snprintf(line, sizeof line, "delete images-1 --url %.31s/", server.host);
    assert_read(COMMAND_INDEX_DELETE, line);
    captured_begin();
    int status = command_index(COMMAND_INDEX_DELETE, &options);
    captured_end();
    ck_assert_int_eq(status, 0);
    captured_assert_told("index images-1 is gone already");
    ck_assert(canned_was_asked(&server, 0, "GET /images-1?"));
    canned_stop(&server);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_index", set_up, tear_down,
               UNIT_EACH(what_is_wrong_is_one_line_and_a_status, cases),
               UNIT_TEST(the_operand_is_the_index))
