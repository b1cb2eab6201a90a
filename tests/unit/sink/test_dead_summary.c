/* test_dead_summary.c: letters are counted by their error's type, in bounded memory. */
#include "sink/dead_summary.h"

#include "unit.h"

static struct dead_summary summary;

static void set_up(void)
{
    summary = (struct dead_summary){.count = 0};
}

static void add(const char *error, const char *id)
{
    dead_summary_add(&summary, slice_of(error), slice_of(id));
}

static void assert_group(size_t i, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1000);
    dead_group_put(&summary.groups[i], &out);
    unit_assert_slice(buffer_slice(&out), expected);
    buffer_free(&out);
}

START_TEST(each_type_is_a_group_with_its_first_letter_and_the_largest_comes_first)
{
    add("{\"type\":\"b\",\"reason\":\"one\"}", "\"1\"");
    add("{\"type\":\"a\",\"reason\":\"two\"}", "\"2\"");
    add("{\"type\":\"a\",\"reason\":\"three\"}", "\"3\"");
    add("{\"type\":\"c\",\"reason\":\"four\"}", "\"4\"");
    dead_summary_sort(&summary);
    ck_assert_uint_eq(summary.group_count, 3);
    ck_assert_uint_eq(summary.count, 4);
    assert_group(0, "2 a: two (first: id 2)");
    assert_group(1, "1 b: one (first: id 1)");
    assert_group(2, "1 c: four (first: id 4)");
}
END_TEST

static const struct {
    const char *error;
    const char *id;
    const char *type;
    const char *expected;
} oddities[] = {
    {"{\"reason\":\"only\"}", "\"1\"", "", "1 only (first: id 1)"},
    {"", "\"1\"", "", "1 no error was given (first: id 1)"},
    {"<html>", "", "", "1 <html>"},
    {"{\"type\":\"t\"}", "null", "t", "1 t (first: id null)"},
    {"{\"error\":{\"type\":\"inner\",\"reason\":\"r\"},\"status\":400}", "", "inner", NULL},
};

START_TEST(an_error_may_lack_anything)
{
    add(oddities[_i].error, oddities[_i].id);
    ck_assert_str_eq(summary.groups[0].type, oddities[_i].type);
    if (oddities[_i].expected != NULL)
        assert_group(0, oddities[_i].expected);
}
END_TEST

START_TEST(many_types_are_counted_together)
{
    char error[64];
    for (int i = 0; i < DEAD_GROUPS_MAX + 10; i++) {
        snprintf(error, sizeof error, "{\"type\":\"t%d\"}", i);
        add(error, "\"1\"");
    }
    add("{\"type\":\"t0\"}", "\"1\"");
    ck_assert_uint_eq(summary.group_count, DEAD_GROUPS_MAX);
    ck_assert_uint_eq(summary.count, DEAD_GROUPS_MAX + 11);
    ck_assert_uint_eq(summary.others, 10);
    ck_assert_uint_eq(summary.groups[0].count, 2);
}
END_TEST

START_TEST(long_texts_are_cut_at_a_characters_border)
{
    struct buffer error;
    buffer_init(&error, 10000);
    buffer_append_string(&error, "{\"type\":\"");
    for (int i = 0; i < 1000; i++)
        buffer_append_string(&error, i == 0 ? "x" : "\xC3\xA9");
    buffer_append_string(&error, "\"}");
    add(buffer_string(&error), buffer_string(&error));
    ck_assert_uint_eq(strlen(summary.groups[0].type), DEAD_TYPE_BYTES - 1);
    ck_assert_uint_eq(strlen(summary.groups[0].id), DEAD_ID_BYTES - 2);
    add(buffer_string(&error), "");
    ck_assert_uint_eq(summary.groups[0].count, 2);
    buffer_free(&error);
}
END_TEST

UNIT_MAIN_WITH("sink/dead_summary", set_up, NULL,
               UNIT_TEST(each_type_is_a_group_with_its_first_letter_and_the_largest_comes_first),
               UNIT_EACH(an_error_may_lack_anything, oddities),
               UNIT_TEST(many_types_are_counted_together),
               UNIT_TEST(long_texts_are_cut_at_a_characters_border))
