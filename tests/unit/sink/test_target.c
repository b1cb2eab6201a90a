/* test_target.c: which indices stand behind a name, and which of them takes new documents. */
#include "sink/target.h"

#include "unit.h"

static struct target target;

static void set_up(void)
{
    target_init(&target);
}

static void tear_down(void)
{
    target_free(&target);
}

static bool read_answer(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    bool ok = target_read(&target, "name", json);
    json_decref(json);
    return ok;
}

#define INDEX(uuid) "\"settings\":{\"index\":{\"uuid\":\"" uuid "\"}}"
#define ALIAS(how) ",\"aliases\":{\"other\":{\"is_write_index\":true},\"name\":{" how "}}"
#define IS_WRITE "\"is_write_index\":true"
#define IS_NOT_WRITE "\"is_write_index\":false"
#define STREAM ",\"data_stream\":\"name\""

static const struct {
    const char *answer, *uuids, *write;
} names[] = {
    {"{\"name\":{" INDEX("A") "}}", "A\n", "A\n"},
    {"{\"name\":{" INDEX("A") ",\"aliases\":{\"x\":{" IS_NOT_WRITE "}}}}", "A\n", "A\n"},
    {"{\"a\":{" INDEX("A") ALIAS("") "}}", "A\n", "A\n"},
    {"{\"a\":{" INDEX("A") "}}", "A\n", "A\n"},
    {"{\"a\":{" INDEX("A") ALIAS(IS_WRITE) "}}", "A\n", "A\n"},
    {"{\"a\":{" INDEX("A") ALIAS(IS_NOT_WRITE) "}}", "A\n", ""},
    {"{\"a\":{" INDEX("A") ALIAS("") "},\"b\":{" INDEX("B") ALIAS("") "}}", "A\nB\n", ""},
    {"{\"a\":{" INDEX("A") ALIAS("") "},\"b\":{" INDEX("B") ALIAS(IS_WRITE) "}}", "A\nB\n", "B\n"},
    {"{\"b\":{" INDEX("B") ALIAS(IS_WRITE) "},\"a\":{" INDEX("A") ALIAS(IS_NOT_WRITE) "}}",
     "B\nA\n", "B\n"},
    {"{\".ds-name-000009\":{" INDEX("A") STREAM "},\".ds-name-000010\":{" INDEX("B") STREAM "}}",
     "A\nB\n", "B\n"},
    {"{\".ds-name-2026.02.01-000010\":{" INDEX("B") STREAM
     "},\".ds-name-2026.01.31-000009\":{" INDEX("A") STREAM "}}",
     "B\nA\n", "B\n"},
};

START_TEST(documents_go_to_the_index_the_write_index_or_the_youngest)
{
    ck_assert(read_answer(names[_i].answer));
    unit_assert_slice(buffer_slice(&target.uuids), names[_i].uuids);
    unit_assert_slice(buffer_slice(&target.write), names[_i].write);
    ck_assert(!target_is_missing(&target));
}
END_TEST

static const char *const strange[] = {
    "{}",
    "[]",
    "1",
    "{\"error\":{\"type\":\"x\"},\"status\":404}",
    "{\"name\":{}}",
    "{\"name\":{\"settings\":{\"index\":{\"uuid\":7}}}}",
    "{\"name\":{" INDEX("") "}}",
    "{\"name\":{" INDEX("A\\nB") "}}",
    "{\"a\":{" INDEX("A") "},\"b\":{\"aliases\":{}}}",
};

START_TEST(an_answer_without_uuids_shows_nothing)
{
    ck_assert(read_answer("{\"name\":{" INDEX("A") "}}"));
    ck_assert(!read_answer(strange[_i]));
    ck_assert(target_is_missing(&target));
    ck_assert_uint_eq(target.write.size, 0);
}
END_TEST

static const struct {
    const char *known;
    bool is_covered;
} known[] = {
    {"", true},          {"A1\n", true}, {"B2\n", true}, {"B2\nA1\n", true},
    {"A1\nC3\n", false}, {"A\n", false}, {"1\n", false}, {"A1", false},
};

START_TEST(what_was_sent_to_must_be_there_whole)
{
    ck_assert(read_answer("{\"a\":{" INDEX("A1") "},\"b\":{" INDEX("B2") ALIAS(IS_WRITE) "}}"));
    ck_assert(target_covers(&target, slice_of(known[_i].known)) == known[_i].is_covered);
}
END_TEST

START_TEST(nothing_covers_what_is_gone)
{
    ck_assert(target_covers(&target, slice_of("")));
    ck_assert(!target_covers(&target, slice_of("A1\n")));
}
END_TEST

START_TEST(a_new_place_for_documents_is_added_once)
{
    struct buffer uuids;
    bool added;
    buffer_init(&uuids, 100);
    buffer_append_string(&uuids, "A1\n");
    ck_assert(read_answer("{\"a\":{" INDEX("A1") "},\"b\":{" INDEX("B2") ALIAS(IS_WRITE) "}}"));
    target_add_write(&target, &uuids, &added);
    ck_assert(added);
    target_add_write(&target, &uuids, &added);
    ck_assert(!added);
    unit_assert_slice(buffer_slice(&uuids), "A1\nB2\n");
    buffer_free(&uuids);
}
END_TEST

UNIT_MAIN_WITH("sink/target", set_up, tear_down,
               UNIT_EACH(documents_go_to_the_index_the_write_index_or_the_youngest, names),
               UNIT_EACH(an_answer_without_uuids_shows_nothing, strange),
               UNIT_EACH(what_was_sent_to_must_be_there_whole, known),
               UNIT_TEST(nothing_covers_what_is_gone),
               UNIT_TEST(a_new_place_for_documents_is_added_once))
