/* test_filter_note.c: what a filter notes is read back as it was. */
#include "index/filter_note.h"

#include "stepped.h"

static struct look look;

START_TEST(a_note_is_read_back)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, "", ""), DONE};
    const struct filter_note note = {.is_made = true,
                                     .source = "images-full",
                                     .source_uuid = "U7",
                                     .query = "0123456789abcdef",
                                     .task = "node:7",
                                     .is_done = true,
                                     .documents = 7,
                                     .left_out = 3};
    struct filter_note found;
    BEGIN(answers);
    unit_assert_ok(look_at_index(&steps.hosts, "images", &look, &err), err);
    filter_read_note(&look, &found);
    ck_assert(!found.is_made && !found.is_done && found.left_out == 0 && found.source[0] == '\0');
    unit_assert_ok(
        look_put_note(&steps.hosts, &look, FILTER_NOTE, filter_json_of_note(&note), &err), err);
    filter_read_note(&look, &found);
    ck_assert(found.is_made && found.is_done);
    ck_assert_str_eq(found.source, "images-full");
    ck_assert_str_eq(found.source_uuid, "U7");
    ck_assert_str_eq(found.query, "0123456789abcdef");
    ck_assert_str_eq(found.task, "node:7");
    ck_assert_uint_eq(found.documents, 7);
    ck_assert_uint_eq(found.left_out, 3);
    look_free(&look);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/filter_note", stepped_set_up, NULL, UNIT_TEST(a_note_is_read_back))
