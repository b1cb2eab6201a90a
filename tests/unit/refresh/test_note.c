/* test_note.c: which refresh is unfinished, and how far it is, as the indices themselves say. */
#include "refresh/note.h"

#include "../index/stepped.h"

#define NOTED(index, alias, done)                                                                  \
    "\"" index "\":{\"mappings\":{\"_meta\":{\"bobbin\":{\"refresh\":{\"alias\":\"" alias          \
    "\",\"done\":\"" done "\"}}}}}"
#define FILTERED "\"image-1-filtered\":{\"mappings\":{\"_meta\":{\"bobbin\":{\"filter\":{}}}}}"

static struct note note;

static bool find(const char *index)
{
    err = (struct error){.kind = ERROR_NONE};
    return note_find(&steps.hosts, "image", index, "delete", &note, &err);
}

static const struct {
    const char *wanted;
    struct canned_answer answer;
    const char *index; // that is found; or NULL
    const char *done;
} found[] = {
    {NULL, OK("{}"), NULL, NULL},
    {NULL, MISSING, NULL, NULL},
    {NULL, OK("{" FILTERED "," NOTED("image-x", "image-of", "load") "}"), NULL, NULL},
    {NULL, OK("{" NOTED("image-1", "image", "delete") "}"), NULL, NULL},
    {NULL, OK("{" NOTED("image-1", "image", "delete") "," NOTED("image-2", "image", "") "}"),
     "image-2", ""},
    {"image-2", OK("{" NOTED("image-2", "image", "load") "}"), "image-2", "load"},
    {"image-1", OK("{" NOTED("image-1", "image", "delete") "}"), "image-1", "delete"},
    {"image-3", OK("{" NOTED("image-1", "image", "delete") "}"), NULL, NULL},
};

START_TEST(what_is_unfinished_is_found)
{
    stepped_begin(&found[_i].answer, 1);
    unit_assert_ok(find(found[_i].wanted), err);
    stepped_assert_asked(0, "GET /image-%2A/_mapping?filter_path=*.mappings._meta.bobbin ", NULL);
    ck_assert_int_eq(note.index == NULL, found[_i].index == NULL);
    if (note.index != NULL) {
        ck_assert_str_eq(note.index, found[_i].index);
        ck_assert_str_eq(note_done(&note), found[_i].done);
    }
    note_free(&note);
    stepped_end();
}
END_TEST

START_TEST(two_that_are_unfinished_are_refused)
{
    const struct canned_answer answers[] = {
        OK("{" NOTED("image-1", "image", "load") "," NOTED("image-2", "image", "") "}"),
        OK("{" NOTED("image-1", "image", "load") "}")};
    BEGIN(answers);
    unit_assert_error(find(NULL), err, ERROR_CONFIG, "into index image-2 is unfinished");
    note_free(&note);
    unit_assert_error(find("image-9"), err, ERROR_CONFIG, "into index image-1 is unfinished");
    note_free(&note);
    stepped_end();
}
END_TEST

START_TEST(a_step_that_is_done_is_noted_in_the_index)
{
    const struct canned_answer answers[] = {OK("{" NOTED("image-2", "image", "") "}"),
                                            FOUND("image-2", SETTINGS, TUNED, ""), DONE};
    BEGIN(answers);
    unit_assert_ok(find(NULL), err);
    unit_assert_ok(note_put_done(&steps.hosts, &note, "load", &err), err);
    stepped_assert_asked(2, "PUT /image-2/_mapping ",
                         "{\"_meta\":{\"bobbin\":{\"restore\":{\"index.refresh_interval\":null,"
                         "\"index.number_of_replicas\":\"2\"},\"refresh\":{\"alias\":\"image\","
                         "\"done\":\"load\"}}}}");
    note_free(&note);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("refresh/note", stepped_set_up, NULL, UNIT_EACH(what_is_unfinished_is_found, found),
               UNIT_TEST(two_that_are_unfinished_are_refused),
               UNIT_TEST(a_step_that_is_done_is_noted_in_the_index))
