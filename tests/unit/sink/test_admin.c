/* test_admin.c: what the answers of clusters, proxies and strangers mean for the index. */
#include "sink/admin.h"

#include "client.h"

#define FOUND "{\"products-1\":{\"settings\":{\"index\":{\"uuid\":\"Kq3\"}}}}"
#define STREAM "{\".ds-logs-2026.01.02-000001\":{\"settings\":{\"index\":{\"uuid\":\"Kq3\"}}}}"
#define MISSING                                                                                    \
    "{\"error\":{\"root_cause\":[],\"type\":\"index_not_found_exception\",\"reason\":\"no such "   \
    "index [products]\"},\"status\":404}"
#define ERROR_JSON(type, reason)                                                                   \
    "{\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"},\"status\":400}"

static bool ensure(const struct canned_answer *answers, size_t count, const char *body,
                   bool *created, struct error *err)
{
    client_begin(answers, count);
    return admin_ensure_index(http, server.host, "products", slice_of(body), created, err);
}

static const struct canned_answer found[] = {
    {.status = 200, .body = FOUND},
    {.status = 200, .body = STREAM},
    {.status = 200,
     .body = "{\"a\":{\"settings\":{\"index\":{\"uuid\":\"A\"}}},\"b\":{\"settings\":"
             "{\"index\":{\"uuid\":\"B\"}}}}"},
};

START_TEST(an_index_alias_or_data_stream_that_is_there_is_left_alone)
{
    struct error err;
    bool created = true;
    unit_assert_ok(ensure(&found[_i], 1, "{\"settings\":{}}", &created, &err), err);
    ck_assert(!created);
    ck_assert_int_eq(server.request_count, 1);
    ck_assert(canned_was_asked(&server, 0, "GET /products?filter_path=%2A.settings.index.uuid "));
    client_end();
}
END_TEST

START_TEST(a_missing_index_is_created_from_its_body)
{
    const struct canned_answer answers[] = {
        {.status = 404, .body = MISSING},
        {.status = 200, .body = "{\"acknowledged\":true,\"shards_acknowledged\":true}"}};
    struct error err;
    bool created = false;
    unit_assert_ok(ensure(answers, 2, "{\"settings\":{}}", &created, &err), err);
    ck_assert(created);
    ck_assert(canned_was_asked(&server, 1, "PUT /products "));
    ck_assert(canned_was_asked(&server, 1, "Content-Type: application/json\r\n"));
    unit_assert_slice(((struct slice){server.requests[1].body, server.requests[1].body_size}),
                      "{\"settings\":{}}");
    client_end();
}
END_TEST

START_TEST(a_missing_index_without_a_body_is_an_error_with_the_remedy)
{
    const struct canned_answer missing = {.status = 404, .body = MISSING};
    struct error err;
    bool created = true;
    unit_assert_error(ensure(&missing, 1, "", &created, &err), err, ERROR_CONFIG,
                      "--create-index FILE");
    ck_assert_ptr_nonnull(strstr(err.message, "products"));
    ck_assert(!created);
    client_end();
}
END_TEST

START_TEST(somebody_else_who_creates_it_at_the_same_moment_is_welcome)
{
    const struct canned_answer answers[] = {
        {.status = 404, .body = MISSING},
        {.status = 400, .body = ERROR_JSON("resource_already_exists_exception", "exists")}};
    struct error err;
    bool created = true;
    unit_assert_ok(ensure(answers, 2, "{}", &created, &err), err);
    ck_assert(!created);
    client_end();
}
END_TEST

struct refusal {
    struct canned_answer answer;
    enum error_kind kind;
    const char *words;
};

static const struct refusal refusals[] = {
    {{.status = 200, .body = "<html>Welcome to nginx!</html>"}, ERROR_CONFIG, "no search engine"},
    {{.status = 200, .body = "{\"status\":\"ok\"}"}, ERROR_CONFIG, "no search engine"},
    {{.status = 200, .body = "{}"}, ERROR_CONFIG, "no search engine"},
    {{.status = 200, .body = "[]"}, ERROR_CONFIG, "no search engine"},
    {{.status = 200}, ERROR_CONFIG, "no search engine"},
    {{.status = 204}, ERROR_CONFIG, "no search engine"},
    {{.status = 404, .body = "<html>Not Found</html>"}, ERROR_CONFIG, "no search engine"},
    {{.status = 404, .body = "{\"error\":\"Not Found\"}"}, ERROR_CONFIG, "Not Found"},
    {{.status = 405, .body = "no"}, ERROR_CONFIG, "no search engine"},
    {{.status = 301, .headers = "Location: https://x/\r\n"}, ERROR_CONFIG, "redirect"},
    {{.status = 400, .body = ERROR_JSON("invalid_index_name_exception", "must be lowercase")},
     ERROR_CONFIG,
     "invalid_index_name_exception: must be lowercase"},
    {{.status = 401, .body = ERROR_JSON("security_exception", "missing authentication")},
     ERROR_DENIED,
     "missing authentication"},
    {{.status = 401}, ERROR_DENIED, "credentials"},
    {{.status = 403, .body = ERROR_JSON("security_exception", "unauthorized for user [u]")},
     ERROR_DENIED,
     "unauthorized for user [u]"},
    {{.status = 403, .body = "{\"Message\":\"User: anonymous is not authorized\"}"},
     ERROR_DENIED,
     "anonymous is not authorized"},
    {{.status = 403, .body = "{\"message\":\"The security token is invalid\"}"},
     ERROR_DENIED,
     "token is invalid"},
    {{.status = 429, .body = "{}"}, ERROR_UNAVAILABLE, "try again later"},
    {{.status = 408}, ERROR_UNAVAILABLE, "try again later"},
    {{.status = 502, .body = "<html>"}, ERROR_UNAVAILABLE, "try again later"},
    {{.status = 503, .body = ERROR_JSON("cluster_block_exception", "no master")},
     ERROR_UNAVAILABLE,
     "cluster_block_exception: no master"},
    {{.status = 0}, ERROR_UNAVAILABLE, "no answer"},
    {{.status = 200, .filler = 2 << 20}, ERROR_UNAVAILABLE, "larger"},
};

