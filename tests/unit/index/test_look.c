/* test_look.c: what stands behind a name, and the notes in an index. */
#include "index/look.h"

#include "stepped.h"

static struct look look;

START_TEST(an_index_is_its_settings_mappings_and_aliases)
{
    const struct canned_answer answers[] = {FOUND("images", SETTINGS, TUNED, "\"image\":{}")};
    BEGIN(answers);
    unit_assert_ok(look_at_index(&steps.hosts, "images", &look, &err), err);
    stepped_assert_asked(0, "GET /images?flat_settings=true HTTP", NULL);
    ck_assert_str_eq(look.name, "images");
    ck_assert_str_eq(look_uuid(&look), "U1");
    ck_assert_ptr_nonnull(json_object_get(look.aliases, "image"));
    ck_assert_str_eq(json_string_value(json_object_get(look.mappings, "dynamic")), "false");
    ck_assert_uint_eq(json_object_size(look_note(&look, "restore")), 2);
    ck_assert_ptr_null(look_note(&look, "filter"));
    look_free(&look);
    stepped_end();
}
END_TEST

START_TEST(nothing_is_no_error_and_no_index)
{
    const struct canned_answer answers[] = {MISSING};
    BEGIN(answers);
    unit_assert_ok(look_at(&steps.hosts, "images", &look, &err), err);
    ck_assert(look_is_missing(&look) && !look_is_other_name(&look));
    ck_assert_str_eq(look_uuid(&look), "");
    look_free(&look);
    unit_assert_error(look_at_index(&steps.hosts, "images", &look, &err), err, ERROR_CONFIG,
                      "index images does not exist");
    look_free(&look);
    stepped_end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    const char *words;
} others[] = {
    {FOUND("images-1", SETTINGS, "", "\"images\":{}"),
     "an alias or a data stream, such as of images-1"},
    {OK("{" INDEX("a", SETTINGS, "", "") "," INDEX("b", SETTINGS, "", "") "}"),
     "name the index itself"},
    {OK("{\"images\":{\"settings\":{},\"data_stream\":\"logs\"}}"), "belongs to data stream logs"},
    {{.status = 404, .body = "{\"error\":{\"type\":\"other\"}}"}, "answers 404"},
    {{.status = 200}, "answers 200, as no search engine does"},
};

START_TEST(what_is_no_index_is_named)
{
    stepped_begin(&others[_i].answer, 1);
    unit_assert_error(look_at_index(&steps.hosts, "images", &look, &err), err, ERROR_CONFIG,
                      others[_i].words);
    look_free(&look);
    stepped_end();
}
END_TEST

static const char *const patterns[] = {"", "_all", "images*", "a,b", "-images", "image?"};

START_TEST(a_pattern_is_asked_of_nobody)
{
    const struct canned_answer answers[] = {MISSING};
    BEGIN(answers);
    unit_assert_error(look_at(&steps.hosts, patterns[_i], &look, &err), err, ERROR_CONFIG,
                      "name one index");
    look_free(&look);
    stepped_assert_count(0);
    stepped_end();
}
END_TEST

START_TEST(a_note_leaves_others_as_they_are)
{
    const struct canned_answer answers[] = {
        FOUND("images", SETTINGS, "\"theirs\":[1],\"bobbin\":{\"one\":1}", ""), DONE};
    BEGIN(answers);
    unit_assert_ok(look_at_index(&steps.hosts, "images", &look, &err), err);
    unit_assert_ok(look_put_note(&steps.hosts, &look, "two", json_integer(2), &err), err);
    stepped_assert_asked(1, "PUT /images/_mapping ",
                         "{\"_meta\":{\"theirs\":[1],\"bobbin\":{\"one\":1,\"two\":2}}}");
    ck_assert_int_eq(json_integer_value(look_note(&look, "two")), 2);
    unit_assert_ok(look_put_note(&steps.hosts, &look, "one", NULL, &err), err);
    unit_assert_ok(look_put_note(&steps.hosts, &look, "two", NULL, &err), err);
    stepped_assert_asked(3, "PUT /images/_mapping ", "{\"_meta\":{\"theirs\":[1]}}");
    ck_assert_ptr_null(look_note(&look, "two"));
    look_free(&look);
    stepped_end();
}
END_TEST

START_TEST(a_first_note_makes_its_place)
{
    json_t *mappings = json_object();
    ck_assert(look_put_first_note(mappings, "a", json_integer(1)));
    ck_assert(look_put_first_note(mappings, "b", json_null()));
    json_t *expected = json_pack("{s:{s:{s:i,s:n}}}", "_meta", "bobbin", "a", 1, "b");
    ck_assert(json_equal(mappings, expected));
    json_decref(expected);
    json_decref(mappings);
}
END_TEST

UNIT_MAIN_WITH("index/look", stepped_set_up, NULL,
               UNIT_TEST(an_index_is_its_settings_mappings_and_aliases),
               UNIT_TEST(nothing_is_no_error_and_no_index),
               UNIT_EACH(what_is_no_index_is_named, others),
               UNIT_EACH(a_pattern_is_asked_of_nobody, patterns),
               UNIT_TEST(a_note_leaves_others_as_they_are), UNIT_TEST(a_first_note_makes_its_place))
