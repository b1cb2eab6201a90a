/* test_value.c: each type of PostgreSQL value becomes the JSON that encode/value.h promises. */
#include "encode/value.h"

#include <jansson.h>

#include "copied.h"
#include "unit.h"

static const struct {
    enum value_type type;
    const char *raw;
    const char *json; // NULL: refused
    unsigned nulled;
} cases[] = {
    {VALUE_TEXT, "", "\"\"", 0},
    {VALUE_TEXT, "a \"b\" \\\\ \\n \\v", "\"a \\\"b\\\" \\\\ \\n \\u000b\"", 0},
    {VALUE_TEXT, "NaN", "\"NaN\"", 0},
    {VALUE_TEXT, "infinity", "\"infinity\"", 0},
    {VALUE_TEXT, "\xff", NULL, 0},

    {VALUE_BOOLEAN, "t", "true", 0},
    {VALUE_BOOLEAN, "f", "false", 0},
    {VALUE_BOOLEAN, "true", NULL, 0},
    {VALUE_BOOLEAN, "", NULL, 0},

    {VALUE_INTEGER, "0", "0", 0},
    {VALUE_INTEGER, "-9223372036854775808", "-9223372036854775808", 0},
    {VALUE_INTEGER, "", NULL, 0},
    {VALUE_INTEGER, "-", NULL, 0},
    {VALUE_INTEGER, "007", NULL, 0}, // no JSON
    {VALUE_INTEGER, "-01", NULL, 0},
    {VALUE_INTEGER, "1.5", NULL, 0},
    {VALUE_INTEGER, "1e5", NULL, 0},
    {VALUE_INTEGER, "NaN", NULL, 0},
    {VALUE_INTEGER, "12a", NULL, 0},
    {VALUE_INTEGER, "+1", NULL, 0},

    {VALUE_NUMBER, "0", "0", 0},
    {VALUE_NUMBER, "-0", "-0", 0},
    {VALUE_NUMBER, "43.576100000000004", "43.576100000000004", 0},
    {VALUE_NUMBER, "0.10", "0.10", 0},
    {VALUE_NUMBER, "1e+20", "1e+20", 0},
    {VALUE_NUMBER, "-1.5e-07", "-1.5e-07", 0},
    {VALUE_NUMBER, "1E5", "1E5", 0},
    {VALUE_NUMBER, "123456789012345678901234567890.000000000000000001",
     "123456789012345678901234567890.000000000000000001", 0},
    {VALUE_NUMBER, "NaN", "null", 1},
    {VALUE_NUMBER, "Infinity", "null", 1},
    {VALUE_NUMBER, "-Infinity", "null", 1},
    {VALUE_NUMBER, "-NaN", NULL, 0},
    {VALUE_NUMBER, "infinity", NULL, 0},
    {VALUE_NUMBER, "", NULL, 0},
    {VALUE_NUMBER, ".5", NULL, 0},
    {VALUE_NUMBER, "5.", NULL, 0},
    {VALUE_NUMBER, "01.5", NULL, 0},
    {VALUE_NUMBER, "1e", NULL, 0},
    {VALUE_NUMBER, "1e+", NULL, 0},
    {VALUE_NUMBER, "1.5 ", NULL, 0},
    {VALUE_NUMBER, "$1.50", NULL, 0},
    {VALUE_NUMBER, "1,5", NULL, 0},

    {VALUE_JSON, "{\"a\":\\n[1]}", "{\"a\": [1]}", 0},
    {VALUE_JSON, "\"NaN\"", "\"NaN\"", 0},
    {VALUE_JSON, "", NULL, 0},
    {VALUE_JSON, "\"\xff\"", NULL, 0},

    {VALUE_DATE, "2026-01-02", "\"2026-01-02\"", 0},
    {VALUE_DATE, "0044-03-15 BC", "\"-0043-03-15\"", 0},
    {VALUE_DATE, "infinity", "null", 1},
    {VALUE_DATE, "-infinity", "null", 1},
    {VALUE_DATE, "2026-01-02 03:04:05", NULL, 0},
    {VALUE_DATE, "", NULL, 0},
    {VALUE_TIMESTAMP, "2026-01-02 03:04:05.678", "\"2026-01-02T03:04:05.678\"", 0},
    {VALUE_TIMESTAMP, "infinity", "null", 1},
    {VALUE_TIMESTAMP, "-infinity", "null", 1},
    {VALUE_TIMESTAMP, "Infinity", NULL, 0},
    {VALUE_TIMESTAMP, "2026-01-02 03:04:05+00", NULL, 0},
    {VALUE_TIMESTAMP, "", NULL, 0},
    {VALUE_TIMESTAMPTZ, "2026-01-02 03:04:05+00", "\"2026-01-02T03:04:05+00:00\"", 0},
    {VALUE_TIMESTAMPTZ, "2026-01-02 03:04:05+05:30", "\"2026-01-02T03:04:05+05:30\"", 0},
    {VALUE_TIMESTAMPTZ, "0044-03-15 00:00:00+00 BC", "\"-0043-03-15T00:00:00+00:00\"", 0},
    {VALUE_TIMESTAMPTZ, "10000-01-01 00:00:00+00", "\"+10000-01-01T00:00:00+00:00\"", 0},
    {VALUE_TIMESTAMPTZ, "-infinity", "null", 1},
    {VALUE_TIMESTAMPTZ, "2026-01-02 03:04:05", NULL, 0},
    {VALUE_TIMESTAMPTZ, "\xff", NULL, 0},

    {VALUE_BYTEA, "\\\\x", "\"\"", 0},
    {VALUE_BYTEA, "\\\\x00ff10", "\"AP8Q\"", 0},
    {VALUE_BYTEA, "\\\\x0", NULL, 0},
    {VALUE_BYTEA, "\\\\x0g", NULL, 0},
    {VALUE_BYTEA, "", NULL, 0},
    {VALUE_BYTEA, "\\x00", NULL, 0},      // one backslash: the byte 0, not hex
    {VALUE_BYTEA, "abc\\\\000", NULL, 0}, // bytea_output = escape

    {(enum value_type)99, "x", NULL, 0},
};

