/* test_cmd_dead.c: dead list and show print what a spool's letters say; drop gives them up. */
#include "cli/commands.h"

#include <sys/wait.h>

#include <jansson.h>

#include "../job/lettered.h"
#include "captured.h"

static struct options options;

/* Twelve letters of two kinds. */
static void set_up(void)
{
    spooled_set_up();
    lettered_begin(3);
    spool_close(lettered_spool);
    lettered_spool = NULL;
    options = (struct options){.job = {.spool = spooled_path}};
}

static int dead(int (*command)(struct options *o))
{
    captured_begin();
    int status = command(&options);
    captured_end();
    return status;
}

START_TEST(list_has_a_line_for_each_letter_and_the_summary)
{
    ck_assert_int_eq(dead(command_dead_list), 0);
    ck_assert_int_eq(strncmp(captured_out, "1\t400\tmapper: no number\n2\t", 26), 0);
    captured_assert_printed(
        "\n12\t400\tdate: no day\n\n12 dead letters\n8 mapper: no number (first: id 1)\n"
        "4 date: no day (first: id 3)\n");
}
END_TEST

START_TEST(list_is_json_too)
{
    options.json = true;
    ck_assert_int_eq(dead(command_dead_list), 0);
    json_t *json = json_loads(captured_out, 0, NULL);
    json_t *letters = json_object_get(json, "letters");
    json_t *group = json_array_get(json_object_get(json, "groups"), 1);
    ck_assert_uint_eq(json_array_size(letters), 12);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(letters, 11), "id")), "12");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "count")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(group, "count")), 4);
    ck_assert_str_eq(json_string_value(json_object_get(group, "type")), "date");
    json_decref(json);
}
END_TEST

START_TEST(show_prints_a_letter_whole_and_every_byte_of_it)
{
    options.id = "7";
    ck_assert_int_eq(dead(command_dead_show), 0);
    captured_assert_printed("{\n  \"time\": \"20");
    captured_assert_printed(
        "\",\n  \"id\": \"7\",\n  \"status\": 400,\n  \"error\": {\n    \"type\": \"mapper\",\n");
    captured_assert_printed(
        "  \"source\": {\n    \"n\": 7\n  },\n  \"keys\": [\n    \"5\",\n    \"8\"\n  ],\n");
    json_t *json = json_loads(captured_out, 0, NULL);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
}
END_TEST

START_TEST(show_wants_a_letter_that_is_there)
{
    options.id = "13";
    ck_assert_int_eq(dead(command_dead_show), 64);
    captured_assert_told("has no dead letter of id 13");
    options.id = NULL;
    ck_assert_int_eq(dead(command_dead_show), 64);
    captured_assert_told("bobbin dead show SPOOL ID");
    options.id = "\xFF";
    ck_assert_int_eq(dead(command_dead_show), 64);
    captured_assert_told("no UTF-8");
}
END_TEST

START_TEST(drop_gives_all_up_and_prints_the_ledger)
{
    ck_assert_int_eq(dead(command_dead_drop), 0);
    captured_assert_told("12 dead letters are given up");
    ck_assert_str_eq(captured_out,
                     "rows read 12 = acknowledged 0 + dead 0 + dropped 12 + pending 0\n");
    ck_assert_int_eq(spooled_size(spooled_file(DEAD_FILE)), 0);
    ck_assert_int_eq(dead(command_dead_list), 0);
    ck_assert_str_eq(captured_out, "0 dead letters\n");
}
END_TEST

START_TEST(nothing_is_dropped_while_a_replay_is_at_work)
{
    struct spool *s = spooled_open();
    captured_begin();
    pid_t child = fork();
    if (child == 0)
        _exit(command_dead_drop(&options));
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    captured_end();
    spool_close(s);
    ck_assert_int_eq(WEXITSTATUS(status), 75);
    captured_assert_told("another bobbin replays it");
}
END_TEST

START_TEST(damaged_letters_are_an_error)
{
    lettered_damage(40);
    ck_assert_int_eq(dead(command_dead_list), 74);
    captured_assert_told(DEAD_FILE);
    ck_assert_int_eq(dead(command_dead_drop), 0);
}
END_TEST

START_TEST(retry_wants_to_know_where_to)
{
    ck_assert_int_eq(dead(command_dead_retry), 64);
    captured_assert_told("--url is missing");
    options.job.urls[0] = "http://127.0.0.1:1";
    options.job.table = "images";
    ck_assert_int_eq(dead(command_dead_retry), 64);
    captured_assert_told("--index is missing");
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_dead", set_up, lettered_tear_down,
               UNIT_TEST(list_has_a_line_for_each_letter_and_the_summary),
               UNIT_TEST(list_is_json_too),
               UNIT_TEST(show_prints_a_letter_whole_and_every_byte_of_it),
               UNIT_TEST(show_wants_a_letter_that_is_there),
               UNIT_TEST(drop_gives_all_up_and_prints_the_ledger),
               UNIT_TEST(nothing_is_dropped_while_a_replay_is_at_work),
               UNIT_TEST(damaged_letters_are_an_error), UNIT_TEST(retry_wants_to_know_where_to))
