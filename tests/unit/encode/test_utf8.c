/* test_utf8.c: utf8_is_valid is RFC 3629, no more and no less, at every place in a text. */
#include "encode/utf8.h"

#include "unit.h"

static const struct {
    const char *what;
    struct slice bytes;
    bool is_valid;
} cases[] = {
    {"nothing", UNIT_BYTES(""), true},
    {"ASCII", UNIT_BYTES("hello"), true},
    {"U+0000", UNIT_BYTES("\0"), true},
    {"U+007F", UNIT_BYTES("\x7f"), true},
    {"U+0080, the first of two bytes", UNIT_BYTES("\xc2\x80"), true},
    {"U+07FF, the last of two bytes", UNIT_BYTES("\xdf\xbf"), true},
    {"U+0800, the first of three bytes", UNIT_BYTES("\xe0\xa0\x80"), true},
    {"U+D7FF, the last before the surrogates", UNIT_BYTES("\xed\x9f\xbf"), true},
    {"U+E000, the first behind the surrogates", UNIT_BYTES("\xee\x80\x80"), true},
    {"U+FFFF, the last of three bytes", UNIT_BYTES("\xef\xbf\xbf"), true},
    {"U+10000, the first of four bytes", UNIT_BYTES("\xf0\x90\x80\x80"), true},
    {"U+10FFFF, the last of all", UNIT_BYTES("\xf4\x8f\xbf\xbf"), true},
    {"mixed sizes", UNIT_BYTES("a\xc3\xa9\xe6\x9d\xb1\xf0\x9f\x98\x80z"), true},
    {"a lone continuation", UNIT_BYTES("\x80"), false},
    {"U+0000 overlong in two", UNIT_BYTES("\xc0\x80"), false},
    {"U+007F overlong in two", UNIT_BYTES("\xc1\xbf"), false},
    {"U+07FF overlong in three", UNIT_BYTES("\xe0\x9f\xbf"), false},
    {"U+FFFF overlong in four", UNIT_BYTES("\xf0\x8f\xbf\xbf"), false},
    {"U+D800, a surrogate", UNIT_BYTES("\xed\xa0\x80"), false},
    {"U+DFFF, a surrogate", UNIT_BYTES("\xed\xbf\xbf"), false},
    {"U+110000, too high", UNIT_BYTES("\xf4\x90\x80\x80"), false},
    {"a lead byte that never is", UNIT_BYTES("\xf5\x80\x80\x80"), false},
    {"0xFF", UNIT_BYTES("\xff"), false},
    {"0xFE", UNIT_BYTES("\xfe"), false},
    {"two bytes, one given", UNIT_BYTES("\xc3"), false},
    {"three bytes, two given", UNIT_BYTES("\xe6\x9d"), false},
    {"four bytes, three given", UNIT_BYTES("\xf0\x9f\x98"), false},
    {"a letter in the middle of a character", UNIT_BYTES("\xe6z\xb1"), false},
    {"a third byte that is no continuation", UNIT_BYTES("\xe6\x9dz"), false},
    {"a fourth byte that is no continuation", UNIT_BYTES("\xf0\x9f\x98z"), false},
    {"Latin-1", UNIT_BYTES("Besan\xe7on"), false},
};

START_TEST(a_text_is_valid_or_not)
{
    ck_assert_msg(utf8_is_valid(cases[_i].bytes) == cases[_i].is_valid, "%s", cases[_i].what);
}
END_TEST

/* The same at each offset within the blocks of eight and sixteen that ASCII is skipped in, with
 * ASCII behind it. Memory that ends with the text lets a sanitizer see a read past it. */
START_TEST(the_place_in_a_text_does_not_matter)
{
    struct slice bytes = cases[_i].bytes;
    for (size_t before = 0; before <= 40; before++)
        for (size_t after = 0; after <= 20; after++) {
            size_t size = before + bytes.size + after;
            char *text = malloc(size + 1);
            ck_assert_ptr_nonnull(text);
            memset(text + 1, 'a', size);
            memcpy(text + 1 + before, bytes.data, bytes.size);
            bool is_valid = utf8_is_valid((struct slice){text + 1, size});
            ck_assert_msg(is_valid == cases[_i].is_valid, "%s, %zu bytes in", cases[_i].what,
                          before);
            free(text);
        }
}
END_TEST

/* RFC 3629, section 3: the table, the other way round. */
static size_t encode(uint32_t point, char *out)
{
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(leads[size] | point);
    return size;
}

START_TEST(every_code_point_but_the_surrogates_is_valid)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char text[4];
        size_t size = encode(point, text);
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        ck_assert_int_eq(utf8_is_valid((struct slice){text, size}), !is_surrogate);
        if (size > 1)
            ck_assert(!utf8_is_valid((struct slice){text, size - 1}));
    }
}
END_TEST

START_TEST(no_other_bytes_are_valid)
{
    /* As many of all three-byte strings are valid as RFC 3629 has ways to fill three bytes. */
    const unsigned one = 128, two = 30 * 64, three = 16 * 64 * 64 - 32 * 64 - 2048;
    unsigned valid = 0;
    for (unsigned i = 0; i < 1u << 24; i++) {
        char text[] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        valid += utf8_is_valid((struct slice){text, sizeof text});
    }
    ck_assert_uint_eq(valid, one * one * one + 2 * one * two + three);
}
END_TEST

UNIT_MAIN("encode/utf8", UNIT_EACH(a_text_is_valid_or_not, cases),
          UNIT_EACH(the_place_in_a_text_does_not_matter, cases),
          UNIT_TEST(every_code_point_but_the_surrogates_is_valid),
          UNIT_TEST(no_other_bytes_are_valid))
