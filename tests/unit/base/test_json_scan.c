/* test_json_scan.c: the scanner takes what RFC 8259 takes, no more, and says where values lie. */
#include "base/json_scan.h"

#include <jansson.h>

#include "unit.h"

static const char *const good[] = {
    "{}",
    "[]",
    "\"\"",
    "0",
    "-0",
    "10",
    "-1.50",
    "1e9",
    "1E+9",
    "1.5e-10",
    "true",
    "false",
    "null",
    " \t\r\n[1 , 2]\n",
    "{\"a\":1,\"b\":[{\"c\":\"}\"},[]]}",
    "\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9 \\uD83D\\uDE00\"",
    "\"\xC3\xA9 {[]}, :\"",
    "{\"\":{\"\":\"\"}}",
};

START_TEST(well_formed_text_is_whole)
{
    ck_assert(json_scan_is_whole(slice_of(good[_i])));
}
END_TEST

START_TEST(text_cut_anywhere_is_not_whole)
{
    struct slice text = slice_of(good[_i]);
    bool is_number = good[_i][0] == '-' || (good[_i][0] >= '0' && good[_i][0] <= '9');
    size_t end = text.size;
    while (end > 0 && (text.data[end - 1] == ' ' || text.data[end - 1] == '\n'))
        end--;
    for (size_t size = 0; size < end && !is_number; size++) {
        char *cut = malloc(size + 1); // so that a sanitizer sees a read past it
        memcpy(cut, text.data, size);
        char *exact = realloc(cut, size > 0 ? size : 1);
        ck_assert(!json_scan_is_whole((struct slice){exact, size}));
        free(exact);
    }
}
END_TEST

static const char *const bad[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "{]",
    "[}",
    "[,]",
    "[1,]",
    "[1 2]",
    "[1,,2]",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{\"a\" 1}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x10",
    "NaN",
    "Infinity",
    "tru",
    "True",
    "nul",
    "nulll",
    "'a'",
    "\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u123g\"",
    "\"\\u12g4\"",
    "\"\n\"",
    "\"\t\"",
    "\"\x01\"",
    "{} {}",
    "[]]",
    "1 2",
    "\xEF\xBB\xBF{}",
    "[1]x",
    "{\"a\":1}}",
    "\"a\"b",
    "/**/1",
    "truefalse",
    "\f1",
};

START_TEST(malformed_text_is_refused)
{
    ck_assert_msg(!json_scan_is_whole(slice_of(bad[_i])), "%s", bad[_i]);
}
END_TEST

START_TEST(a_zero_byte_is_no_json)
{
    ck_assert(!json_scan_is_whole(UNIT_BYTES("\0")));
    ck_assert(!json_scan_is_whole(UNIT_BYTES("1\0")));
    ck_assert(!json_scan_is_whole(UNIT_BYTES("\"\0\"")));
    ck_assert(!json_scan_is_whole(UNIT_BYTES("\"\\\0\"")));
    ck_assert(!json_scan_is_whole((struct slice){NULL, 0}));
}
END_TEST

static bool is_whole_at_depth(size_t depth)
{
    struct buffer text;
    buffer_init(&text, 2 * depth);
    for (size_t i = 0; i < depth; i++)
        buffer_append_byte(&text, '[');
    for (size_t i = 0; i < depth; i++)
        buffer_append_byte(&text, ']');
    bool is_whole = json_scan_is_whole(buffer_slice(&text));
    buffer_free(&text);
    return is_whole;
}

START_TEST(text_deeper_than_the_limit_is_refused_and_does_not_overflow)
{
    ck_assert(is_whole_at_depth(JSON_SCAN_MAX_DEPTH));
    ck_assert(!is_whole_at_depth(JSON_SCAN_MAX_DEPTH + 1));
    ck_assert(!is_whole_at_depth(10000000));
}
END_TEST

/* jansson is the judge: what one takes, the other takes, but for UTF-8, lone surrogates, and
 * numbers that don't fit. */
START_TEST(random_text_is_judged_as_jansson_judges_it)
{
    static const char letters[] = "{}[]\"\\:,0123.eE+- \nturefalsn/b";
    uint64_t random = 7;
    for (int round = 0; round < 300000; round++) {
        char text[12];
        size_t size = unit_random(&random) % sizeof text;
        for (size_t i = 0; i < size; i++)
            text[i] = letters[unit_random(&random) % (sizeof letters - 1)];
        json_error_t error;
        json_t *json = json_loadb(text, size, JSON_DECODE_ANY, &error);
        bool is_too_big = json == NULL && json_error_code(&error) == json_error_numeric_overflow;
        if (!is_too_big)
            ck_assert_msg(json_scan_is_whole((struct slice){text, size}) == (json != NULL), "%.*s",
                          (int)size, text);
        json_decref(json);
    }
}
END_TEST

START_TEST(values_are_found_where_they_lie)
{
    struct slice object =
        slice_of(" { \"a\" : [1, {\"b\":2}] , \"b\": \"x\\\"y\" , \"c\" : -1.5e3 } ");
    struct slice value;
    ck_assert(json_scan_find(object, "a", &value));
    unit_assert_slice(value, "[1, {\"b\":2}]");
    ck_assert(json_scan_find(object, "b", &value)); // the object's own, not the inner one
    unit_assert_slice(json_scan_string(value), "x\\\"y");
    ck_assert(json_scan_find(object, "c", &value));
    unit_assert_slice(value, "-1.5e3");
    ck_assert_ptr_null(json_scan_string(value).data);
    ck_assert(!json_scan_find(object, "d", &value));
    unit_assert_slice(value, "-1.5e3");
    ck_assert(!json_scan_find(slice_of("[\"a\"]"), "a", &value));
    ck_assert(!json_scan_find(slice_of("{\"x\":tru,\"a\":1}"), "a", &value));
}
END_TEST

UNIT_MAIN("base/json_scan", UNIT_EACH(well_formed_text_is_whole, good),
          UNIT_EACH(text_cut_anywhere_is_not_whole, good),
          UNIT_EACH(malformed_text_is_refused, bad), UNIT_TEST(a_zero_byte_is_no_json),
          UNIT_TEST(text_deeper_than_the_limit_is_refused_and_does_not_overflow),
          UNIT_TEST(random_text_is_judged_as_jansson_judges_it),
          UNIT_TEST(values_are_found_where_they_lie))
