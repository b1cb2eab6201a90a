/* test_loading.c: what is asked of the cluster, in which order, by create, tune and restore. */
#include "index/loading.h"

#include "../cli/captured.h"
#include "stepped.h"

#define NO_TEMPLATE OK("{}")
#define EXISTS                                                                                     \
    {                                                                                              \
        .status = 400, .body = "{\"error\":{\"type\":\"resource_already_exists_exception\"}}"      \
    }
#define LOADING "\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0"

static char *directory;
static char path[4096];

static void set_up(void)
{
    stepped_set_up();
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/body.json", directory);
}

static void tear_down(void)
{
    unit_remove_directory(directory);
}

static void put_body(const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    job.create_index = path;
}

START_TEST(an_index_is_created_by_one_request_that_notes_what_it_replaces)
{
    const struct canned_answer answers[] = {
        OK("{\"template\":{\"settings\":{\"index\":{\"number_of_replicas\":\"3\"}}}}"), DONE};
    put_body("{\"settings\":{\"index\":{\"refresh_interval\":\"30s\",\"number_of_shards\":2}},"
             "\"mappings\":{\"dynamic\":false,\"_meta\":{\"theirs\":1}}}");
    BEGIN(answers);
    unit_assert_ok(step_create(&steps, "images", &err), err);
    stepped_assert_asked(0, "POST /_index_template/_simulate_index/images ", NULL);
    stepped_assert_asked(
        1, "PUT /images ",
        "{\"settings\":{\"index.number_of_shards\":2," LOADING "},\"mappings\":{\"dynamic\":false,"
        "\"_meta\":{\"theirs\":1,\"bobbin\":{\"restore\":{\"index.refresh_interval\":\"30s\","
        "\"index.number_of_replicas\":\"3\"}}}}}");
    stepped_assert_count(2);
    stepped_end();
}
END_TEST

static const int no_templates[] = {403, 404, 400};

START_TEST(a_body_may_be_empty_and_templates_may_not_be_asked_for)
{
    const struct canned_answer answers[] = {{.status = no_templates[_i], .body = "{}"}, DONE};
    put_body("{}");
    wish.is_async = true;
    BEGIN(answers);
    unit_assert_ok(step_create(&steps, "images", &err), err);
    stepped_assert_asked(
        1, "PUT /images ",
        "{\"settings\":{" LOADING ",\"index.translog.durability\":\"async\"},\"mappings\":{"
        "\"_meta\":{\"bobbin\":{\"restore\":{\"index.refresh_interval\":null,"
        "\"index.number_of_replicas\":null,\"index.translog.durability\":null}}}}}");
    stepped_end();
}
END_TEST

START_TEST(aliases_in_a_body_are_warned_of)
{
    const struct canned_answer answers[] = {NO_TEMPLATE, DONE};
    put_body("{\"aliases\":{\"image\":{}}}");
    BEGIN(answers);
    captured_begin();
    bool ok = step_create(&steps, "images", &err);
    captured_end();
    unit_assert_ok(ok, err);
    captured_assert_told("body.json has aliases: searches see index images from now on");
    stepped_end();
}
END_TEST

START_TEST(an_index_that_an_earlier_try_created_is_success)
{
    const struct canned_answer answers[] = {NO_TEMPLATE, EXISTS,
                                            FOUND("images", SETTINGS, TUNED, "")};
    put_body("{}");
    BEGIN(answers);
    unit_assert_ok(step_create(&steps, "images", &err), err);
    stepped_end();
}
END_TEST

START_TEST(somebody_else_s_index_is_not_taken)
{
    const struct canned_answer answers[] = {NO_TEMPLATE, EXISTS, FOUND("images", SETTINGS, "", "")};
    put_body("{}");
    BEGIN(answers);
    unit_assert_error(step_create(&steps, "images", &err), err, ERROR_CONFIG,
                      "is there already, and not for loading");
    stepped_end();
}
END_TEST

static const struct {
    const char *body; // NULL: no file
    struct canned_answer answer;
    enum error_kind kind;
    const char *words;
} refusals[] = {
    {NULL, DONE, ERROR_USAGE, "--create-index is missing"},
    {"{", DONE, ERROR_CONFIG, "body.json is no JSON: line 1"},
    {"[]", DONE, ERROR_CONFIG, "body.json is no JSON object"},
    {"{}",
     {.status = 400,
      .body = "{\"error\":{\"type\":\"mapper_parsing_exception\",\"reason\":\"why\"}}"},
     ERROR_CONFIG,
     "index images can't be created: "},
    {"{}", OK("{\"acknowledged\":false}"), ERROR_UNAVAILABLE, "not all nodes know"},
};

START_TEST(what_can_not_be_created_is_told)
{
    const struct canned_answer answers[] = {NO_TEMPLATE, refusals[_i].answer};
    if (refusals[_i].body != NULL)
        put_body(refusals[_i].body);
    BEGIN(answers);
    unit_assert_error(step_create(&steps, "images", &err), err, refusals[_i].kind,
                      refusals[_i].words);
    stepped_end();
}
END_TEST

