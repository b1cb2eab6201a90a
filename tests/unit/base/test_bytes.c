/* test_bytes.c: integers in byte strings have one layout, damaged bytes are never read past; digits. */
#include "base/bytes.h"

#include "unit.h"

static struct buffer b;

static void setup(void)
{
    buffer_init(&b, 1000);
}

static void teardown(void)
{
    buffer_free(&b);
}

START_TEST(integers_are_little_endian)
{
    put_u16(&b, 0x0102);
    put_u32(&b, 0x03040506);
    put_u64(&b, 0x0708090a0b0c0d0e);
    ck_assert_uint_eq(b.size, 14);
    ck_assert_mem_eq(b.data, "\2\1\6\5\4\3\x0e\x0d\x0c\x0b\x0a\x09\x08\x07", 14);
}
END_TEST

START_TEST(a_slice_has_its_length_in_front)
{
    put_slice(&b, slice_of("abc"));
    put_slice(&b, slice_of(""));
    ck_assert_uint_eq(b.size, 11);
    ck_assert_mem_eq(b.data, "\3\0\0\0abc\0\0\0\0", 11);
}
END_TEST

static const uint64_t numbers[] = {0,
                                   1,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x100,
                                   0xffff,
                                   0x12345678,
                                   UINT32_MAX,
                                   (uint64_t)INT64_MAX,
                                   0x8000000000000000u,
                                   UINT64_MAX};

START_TEST(what_was_put_is_got)
{
    uint64_t n = numbers[_i];
    put_u16(&b, (uint16_t)n);
    put_u32(&b, (uint32_t)n);
    put_u64(&b, n);
    put_slice(&b, slice_of("key"));
    struct reader r = reader_over(buffer_slice(&b));
    ck_assert_uint_eq(get_u16(&r), (uint16_t)n);
    ck_assert_uint_eq(get_u32(&r), (uint32_t)n);
    ck_assert_uint_eq(get_u64(&r), n);
    unit_assert_slice(get_slice(&r), "key");
    ck_assert(!r.has_failed);
    ck_assert_uint_eq(r.left, 0);
}
END_TEST

START_TEST(reading_past_the_end_gives_zeros_and_marks_the_reader)
{
    put_u32(&b, UINT32_MAX);
    for (size_t size = 0; size < 4; size++) {
        struct reader r = reader_over((struct slice){b.data, size});
        ck_assert_uint_eq(get_u32(&r), 0);
        ck_assert(r.has_failed);
        ck_assert_uint_eq(get_u16(&r), 0); // also where two bytes would be left
        ck_assert_uint_eq(get_bytes(&r, 0).size, 0);
        ck_assert(r.has_failed);
    }
}
END_TEST

START_TEST(a_length_that_lies_is_not_believed)
{
    put_u32(&b, 4);
    buffer_append_string(&b, "abc");
    struct reader r = reader_over(buffer_slice(&b));
    struct slice s = get_slice(&r);
    ck_assert_ptr_null(s.data);
    ck_assert_uint_eq(s.size, 0);
    ck_assert(r.has_failed);
}
END_TEST

START_TEST(big_endian_integers_sort_as_their_numbers_do)
{
    unsigned char before[8], bytes[8];
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        store_u64_big_endian(bytes, numbers[i]);
        ck_assert_uint_eq(load_u64_big_endian(bytes), numbers[i]);
        ck_assert(i == 0 || memcmp(before, bytes, sizeof bytes) < 0);
        memcpy(before, bytes, sizeof bytes);
    }
    store_u64_big_endian(bytes, 0x0102030405060708);
    ck_assert_mem_eq(bytes, "\1\2\3\4\5\6\7\x08", 8);
}
END_TEST

START_TEST(bytes_become_two_digits_each)
{
    char out[9] = "????????";
    store_hexadecimal(out, (const unsigned char *)"\x00\x9a\xff", 3);
    ck_assert_str_eq(out, "009aff");
    store_hexadecimal(out, NULL, 0);
    ck_assert_str_eq(out, "");
}
END_TEST

UNIT_MAIN_WITH("base/bytes", setup, teardown, UNIT_TEST(integers_are_little_endian),
               UNIT_TEST(a_slice_has_its_length_in_front), UNIT_EACH(what_was_put_is_got, numbers),
               UNIT_TEST(reading_past_the_end_gives_zeros_and_marks_the_reader),
               UNIT_TEST(a_length_that_lies_is_not_believed),
               UNIT_TEST(big_endian_integers_sort_as_their_numbers_do),
               UNIT_TEST(bytes_become_two_digits_each))
