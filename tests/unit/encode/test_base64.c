/* test_base64.c: base64 as RFC 4648 says it, from bytes and from hex digits. */
#include "encode/base64.h"

#include "unit.h"

static const struct {
    struct slice bytes;
    const char *hex;
    const char *base64;
} cases[] = {
    // RFC 4648, section 10
    {UNIT_BYTES(""), "", ""},
    {UNIT_BYTES("f"), "66", "Zg=="},
    {UNIT_BYTES("fo"), "666f", "Zm8="},
    {UNIT_BYTES("foo"), "666f6f", "Zm9v"},
    {UNIT_BYTES("foob"), "666f6f62", "Zm9vYg=="},
    {UNIT_BYTES("fooba"), "666f6f6261", "Zm9vYmE="},
    {UNIT_BYTES("foobar"), "666f6f626172", "Zm9vYmFy"},
    // the ends of the alphabet, zero bytes, both cases of hex
    {UNIT_BYTES("\0\0\0"), "000000", "AAAA"},
    {UNIT_BYTES("\377\377\377"), "ffFFfF", "////"},
    {UNIT_BYTES("\373\357\276"), "FBefBE", "++++"},
    {UNIT_BYTES("\0"), "00", "AA=="},
    {UNIT_BYTES("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20"), "0102030405060708090a0b0c0d0e0f10",
     "AQIDBAUGBwgJCgsMDQ4PEA=="},
};

START_TEST(bytes_and_hex_give_the_same_base64)
{
    struct buffer out;
    buffer_init(&out, 100);
    base64_append(&out, cases[_i].bytes);
    unit_assert_slice(buffer_slice(&out), cases[_i].base64);
    buffer_clear(&out);
    buffer_append_string(&out, "before ");
    ck_assert(base64_append_hex(&out, slice_of(cases[_i].hex)));
    ck_assert_str_eq(buffer_string(&out) + 7, cases[_i].base64);
    buffer_free(&out);
}
END_TEST

START_TEST(what_is_no_hex_is_refused_wherever_it_stands)
{
    struct buffer out;
    buffer_init(&out, 100);
    buffer_append_string(&out, "before");
    for (size_t size = 2; size <= 14; size += 2)
        for (size_t at = 0; at < size; at++)
            for (unsigned byte = 0; byte < 256; byte++) {
                char hex[] = "00000000000000";
                hex[at] = (char)byte;
                bool is_digit = byte != 0 && strchr("0123456789abcdefABCDEF", (int)byte) != NULL;
                ck_assert_int_eq(base64_append_hex(&out, (struct slice){hex, size}), is_digit);
                if (!is_digit)
                    unit_assert_slice(buffer_slice(&out), "before");
                out.size = sizeof "before" - 1;
            }
    buffer_free(&out);
}
END_TEST

START_TEST(an_odd_number_of_digits_is_refused)
{
    struct buffer out;
    buffer_init(&out, 100);
    ck_assert(!base64_append_hex(&out, slice_of("0")));
    ck_assert(!base64_append_hex(&out, slice_of("0123456")));
    ck_assert_uint_eq(out.size, 0);
    buffer_free(&out);
}
END_TEST

START_TEST(a_full_buffer_fails_and_keeps_what_it_had)
{
    struct buffer out;
    buffer_init(&out, 4);
    base64_append(&out, slice_of("foo"));
    ck_assert(!out.has_failed);
    base64_append(&out, slice_of("f"));
    ck_assert(out.has_failed);
    buffer_clear(&out);
    ck_assert(base64_append_hex(&out, slice_of("0000000000")));
    ck_assert(out.has_failed);
    ck_assert_uint_eq(out.size, 0);
    buffer_free(&out);
}
END_TEST

/* 64 and more: no letter of the alphabet. */
static unsigned letter_value(char letter)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = memchr(alphabet, letter, sizeof alphabet - 1);
    return at == NULL ? 1 << 16 : (unsigned)(at - alphabet);
}

/* Byte I of the bytes for which BASE64 stands; 256 and more: it stands for none. */
static unsigned decoded_byte(const char *base64, size_t i)
{
    const char *group = base64 + i / 3 * 4;
    size_t k = i % 3;
    unsigned pair = letter_value(group[k]) << 6 | letter_value(group[k + 1]);
    return pair >= 1 << 12 ? pair : pair >> (4 - 2 * k) & 0xff;
}

/* How many bytes come back as they were, up to the first that doesn't. */
static size_t decoded_alike(const char *base64, struct slice bytes)
{
    size_t i = 0;
    while (i < bytes.size && decoded_byte(base64, i) == (unsigned char)bytes.data[i])
        i++;
    return i;
}

static void check_round_trip(size_t size, uint64_t *random)
{
    struct buffer bytes, hex, out, from_hex;
    buffer_init(&bytes, size);
    buffer_init(&hex, 2 * size);
    buffer_init(&out, 2 * size + 8);
    buffer_init(&from_hex, 2 * size + 8);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)unit_random(random);
        buffer_append_byte(&bytes, (char)byte);
        buffer_append_byte(&hex, "0123456789abcdef"[byte / 16]);
        buffer_append_byte(&hex, "0123456789ABCDEF"[byte % 16]);
    }
    base64_append(&out, buffer_slice(&bytes));
    ck_assert(base64_append_hex(&from_hex, buffer_slice(&hex)));
    ck_assert(slice_equal(buffer_slice(&out), buffer_slice(&from_hex)));
    ck_assert_uint_eq(out.size, (size + 2) / 3 * 4);
    ck_assert_uint_eq(decoded_alike(out.data, buffer_slice(&bytes)), size);
    buffer_free(&bytes);
    buffer_free(&hex);
    buffer_free(&out);
    buffer_free(&from_hex);
}

START_TEST(any_bytes_survive_the_round_trip)
{
    uint64_t random = 2463534242u;
    for (size_t size = 0; size < 200; size++)
        check_round_trip(size, &random);
    check_round_trip(3000000, &random);
}
END_TEST

UNIT_MAIN("encode/base64", UNIT_EACH(bytes_and_hex_give_the_same_base64, cases),
          UNIT_TEST(what_is_no_hex_is_refused_wherever_it_stands),
          UNIT_TEST(an_odd_number_of_digits_is_refused),
          UNIT_TEST(a_full_buffer_fails_and_keeps_what_it_had),
          UNIT_TEST(any_bytes_survive_the_round_trip))