START_TEST(the_settings_are_noted_before_they_are_changed)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "\"theirs\":1", ""), DONE,
                                            DONE};
    BEGIN(answers);
    unit_assert_ok(step_tune(&steps, "images", &err), err);
    stepped_assert_asked(1, "PUT /images/_mapping ", "{\"_meta\":{\"theirs\":1," TUNED "}}");
    stepped_assert_asked(2, "PUT /images/_settings ", "{" LOADING "}");
    stepped_assert_count(3);
    stepped_end();
}
END_TEST

START_TEST(a_second_tune_keeps_what_the_first_noted)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, TUNED, ""), DONE};
    BEGIN(answers);
    unit_assert_ok(step_tune(&steps, "images", &err), err);
    stepped_assert_asked(1, "PUT /images/_settings ", "{" LOADING "}");
    stepped_assert_count(2);
    stepped_end();
}
END_TEST

START_TEST(a_second_tune_that_changes_more_notes_more)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, TUNED, ""), DONE};
    wish.is_async = true;
    BEGIN(answers);
    unit_assert_ok(step_tune(&steps, "images", &err), err);
    stepped_assert_asked(
        1, "PUT /images/_mapping ",
        "{\"_meta\":{\"bobbin\":{\"restore\":{\"index.refresh_interval\":null,"
        "\"index.number_of_replicas\":\"2\",\"index.translog.durability\":null}}}}");
    stepped_assert_count(3);
    stepped_end();
}
END_TEST

START_TEST(what_was_noted_is_set_then_waited_for_then_forgotten)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, TUNED, ""), DONE,
                                            HEALTH("green"), DONE};
    BEGIN(answers);
    unit_assert_ok(step_restore(&steps, "images", &err), err);
    stepped_assert_asked(1, "PUT /images/_settings ",
                         "{\"index.refresh_interval\":null,\"index.number_of_replicas\":\"2\"}");
    stepped_assert_asked(2, "GET /_cluster/health/images", NULL);
    stepped_assert_asked(3, "PUT /images/_mapping ", "{\"_meta\":{}}");
    stepped_end();
}
END_TEST

START_TEST(an_index_that_stays_ill_keeps_its_note)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, TUNED, ""), DONE,
                                            HEALTH("yellow")};
    BEGIN(answers);
    unit_assert_error(step_restore(&steps, "images", &err), err, ERROR_UNAVAILABLE, "is yellow");
    stepped_assert_count(3);
    stepped_end();
}
END_TEST

START_TEST(without_a_note_there_is_nothing_to_restore)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""), HEALTH("green")};
    BEGIN(answers);
    unit_assert_ok(step_restore(&steps, "images", &err), err);
    stepped_assert_count(2);
    stepped_end();
}
END_TEST

#define ASYNC "\"bobbin\":{\"restore\":{\"index.translog.durability\":null}}"

START_TEST(an_asynchronous_translog_ends_with_a_flush)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, ASYNC, ""),
                                            DONE,
                                            OK("{\"_shards\":{\"failed\":1}}"),
                                            FOUND("images", LOADING, ASYNC, ""),
                                            DONE,
                                            REFRESHED,
                                            HEALTH("green"),
                                            DONE};
    BEGIN(answers);
    unit_assert_error(step_restore(&steps, "images", &err), err, ERROR_UNAVAILABLE,
                      "not all of its shards were flushed");
    unit_assert_ok(step_restore(&steps, "images", &err), err);
    stepped_assert_asked(5, "POST /images/_flush?wait_if_ongoing=true ", NULL);
    stepped_assert_count(8);
    stepped_end();
}
END_TEST

START_TEST(whether_an_index_is_tuned_is_told)
{
    const struct canned_answer answers[] = {FOUND("images", LOADING, TUNED, ""),
                                            FOUND("images", LOADING, "", ""), MISSING};
    bool is_tuned = false;
    BEGIN(answers);
    unit_assert_ok(step_is_tuned(&steps, "images", &is_tuned, &err), err);
    ck_assert(is_tuned);
    unit_assert_ok(step_is_tuned(&steps, "images", &is_tuned, &err), err);
    ck_assert(!is_tuned);
    unit_assert_error(step_is_tuned(&steps, "images", &is_tuned, &err), err, ERROR_CONFIG,
                      "does not exist");
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/loading", set_up, tear_down,
               UNIT_TEST(an_index_is_created_by_one_request_that_notes_what_it_replaces),
               UNIT_EACH(a_body_may_be_empty_and_templates_may_not_be_asked_for, no_templates),
               UNIT_TEST(aliases_in_a_body_are_warned_of),
               UNIT_TEST(an_index_that_an_earlier_try_created_is_success),
               UNIT_TEST(somebody_else_s_index_is_not_taken),
               UNIT_EACH(what_can_not_be_created_is_told, refusals),
               UNIT_TEST(the_settings_are_noted_before_they_are_changed),
               UNIT_TEST(a_second_tune_keeps_what_the_first_noted),
               UNIT_TEST(a_second_tune_that_changes_more_notes_more),
               UNIT_TEST(what_was_noted_is_set_then_waited_for_then_forgotten),
               UNIT_TEST(an_index_that_stays_ill_keeps_its_note),
               UNIT_TEST(without_a_note_there_is_nothing_to_restore),
               UNIT_TEST(an_asynchronous_translog_ends_with_a_flush),
               UNIT_TEST(whether_an_index_is_tuned_is_told))
