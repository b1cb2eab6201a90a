/* test_admin.c: what the answers of clusters, proxies and strangers mean for the index. */
#include "sink/admin.h"

#include "client.h"

#define FOUND "{\"products-1\":{\"settings\":{\"index\":{\"uuid\":\"Kq3\"}}}}"
#define NO_WRITE_INDEX                                                                             \
    "{\"a\":{\"settings\":{\"index\":{\"uuid\":\"A\"}}},\"b\":{\"settings\":{\"index\":"           \
    "{\"uuid\":\"B\"}}}}"
#define MISSING                                                                                    \
    "{\"error\":{\"root_cause\":[],\"type\":\"index_not_found_exception\",\"reason\":\"no such "   \
    "index [products]\"},\"status\":404}"
#define ERROR_JSON(type, reason)                                                                   \
    "{\"error\":{\"type\":\"" type "\",\"reason\":\"" reason "\"},\"status\":400}"

static struct target target;

static bool look(const struct canned_answer *answer, struct error *err)
{
    client_begin(answer, 1);
    return admin_look(http, server.host, "products", &target, err);
}

static bool create(const struct canned_answer *answer, bool *created, struct error *err)
{
    client_begin(answer, 1);
    return admin_create_index(http, server.host, "products", slice_of("{\"settings\":{}}"), created,
                              err);
}

static bool check_pipeline(const struct canned_answer *answer, const char *name, struct error *err)
{
    client_begin(answer, 1);
    return admin_check_pipeline(http, server.host, name, err);
}

static void set_up(void)
{
    client_set_up();
    target_init(&target);
}

static void tear_down(void)
{
    target_free(&target);
}

START_TEST(an_index_that_is_there_is_known_by_its_uuid)
{
    const struct canned_answer answer = {.status = 200, .body = FOUND};
    struct error err;
    unit_assert_ok(look(&answer, &err), err);
    unit_assert_slice(buffer_slice(&target.write), "Kq3\n");
    ck_assert_int_eq(server.request_count, 1);
    ck_assert(canned_was_asked(&server, 0, "GET /products?filter_path=" TARGET_FILTER " "));
    client_end();
}
END_TEST

START_TEST(a_missing_index_is_no_error)
{
    const struct canned_answer answer = {.status = 404, .body = MISSING};
    struct error err;
    unit_assert_ok(look(&answer, &err), err);
    ck_assert(target_is_missing(&target));
    client_end();
}
END_TEST

START_TEST(an_alias_without_a_place_for_documents_is_an_error)
{
    const struct canned_answer answer = {.status = 200, .body = NO_WRITE_INDEX};
    struct error err;
    unit_assert_error(look(&answer, &err), err, ERROR_CONFIG, "products has no index to write to");
    client_end();
}
END_TEST

START_TEST(an_index_is_created_from_its_body)
{
    const struct canned_answer answer = {
        .status = 200, .body = "{\"acknowledged\":true,\"shards_acknowledged\":true}"};
    struct error err;
    bool created = false;
    unit_assert_ok(create(&answer, &created, &err), err);
    ck_assert(created);
    ck_assert(canned_was_asked(&server, 0, "PUT /products "));
    ck_assert(canned_was_asked(&server, 0, "Content-Type: application/json\r\n"));
    unit_assert_slice(((struct slice){server.requests[0].body, server.requests[0].body_size}),
                      "{\"settings\":{}}");
    client_end();
}
END_TEST

START_TEST(somebody_else_who_creates_it_at_the_same_moment_is_welcome)
{
    const struct canned_answer answer = {
        .status = 400, .body = ERROR_JSON("resource_already_exists_exception", "exists")};
    struct error err;
    bool created = true;
    unit_assert_ok(create(&answer, &created, &err), err);
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
    {{.status = 403, .body = ERROR_JSON("cluster_block_exception", "index metadata (api)")},
     ERROR_UNAVAILABLE,
     "index metadata (api)"},
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
    unit_assert_error(look(&refusals[_i].answer, &err), err, refusals[_i].kind, refusals[_i].words);
    ck_assert_msg(strstr(err.message, server.host) != NULL, "%s", err.message);
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
    {{.status = 403, .body = ERROR_JSON("cluster_block_exception", "cluster read-only (api)")},
     ERROR_UNAVAILABLE,
     "cluster read-only (api)"},
    {{.status = 200, .body = "{\"acknowledged\":false}"}, ERROR_UNAVAILABLE, "not created yet"},
    {{.status = 200, .body = "<html>"}, ERROR_CONFIG, "no search engine"},
    {{.status = 503}, ERROR_UNAVAILABLE, "try again later"},
    {{.status = 0}, ERROR_UNAVAILABLE, "no answer"},
};