START_TEST(a_value_becomes_this_json_or_is_refused)
{
    struct buffer out;
    unsigned nulled = 5;
    buffer_init(&out, 1000);
    buffer_append_string(&out, "before");
    const char *refusal = value_append(&out, cases[_i].type, slice_of(cases[_i].raw), &nulled);
    ck_assert_msg((refusal == NULL) == (cases[_i].json != NULL), "%s: %s", cases[_i].raw,
                  refusal ? refusal : "was not refused");
    ck_assert_str_eq(buffer_string(&out) + 6, cases[_i].json ? cases[_i].json : "");
    ck_assert_uint_eq(nulled, 5 + cases[_i].nulled);
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_written_is_json)
{
    struct buffer out;
    unsigned nulled = 0;
    buffer_init(&out, 1000);
    if (value_append(&out, cases[_i].type, slice_of(cases[_i].raw), &nulled) == NULL) {
        json_error_t error;
        json_t *value =
            json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
        ck_assert_msg(value != NULL, "%.*s: %s", (int)out.size, out.data, error.text);
        json_decref(value);
    }
    buffer_free(&out);
}
END_TEST

/* One of the ways in which COPY text can have BYTE: raw, octal, hex, behind a backslash. */
static size_t spell(char *raw, size_t size, int byte, int spelling)
{
    if (spelling == 1)
        return (size_t)snprintf(raw, size, "\\%03o", (unsigned)byte);
    if (spelling == 2)
        return (size_t)snprintf(raw, size, "\\x%02x", (unsigned)byte);
    if (spelling == 3)
        *raw++ = '\\';
    *raw = (char)byte;
    return spelling == 3 ? 2 : 1;
}

/* RAW as a text value is the string EXPECTED, or (NULL) refused. */
static void check_text(struct slice raw, const struct slice *expected)
{
    struct buffer out;
    unsigned nulled = 0;
    buffer_init(&out, 6 * raw.size + 20);
    const char *refusal = value_append(&out, VALUE_TEXT, raw, &nulled);
    ck_assert_int_eq(refusal == NULL, expected != NULL);
    if (expected != NULL) {
        json_t *value = json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        ck_assert(json_is_string(value));
        struct slice back = {json_string_value(value), json_string_length(value)};
        ck_assert(slice_equal(back, *expected));
        json_decref(value);
    }
    buffer_free(&out);
}

