/* test_copytext.c: what encode/copytext.h promises, and that it reads back all that COPY can write.
 */
#include "encode/copytext.h"

#include "unit.h"

enum { FIELDS_MAX = 8 };

static const struct {
    const char *row;
    size_t count;
    const char *fields[FIELDS_MAX]; // NULL: a NULL
} rows[] = {
    {"", 1, {""}},
    {"\n", 1, {""}},
    {"a", 1, {"a"}},
    {"a\n", 1, {"a"}},
    {"a\tb", 2, {"a", "b"}},
    {"a\tb\n", 2, {"a", "b"}},
    {"\t\t\n", 3, {"", "", ""}},
    {"\\N", 1, {NULL}},
    {"\\N\t\\N\n", 2, {NULL, NULL}},
    {"\\N\tx\t\\N", 3, {NULL, "x", NULL}},
    {"\\\\N", 1, {"\\\\N"}},             // the text \N
    {"\\Nx\tx\\N", 2, {"\\Nx", "x\\N"}}, // \N alone is NULL
    {"N\t\\n", 2, {"N", "\\n"}},
    {"a\\tb\tc", 2, {"a\\tb", "c"}},
    {"a\\\tb\tc", 2, {"a\\\tb", "c"}},       // an escaped tab
    {"a\\\\\tb\tc", 3, {"a\\\\", "b", "c"}}, // an escaped backslash, then a tab
    {"a\\\\\\\tb", 1, {"a\\\\\\\tb"}},
    {"\\\t\\\t", 1, {"\\\t\\\t"}},
    {"a\\", 1, {"a\\"}},
};

START_TEST(a_tab_ends_a_field_and_a_lone_backslash_N_is_null)
{
    struct slice fields[FIELDS_MAX];
    size_t count = copytext_split(slice_of(rows[_i].row), fields, FIELDS_MAX);
    ck_assert_uint_eq(count, rows[_i].count);
    for (size_t i = 0; i < count; i++) {
        if (rows[_i].fields[i] == NULL) {
            ck_assert_ptr_null(fields[i].data);
            continue;
        }
        ck_assert_ptr_nonnull(fields[i].data);
        unit_assert_slice(fields[i], rows[_i].fields[i]);
    }
}
END_TEST

START_TEST(fields_beyond_the_capacity_are_counted_but_not_stored)
{
    struct slice fields[3] = {{"kept", 4}, {"kept", 4}, {"kept", 4}};
    ck_assert_uint_eq(copytext_split(slice_of("a\tb\tc\td"), fields, 2), 4);
    unit_assert_slice(fields[0], "a");
    unit_assert_slice(fields[1], "b");
    unit_assert_slice(fields[2], "kept");
    ck_assert_uint_eq(copytext_split(slice_of("a\tb"), NULL, 0), 2);
}
END_TEST

START_TEST(a_row_without_bytes_has_one_empty_field)
{
    struct slice field = {NULL, 7};
    ck_assert_uint_eq(copytext_split((struct slice){NULL, 0}, &field, 1), 1);
    ck_assert_ptr_nonnull(field.data);
    ck_assert_uint_eq(field.size, 0);
}
END_TEST

START_TEST(only_the_last_newline_is_trimmed)
{
    unit_assert_slice(copytext_trim_newline(slice_of("a\n\n")), "a\n");
    unit_assert_slice(copytext_trim_newline(slice_of("a")), "a");
    unit_assert_slice(copytext_trim_newline(slice_of("")), "");
}
END_TEST

static const struct {
    const char *raw;
    struct slice bytes;
} escapes[] = {
    {"", UNIT_BYTES("")},
    {"plain", UNIT_BYTES("plain")},
    {"\\b\\f\\n\\r\\t\\v", UNIT_BYTES("\b\f\n\r\t\v")},
    {"\\\\", UNIT_BYTES("\\")},
    {"\\\\n", UNIT_BYTES("\\n")},
    {"\\\\\\n", UNIT_BYTES("\\\n")},
    {"\\1", UNIT_BYTES("\1")},
    {"\\12", UNIT_BYTES("\n")},
    {"\\101", UNIT_BYTES("A")},
    {"\\1011", UNIT_BYTES("A1")}, // three digits at most
    {"\\18", UNIT_BYTES("\0018")},
    {"\\377", UNIT_BYTES("\377")},
    {"\\400", UNIT_BYTES("\0")}, // the low eight bits
    {"\\0", UNIT_BYTES("\0")},
    {"\\8", UNIT_BYTES("8")},
    {"\\x41", UNIT_BYTES("A")},
    {"\\x4", UNIT_BYTES("\4")},
    {"\\x4g", UNIT_BYTES("\4g")},
    {"\\xfF", UNIT_BYTES("\377")},
    {"\\x412", UNIT_BYTES("A2")}, // two digits at most
    {"\\x", UNIT_BYTES("x")},
    {"\\xg", UNIT_BYTES("xg")},
    {"\\X41", UNIT_BYTES("X41")},
    {"\\.", UNIT_BYTES(".")},
    {"\\\"\\a\\N", UNIT_BYTES("\"aN")},
    {"\\\t\\\n", UNIT_BYTES("\t\n")},
    {"\\\303\251", UNIT_BYTES("\303\251")},
    {"a\\", UNIT_BYTES("a\\")},
    {"a long run of text before \\n and a long run behind it", // past every block of the scan
     UNIT_BYTES("a long run of text before \n and a long run behind it")},
};

