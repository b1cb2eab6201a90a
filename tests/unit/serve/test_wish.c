/* test_wish.c: JSON and forms are read alike, and what is wrong is named. */
#include "serve/wish.h"

#include "unit.h"

#define FORM "application/x-www-form-urlencoded"
#define GOOD                                                                                       \
    "\"model_name\":\"image\",\"table_name\":\"temp_import_image\",\"target_index\":\"image-1\""
#define GOOD_FORM "model_name=image&table_name=temp_import_image&target_index=image-1"

static struct wish wish;
static struct error err;

static bool read_text(const char *type, const char *text)
{
    err = (struct error){.kind = ERROR_NONE};
    return wish_read(&wish, type, slice_of(text), &err);
}

static const struct {
    const char *type, *body;
} good[] = {
    {"application/json", "{" GOOD ",\"start_id\":1,\"end_id\":1000}"},
    {NULL, " \n{" GOOD ",\"start_id\":\"1\",\"end_id\":\"1000\",\"more\":[]}"},
    {FORM, "{" GOOD ",\"start_id\":1,\"end_id\":1000}"}, // curl -d
    {FORM, GOOD_FORM "&start_id=1&end_id=1000"},
    {FORM "; charset=utf-8", "end_id=1000&start_id=1&other=&" GOOD_FORM},
    {"Application/X-WWW-Form-Urlencoded", "start_id=7&%73tart_id=1&" GOOD_FORM "&end_id=%31000"},
};

START_TEST(json_and_forms_say_the_same)
{
    unit_assert_ok(read_text(good[_i].type, good[_i].body), err);
    ck_assert_str_eq(wish.model, "image");
    ck_assert_str_eq(wish.table, "temp_import_image");
    ck_assert_str_eq(wish.index, "image-1");
    ck_assert_int_eq(wish.start_id, 1);
    ck_assert_int_eq(wish.end_id, 1000);
}
END_TEST

START_TEST(ids_go_as_far_as_bigint_does)
{
    unit_assert_ok(read_text(NULL, "{" GOOD ",\"start_id\":-9223372036854775808,"
                                   "\"end_id\":\"9223372036854775807\"}"),
                   err);
    ck_assert_int_eq(wish.start_id, INT64_MIN);
    ck_assert_int_eq(wish.end_id, INT64_MAX);
    unit_assert_ok(read_text(FORM, GOOD_FORM "&start_id=-7&end_id=-7"), err);
    ck_assert_int_eq(wish.end_id, -7);
}
END_TEST

#define BAD(fields) "{" fields ",\"start_id\":1,\"end_id\":2}"
#define NAMED(model, table, index)                                                                 \
    BAD("\"model_name\":" model ",\"table_name\":" table ",\"target_index\":" index)
#define IDS(start, end) "{" GOOD ",\"start_id\":" start ",\"end_id\":" end "}"

static const struct {
    const char *type, *body, *why;
} bad[] = {
    {NULL, "", "the body is no JSON"},
    {NULL, "{", "the body is no JSON"},
    {NULL, "[1]", "the body is no JSON object"},
    {NULL, "{\"a\":1,\"a\":2}", "the body is no JSON: duplicate"},
    {NULL, "{\"model_name\":\"\xff\"}", "the body is no JSON"},
    {NULL, "{}", "model_name is missing"},
    {NULL, NAMED("7", "\"t\"", "\"i\""), "model_name is no text"},
    {NULL, NAMED("\"\"", "\"t\"", "\"i\""), "model_name is empty"},
    {NULL, NAMED("\"../etc/passwd\"", "\"t\"", "\"i\""), "model_name \"../etc/passwd\" is no name"},
    {NULL, NAMED("null", "\"t\"", "\"i\""), "model_name is no text"},
    {NULL, NAMED("\"a\\u0000b\"", "\"t\"", "\"i\""), "the body is no JSON"},
    {NULL, "{\"model_name\":\"m\"}", "table_name is missing"},
    {NULL, NAMED("\"m\"", "\"image; DROP TABLE image\"", "\"i\""), "is no identifier"},
    {NULL, NAMED("\"m\"", "\"a\\\"b\"", "\"i\""), "is no identifier"},
    {NULL, NAMED("\"m\"", "\"public.image\"", "\"i\""), "table_name \"public.image\""},
    {NULL, NAMED("\"m\"", "\"1image\"", "\"i\""), "is no identifier"},
    {NULL,
     NAMED("\"m\"", "\"a123456789a123456789a123456789a123456789a123456789a123456789abcd\"",
           "\"i\""),
     "table_name is longer than 63 bytes"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"\""), "target_index is empty"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"Image\""), "target_index \"Image\" is no name of an index"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"a/_bulk\""), "is no name of an index"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"-a\""), "is no name of an index"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"..\""), "is no name of an index"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"a b\""), "is no name of an index"},
    {NULL, NAMED("\"m\"", "\"t\"", "\"a\\nb\""), "is no name of an index"},
    {NULL, "{" GOOD "}", "start_id is missing"},
    {NULL, "{" GOOD ",\"start_id\":1}", "end_id is missing"},
    {NULL, IDS("1.0", "2"), "start_id is no whole number"},
    {NULL, IDS("null", "2"), "start_id is no whole number"},
    {NULL, IDS("true", "2"), "start_id is no whole number"},
    {NULL, IDS("\"\"", "2"), "start_id is no whole number"},
    {NULL, IDS("\"-\"", "2"), "start_id is no whole number"},
    {NULL, IDS("\"+1\"", "2"), "start_id is no whole number"},
    {NULL, IDS("\" 1\"", "2"), "start_id is no whole number"},
    {NULL, IDS("1", "\"2x\""), "end_id is no whole number"},
    {NULL, IDS("1", "\"9223372036854775808\""), "end_id is no whole number"},
    {NULL, IDS("1", "9223372036854775808"), "the body is no JSON: too big"},
    {NULL, IDS("2", "1"), "out of order: start_id 2 is greater than end_id 1"},
    {FORM, GOOD_FORM, "start_id is missing"},
    {FORM, GOOD_FORM "&start_id=%zz&end_id=2", "start_id is no whole number"},
    {FORM, GOOD_FORM "&start_id=1%00&end_id=2", "start_id is no whole number"},
    {FORM, "model_name=a%00b", "model_name is no text"},
    {FORM, "model_name=%ff", "the body is no form: it holds what is no UTF-8"},
    {FORM, "model_name=a+b", "model_name \"a b\" is no name"},
    {FORM, "%", "model_name is missing"},
    {"text/plain", GOOD_FORM, "the body is no JSON"},
};

START_TEST(what_is_wrong_is_named)
{
    unit_assert_error(read_text(bad[_i].type, bad[_i].body), err, ERROR_USAGE, bad[_i].why);
}
END_TEST

START_TEST(an_index_name_may_hold_what_elasticsearch_lets_it)
{
    unit_assert_ok(read_text(NULL, NAMED("\"a-B_9\"", "\"_T9\"", "\"\\u00e9t\\u00e9-1.b+c_d(e)\"")),
                   err);
    ck_assert_str_eq(wish.index, "été-1.b+c_d(e)");
    ck_assert_str_eq(wish.table, "_T9");
    ck_assert_str_eq(wish.model, "a-B_9");
}
END_TEST

UNIT_MAIN("serve/wish", UNIT_EACH(json_and_forms_say_the_same, good),
          UNIT_TEST(ids_go_as_far_as_bigint_does), UNIT_EACH(what_is_wrong_is_named, bad),
          UNIT_TEST(an_index_name_may_hold_what_elasticsearch_lets_it))
