/* test_source_hash.c: equal JSON values hash alike, however they are spelt; all others don't. */
#include "sink/source_hash.h"

#include "unit.h"

static struct buffer scratch;
static struct error err;

static void set_up(void)
{
    buffer_init(&scratch, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&scratch);
}

static uint64_t hash(const char *json)
{
    uint64_t value;
    unit_assert_ok(source_hash(slice_of(json), &scratch, &value, &err), err);
    return value;
}

static const struct {
    const char *one, *other;
} same[] = {
    {"{\"a\":1,\"b\":[true,null]}", " { \"b\" : [ true , null ] ,\n\t\"a\" : 1 } "},
    {"{\"a\":{\"x\":1,\"y\":2},\"b\":3}", "{\"b\":3,\"a\":{\"y\":2,\"x\":1}}"},
    {"\"\xC3\xA9/\"", "\"\\u00e9\\/\""},
    {"{\"\xC3\xA9\":1}", "{\"\\u00E9\":1}"},
    {"\"\\uD83D\\uDE00\"", "\"\xF0\x9F\x98\x80\""},
    {"1", "1.0"},
    {"1", "1e0"},
    {"100", "1E+2"},
    {"0.015", "15e-3"},
    {"12.50", "12.5"},
    {"-0", "0"},
    {"0.000", "0e5"},
    {"-1.5", "-15e-1"},
    {"10e-1", "1"},
    {"123456789012345678901234567890", "123456789012345678901234567890.000"},
    {"0.10000000000000000000000001", "10000000000000000000000001e-26"},
    {"1e999999999999999", "10e999999999999998"},
};

START_TEST(spellings_of_one_value_hash_alike)
{
    ck_assert_uint_eq(hash(same[_i].one), hash(same[_i].other));
}
END_TEST

static const char *const values[] = {
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "10",
    "0.1",
    "0.10000000000000001",
    "1e999999999999999",
    "1e9999999999999999",
    "9007199254740993",
    "9007199254740992",
    "\"\"",
    "\"1\"",
    "\"null\"",
    "\"true\"",
    "\"a\"",
    "\"A\"",
    "\"a \"",
    "\"\\u0000\"",
    "[]",
    "[[]]",
    "[{}]",
    "[[],[]]",
    "[1,2]",
    "[2,1]",
    "[1,[2]]",
    "[[1],2]",
    "[12]",
    "[1,2,null]",
    "[null]",
    "{}",
    "{\"a\":null}",
    "{\"a\":1}",
    "{\"a\":\"1\"}",
    "{\"b\":1}",
    "{\"a\":1,\"b\":2}",
    "{\"a\":2,\"b\":1}",
    "{\"a\":1,\"b\":1}",
    "{\"a\":{\"b\":1}}",
    "{\"a\":[1]}",
    "{\"a\":{}}",
    "{\"a\":[]}",
    "{\"a\":{},\"b\":{}}",
    "{\"a.b\":1}",
};

START_TEST(different_values_hash_differently)
{
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (i != (size_t)_i)
            ck_assert_msg(hash(values[i]) != hash(values[_i]), "%s and %s", values[i], values[_i]);
}
END_TEST

static const char *const broken[] = {
    "", " ", "{", "{\"a\":}", "[1,]", "[1 2]", "1 2", "nul", "{\"a\":1}x", "\"a", "-", "1e",
};

START_TEST(what_is_no_json_hashes_by_its_bytes)
{
    ck_assert_uint_eq(hash(broken[_i]), hash(broken[_i]));
    for (size_t i = 0; i < COUNT_OF(broken); i++)
        if (i != (size_t)_i)
            ck_assert_uint_ne(hash(broken[i]), hash(broken[_i]));
}
END_TEST

START_TEST(text_too_deep_for_any_cluster_hashes_by_its_bytes)
{
    enum { DEPTH = 100000 };
    char *deep = malloc(2 * DEPTH + 2);
    memset(deep, '[', DEPTH);
    memset(deep + DEPTH, ']', DEPTH);
    deep[2 * DEPTH] = '\0';
    uint64_t first = hash(deep);
    ck_assert_uint_eq(hash(deep), first);
    strcpy(deep + 2 * DEPTH, " ");
    ck_assert_uint_ne(hash(deep), first);
    free(deep);
}
END_TEST

START_TEST(a_string_that_finds_no_room_is_an_error)
{
    uint64_t value;
    struct buffer small;
    buffer_init(&small, 4);
    unit_assert_error(source_hash(slice_of("[\"\\n2345\",1]"), &small, &value, &err), err,
                      ERROR_MEMORY, "");
    unit_assert_error(source_hash(slice_of("[12345]"), &small, &value, &err), err, ERROR_MEMORY,
                      "");
    buffer_free(&small);
}
END_TEST

UNIT_MAIN_WITH("sink/source_hash", set_up, tear_down,
               UNIT_EACH(spellings_of_one_value_hash_alike, same),
               UNIT_EACH(different_values_hash_differently, values),
               UNIT_EACH(what_is_no_json_hashes_by_its_bytes, broken),
               UNIT_TEST(text_too_deep_for_any_cluster_hashes_by_its_bytes),
               UNIT_TEST(a_string_that_finds_no_room_is_an_error))
