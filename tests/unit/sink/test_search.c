/* test_search.c: what the answers to a refresh and a count mean. */
#include "sink/search.h"

#include "client.h"

#define SHARDS "\"_shards\":{\"total\":2,\"successful\":2,\"skipped\":0,\"failed\":0}"
#define FAILED(type) "{\"error\":{\"type\":\"" type "\",\"reason\":\"words\"},\"status\":1}"

static struct error err;

static bool count(const struct canned_answer *answer, uint64_t *number)
{
    client_begin(answer, 1);
    bool ok = search_count(http, server.host, "the index", number, &err);
    client_end();
    return ok;
}

START_TEST(a_count_is_read)
{
    const struct canned_answer answer = {.status = 200, .body = "{\"count\":273339," SHARDS "}"};
    uint64_t number = 0;
    unit_assert_ok(count(&answer, &number), err);
    ck_assert_uint_eq(number, 273339);
    ck_assert(canned_was_asked(&server, 0, "GET /the%20index/_count "));
}
END_TEST

static const struct {
    struct canned_answer answer;
    enum error_kind kind;
    const char *text;
} counts[] = {
    {{.status = 200, .body = "{\"count\":9,\"_shards\":{\"total\":2,\"failed\":1}}"},
     ERROR_UNAVAILABLE,
     "some of its shards did not answer"},
    {{.status = 200, .body = "{\"count\":9}"}, ERROR_UNAVAILABLE, "shards"},
    {{.status = 200, .body = "{\"count\":\"9\"," SHARDS "}"}, ERROR_CONFIG, "search engine"},
    {{.status = 200, .body = "{\"count\":-1," SHARDS "}"}, ERROR_CONFIG, "search engine"},
    {{.status = 200, .body = "{\"count\":99999999999999999999999," SHARDS "}"}, ERROR_CONFIG, ""},
    {{.status = 200, .body = "<html>"}, ERROR_CONFIG, "<html>"},
    {{.status = 401, .body = FAILED("security_exception")}, ERROR_DENIED, "credentials"},
    {{.status = 403, .body = FAILED("security_exception")},
     ERROR_DENIED,
     "needed on index the index: read"},
    {{.status = 404, .body = FAILED("index_not_found_exception")}, ERROR_CONFIG, "index_not_found"},
    {{.status = 429, .body = FAILED("circuit_breaking_exception")}, ERROR_UNAVAILABLE, "words"},
    {{.status = 503, .body = ""}, ERROR_UNAVAILABLE, "answered 503"},
    {{.status = 302, .body = ""}, ERROR_CONFIG, "is --url that of a search engine?"},
    {{.status = 0}, ERROR_UNAVAILABLE, "no answer"},
};

START_TEST(what_is_no_count_is_an_error_in_the_clusters_words)
{
    uint64_t number;
    unit_assert_error(count(&counts[_i].answer, &number), err, counts[_i].kind, counts[_i].text);
}
END_TEST

static const struct {
    int status;
    bool is_ok, is_done;
} refreshes[] = {{200, true, true}, {403, true, false}, {401, false, false}, {503, false, false}};

START_TEST(a_user_may_lack_the_right_to_refresh_only)
{
    const struct canned_answer answer = {.status = refreshes[_i].status, .body = "{}"};
    bool is_done = true;
    client_begin(&answer, 1);
    ck_assert_int_eq(search_refresh(http, server.host, "i", &is_done, &err), refreshes[_i].is_ok);
    ck_assert_int_eq(is_done, refreshes[_i].is_done);
    ck_assert(canned_was_asked(&server, 0, "POST /i/_refresh "));
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/search", client_set_up, NULL, UNIT_TEST(a_count_is_read),
               UNIT_EACH(what_is_no_count_is_an_error_in_the_clusters_words, counts),
               UNIT_EACH(a_user_may_lack_the_right_to_refresh_only, refreshes))
