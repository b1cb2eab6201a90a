/* test_ask.c: the parts of a question, and a change of which not all nodes know. */
#include "index/ask.h"

#include "stepped.h"

static bool ask(const struct ask *ask)
{
    struct question_answer a;
    question_answer_init(&a, 1000);
    bool ok = ask_cluster(&steps.hosts, ask, &a, &err);
    question_answer_free(&a);
    return ok;
}

START_TEST(a_question_is_its_parts)
{
    const struct canned_answer answers[] = {OK("{}")};
    json_t *body = json_pack("{s:i}", "a", 1);
    const struct ask asks[] = {
        {.method = "PUT", .index = "<a/b>", .after = "/_settings", .body = body},
        {.method = "GET", .before = "/_cluster/health/", .index = "a b"},
        {.method = "POST", .path = "/_aliases", .index = "a"},
    };
    BEGIN(answers);
    for (size_t i = 0; i < COUNT_OF(asks); i++)
        unit_assert_ok(ask(&asks[i]), err);
    stepped_assert_asked(0, "PUT /%3Ca%2Fb%3E/_settings HTTP", "{\"a\":1}");
    stepped_assert_asked(1, "GET /_cluster/health/a%20b HTTP", NULL);
    stepped_assert_asked(2, "POST /_aliases HTTP", NULL);
    ck_assert_uint_eq(server.requests[1].body_size, 0);
    json_decref(body);
    stepped_end();
}
END_TEST

START_TEST(a_refusal_names_the_privilege)
{
    const struct canned_answer answers[] = {{.status = 403, .body = "{}"}};
    BEGIN(answers);
    unit_assert_error(ask(&(struct ask){.method = "GET", .index = "i", .privilege = "manage"}), err,
                      ERROR_DENIED, "needed on index i: manage");
    stepped_end();
}
END_TEST

START_TEST(a_change_that_not_all_nodes_know_of_is_not_made)
{
    const struct canned_answer answers[] = {DONE, OK("{\"acknowledged\":false}")};
    const struct ask ask = {.method = "PUT", .index = "i"};
    BEGIN(answers);
    unit_assert_ok(ask_for_change(&steps.hosts, &ask, &err), err);
    unit_assert_error(ask_for_change(&steps.hosts, &ask, &err), err, ERROR_UNAVAILABLE,
                      "not all nodes know");
    stepped_end();
}
END_TEST

START_TEST(a_flush_is_one_of_all_shards)
{
    const struct canned_answer answers[] = {OK("{\"_shards\":{\"total\":2,\"failed\":0}}"),
                                            OK("{\"_shards\":{\"total\":2,\"failed\":1}}"),
                                            {.status = 403, .body = "{}"}};
    BEGIN(answers);
    unit_assert_ok(ask_to_flush(&steps.hosts, "i", &err), err);
    unit_assert_error(ask_to_flush(&steps.hosts, "i", &err), err, ERROR_UNAVAILABLE,
                      "not all of its shards were flushed");
    unit_assert_error(ask_to_flush(&steps.hosts, "i", &err), err, ERROR_DENIED, "maintenance");
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/ask", stepped_set_up, NULL, UNIT_TEST(a_question_is_its_parts),
               UNIT_TEST(a_refusal_names_the_privilege), UNIT_TEST(a_flush_is_one_of_all_shards),
               UNIT_TEST(a_change_that_not_all_nodes_know_of_is_not_made))