START_TEST(a_creation_that_is_refused_says_so_in_the_cluster_s_words)
{
    struct error err;
    bool created = true;
    unit_assert_error(create(&creation_refusals[_i].answer, &created, &err), err,
                      creation_refusals[_i].kind, creation_refusals[_i].words);
    ck_assert(!created);
    client_end();
}
END_TEST

static const char *const patterns[] = {"", "*", "products-*", "a,b", "product?"};

START_TEST(a_pattern_or_a_list_is_no_index)
{
    const struct canned_answer answer = {.status = 200, .body = FOUND};
    struct error err;
    client_begin(&answer, 1);
    unit_assert_error(admin_look(http, server.host, patterns[_i], &target, &err), err, ERROR_CONFIG,
                      "name one index");
    ck_assert_int_eq(server.request_count, 0);
    client_end();
}
END_TEST

START_TEST(a_base_url_keeps_its_path_and_its_password_stays_secret)
{
    const struct canned_answer denied = {.status = 401};
    struct error err;
    client_begin(&denied, 1);
    const char *host = canned_url(&server, "http://user:secret@", "/es/prefix");
    unit_assert_error(admin_look(http, host, "<logs-{now/d}>", &target, &err), err, ERROR_DENIED,
                      "user:***@127.0.0.1");
    ck_assert_ptr_null(strstr(err.message, "secret"));
    ck_assert(canned_was_asked(&server, 0, "GET /es/prefix/%3Clogs-%7Bnow%2Fd%7D%3E?filter_path="));
    client_end();
}
END_TEST

static const struct {
    const char *name;
    struct canned_answer answer;
    enum error_kind kind; // ERROR_NONE: it is there
} pipelines[] = {
    {"p", {.status = 200, .body = "{\"p\":{\"processors\":[]}}"}, ERROR_NONE},
    {"p", {.status = 403, .body = ERROR_JSON("security_exception", "no")}, ERROR_NONE},
    {"_none", {.status = 404, .body = "{}"}, ERROR_NONE},
    {"a,b c",
     {.status = 200, .body = "{}"},
     ERROR_NONE}, // to the question two names, to a bulk request one
    {"p", {.status = 404, .body = "{}"}, ERROR_CONFIG},
    {"p*", {.status = 200, .body = "{\"p1\":{\"processors\":[]}}"}, ERROR_NONE},
    {"p", {.status = 401}, ERROR_DENIED},
    {"p", {.status = 503}, ERROR_UNAVAILABLE},
    {"p", {.status = 0}, ERROR_UNAVAILABLE},
    {"p", {.status = 200, .body = "<html>"}, ERROR_CONFIG},
};

START_TEST(a_pipeline_is_there_or_is_an_error_that_names_it)
{
    struct error err = {.kind = ERROR_NONE};
    bool ok = check_pipeline(&pipelines[_i].answer, pipelines[_i].name, &err);
    ck_assert_msg(err.kind == pipelines[_i].kind, "%d: %s", _i, err.message);
    ck_assert(ok == (err.kind == ERROR_NONE));
    if (pipelines[_i].answer.status == 404 && err.kind == ERROR_CONFIG) {
        ck_assert_ptr_nonnull(strstr(err.message, "pipeline p does not exist"));
        ck_assert(canned_was_asked(&server, 0, "GET /_ingest/pipeline/p HTTP"));
    }
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

UNIT_MAIN_WITH(
    "sink/admin", set_up, tear_down, UNIT_TEST(an_index_that_is_there_is_known_by_its_uuid),
    UNIT_TEST(a_missing_index_is_no_error),
    UNIT_TEST(an_alias_without_a_place_for_documents_is_an_error),
    UNIT_TEST(an_index_is_created_from_its_body),
    UNIT_EACH(a_pipeline_is_there_or_is_an_error_that_names_it, pipelines),
    UNIT_TEST(somebody_else_who_creates_it_at_the_same_moment_is_welcome),
    UNIT_EACH(an_answer_that_is_neither_yes_nor_no_is_an_error_that_names_the_url, refusals),
    UNIT_EACH(a_creation_that_is_refused_says_so_in_the_cluster_s_words, creation_refusals),
    UNIT_EACH(a_pattern_or_a_list_is_no_index, patterns),
    UNIT_TEST(a_base_url_keeps_its_path_and_its_password_stays_secret),
    UNIT_TEST(text_is_percent_encoded_but_for_unreserved_characters))
