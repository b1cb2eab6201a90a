/* test_delete.c: only an index that nothing points to is deleted. */
#include "index/steps.h"

#include "stepped.h"

START_TEST(an_index_that_nobody_needs_is_deleted)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""), DONE};
    BEGIN(answers);
    unit_assert_ok(step_delete(&steps, "images", &err), err);
    stepped_assert_asked(1, "DELETE /images ", NULL);
    stepped_end();
}
END_TEST

START_TEST(one_that_is_gone_is_success)
{
    const struct canned_answer answers[] = {MISSING, FOUND("images", SETTINGS, "", ""), MISSING};
    BEGIN(answers);
    unit_assert_ok(step_delete(&steps, "images", &err), err);
    stepped_assert_count(1);
    unit_assert_ok(step_delete(&steps, "images", &err), err);
    stepped_end();
}
END_TEST

static const struct {
    const char *index;
    struct canned_answer answer;
    const char *words;
} kept[] = {
    {"images", FOUND("images", SETTINGS, "", "\"image\":{}"), "alias image points to index images"},
    {"images", FOUND("images-1", SETTINGS, "", "\"images\":{}"), "name the index itself"},
    {"images", OK("{\"images\":{\"data_stream\":\"logs\"}}"), "data stream logs"},
    {".security", FOUND(".security", SETTINGS, "", ""), "the cluster's own"},
    {"images*", FOUND("images", SETTINGS, "", ""), "name one index"},
    {"_all", FOUND("images", SETTINGS, "", ""), "name one index"},
};

START_TEST(what_is_needed_stays)
{
    stepped_begin(&kept[_i].answer, 1);
    unit_assert_error(step_delete(&steps, kept[_i].index, &err), err, ERROR_CONFIG, kept[_i].words);
    for (int i = 0; i < canned_count(&server); i++)
        ck_assert(!canned_was_asked(&server, i, "DELETE"));
    stepped_end();
}
END_TEST

START_TEST(a_deletion_that_not_all_nodes_know_of_is_to_be_done_again)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""),
                                            OK("{\"acknowledged\":false}")};
    BEGIN(answers);
    unit_assert_error(step_delete(&steps, "images", &err), err, ERROR_UNAVAILABLE, "not all nodes");
    stepped_end();
}
END_TEST

#define REPLACED "\"bobbin\":{\"replaced\":{\"image\":[\"image-0\",\"image-1\"]}}"

START_TEST(those_that_another_has_replaced_are_deleted_and_forgotten)
{
    const struct canned_answer answers[] = {FOUND("image-2", SETTINGS, REPLACED, "\"image\":{}"),
                                            MISSING, FOUND("image-1", SETTINGS, "", ""), DONE,
                                            DONE};
    BEGIN(answers);
    unit_assert_ok(step_delete_replaced(&steps, "image-2", NULL, NULL, &err), err);
    stepped_assert_asked(3, "DELETE /image-1 ", NULL);
    stepped_assert_asked(4, "PUT /image-2/_mapping ", "{\"_meta\":{}}");
    stepped_end();
}
END_TEST

START_TEST(nothing_is_deleted_when_nothing_was_replaced_or_it_is_needed_again)
{
    const struct canned_answer answers[] = {FOUND("image-2", SETTINGS, "", ""),
                                            FOUND("image-2", SETTINGS, REPLACED, ""),
                                            FOUND("image-0", SETTINGS, "", "\"image\":{}")};
    BEGIN(answers);
    unit_assert_ok(step_delete_replaced(&steps, "image-2", NULL, NULL, &err), err);
    unit_assert_error(step_delete_replaced(&steps, "image-2", NULL, NULL, &err), err, ERROR_CONFIG,
                      "alias image points to");
    stepped_assert_count(3);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/delete", stepped_set_up, NULL,
               UNIT_TEST(an_index_that_nobody_needs_is_deleted),
               UNIT_TEST(one_that_is_gone_is_success), UNIT_EACH(what_is_needed_stays, kept),
               UNIT_TEST(a_deletion_that_not_all_nodes_know_of_is_to_be_done_again),
               UNIT_TEST(those_that_another_has_replaced_are_deleted_and_forgotten),
               UNIT_TEST(nothing_is_deleted_when_nothing_was_replaced_or_it_is_needed_again))