START_TEST(every_byte_as_text_is_that_character_or_refused)
{
    for (int byte = 0; byte < 256; byte++)
        for (int spelling = 0; spelling < 3; spelling++)
            for (size_t before = 0; before < 20; before++) {
                char raw[64] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
                char text[64] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
                size_t size = spell(raw + before, sizeof raw - before, byte, spelling);
                text[before] = (char)byte;
                struct slice expected = {text, before + 1};
                check_text((struct slice){raw, before + size}, byte < 0x80 ? &expected : NULL);
            }
}
END_TEST

START_TEST(a_backslash_before_any_byte_is_never_broken_json)
{
    static const char letters[256] = {
        ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['v'] = '\v'};
    for (int byte = 0; byte < 256; byte++) {
        char raw[8];
        bool is_octal = byte >= '0' && byte <= '7';
        char character = (char)(is_octal ? byte - '0' : letters[byte] ? letters[byte] : byte);
        struct slice expected = {&character, 1};
        check_text((struct slice){raw, spell(raw, sizeof raw, byte, 3)},
                   byte < 0x80 ? &expected : NULL);
    }
}
END_TEST

START_TEST(a_parser_reads_back_any_text)
{
    uint64_t random = 1181783497276652981u;
    for (int round = 0; round < 300; round++) {
        struct buffer text, raw;
        buffer_init(&text, 100000);
        buffer_init(&raw, 100000);
        copied_append_random_text(&text, 2000, &random);
        copied_append(&raw, buffer_slice(&text));
        struct slice expected = buffer_slice(&text);
        check_text(buffer_slice(&raw), &expected);
        buffer_free(&text);
        buffer_free(&raw);
    }
}
END_TEST

START_TEST(a_bytea_of_a_hundred_megabytes_fits_its_buffer)
{
    const size_t size = (size_t)100 << 20; // its hex is twice as long, its base64 a third longer
    struct buffer raw, out;
    unsigned nulled = 0;
    buffer_init(&raw, 2 * size + 3);
    buffer_init(&out, size / 3 * 4 + 6);
    buffer_append_string(&raw, "\\\\x");
    ck_assert(buffer_reserve(&raw, 2 * size));
    memset(raw.data + 3, '0', 2 * size);
    raw.size += 2 * size;
    ck_assert_ptr_null(value_append(&out, VALUE_BYTEA, buffer_slice(&raw), &nulled));
    ck_assert(!out.has_failed);
    ck_assert_uint_eq(out.size, (size + 2) / 3 * 4 + 2);
    ck_assert_mem_eq(out.data, "\"AAAA", 5);
    ck_assert_mem_eq(out.data + out.size - 5, "AA==\"", 5);
    buffer_free(&raw);
    buffer_free(&out);
}
END_TEST

START_TEST(a_full_buffer_fails_for_every_type)
{
    struct buffer out;
    unsigned nulled = 0;
    size_t size = cases[_i].json ? strlen(cases[_i].json) : 1;
    buffer_init(&out, size - 1);
    (void)!value_append(&out, cases[_i].type, slice_of(cases[_i].raw), &nulled);
    ck_assert(out.has_failed || cases[_i].json == NULL);
    ck_assert_uint_le(out.size, out.maximum);
    buffer_free(&out);
}
END_TEST

UNIT_MAIN("encode/value", UNIT_EACH(a_value_becomes_this_json_or_is_refused, cases),
          UNIT_EACH(what_is_written_is_json, cases),
          UNIT_TEST(every_byte_as_text_is_that_character_or_refused),
          UNIT_TEST(a_backslash_before_any_byte_is_never_broken_json),
          UNIT_TEST(a_parser_reads_back_any_text),
          UNIT_TEST(a_bytea_of_a_hundred_megabytes_fits_its_buffer),
          UNIT_EACH(a_full_buffer_fails_for_every_type, cases))
