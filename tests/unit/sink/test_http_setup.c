/* test_http_setup.c: what goes through a proxy and what doesn't, and which failures name a remedy. */
#include "sink/http.h"

#include "client.h"

START_TEST(a_proxy_is_asked_for_the_url_with_its_own_credentials_beside_the_clusters)
{
    options.user = "elastic";
    options.password = "cluster";
    options.proxy_user = "me";
    options.proxy_password = "proxy";
    canned_start(&server, &good, 1);
    options.proxy = server.host;
    struct error err;
    unit_assert_ok(http_new(&http, &options, &err), err);
    struct http_request q = {.method = "GET", .url = "http://es.invalid:9200/i"};
    unit_assert_ok(http_start(http, &q, &err), err);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    http_release(http, &r);
    ck_assert(canned_was_asked(&server, 0, "GET http://es.invalid:9200/i HTTP/1.1\r\n"));
    ck_assert(canned_was_asked(&server, 0, "Proxy-Authorization: Basic bWU6cHJveHk=\r\n"));
    ck_assert(canned_was_asked(&server, 0, "\r\nAuthorization: Basic ZWxhc3RpYzpjbHVzdGVy\r\n"));
    client_end();
}
END_TEST

static const struct {
    struct http_options options;
} credentials[] = {
    {{.user = "elastic", .password = "hunter2"}},
    {{.api_key = "hunter2"}},
    {{.bearer = "hunter2"}},
    {{.headers = (const char *const[]){"Authorization: hunter2", "X-Other: hunter2", NULL}}},
};

START_TEST(a_tunnel_is_asked_for_without_the_clusters_credentials)
{
    const struct canned_answer refusal = {.status = 407, .body = "no"};
    struct error err;
    options = credentials[_i].options;
    options.timeout_ms = PATIENCE_MS;
    options.proxy_user = "me";
    options.proxy_password = "secret";
    canned_start(&server, &refusal, 1);
    options.proxy = server.host;
    unit_assert_ok(http_new(&http, &options, &err), err);
    struct http_request q = {.method = "GET", .url = "https://es.invalid/i"};
    unit_assert_ok(http_start(http, &q, &err), err);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert(r.is_refused);
    ck_assert_ptr_nonnull(strstr(r.failure, "--proxy-user"));
    ck_assert_ptr_null(strstr(r.failure, "secret"));
    http_release(http, &r);
    ck_assert(canned_was_asked(&server, 0, "CONNECT es.invalid:443 HTTP/1.1\r\n"));
    ck_assert(canned_was_asked(&server, 0, "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
    ck_assert(!canned_was_asked(&server, 0, "\r\nAuthorization:"));
    ck_assert(!canned_was_asked(&server, 0, "X-Other"));
    client_end();
}
END_TEST

START_TEST(an_empty_proxy_is_none_whatever_the_environment_says)
{
    client_begin(&good, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 0);
    ck_assert(!r.is_refused);
    http_release(http, &r);
    options.proxy = "";
    r = client_get("/");
    ck_assert_int_eq(r.status, 200);
    http_release(http, &r);
    setenv("no_proxy", "127.0.0.1", 1);
    options.proxy = NULL;
    r = client_get("/");
    ck_assert_int_eq(r.status, 200);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(no_answer_is_followed_to_another_host_with_credentials)
{
    struct canned_server other;
    char location[100];
    const struct canned_answer redirect = {.status = 307, .headers = location};
    canned_start(&other, &good, 1);
    snprintf(location, sizeof location, "Location: %s/i\r\n", other.host);
    options.user = "elastic";
    options.password = "hunter2";
    client_begin(&redirect, 1);
    struct http_response r = client_get("/i");
    ck_assert_int_eq(r.status, 307);
    http_release(http, &r);
    ck_assert_int_eq(canned_count(&other), 0);
    client_end();
    canned_stop(&other);
}
END_TEST

/* Signs with the request's URL, or fails. */
static bool sign(void *context, const struct http_request *q, struct buffer *out, struct error *err)
{
    bool *fails = context;
    buffer_append_format(&out[0], "X-Signed: %s", q->method);
    buffer_append_format(&out[3], "X-Last: %d", 1);
    return !*fails || error_set(err, ERROR_UNAVAILABLE, "no key");
}

START_TEST(a_signers_headers_go_with_the_others_or_nothing_is_sent)
{
    bool fails = false;
    struct http_signer signer = {sign, &fails};
    struct error err;
    options.signer = &signer;
    options.headers = (const char *const[]){"X-All: 1", NULL};
    client_begin(&good, 1);
    for (int i = 0; i < 2; i++) {
        struct http_response r = client_get("/");
        http_release(http, &r);
        ck_assert(canned_was_asked(&server, i, "X-Signed: GET\r\n"));
        ck_assert(canned_was_asked(&server, i, "X-Last: 1\r\n"));
        ck_assert(canned_was_asked(&server, i, "X-All: 1\r\n"));
    }
    fails = true;
    struct http_request q = {.method = "GET", .url = canned_url(&server, "http://", "/")};
    unit_assert_error(http_start(http, &q, &err), err, ERROR_UNAVAILABLE, "no key");
    ck_assert_int_eq(canned_count(&server), 2);
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/http_setup", client_set_up, NULL,
               UNIT_TEST(a_proxy_is_asked_for_the_url_with_its_own_credentials_beside_the_clusters),
               UNIT_EACH(a_tunnel_is_asked_for_without_the_clusters_credentials, credentials),
               UNIT_OWN_PROCESS(an_empty_proxy_is_none_whatever_the_environment_says, 1),
               UNIT_TEST(no_answer_is_followed_to_another_host_with_credentials),
               UNIT_TEST(a_signers_headers_go_with_the_others_or_nothing_is_sent))
