/* test_json.c: what encode/json.h writes is one line of JSON, and a parser reads back what went in.
 */
#include "encode/json.h"

#include <jansson.h>

#include "copied.h"
#include "encode/copytext.h"
#include "unit.h"

typedef const char *append_function(struct buffer *out, struct slice input);

static const struct {
    append_function *append;
    const char *input;
    const char *json; // NULL: refused
} cases[] = {
    {json_append_string, "", "\"\""},
    {json_append_string, "plain", "\"plain\""},
    {json_append_string, "a \"quote\"", "\"a \\\"quote\\\"\""},
    {json_append_string, "C:\\new", "\"C:\\\\new\""}, // not an escape: these are plain bytes
    {json_append_string, "\b\f\n\r\t\v", "\"\\b\\f\\n\\r\\t\\u000b\""},
    {json_append_string, "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
    {json_append_string, "/\xc3\xa9\xf0\x9f\x98\x80", "\"/\xc3\xa9\xf0\x9f\x98\x80\""},
    {json_append_string, "Besan\xe7on", NULL},
    {json_append_string, "cut \xe6\x9d", NULL},

    {json_append_copytext, "", "\"\""},
    {json_append_copytext, "C:\\\\new\\tline", "\"C:\\\\new\\tline\""},
    {json_append_copytext, "\\b\\f\\n\\r\\t\\v", "\"\\b\\f\\n\\r\\t\\u000b\""},
    {json_append_copytext, "\\\\\\\\\\n", "\"\\\\\\\\\\n\""},
    {json_append_copytext, "\\\"\\/", "\"\\\"/\""},
    {json_append_copytext, "\\x41\\102\\x9", "\"AB\\t\""},
    {json_append_copytext, "a\\", "\"a\\\\\""},
    {json_append_copytext, "\\303\\251", "\"\xc3\xa9\""}, // valid only once it is unescaped
    {json_append_copytext, "\\xe7", NULL},
    {json_append_copytext, "\xc3\\n\xa9", NULL}, // an escape within a character
    {json_append_copytext, "caf\xe9 \\n", NULL},

    {json_append_embedded, "{}", "{}"},
    {json_append_embedded, "null", "null"},
    {json_append_embedded, "{\"a\": [1, 2.50]}", "{\"a\": [1, 2.50]}"},
    {json_append_embedded, "{\\n\\t\"a\":\\r\\n1}", "{  \"a\":  1}"},
    {json_append_embedded, "{\n\"a\": 1\r}", "{ \"a\": 1 }"},
    {json_append_embedded, "\"a\\\\nb\\\\\\\\c\\\\\"\"", "\"a\\nb\\\\c\\\"\""},
    {json_append_embedded, "\"\\\\u00e9\xc3\xa9\"", "\"\\u00e9\xc3\xa9\""},
    {json_append_embedded, "", NULL},
    {json_append_embedded, "\"\x01\"", NULL},
    {json_append_embedded, "\"\\v\"", NULL},
    {json_append_embedded, "\"\\x00\"", NULL},
    {json_append_embedded, "\"\xe7\"", NULL},
    {json_append_embedded, "\"\\347\"", NULL},
};

START_TEST(the_output_is_exactly_this_or_nothing)
{
    struct buffer out;
    buffer_init(&out, 1000);
    buffer_append_string(&out, "before");
    const char *refusal = cases[_i].append(&out, slice_of(cases[_i].input));
    ck_assert_int_eq(refusal == NULL, cases[_i].json != NULL);
    ck_assert_str_eq(buffer_string(&out) + 6, cases[_i].json ? cases[_i].json : "");
    buffer_free(&out);
}
END_TEST

START_TEST(a_buffer_as_large_as_input_and_output_is_enough)
{
    if (cases[_i].json == NULL)
        return;
    struct buffer out;
    size_t size = strlen(cases[_i].json), input_size = strlen(cases[_i].input);
    buffer_init(&out, (size > input_size ? size : input_size) + 8);
    ck_assert_ptr_null(cases[_i].append(&out, slice_of(cases[_i].input)));
    ck_assert(!out.has_failed);
    buffer_free(&out);

    buffer_init(&out, size - 1);
    ck_assert_ptr_null(cases[_i].append(&out, slice_of(cases[_i].input)));
    ck_assert(out.has_failed);
    buffer_free(&out);
}
END_TEST

static void assert_string_is(const struct buffer *json, struct slice expected)
{
    json_error_t error;
    json_t *value = json_loadb(json->data, json->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    ck_assert_msg(json_is_string(value), "%s: %.*s", error.text, (int)json->size, json->data);
    struct slice string = {json_string_value(value), json_string_length(value)};
    ck_assert(slice_equal(string, expected));
    ck_assert_ptr_null(memchr(json->data, '\n', json->size));
    json_decref(value);
}

static void check_text(uint64_t *random)
{
    struct buffer text, raw, out;
    buffer_init(&text, 10000);
    buffer_init(&raw, 10000);
    buffer_init(&out, 10000);
    copied_append_random_text(&text, 150, random);
    ck_assert_ptr_null(json_append_string(&out, buffer_slice(&text)));
    assert_string_is(&out, buffer_slice(&text));

    buffer_clear(&out);
    copied_append(&raw, buffer_slice(&text));
    ck_assert_ptr_null(json_append_copytext(&out, buffer_slice(&raw)));
    assert_string_is(&out, buffer_slice(&text));
    buffer_free(&text);
    buffer_free(&raw);
    buffer_free(&out);
}

START_TEST(a_parser_reads_back_any_text)
{
    uint64_t random = 362436069u;
    for (int round = 0; round < 1000; round++)
        check_text(&random);
}
END_TEST

/* Fuzz: whatever the bytes are, one pass gives what unescaping and then quoting give. */
static void check_passes(uint64_t *random)
{
    struct buffer raw, bytes, one, two;
    buffer_init(&raw, 10000);
    buffer_init(&bytes, 10000);
    buffer_init(&one, 10000);
    buffer_init(&two, 10000);
    size_t size = unit_random(random) % 60;
    for (size_t i = 0; i < size; i++) {
        uint64_t r = unit_random(random);
        buffer_append_byte(&raw, r % 8 == 0 ? (char)(r >> 8) : "\\\\nx41v\""[r >> 8 & 7]);
    }
    copytext_unescape(&bytes, buffer_slice(&raw));
    const char *one_refusal = json_append_copytext(&one, buffer_slice(&raw));
    const char *two_refusal = json_append_string(&two, buffer_slice(&bytes));
    ck_assert_int_eq(one_refusal == NULL, two_refusal == NULL);
    ck_assert(slice_equal(buffer_slice(&one), buffer_slice(&two)));
    buffer_free(&raw);
    buffer_free(&bytes);
    buffer_free(&one);
    buffer_free(&two);
}

START_TEST(one_pass_is_the_same_as_two)
{
    uint64_t random = 521288629u;
    for (int round = 0; round < 10000; round++)
        check_passes(&random);
}
END_TEST

static json_t *random_json(uint64_t *random, int depth)
{
    struct buffer text;
    buffer_init(&text, 10000);
    copied_append_random_text(&text, 20, random);
    uint64_t kind = unit_random(random) % (depth > 0 ? 5 : 3);
    json_t *value = kind == 0   ? json_integer((json_int_t)(unit_random(random) >> 20))
                    : kind == 1 ? json_null()
                    : kind == 2 ? json_stringn(text.size > 0 ? text.data : "", text.size)
                    : kind == 3 ? json_array()
                                : json_object();
    for (uint64_t i = unit_random(random) % 5; kind == 3 && i > 0; i--)
        json_array_append_new(value, random_json(random, depth - 1));
    for (uint64_t i = unit_random(random) % 5; kind == 4 && i > 0; i--) {
        char key[] = {(char)('a' + i), '"', '\\', '\n', '\0'};
        json_object_set_new(value, key, random_json(random, depth - 1));
    }
    buffer_free(&text);
    return value;
}

static void check_embedded(uint64_t *random, size_t form)
{
    json_t *value = random_json(random, 3);
    struct buffer raw, out;
    buffer_init(&raw, 1000000);
    buffer_init(&out, 1000000);
    char *text = json_dumps(value, form | JSON_ENCODE_ANY);
    ck_assert_ptr_nonnull(text);
    copied_append(&raw, slice_of(text));
    ck_assert_ptr_null(json_append_embedded(&out, buffer_slice(&raw)));
    json_t *back = json_loadb(out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert(json_equal(value, back));
    ck_assert_ptr_null(memchr(out.data, '\n', out.size));
    json_decref(back);
    json_decref(value);
    free(text);
    buffer_free(&raw);
    buffer_free(&out);
}

START_TEST(a_parser_reads_back_any_json_from_one_line)
{
    static const size_t forms[] = {JSON_INDENT(2), JSON_COMPACT, JSON_ENSURE_ASCII};
    uint64_t random = 6364136223846793005u;
    for (int round = 0; round < 300; round++)
        check_embedded(&random, forms[round % 3]);
}
END_TEST

UNIT_MAIN("encode/json", UNIT_EACH(the_output_is_exactly_this_or_nothing, cases),
          UNIT_EACH(a_buffer_as_large_as_input_and_output_is_enough, cases),
          UNIT_TEST(a_parser_reads_back_any_text), UNIT_TEST(one_pass_is_the_same_as_two),
          UNIT_TEST(a_parser_reads_back_any_json_from_one_line))