START_TEST(an_answer_that_is_neither_yes_nor_no_is_an_error_that_names_the_url)
{
    struct error err;
    bool created = true;
    unit_assert_error(ensure(&refusals[_i].answer, 1, "{}", &created, &err), err, refusals[_i].kind,
                      refusals[_i].words);
    ck_assert_msg(strstr(err.message, server.host) != NULL, "%s", err.message);
    ck_assert(!created);
    client_end();
}
END_TEST

static const struct refusal creation_refusals[] = {
    {{.status = 400, .body = ERROR_JSON("mapper_parsing_exception", "no handler for type [txt]")},
     ERROR_CONFIG,
     "mapper_parsing_exception: no handler for type [txt]"},
    {{.status = 403, .body = ERROR_JSON("security_exception", "unauthorized")},
     ERROR_DENIED,
     "create_index"},
    {{.status = 200, .body = "{\"acknowledged\":false}"}, ERROR_UNAVAILABLE, "not created yet"},
    {{.status = 200, .body = "<html>"}, ERROR_CONFIG, "no search engine"},
    {{.status = 503}, ERROR_UNAVAILABLE, "try again later"},
    {{.status = 0}, ERROR_UNAVAILABLE, "no answer"},
};

START_TEST(a_creation_that_is_refused_says_so_in_the_cluster_s_words)
{
    const struct canned_answer answers[] = {{.status = 404, .body = MISSING},
                                            creation_refusals[_i].answer};
    struct error err;
    bool created = true;
    unit_assert_error(ensure(answers, 2, "{}", &created, &err), err, creation_refusals[_i].kind,
                      creation_refusals[_i].words);
    ck_assert(!created);
    client_end();
}
END_TEST

static const char *const patterns[] = {"", "*", "products-*", "a,b", "product?"};

START_TEST(a_pattern_or_a_list_is_no_index)
{
    const struct canned_answer answer = {.status = 200, .body = FOUND};
    struct error err;
    bool created;
    client_begin(&answer, 1);
    unit_assert_error(
        admin_ensure_index(http, server.host, patterns[_i], slice_of(""), &created, &err), err,
        ERROR_CONFIG, "name one index");
    ck_assert_int_eq(server.request_count, 0);
    client_end();
}
END_TEST

START_TEST(a_base_url_keeps_its_path_and_its_password_stays_secret)
{
    const struct canned_answer denied = {.status = 401};
    struct error err;
    bool created;
    client_begin(&denied, 1);
    const char *host = canned_url(&server, "http://user:secret@", "/es/prefix");
    unit_assert_error(
        admin_ensure_index(http, host, "<logs-{now/d}>", slice_of(""), &created, &err), err,
        ERROR_DENIED, "user:***@127.0.0.1");
    ck_assert_ptr_null(strstr(err.message, "secret"));
    ck_assert(canned_was_asked(&server, 0, "GET /es/prefix/%3Clogs-%7Bnow%2Fd%7D%3E?filter_path="));
    client_end();
}
END_TEST

START_TEST(text_is_percent_encoded_but_for_unreserved_characters)
{
    struct buffer out;
    buffer_init(&out, 100);
    admin_append_encoded(&out, "AZaz09-._~ /?&=%+\xC3\xA9");
    ck_assert_str_eq(buffer_string(&out), "AZaz09-._~%20%2F%3F%26%3D%25%2B%C3%A9");
    buffer_free(&out);
}
END_TEST

UNIT_MAIN_WITH("sink/admin", client_set_up, NULL,
               UNIT_EACH(an_index_alias_or_data_stream_that_is_there_is_left_alone, found),
               UNIT_TEST(a_missing_index_is_created_from_its_body),
               UNIT_TEST(a_missing_index_without_a_body_is_an_error_with_the_remedy),
               UNIT_TEST(somebody_else_who_creates_it_at_the_same_moment_is_welcome),
               UNIT_EACH(an_answer_that_is_neither_yes_nor_no_is_an_error_that_names_the_url,
                         refusals),
               UNIT_EACH(a_creation_that_is_refused_says_so_in_the_cluster_s_words,
                         creation_refusals),
               UNIT_EACH(a_pattern_or_a_list_is_no_index, patterns),
               UNIT_TEST(a_base_url_keeps_its_path_and_its_password_stays_secret),
               UNIT_TEST(text_is_percent_encoded_but_for_unreserved_characters))
