/* test_exposition.c: numbers in Prometheus' text format. */
#include "base/exposition.h"

#include "unit.h"

static struct buffer out;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&out);
}

START_TEST(a_gauge_has_help_and_a_type)
{
    exposition_put_head(&out, "rows", "The rows.");
    unit_assert_slice(buffer_slice(&out), "# HELP rows The rows.\n# TYPE rows gauge\n");
}
END_TEST

START_TEST(labels_stand_in_braces_and_are_escaped)
{
    const struct exposition_label labels[] = {{"a", "plain"}, {"b", "\"\\\n"}};
    exposition_put(&out, "rows", labels, 2, 7);
    unit_assert_slice(buffer_slice(&out), "rows{a=\"plain\",b=\"\\\"\\\\\\n\"} 7\n");
}
END_TEST

START_TEST(a_sample_without_labels_has_no_braces)
{
    exposition_put(&out, "rows", NULL, 0, UINT64_MAX);
    unit_assert_slice(buffer_slice(&out), "rows 18446744073709551615\n");
}
END_TEST

UNIT_MAIN_WITH("base/exposition", set_up, tear_down, UNIT_TEST(a_gauge_has_help_and_a_type),
               UNIT_TEST(labels_stand_in_braces_and_are_escaped),
               UNIT_TEST(a_sample_without_labels_has_no_braces))
