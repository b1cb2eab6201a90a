/* test_bulk.c: what a bulk response says of each document, and that a damaged one says nothing. */
#include "sink/bulk.h"

#include "unit.h"

enum { MOST_ITEMS = 64 };

static const struct bulk_item untouched = {.outcome = 0xFF};

/* Parse TEXT from a copy of exactly its size, so that a sanitizer sees a read past it. */
static bool parse(struct slice text, size_t count, struct bulk_item *items, struct error *err)
{
    char *copy = malloc(text.size > 0 ? text.size : 1);
    memcpy(copy, text.data, text.size);
    for (size_t i = 0; i < MOST_ITEMS; i++)
        items[i] = untouched;
    bool ok = bulk_parse_response((struct slice){copy, text.size}, count, items, err);
    free(copy);
    ck_assert_uint_eq(items[count].outcome, untouched.outcome); // never more than COUNT
    return ok;
}

static bool parse_one(const char *item, struct bulk_item *out)
{
    char text[2048];
    struct error err;
    struct bulk_item items[MOST_ITEMS];
    snprintf(text, sizeof text, "{\"took\":1,\"errors\":true,\"items\":[%s]}", item);
    bool ok = parse(slice_of(text), 1, items, &err);
    *out = items[0];
    if (!ok)
        ck_assert_int_eq(err.kind, ERROR_UNAVAILABLE);
    return ok;
}

static const struct {
    const char *item;
    enum bulk_outcome outcome;
} rules[] = {
    {"{\"index\":{\"status\":201}}", BULK_DONE},
    {"{\"index\":{\"status\":200}}", BULK_DONE},
    {"{\"update\":{\"status\":200}}", BULK_DONE},
    {"{\"create\":{\"status\":201}}", BULK_DONE},
    {"{\"delete\":{\"status\":200}}", BULK_DONE},
    {"{\"delete\":{\"status\":404}}", BULK_DONE},
    {"{\"delete\":{\"status\":404,\"error\":null}}", BULK_DONE},
    {"{\"delete\":{\"status\":404,\"error\":{\"type\":\"index_not_found_exception\"}}}",
     BULK_INDEX_MISSING},
    {"{\"delete\":{\"status\":404,\"error\":{\"type\":\"what_exception\"}}}", BULK_DEAD},
    {"{\"index\":{\"status\":404,\"error\":{\"type\":\"index_not_found_exception\"}}}",
     BULK_INDEX_MISSING},
    {"{\"update\":{\"status\":404,\"error\":{\"type\":\"document_missing_exception\"}}}",
     BULK_DEAD},
    {"{\"update\":{\"status\":404}}", BULK_DEAD},
    {"{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}}",
     BULK_DONE},
    {"{\"index\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}}",
     BULK_DONE},
    {"{\"update\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}}",
     BULK_RETRY},
    {"{\"delete\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}}",
     BULK_DONE},
    {"{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\"}}}",
     BULK_RETRY},
    {"{\"index\":{\"status\":429,\"error\":{\"type\":\"circuit_breaking_exception\"}}}",
     BULK_RETRY},
    {"{\"index\":{\"status\":403,\"error\":{\"type\":\"cluster_block_exception\"}}}", BULK_BLOCKED},
    {"{\"index\":{\"status\":429,\"error\":{\"type\":\"cluster_block_exception\"}}}", BULK_BLOCKED},
    {"{\"index\":{\"status\":400,\"error\":{\"type\":\"index_closed_exception\"}}}", BULK_BLOCKED},
    {"{\"index\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\","
     "\"reason\":\"pipeline with id [p] does not exist\"}}}",
     BULK_MISCONFIGURED},
    {"{\"index\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\","
     "\"reason\":\"no write index is defined for alias [a]. The write index may be\"}}}",
     BULK_MISCONFIGURED},
    {"{\"index\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\","
     "\"reason\":\"the pipeline with id [p] does not exist\"}}}",
     BULK_DEAD},
    {"{\"index\":{\"status\":408}}", BULK_RETRY},
    {"{\"index\":{\"status\":500,\"error\":{\"type\":\"node_not_connected_exception\"}}}",
     BULK_RETRY},
    {"{\"index\":{\"status\":502}}", BULK_RETRY},
    {"{\"index\":{\"status\":503,\"error\":{\"type\":\"unavailable_shards_exception\"}}}",
     BULK_RETRY},
    {"{\"index\":{\"status\":504}}", BULK_RETRY},
    {"{\"index\":{\"status\":599}}", BULK_RETRY},
    {"{\"index\":{\"status\":401}}", BULK_DENIED},
    {"{\"index\":{\"status\":403,\"error\":{\"type\":\"security_exception\"}}}", BULK_DENIED},
    {"{\"index\":{\"status\":400,\"error\":{\"type\":\"document_parsing_exception\"}}}", BULK_DEAD},
    {"{\"index\":{\"status\":413}}", BULK_DEAD},
    {"{\"index\":{\"status\":400,\"error\":\"MapperParsingException[no]\"}}", BULK_DEAD},
    {"{\"index\":{\"status\":201,\"failure_store\":\"used\"}}", BULK_DEAD},
    {"{\"index\":{\"status\":201,\"failure_store\":\"not_enabled\"}}", BULK_DONE},
    {"{\"index\":{\"failure_store\":\"used\",\"status\":429}}", BULK_RETRY},
    // the type counts at the error's first level only
    {"{\"index\":{\"status\":400,\"error\":{\"caused_by\":{\"type\":\"cluster_block_exception\"},"
     "\"type\":\"x\"}}}",
     BULK_DEAD},
    // other members, white space, any order
    {" { \"index\" : { \"_id\" : \"1\", \"error\":{\"type\":\"index_not_found_exception\"}, "
     "\"_shards\":{\"status\":201}, \"status\" : 404 } } ",
     BULK_INDEX_MISSING},
    // text that is no UTF-8 in a reason must not make a verdict unreadable for ever
    {"{\"index\":{\"status\":400,\"error\":{\"reason\":\"\xFF\",\"type\":\"x\"}}}", BULK_DEAD},
};

