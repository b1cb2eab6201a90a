/* test_cmd_verify.c: verify tells what is wrong, as text and as JSON, and how it may be asked to. */
#include "cli/commands.h"

#include <jansson.h>

#include "../spool/spooled.h"
#include "captured.h"
#include "optioned.h"

static void begin(void)
{
    set_up();
    spooled_set_up();
    options = (struct options){.job = {.spool = spooled_path}};
}

static void end(void)
{
    spooled_tear_down();
    tear_down();
}

static int verify(void)
{
    captured_begin();
    int status = command_verify(&options);
    captured_end();
    return status;
}

START_TEST(verify_counts_what_it_read)
{
    spooled_make_two_segments();
    ck_assert_int_eq(verify(), 0);
    ck_assert_str_eq(captured_out, "2 segments, 4 frames, 16 documents: 0 problems\n");
    options.json = true;
    ck_assert_int_eq(verify(), 0);
    json_t *json = captured_json();
    ck_assert_int_eq(json_integer_value(json_object_get(json, "documents")), 16);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "problems")), 0);
    json_decref(json);
}
END_TEST

START_TEST(verify_tells_each_problem_and_fails)
{
    spooled_make_two_segments();
    ck_assert_int_eq(truncate(spooled_segment(2), spooled_size(spooled_segment(2)) - 1), 0);
    ck_assert_int_eq(verify(), 74);
    captured_assert_printed("segment 2, frame 4: the file ends within a frame");
    captured_assert_printed("segment 2: ");
    captured_assert_printed(" 2 problems\n");
    ck_assert_ptr_nonnull(strstr(captured_err, "2 problems"));
    options.json = true;
    ck_assert_int_eq(verify(), 74);
    json_t *json = captured_json();
    ck_assert_uint_eq(json_array_size(json_object_get(json, "problems")), 2);
    json_decref(json);
}
END_TEST

START_TEST(verify_makes_a_lost_index_anew_when_it_is_asked_to)
{
    spooled_make_two_segments();
    remove(spooled_file("index.mdb"));
    ck_assert_int_eq(verify(), 74);
    ck_assert_ptr_nonnull(strstr(captured_err, "bobbin verify --rebuild"));
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), -1);
    options.rebuild = true;
    ck_assert_int_eq(verify(), 74); // these tests' job.json is of another job
    ck_assert_ptr_nonnull(strstr(captured_err, "job.json describes another job"));
    options.job.spool = NULL;
    ck_assert_int_eq(verify(), 64);
}
END_TEST

START_TEST(verify_leaves_a_sound_index_when_it_is_asked_for_another)
{
    spooled_make_two_segments();
    options.rebuild = true;
    ck_assert_int_eq(verify(), 0);
    ck_assert_ptr_nonnull(strstr(captured_err, "the index is sound, and stays"));
    ck_assert_str_eq(captured_out, "2 segments, 4 frames, 16 documents: 0 problems\n");
}
END_TEST

static const struct {
    const char *line;
    int status;
    const char *text;
} refused[] = {
    {"verify --target", 64, "give either --table NAME or --query FILE"},
    {"verify --deep --table t", 64, "--index is missing"},
    {"verify --repair --table t --index i", 64, "--url is missing"},
    {"verify --deep --table t --index i --url http://a", 64, "--spool is missing"},
    {"verify --target --table t --index i --url http://a /nonexistent/s", 78, "there is none"},
    {"verify --repair --table t --index i --url http://a /nonexistent/s", 74, "/nonexistent"},
    {"verify --delete-extra /nonexistent/s", 64, "--delete-extra goes with --repair only"},
    {"verify --deep --delete-extra", 64, "--delete-extra goes with --repair only"},
    {"verify --repair --delete-extra --from 1", 64, "--delete-extra goes with all rows only"},
    {"verify --repair --delete-extra --after 1", 64, "--delete-extra goes with all rows only"},
    {"verify --repair --delete-extra --to 1", 64, "--delete-extra goes with all rows only"},
};

START_TEST(what_cannot_be_asked_for_is_refused_in_one_line)
{
    unit_assert_ok(read_line(COMMAND_VERIFY, refused[_i].line), err);
    ck_assert_int_eq(verify(), refused[_i].status);
    ck_assert_msg(strstr(captured_err, refused[_i].text) != NULL, "%s", captured_err);
    ck_assert_str_eq(captured_out, "");
    ck_assert_int_ne(access("/nonexistent", F_OK), 0);
}
END_TEST

static const struct {
    const char *line, *text;
} index_refused[] = {
    {"verify --table t --url http://a", "--index is missing"},
    {"verify i --table t", "--url is missing"},
    {"verify i --url http://a", "give either --table NAME or --query FILE"},
    {"verify i --table t --url http://a --from 1 --after 1", "only one of them"},
};

START_TEST(an_index_is_compared_with_a_query)
{
    unit_assert_ok(read_line(COMMAND_INDEX_VERIFY, index_refused[_i].line), err);
    captured_begin();
    int status = command_index_verify(&options);
    captured_end();
    captured_assert_one_line(index_refused[_i].text);
    ck_assert_int_eq(status, 64);
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_verify", begin, end, UNIT_TEST(verify_counts_what_it_read),
               UNIT_TEST(verify_tells_each_problem_and_fails),
               UNIT_TEST(verify_makes_a_lost_index_anew_when_it_is_asked_to),
               UNIT_TEST(verify_leaves_a_sound_index_when_it_is_asked_for_another),
               UNIT_EACH(what_cannot_be_asked_for_is_refused_in_one_line, refused),
               UNIT_EACH(an_index_is_compared_with_a_query, index_refused))
