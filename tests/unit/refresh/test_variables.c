/* test_variables.c: where psql's variables are in SQL, where they are not, and how values are quoted. */
#include "refresh/variables.h"

#include "unit.h"

static const char *const variables[] = {
    "table=image", "n=7",    "odd=it's \"so\"",    "back=a\\'b",
    "table=audio", "empty=", "\xc3\xa9t=\xc3\xa9", "_1=underscored",
    NULL};

static struct buffer out;
static struct error err;

static bool put(const char *sql)
{
    buffer_free(&out);
    buffer_init(&out, 1 << 16);
    return variables_put(slice_of(sql), "copy.sql", variables, &out, &err);
}

static const struct {
    const char *sql, *expected;
} cases[] = {
    /* the three forms */
    {"SELECT :n", "SELECT 7"},
    {"SELECT :'odd', :\"odd\"", "SELECT 'it''s \"so\"', \"it's \"\"so\"\"\""},
    {"SELECT :'back'", "SELECT  E'a\\\\''b'"},
    {"SELECT :\"back\"", "SELECT \"a\\'b\""},
    {"temp_import_:table", "temp_import_audio"},
    {"api_deleted:table d", "api_deletedaudio d"},
    {":'empty':empty:\xc3\xa9t :_1", "''\xc3\xa9 underscored"},
    {":n", "7"},
    /* what only looks so */
    {"'a'::text :: int", "'a'::text :: int"},
    {":n::text", "7::text"},
    {"a := :n; a:=:n", "a := 7; a:=7"},
    {"a[1:2] a[ : ]", "a[1:2] a[ : ]"},
    {": n :", ": n :"},
    {":'no :\"no x\" :'no \"", ":'no :\"no x\" :'no \""},
    /* literals and identifiers */
    {"':x' \":x\" 'it'':x' \"a\"\":x\"", "':x' \":x\" 'it'':x' \"a\"\":x\""},
    {"'\\' :n", "'\\' 7"},
    {"E'\\':x' :n", "E'\\':x' 7"},
    {"e'\\\\' :n e''':x'", "e'\\\\' 7 e''':x'"},
    {"fe'\\' :n", "fe'\\' 7"},
    {"':x", "':x"},
    {"E'\\", "E'\\"},
    /* comments */
    {"-- :x\n:n", "-- :x\n7"},
    {"/* :x /* :x */ :x */ :n", "/* :x /* :x */ :x */ 7"},
    {"/* :x", "/* :x"},
    {"-- :x", "-- :x"},
    {"1 - :n / :n", "1 - 7 / 7"},
    /* dollar quotes */
    {"$$ :x $$ :n", "$$ :x $$ 7"},
    {"$a$ :x $$ :x $b$ $a$ :n", "$a$ :x $$ :x $b$ $a$ 7"},
    {"$1 :n $1", "$1 7 $1"},
    {"a$$:n", "a$$7"},
    {"$a$ :x", "$a$ :x"},
    {"$:n$", "$7$"},
    {"", ""},
};

START_TEST(values_stand_where_psql_would_put_them)
{
    unit_assert_ok(put(cases[_i].sql), err);
    unit_assert_slice(buffer_slice(&out), cases[_i].expected);
    buffer_free(&out);
}
END_TEST

START_TEST(a_variable_that_is_not_given_is_named_with_its_line)
{
    unit_assert_error(put("SELECT 1;\n\nSELECT :tables;"), err, ERROR_CONFIG,
                      "copy.sql line 3: there is no variable \"tables\"");
    unit_assert_error(put("SELECT :'tabl'"), err, ERROR_CONFIG,
                      "line 1: there is no variable \"tabl\"");
    buffer_free(&out);
}
END_TEST

static const char *const bad[] = {"table", "", "=x", "1a=x", "a b=x", "a-b=x"};

START_TEST(a_variable_is_a_name_and_a_value)
{
    const char *const list[] = {"good=x", bad[_i], NULL};
    unit_assert_ok(variables_check(variables, &err), err);
    unit_assert_error(variables_check(list, &err), err, ERROR_USAGE, "give it as NAME=VALUE");
}
END_TEST

UNIT_MAIN("refresh/variables", UNIT_EACH(values_stand_where_psql_would_put_them, cases),
          UNIT_TEST(a_variable_that_is_not_given_is_named_with_its_line),
          UNIT_EACH(a_variable_is_a_name_and_a_value, bad))