START_TEST(each_item_has_the_outcome_of_its_rule)
{
    struct bulk_item item;
    ck_assert(parse_one(rules[_i].item, &item));
    ck_assert_msg(item.outcome == rules[_i].outcome, "%d: %s", item.outcome, rules[_i].item);
}
END_TEST

static const char *const nonsense[] = {
    "",
    "1",
    "[]",
    "\"index\"",
    "{}",
    "{\"index\":201}",
    "{\"index\":{}}",
    "{\"index\":[]}",
    "{\"index\":{\"error\":{}}}",
    "{\"index\":{\"status\":\"201\"}}",
    "{\"index\":{\"status\":201.0}}",
    "{\"index\":{\"status\":20}}",
    "{\"index\":{\"status\":2010}}",
    "{\"index\":{\"status\":-20}}",
    "{\"index\":{\"status\":2e2}}",
    "{\"index\":{\"status\":null}}",
    "{\"index\":{\"status\":100}}",
    "{\"index\":{\"status\":302}}",
    "{\"index\":{\"status\":600}}",
    "{\"index\":{\"status\":000}}",
    "{\"index\":{\"status\":201,\"status\":400}}",
    "{\"index\":{\"status\":201,\"error\":{\"type\":\"x\"}}}",
    "{\"index\":{\"status\":400,\"error\":{},\"error\":{}}}",
    "{\"index\":{\"status\":201},\"create\":{\"status\":201}}",
    "{\"index\":{\"status\":201}},{\"index\":{\"status\":201}}",
    "{\"frobnicate\":{\"status\":201}}",
    "{\"inde\\u0078\":{\"status\":201}}",
    "{\"index\":{\"status\":201},}",
    "{\"index\":{\"status\":201,}}",
    "{\"index\":{\"status\":400,\"error\":{\"type\":x}}}",
};

START_TEST(an_item_that_says_nothing_clear_makes_the_response_unreadable)
{
    struct bulk_item item;
    ck_assert_msg(!parse_one(nonsense[_i], &item), "%s", nonsense[_i]);
}
END_TEST

static const char mixed[] =
    "{\"took\":30,\"errors\":true,\"items\":[{\"index\":{\"status\":429,\"error\":{\"type\":"
    "\"es_rejected_execution_exception\",\"reason\":\"rejected } ] \\\"execution\\\\\"}}},"
    "{\"index\":{\"status\":201}},{\"create\":{\"status\":429}},{\"delete\":{\"status\":404}},"
    "{\"index\":{\"status\":400,\"error\":{\"type\":\"document_parsing_exception\",\"reason\":"
    "\"[1:9] failed\",\"caused_by\":{\"type\":\"illegal_argument_exception\"}}}}]}";

