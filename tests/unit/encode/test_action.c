/* test_action.c: bulk metadata becomes an action line that the cluster takes, or a part is blamed.
 */
#include "encode/action.h"

#include <jansson.h>

#include "copied.h"
#include "unit.h"

#define ABSENT                                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define GIVEN(literal) UNIT_BYTES(literal)

static const struct {
    struct action action;
    const char *line; // without its newline
} cases[] = {
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, ABSENT}, "{\"index\":{\"_id\":\"7\"}}"},
    {{BULK_CREATE, GIVEN("7"), ABSENT, ABSENT, ABSENT}, "{\"create\":{\"_id\":\"7\"}}"},
    {{BULK_UPDATE, GIVEN("7"), ABSENT, ABSENT, ABSENT}, "{\"update\":{\"_id\":\"7\"}}"},
    {{BULK_DELETE, GIVEN("7"), ABSENT, ABSENT, ABSENT}, "{\"delete\":{\"_id\":\"7\"}}"},
    {{BULK_INDEX, GIVEN("7"), GIVEN("logs"), ABSENT, ABSENT},
     "{\"index\":{\"_id\":\"7\",\"_index\":\"logs\"}}"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, GIVEN("user\t1"), ABSENT},
     "{\"index\":{\"_id\":\"7\",\"routing\":\"user\\t1\"}}"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, GIVEN(""), ABSENT},
     "{\"index\":{\"_id\":\"7\",\"routing\":\"\"}}"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("0")},
     "{\"index\":{\"_id\":\"7\",\"version\":0,\"version_type\":\"external\"}}"},
    {{BULK_DELETE, GIVEN("7"), ABSENT, ABSENT, GIVEN("9223372036854775807")},
     "{\"delete\":{\"_id\":\"7\",\"version\":9223372036854775807,\"version_type\":\"external\"}}"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("0012")}, // 0012 is no JSON number
     "{\"index\":{\"_id\":\"7\",\"version\":12,\"version_type\":\"external\"}}"},
    {{BULK_INDEX, GIVEN("a\"\\\n\xc3\xa9"), GIVEN("i"), GIVEN("r"), GIVEN("3")},
     "{\"index\":{\"_id\":\"a\\\"\\\\\\n\xc3\xa9\",\"_index\":\"i\",\"routing\":\"r\","
     "\"version\":3,\"version_type\":\"external\"}}"},
};

START_TEST(metadata_becomes_an_action_line)
{
    struct buffer out;
    struct action_refusal refusal;
    buffer_init(&out, 1000);
    ck_assert(action_append(&out, &cases[_i].action, &refusal));
    ck_assert_int_eq(out.data[--out.size], '\n');
    unit_assert_slice(buffer_slice(&out), cases[_i].line);
    json_t *value = json_loadb(out.data, out.size, 0, NULL);
    ck_assert(json_is_object(value));
    json_decref(value);
    buffer_free(&out);
}
END_TEST

static const struct {
    struct action action;
    enum action_part part;
    const char *reason;
} refused[] = {
    {{BULK_INDEX, ABSENT, ABSENT, ABSENT, ABSENT}, ACTION_ID, "no id"},
    {{BULK_DELETE, GIVEN(""), ABSENT, ABSENT, ABSENT}, ACTION_ID, "empty"},
    {{BULK_INDEX, GIVEN("\xff"), ABSENT, ABSENT, ABSENT}, ACTION_ID, "UTF-8"},
    {{BULK_INDEX, GIVEN("7"), GIVEN("\xff"), ABSENT, ABSENT}, ACTION_INDEX, "UTF-8"},
    {{BULK_INDEX, GIVEN("7"), GIVEN(""), ABSENT, ABSENT}, ACTION_INDEX, "empty"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, GIVEN("\xff"), ABSENT}, ACTION_ROUTING, "UTF-8"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("")}, ACTION_VERSION, "not an integer"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("-1")}, ACTION_VERSION, "not an integer"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("1.0")}, ACTION_VERSION, "not an integer"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("1a")}, ACTION_VERSION, "not an integer"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("9223372036854775808")},
     ACTION_VERSION,
     "not an integer"},
    {{BULK_INDEX, GIVEN("7"), ABSENT, ABSENT, GIVEN("99999999999999999999999")},
     ACTION_VERSION,
     "not an integer"},
    {{BULK_CREATE, GIVEN("7"), ABSENT, ABSENT, GIVEN("1")}, ACTION_VERSION, "no external"},
    {{BULK_UPDATE, GIVEN("7"), ABSENT, ABSENT, GIVEN("1")}, ACTION_VERSION, "no external"},
};

START_TEST(what_the_cluster_would_refuse_a_whole_request_for_is_refused)
{
    struct buffer out;
    struct action_refusal refusal;
    buffer_init(&out, 1000);
    buffer_append_string(&out, "before");
    ck_assert(!action_append(&out, &refused[_i].action, &refusal));
    ck_assert_int_eq(refusal.part, refused[_i].part);
    ck_assert_msg(strstr(refusal.reason, refused[_i].reason) != NULL, "%s", refusal.reason);
    unit_assert_slice(buffer_slice(&out), "before");
    buffer_free(&out);
}
END_TEST

START_TEST(an_id_has_at_most_512_bytes)
{
    char id[DOCUMENT_ID_MAX_BYTES + 1];
    struct action action = {.op = BULK_INDEX, .id = {id, DOCUMENT_ID_MAX_BYTES}};
    struct action_refusal refusal;
    struct buffer out;
    buffer_init(&out, 10000);
    memset(id, 'x', sizeof id);
    ck_assert(action_append(&out, &action, &refusal));
    action.id.size++;
    ck_assert(!action_append(&out, &action, &refusal));
    ck_assert_int_eq(refusal.part, ACTION_ID);
    memset(id, '\n', sizeof id); // it is the bytes that count, not what JSON makes of them
    action.id.size--;
    ck_assert(action_append(&out, &action, &refusal));
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *text;
    enum bulk_op op;
    bool is_known;
} ops[] = {
    {"index", BULK_INDEX, true},   {"create", BULK_CREATE, true}, {"update", BULK_UPDATE, true},
    {"delete", BULK_DELETE, true}, {"", BULK_INDEX, false},       {"Index", BULK_INDEX, false},
    {"upsert", BULK_INDEX, false}, {"index ", BULK_INDEX, false}, {"inde", BULK_INDEX, false},
};

START_TEST(an_operation_has_one_of_four_names)
{
    enum bulk_op op = BULK_INDEX;
    ck_assert_int_eq(action_parse_op(slice_of(ops[_i].text), &op), ops[_i].is_known);
    ck_assert_int_eq(op, ops[_i].op);
}
END_TEST

UNIT_MAIN("encode/action", UNIT_EACH(metadata_becomes_an_action_line, cases),
          UNIT_EACH(what_the_cluster_would_refuse_a_whole_request_for_is_refused, refused),
          UNIT_TEST(an_id_has_at_most_512_bytes),
          UNIT_EACH(an_operation_has_one_of_four_names, ops))
