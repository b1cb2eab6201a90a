/* test_values.c: the texts of option values: what they mean, and what is none. */
#include "cli/values.h"

#include "unit.h"

static const struct {
    const char *text;
    bool is_good;
    uint64_t value;
} counts[] = {
    {"0", true, 0},
    {"42", true, 42},
    {"007", true, 7},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"99999999999999999999999", false, 0},
    {"", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.5", false, 0},
    {"0x10", false, 0},
    {"1k", false, 0},
    {"x", false, 0},
};

START_TEST(a_count_is_digits_only)
{
    uint64_t value;
    ck_assert_int_eq(value_parse_count(counts[_i].text, &value), counts[_i].is_good);
    if (counts[_i].is_good)
        ck_assert_uint_eq(value, counts[_i].value);
}
END_TEST

static const struct {
    const char *text;
    bool is_good;
    uint64_t value;
} sizes[] = {
    {"0", true, 0},
    {"1000", true, 1000},
    {"1K", true, 1024},
    {"1k", true, 1024},
    {"64M", true, 64 << 20},
    {"4G", true, 4ull << 30},
    {"2T", true, 2ull << 40},
    {"10B", true, 10},
    {"10b", true, 10},
    {"10KB", true, 10240},
    {"10kib", true, 10240},
    {"10MiB", true, 10 << 20},
    {"16777215T", true, 16777215ull << 40},
    {"16777216T", false, 0},
    {"18446744073709551616", false, 0},
    {"", false, 0},
    {"M", false, 0},
    {"1.5M", false, 0},
    {"1P", false, 0},
    {"1iB", false, 0},
    {"1KiBB", false, 0},
    {"1KK", false, 0},
    {"1 M", false, 0},
    {"1M ", false, 0},
    {"-1M", false, 0},
};

START_TEST(a_size_may_have_a_unit_of_1024s)
{
    uint64_t value;
    ck_assert_int_eq(value_parse_size(sizes[_i].text, &value), sizes[_i].is_good);
    if (sizes[_i].is_good)
        ck_assert_uint_eq(value, sizes[_i].value);
}
END_TEST

static const struct {
    const char *text;
    bool is_good;
    int64_t ms;
} durations[] = {
    {"0", true, 0},
    {"5", true, 5000},
    {"250ms", true, 250},
    {"30s", true, 30000},
    {"10m", true, 600000},
    {"2h", true, 7200000},
    {"7d", true, 604800000},
    {"9223372036854775s", true, 9223372036854775000},
    {"9223372036854776s", false, 0},
    {"18446744073709551615ms", false, 0},
    {"18446744073709551615d", false, 0},
    {"", false, 0},
    {"s", false, 0},
    {"1.5h", false, 0},
    {"10M", false, 0},
    {"10min", false, 0},
    {"1h30m", false, 0},
    {"10 s", false, 0},
    {"-1s", false, 0},
};

START_TEST(a_duration_is_seconds_unless_it_says_otherwise)
{
    int64_t ms;
    ck_assert_int_eq(value_parse_duration(durations[_i].text, &ms), durations[_i].is_good);
    if (durations[_i].is_good)
        ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

static const struct {
    const char *text, *choices;
    int value; // -1: none
} choices[] = {
    {"window", "window|dump", 0},
    {"dump", "window|dump", 1},
    {"c", "a|b|c", 2},
    {"b", "a|b|c", 1},
    {"one", "one", 0},
    {"", "a|b", -1},
    {"a|b", "a|b", -1},
    {"windo", "window|dump", -1},
    {"windows", "window|dump", -1},
    {"WINDOW", "window|dump", -1},
    {"|", "window|dump", -1},
    {"a", "", -1},
};

START_TEST(a_choice_is_one_of_its_words)
{
    int value = -1;
    ck_assert_int_eq(value_parse_choice(choices[_i].text, choices[_i].choices, &value),
                     choices[_i].value >= 0);
    ck_assert_int_eq(value, choices[_i].value);
}
END_TEST

static const struct {
    const char *text;
    int value; // -1: none
} flags[] = {
    {"yes", 1}, {"true", 1},  {"on", 1},      {"1", 1},     {"Yes", 1}, {"TRUE", 1},
    {"no", 0},  {"false", 0}, {"off", 0},     {"0", 0},     {"Off", 0}, {"", -1},
    {"2", -1},  {"y", -1},    {"truely", -1}, {" yes", -1},
};

START_TEST(a_flag_is_yes_or_no_in_four_ways)
{
    bool value = false;
    ck_assert_int_eq(value_parse_flag(flags[_i].text, &value), flags[_i].value >= 0);
    ck_assert_int_eq(value, flags[_i].value == 1);
}
END_TEST

UNIT_MAIN("cli/values", UNIT_EACH(a_count_is_digits_only, counts),
          UNIT_EACH(a_size_may_have_a_unit_of_1024s, sizes),
          UNIT_EACH(a_duration_is_seconds_unless_it_says_otherwise, durations),
          UNIT_EACH(a_choice_is_one_of_its_words, choices),
          UNIT_EACH(a_flag_is_yes_or_no_in_four_ways, flags))