START_TEST(one_success_among_many_429s_is_not_a_done_request)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    unit_assert_ok(parse(slice_of(mixed), 5, items, &err), err);
    const enum bulk_outcome expected[] = {BULK_RETRY, BULK_DONE, BULK_RETRY, BULK_DONE, BULK_DEAD};
    const unsigned statuses[] = {429, 201, 429, 404, 400};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        ck_assert_int_eq(items[i].outcome, expected[i]);
        ck_assert_uint_eq(items[i].status, statuses[i]);
    }
}
END_TEST

START_TEST(an_error_is_found_where_it_lies_in_the_response)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    unit_assert_ok(parse(slice_of(mixed), 5, items, &err), err);
    struct slice error = {mixed + items[0].error_offset, items[0].error_size};
    unit_assert_slice(error, "{\"type\":\"es_rejected_execution_exception\","
                             "\"reason\":\"rejected } ] \\\"execution\\\\\"}");
    error = (struct slice){mixed + items[4].error_offset, items[4].error_size};
    unit_assert_slice(error, "{\"type\":\"document_parsing_exception\",\"reason\":\"[1:9] failed\","
                             "\"caused_by\":{\"type\":\"illegal_argument_exception\"}}");
    ck_assert_uint_eq(items[1].error_size, 0);
    ck_assert_uint_eq(items[2].error_size, 0);
}
END_TEST

static const char *const orders[] = {
    "{\"items\":[{\"index\":{\"status\":201}}]}",
    "{\"items\":[{\"index\":{\"status\":201}}],\"errors\":false,\"took\":3}",
    "{\"ingest_took\":5,\"new\":{\"items\":[1,2]},\"items\":[{\"index\":{\"status\":201}}]}",
    "\n{ \"items\" : [ { \"index\" : { \"status\" : 201 } } ] }\n\n",
};

START_TEST(members_of_the_response_come_in_any_order)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    unit_assert_ok(parse(slice_of(orders[_i]), 1, items, &err), err);
    ck_assert_int_eq(items[0].outcome, BULK_DONE);
}
END_TEST

static const struct {
    const char *text;
    size_t count;
    const char *words;
} no_responses[] = {
    {"", 1, "is empty"},
    {"<html>502 Bad Gateway</html>", 1, "near byte 0): it begins \"<html>502 Bad Gateway</html>\""},
    {"<html>\n<head><title>A proxy that explains at length what it is good for</title>", 1,
     "it begins \"<html> <head><title>A proxy that explains at length what it \""},
    {"[]", 0, "can't be read"},
    {"{\"error\":{\"type\":\"x\"},\"status\":400}", 1, "has no items"},
    {"{\"took\":1,\"errors\":false}", 0, "has no items"},
    {"{\"items\":{}}", 0, "can't be read"},
    {"{\"items\":null}", 0, "can't be read"},
    {"{\"items\":[]}", 1, "another number"},
    {"{\"items\":[{\"index\":{\"status\":201}}]}", 0, "another number"},
    {"{\"items\":[{\"index\":{\"status\":201}}]}", 2, "another number"},
    {"{\"items\":[{\"index\":{\"status\":201}}],\"items\":[{\"index\":{\"status\":201}}]}", 1,
     "can't be read"},
    {"{\"items\":[{\"index\":{\"status\":201}}]} x", 1, "can't be read"},
    {"{\"items\":[{\"index\":{\"status\":201}}]}{}", 1, "can't be read"},
    {"{\"took\":tru,\"items\":[{\"index\":{\"status\":201}}]}", 1, "can't be read"},
};

START_TEST(what_is_no_whole_bulk_response_is_unknown_not_done)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    unit_assert_error(parse(slice_of(no_responses[_i].text), no_responses[_i].count, items, &err),
                      err, ERROR_UNAVAILABLE, no_responses[_i].words);
}
END_TEST

START_TEST(a_response_too_large_for_its_offsets_is_refused_unread)
{
    struct bulk_item item;
    struct error err;
    struct slice huge = {"", (size_t)UINT32_MAX + 1};
    unit_assert_error(bulk_parse_response(huge, 1, &item, &err), err, ERROR_UNAVAILABLE,
                      "can't be read");
}
END_TEST

START_TEST(no_operations_are_answered_by_no_items)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    unit_assert_ok(parse(slice_of("{\"items\":[]}"), 0, items, &err), err);
}
END_TEST

START_TEST(a_response_cut_at_any_length_is_refused)
{
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    for (size_t size = 0; size < sizeof mixed - 1; size++)
        for (size_t count = 0; count <= 5; count++)
            ck_assert(!parse((struct slice){mixed, size}, count, items, &err));
}
END_TEST

