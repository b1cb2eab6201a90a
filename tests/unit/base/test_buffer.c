/* test_buffer.c: a buffer grows up to its maximum; past it, it fails once and for all. */
#include "base/buffer.h"

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

START_TEST(a_new_buffer_is_empty_and_has_no_memory)
{
    ck_assert_uint_eq(b.size, 0);
    ck_assert_uint_eq(b.capacity, 0);
    ck_assert_str_eq(buffer_string(&b), "");
    ck_assert(!b.has_failed);
}
END_TEST

START_TEST(appends_stand_one_behind_the_other)
{
    buffer_append(&b, "ab\0c", 4);
    buffer_append_byte(&b, 'd');
    buffer_append_string(&b, "ef");
    buffer_append_format(&b, "%d-%s", 12, "g");
    buffer_append(&b, NULL, 0);
    ck_assert_uint_eq(b.size, 11);
    ck_assert_mem_eq(b.data, "ab\0cdef12-g", 11);
}
END_TEST

START_TEST(a_buffer_takes_exactly_its_maximum)
{
    for (int i = 0; i < 1000; i++)
        buffer_append_byte(&b, (char)i);
    ck_assert(!b.has_failed);
    ck_assert_uint_eq(b.size, 1000);
    ck_assert_uint_eq(b.capacity, 1000);
    buffer_append_byte(&b, 'x');
    ck_assert(b.has_failed);
    ck_assert_uint_eq(b.size, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(b.data[i], (char)i);
}
END_TEST

START_TEST(an_append_that_does_not_fit_leaves_the_content)
{
    char much[1000] = "";
    buffer_append_string(&b, "kept");
    buffer_append(&b, much, sizeof much);
    ck_assert(b.has_failed);
    unit_assert_slice(buffer_slice(&b), "kept");
}
END_TEST

START_TEST(a_failure_is_sticky_until_the_buffer_is_cleared)
{
    struct error err;
    ck_assert(!buffer_reserve(&b, 1001));
    buffer_append_byte(&b, 'x');
    buffer_append_string(&b, "x");
    buffer_append_format(&b, "x");
    ck_assert(!buffer_reserve(&b, 0));
    ck_assert_uint_eq(b.size, 0);
    ck_assert_str_eq(buffer_string(&b), "");
    unit_assert_error(buffer_check(&b, "a row", &err), err, ERROR_MEMORY, "a row");
    unit_assert_error(buffer_check(&b, "a row", &err), err, ERROR_MEMORY, "1000 bytes");
    buffer_clear(&b);
    buffer_append_byte(&b, 'x');
    unit_assert_ok(buffer_check(&b, "a row", &err), err);
    ck_assert_uint_eq(b.size, 1);
}
END_TEST

START_TEST(an_impossible_size_is_refused_without_overflow)
{
    buffer_append_byte(&b, 'x');
    ck_assert(!buffer_reserve(&b, SIZE_MAX));
    ck_assert(b.has_failed);
    ck_assert_uint_eq(b.size, 1);
}
END_TEST

START_TEST(clearing_keeps_the_memory_and_freeing_does_not)
{
    buffer_append_string(&b, "some text");
    size_t capacity = b.capacity;
    buffer_clear(&b);
    ck_assert_uint_eq(b.size, 0);
    ck_assert_uint_eq(b.capacity, capacity);
    buffer_free(&b);
    ck_assert_uint_eq(b.capacity, 0);
    ck_assert_uint_eq(b.maximum, 1000);
    buffer_append_string(&b, "again");
    unit_assert_slice(buffer_slice(&b), "again");
}
END_TEST

START_TEST(reserved_room_is_not_moved_by_the_appends_that_it_is_for)
{
    ck_assert(buffer_reserve(&b, 700));
    const char *data = b.data;
    for (int i = 0; i < 700; i++)
        buffer_append_byte(&b, 'x');
    ck_assert_ptr_eq(b.data, data);
}
END_TEST

START_TEST(the_string_ends_with_a_zero_byte_that_is_no_content)
{
    buffer_append_string(&b, "abc");
    ck_assert_str_eq(buffer_string(&b), "abc");
    ck_assert_uint_eq(b.size, 3);
}
END_TEST

static const struct {
    struct slice a, b;
    bool is_equal;
} pairs[] = {
    {UNIT_BYTES(""), {NULL, 0}, true},
    {UNIT_BYTES("a"), UNIT_BYTES("a"), true},
    {UNIT_BYTES("a\0b"), UNIT_BYTES("a\0b"), true},
    {UNIT_BYTES("a\0b"), UNIT_BYTES("a\0c"), false},
    {UNIT_BYTES("a"), UNIT_BYTES("ab"), false},
    {UNIT_BYTES("a"), UNIT_BYTES("A"), false},
};

START_TEST(slices_are_equal_when_their_bytes_are)
{
    ck_assert_int_eq(slice_equal(pairs[_i].a, pairs[_i].b), pairs[_i].is_equal);
}
END_TEST

UNIT_MAIN_WITH("base/buffer", setup, teardown, UNIT_TEST(a_new_buffer_is_empty_and_has_no_memory),
               UNIT_TEST(appends_stand_one_behind_the_other),
               UNIT_TEST(a_buffer_takes_exactly_its_maximum),
               UNIT_TEST(an_append_that_does_not_fit_leaves_the_content),
               UNIT_TEST(a_failure_is_sticky_until_the_buffer_is_cleared),
               UNIT_TEST(an_impossible_size_is_refused_without_overflow),
               UNIT_TEST(clearing_keeps_the_memory_and_freeing_does_not),
               UNIT_TEST(reserved_room_is_not_moved_by_the_appends_that_it_is_for),
               UNIT_TEST(the_string_ends_with_a_zero_byte_that_is_no_content),
               UNIT_EACH(slices_are_equal_when_their_bytes_are, pairs))
