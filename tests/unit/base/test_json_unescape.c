/* test_json_unescape.c: what stands between a string's quotes becomes its text, as jansson reads it. */
#include <jansson.h>

#include "base/json_scan.h"
#include "unit.h"

static const struct {
    const char *inside;
    const char *text;
} cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
    {"a\\nb\\\\nc", "a\nb\\nc"},
    {"\\u0041\\u00e9\\u20AC\\uFFFF", "A\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF"},
    {"\\u007f\\u0080\\u07ff\\u0800", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80"},
    {"\\uD83D\\uDE00!", "\xF0\x9F\x98\x80!"},
    {"\\uD800\\uDC00\\uDBFF\\uDFFF", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
    {"\xC3\xA9", "\xC3\xA9"},
};

START_TEST(text_is_as_jansson_reads_it)
{
    struct buffer out;
    char quoted[256];
    snprintf(quoted, sizeof quoted, "\"%s\"", cases[_i].inside);
    json_t *json = json_loads(quoted, JSON_DECODE_ANY, NULL);
    ck_assert_str_eq(json_string_value(json), cases[_i].text);
    json_decref(json);
    buffer_init(&out, 256);
    json_scan_unescape(&out, slice_of(cases[_i].inside));
    unit_assert_slice(buffer_slice(&out), cases[_i].text);
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *inside;
    const char *text;
} halves[] = {
    {"\\uD83D", "\xEF\xBF\xBD"},
    {"\\uDE00", "\xEF\xBF\xBD"},
    {"\\uD83Dx", "\xEF\xBF\xBDx"},
    {"\\uD83D\\u0041", "\xEF\xBF\xBD"
                       "A"},
    {"\\uD83D\\uD83D\\uDE00", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
    {"\\uDE00\\uD83D", "\xEF\xBF\xBD\xEF\xBF\xBD"},
};

START_TEST(half_of_a_pair_becomes_the_replacement_character)
{
    struct buffer out;
    buffer_init(&out, 256);
    json_scan_unescape(&out, slice_of(halves[_i].inside));
    unit_assert_slice(buffer_slice(&out), halves[_i].text);
    buffer_free(&out);
}
END_TEST

START_TEST(a_zero_byte_is_text)
{
    struct buffer out;
    buffer_init(&out, 256);
    json_scan_unescape(&out, slice_of("a\\u0000b"));
    ck_assert(slice_equal(buffer_slice(&out), UNIT_BYTES("a\0b")));
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_cut_off_is_not_read_behind)
{
    static const char whole[] = "a\\uD83D\\uDE00";
    for (size_t size = 0; size < sizeof whole; size++) {
        struct buffer out;
        char *copy = malloc(size + 1); // its end is where a sanitizer looks
        memcpy(copy, whole, size);
        buffer_init(&out, 256);
        json_scan_unescape(&out, (struct slice){copy, size});
        ck_assert_uint_le(out.size, size);
        buffer_free(&out);
        free(copy);
    }
}
END_TEST

UNIT_MAIN("base/json_unescape", UNIT_EACH(text_is_as_jansson_reads_it, cases),
          UNIT_EACH(half_of_a_pair_becomes_the_replacement_character, halves),
          UNIT_TEST(a_zero_byte_is_text), UNIT_TEST(what_is_cut_off_is_not_read_behind))