/* A changed byte may change what the text says (a digit of a status), but never how many items it
 * has, and a document that was refused is never done unless its status reads 2xx. */
START_TEST(a_response_with_any_byte_changed_is_never_taken_with_another_count)
{
    char text[sizeof mixed];
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    for (size_t at = 0; at < sizeof mixed - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, mixed, sizeof text);
            text[at] = (char)byte;
            struct slice changed = {text, sizeof text - 1};
            ck_assert(!parse(changed, 4, items, &err));
            ck_assert(!parse(changed, 6, items, &err));
            if (parse(changed, 5, items, &err))
                for (size_t i = 0; i < 5; i++)
                    ck_assert(items[i].outcome != BULK_DONE || items[i].status < 300 ||
                              items[i].status == 404 || items[i].status == 409);
        }
}
END_TEST

START_TEST(random_damage_never_makes_it_read_past_the_end)
{
    uint64_t random = 42;
    struct bulk_item items[MOST_ITEMS];
    struct error err;
    for (int round = 0; round < 100000; round++) {
        char text[sizeof mixed];
        memcpy(text, mixed, sizeof text);
        size_t size = unit_random(&random) % sizeof text;
        for (int i = 0; i < 1 + round % 5 && size > 0; i++)
            text[unit_random(&random) % size] = "{}[]\",:\\0429tn \xFF"[unit_random(&random) % 15];
        (void)!parse((struct slice){text, size}, 5, items, &err);
    }
}
END_TEST

static const struct {
    const char *error;
    const char *text;
} descriptions[] = {
    {"{\"type\":\"a_exception\",\"reason\":\"too bad\"}", "a_exception: too bad"},
    {"{\"reason\":\"too bad\"}", "too bad"},
    {"{\"type\":\"a_exception\",\"reason\":null}", "a_exception"},
    {"\"MapperParsingException[no]\"", "MapperParsingException[no]"},
    {"{\"type\":\"a\",\"reason\":\"line\\nend \\u001b[31m red\"}", "a: line end  [31m red"},
    {"{\"other\":1}", "{\"other\":1}"},
    {"no json", "no json"},
    {"", ""},
};

START_TEST(an_error_is_described_by_type_and_reason)
{
    struct buffer out;
    buffer_init(&out, 1000);
    bulk_describe_error(slice_of(descriptions[_i].error), &out);
    unit_assert_slice(buffer_slice(&out), descriptions[_i].text);
    buffer_free(&out);
}
END_TEST

START_TEST(a_long_description_is_cut_between_characters)
{
    for (size_t shift = 0; shift < 4; shift++) {
        struct buffer error, out;
        buffer_init(&error, 10000);
        buffer_init(&out, 10000);
        buffer_append_string(&error, "{\"reason\":\"");
        for (size_t i = 0; i < shift; i++)
            buffer_append_byte(&error, 'x');
        for (int i = 0; i < 1000; i++)
            buffer_append_string(&error, "\xF0\x9F\x98\x80");
        buffer_append_string(&error, "\"}");
        bulk_describe_error(buffer_slice(&error), &out);
        ck_assert_uint_le(out.size, BULK_ERROR_TEXT_BYTES);
        ck_assert_uint_gt(out.size, BULK_ERROR_TEXT_BYTES - 4);
        ck_assert_uint_eq((out.size - shift) % 4, 0);
        buffer_free(&error);
        buffer_free(&out);
    }
}
END_TEST

UNIT_MAIN("sink/bulk", UNIT_EACH(each_item_has_the_outcome_of_its_rule, rules),
          UNIT_EACH(an_item_that_says_nothing_clear_makes_the_response_unreadable, nonsense),
          UNIT_TEST(one_success_among_many_429s_is_not_a_done_request),
          UNIT_TEST(an_error_is_found_where_it_lies_in_the_response),
          UNIT_EACH(members_of_the_response_come_in_any_order, orders),
          UNIT_EACH(what_is_no_whole_bulk_response_is_unknown_not_done, no_responses),
          UNIT_TEST(a_response_too_large_for_its_offsets_is_refused_unread),
          UNIT_TEST(no_operations_are_answered_by_no_items),
          UNIT_TEST(a_response_cut_at_any_length_is_refused),
          UNIT_TEST(a_response_with_any_byte_changed_is_never_taken_with_another_count),
          UNIT_TEST(random_damage_never_makes_it_read_past_the_end),
          UNIT_EACH(an_error_is_described_by_type_and_reason, descriptions),
          UNIT_TEST(a_long_description_is_cut_between_characters))