START_TEST(an_escape_stands_for_its_byte)
{
    struct buffer out;
    buffer_init(&out, 1000);
    copytext_unescape(&out, slice_of(escapes[_i].raw));
    ck_assert_uint_eq(out.size, escapes[_i].bytes.size);
    ck_assert(slice_equal(buffer_slice(&out), escapes[_i].bytes));
    buffer_free(&out);
}
END_TEST

START_TEST(every_byte_can_be_escaped_in_octal_and_in_hex)
{
    struct buffer out;
    buffer_init(&out, 1000);
    for (unsigned byte = 0; byte < 256; byte++) {
        char raw[16];
        snprintf(raw, sizeof raw, "\\%03o\\x%02x", byte, byte);
        buffer_clear(&out);
        copytext_unescape(&out, slice_of(raw));
        ck_assert_uint_eq(out.size, 2);
        ck_assert_uint_eq((unsigned char)out.data[0], byte);
        ck_assert_uint_eq((unsigned char)out.data[1], byte);
    }
    buffer_free(&out);
}
END_TEST

START_TEST(unescaping_appends_and_needs_no_more_room_than_the_raw_field)
{
    struct buffer out;
    buffer_init(&out, 6);
    buffer_append_string(&out, "ab");
    copytext_unescape(&out, slice_of("c\\\\d"));
    ck_assert(!out.has_failed);
    unit_assert_slice(buffer_slice(&out), "abc\\d");
    copytext_unescape(&out, slice_of("ef"));
    ck_assert(out.has_failed);
    buffer_free(&out);
}
END_TEST

/* Write BYTE as one of the forms that stand for it. */
static void append_escaped(struct buffer *out, unsigned char byte, uint64_t choice)
{
    static const char letters[256] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\v'] = 'v'};
    if (choice % 8 == 0)
        buffer_append_format(out, "\\%03o", byte);
    else if (choice % 8 == 1)
        buffer_append_format(out, "\\x%02X", byte);
    else if (letters[byte] != '\0')
        buffer_append_format(out, "\\%c", letters[byte]);
    else if (byte == '\\')
        buffer_append_string(out, "\\\\");
    else
        buffer_append_byte(out, (char)byte);
}

static void check_round_trip(uint64_t *random)
{
    struct buffer bytes, raw, back;
    buffer_init(&bytes, 1000);
    buffer_init(&raw, 10000);
    buffer_init(&back, 10000);
    size_t size = unit_random(random) % 200;
    for (size_t i = 0; i < size; i++) {
        uint64_t r = unit_random(random);
        char byte = r % 4 == 0 ? (char)(r >> 8) : "\\\t\n aN0x"[r >> 8 & 7];
        buffer_append_byte(&bytes, byte);
        append_escaped(&raw, (unsigned char)byte, r >> 32);
    }
    struct slice field;
    ck_assert_uint_eq(copytext_split(buffer_slice(&raw), &field, 1), 1);
    copytext_unescape(&back, field);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&bytes)));
    buffer_free(&bytes);
    buffer_free(&raw);
    buffer_free(&back);
}

START_TEST(any_bytes_survive_the_round_trip)
{
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (int round = 0; round < 1000; round++)
        check_round_trip(&random);
}
END_TEST

UNIT_MAIN("encode/copytext", UNIT_EACH(a_tab_ends_a_field_and_a_lone_backslash_N_is_null, rows),
          UNIT_TEST(fields_beyond_the_capacity_are_counted_but_not_stored),
          UNIT_TEST(a_row_without_bytes_has_one_empty_field),
          UNIT_TEST(only_the_last_newline_is_trimmed),
          UNIT_EACH(an_escape_stands_for_its_byte, escapes),
          UNIT_TEST(every_byte_can_be_escaped_in_octal_and_in_hex),
          UNIT_TEST(unescaping_appends_and_needs_no_more_room_than_the_raw_field),
          UNIT_TEST(any_bytes_survive_the_round_trip))
