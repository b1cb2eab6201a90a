/* test_http.c: requests over real sockets, to a server that does what servers do at their worst. */
#include "sink/http.h"

#include <signal.h>

#include "base/stop.h"
#include "client.h"

START_TEST(an_answer_comes_whole_with_its_owner)
{
    int owner;
    client_begin(&good, 1);
    client_start("GET", "/a?b=c", NULL, &owner);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    ck_assert_ptr_eq(r.owner, &owner);
    ck_assert_ptr_null(r.failure);
    ck_assert_int_eq(r.retry_after_ms, -1);
    unit_assert_slice(r.body, "{\"ok\":1}");
    http_release(http, &r);
    ck_assert(canned_was_asked(&server, 0, "GET /a?b=c HTTP/1.1\r\n"));
    ck_assert(canned_was_asked(&server, 0, "Accept-Encoding: identity\r\n"));
    ck_assert(!canned_was_asked(&server, 0, "Content-Type"));
    ck_assert(!canned_was_asked(&server, 0, "Authorization"));
    client_end();
}
END_TEST

START_TEST(a_head_request_waits_for_no_body_and_a_get_after_it_does)
{
    const struct canned_answer answers[] = {{.status = 200, .body = "12345", .answers_head = true},
                                            good};
    client_begin(answers, 2);
    client_start("HEAD", "/", NULL, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(r.body.size, 0);
    http_release(http, &r);
    r = client_get("/");
    unit_assert_slice(r.body, "{\"ok\":1}");
    http_release(http, &r);
    ck_assert_int_eq(server.connection_count, 1);
    client_end();
}
END_TEST

START_TEST(a_connection_is_kept_for_the_next_request)
{
    client_begin(&good, 1);
    for (int i = 0; i < 20; i++) {
        struct http_response r = client_get("/");
        ck_assert_int_eq(r.status, 200);
        unit_assert_slice(r.body, "{\"ok\":1}");
        http_release(http, &r);
    }
    ck_assert_int_eq(server.request_count, 20);
    ck_assert_int_eq(server.connection_count, 1);
    client_end();
}
END_TEST

START_TEST(several_requests_are_in_flight_at_the_same_time)
{
    const struct canned_answer together = {.status = 200, .wait_for = 8};
    struct source sources[8];
    struct http_body bodies[8];
    bool has_answer[8] = {false};
    client_begin(&together, 1);
    for (size_t i = 0; i < 8; i++) {
        sources[i] = (struct source){.size = 300000 + i};
        bodies[i] = source_body(&sources[i]);
        client_start("POST", "/", &bodies[i], &has_answer[i]);
    }
    for (size_t i = 0; i < 8; i++) {
        struct http_response r = client_response();
        ck_assert_int_eq(r.status, 200);
        *(bool *)r.owner = true;
        http_release(http, &r);
    }
    for (size_t i = 0; i < 8; i++)
        ck_assert(has_answer[i]);
    ck_assert_int_eq(server.connection_count, 8);
    client_end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    const char *failure;
} failures[] = {
    {{.status = 0}, "Empty reply"},
    {{.status = 200, .body = "{\"items\":[", .missing = 10}, ""},
    {{.status = 200, .filler = HTTP_RESPONSE_MAX_BYTES + 1}, "larger than was expected"},
    {{.status = 200, .headers = "Content-Encoding: lost\r\n", .body = "{}"}, "content encoding"},
};

START_TEST(no_whole_answer_is_status_0_and_says_why)
{
    client_begin(&failures[_i].answer, 1);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, failures[_i].failure));
    ck_assert(!r.is_timeout);
    ck_assert(!r.is_refused);
    ck_assert_int_eq(r.is_too_large, failures[_i].answer.filler > 0);
    ck_assert_uint_eq(r.body.size, 0);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(the_largest_answer_is_taken_and_its_memory_given_back)
{
    const struct canned_answer answers[] = {{.status = 200, .filler = HTTP_RESPONSE_MAX_BYTES},
                                            good};
    client_begin(answers, 2);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(r.body.size, HTTP_RESPONSE_MAX_BYTES);
    http_release(http, &r);
    r = client_get("/");
    unit_assert_slice(r.body, "{\"ok\":1}");
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_refused_connection_is_a_failure_with_words)
{
    client_begin(&good, 1);
    canned_stop(&server);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, "connect"));
    http_release(http, &r);
    http_free(http);
}
END_TEST

START_TEST(a_stalled_request_ends_after_its_time_and_the_next_goes_on)
{
    const struct canned_answer answers[] = {{.stalls = true}, good};
    options.timeout_ms = 300;
    client_begin(answers, 2);
    int64_t from = clock_monotonic_ms();
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 0);
    ck_assert(r.is_timeout);
    ck_assert_int_ge(clock_monotonic_ms() - from, 290);
    http_release(http, &r);
    r = client_get("/");
    ck_assert_int_eq(r.status, 200);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_credentials_stay_where_they_belong)
{
    struct canned_server other;
    char headers[100];
    struct canned_answer redirect = {.status = 302, .headers = headers};
    canned_start(&other, &good, 1);
    snprintf(headers, sizeof headers, "Location: %s/\r\n", other.host);
    options.api_key = "secret";
    client_begin(&redirect, 1);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 302);
    ck_assert_int_eq(strncmp(r.redirect, other.host, strlen(other.host)), 0);
    http_release(http, &r);
    ck_assert_int_eq(other.request_count, 0);
    client_end();
    canned_stop(&other);
}
END_TEST

static const struct {
    struct http_options options;
    const char *header; // or NULL: none
} credentials[] = {
    {{.user = "elastic", .password = "pass:word"}, "Authorization: Basic ZWxhc3RpYzpwYXNzOndvcmQ="},
    {{.user = "elastic"}, "Authorization: Basic ZWxhc3RpYzo="},
    {{.api_key = "VuaC="}, "Authorization: ApiKey VuaC="},
    {{.bearer = "t.o.k"}, "Authorization: Bearer t.o.k"},
    {{.headers = (const char *const[]){"X-One: 1", "X-Two: 2", NULL}}, "X-Two: 2"},
    {{.bearer = "t", .headers = (const char *const[]){"X-One: 1", NULL}}, "X-One: 1"},
};

START_TEST(credentials_and_headers_go_with_each_request)
{
    options = credentials[_i].options;
    options.timeout_ms = PATIENCE_MS;
    client_begin(&good, 1);
    for (int i = 0; i < 2; i++) {
        struct http_response r = client_get("/");
        http_release(http, &r);
        ck_assert_msg(canned_was_asked(&server, i, credentials[_i].header), "%s",
                      server.requests[i].head);
    }
    client_end();
}
END_TEST

static const struct {
    const char *user, *password; // of the options
    const char *before;          // the host, in the URL
    const char *header;
} own_users[] = {
    {"other", "wrong", "http://elastic:pass%3Aword@", "Basic ZWxhc3RpYzpwYXNzOndvcmQ="},
    {NULL, "wrong", "http://elastic:pass%3Aword@", "Basic ZWxhc3RpYzpwYXNzOndvcmQ="},
    {"other", "wrong", "http://elastic@", "Basic ZWxhc3RpYzo="}, // without the other's password
    {NULL, "word", "http://elastic@", "Basic ZWxhc3RpYzp3b3Jk"},
};

START_TEST(user_and_password_of_a_url_go_before_those_of_the_options)
{
    struct error err;
    options.user = own_users[_i].user;
    options.password = own_users[_i].password;
    client_begin(&good, 1);
    const char *url = canned_url(&server, own_users[_i].before, "/");
    struct http_request q = {.method = "GET", .url = url};
    unit_assert_ok(http_start(http, &q, &err), err);
    struct http_response r = client_response();
    http_release(http, &r);
    r = client_get("/");
    http_release(http, &r);
    ck_assert_msg(canned_was_asked(&server, 0, own_users[_i].header), "%s",
                  server.requests[0].head);
    ck_assert_int_eq(canned_was_asked(&server, 1, "Basic b3RoZXI6d3Jvbmc="),
                     own_users[_i].user != NULL);
    client_end();
}
END_TEST

START_TEST(a_secret_too_long_for_a_header_is_refused)
{
    struct error err;
    char *secret = malloc(100001);
    memset(secret, 'x', 100000);
    secret[100000] = '\0';
    options.api_key = secret;
    unit_assert_error(http_new(&http, &options, &err), err, ERROR_MEMORY, "HTTP header");
    free(secret);
}
END_TEST

START_TEST(a_url_that_is_none_is_refused_at_the_start)
{
    struct error err;
    client_begin(&good, 1);
    struct http_request q = {.method = "GET", .url = "user:secret@localhost:9200"};
    unit_assert_error(http_start(http, &q, &err), err, ERROR_CONFIG, "must begin");
    ck_assert_ptr_null(strstr(err.message, "secret"));
    client_end();
}
END_TEST

START_TEST(a_tls_request_to_a_plain_server_is_a_failure_but_no_refused_certificate)
{
    struct error err;
    client_begin(&good, 1);
    const char *url = canned_url(&server, "https://", "/");
    struct http_request q = {.method = "GET", .url = url};
    unit_assert_ok(http_start(http, &q, &err), err);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert(!r.is_refused);
    http_release(http, &r);
    client_end();
}
END_TEST

static void *wake_later(void *argument)
{
    (void)argument;
    usleep(100000);
    http_wakeup(http);
    return NULL;
}

START_TEST(a_wakeup_from_another_thread_ends_a_wait)
{
    pthread_t thread;
    struct error err;
    client_begin(&good, 1);
    int64_t from = clock_monotonic_ms();
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, NULL), 0);
    unit_assert_ok(http_poll(http, PATIENCE_MS, &err), err);
    int64_t waited = clock_monotonic_ms() - from;
    ck_assert_int_ge(waited, 90);
    ck_assert_int_lt(waited, PATIENCE_MS / 2);
    pthread_join(thread, NULL);
    http_wakeup(http); // nobody waits: the next one doesn't
    from = clock_monotonic_ms();
    unit_assert_ok(http_poll(http, PATIENCE_MS, &err), err);
    ck_assert_int_lt(clock_monotonic_ms() - from, PATIENCE_MS / 2);
    client_end();
}
END_TEST

START_TEST(nobody_waits_while_a_response_is_there)
{
    const struct canned_answer together = {.status = 200, .wait_for = 2, .delay_ms = 300};
    struct http_response r;
    struct error err;
    client_begin(&together, 1);
    client_start("GET", "/", NULL, NULL);
    client_start("GET", "/", NULL, NULL);
    while (canned_count(&server) < 2)
        unit_assert_ok(http_poll(http, 10, &err), err);
    usleep(600000); // both are in the sockets now
    int64_t from = clock_monotonic_ms();
    unit_assert_ok(http_poll(http, PATIENCE_MS, &err), err);
    ck_assert(http_take_response(http, &r));
    http_release(http, &r);
    unit_assert_ok(http_poll(http, PATIENCE_MS, &err), err);
    ck_assert(http_take_response(http, &r));
    http_release(http, &r);
    ck_assert_int_lt(clock_monotonic_ms() - from, PATIENCE_MS / 2);
    client_end();
}
END_TEST

START_TEST(a_wait_without_requests_lasts_its_time)
{
    struct error err;
    client_begin(&good, 1);
    int64_t from = clock_monotonic_ms();
    unit_assert_ok(http_poll(http, 200, &err), err);
    ck_assert_int_ge(clock_monotonic_ms() - from, 50);
    client_end();
}
END_TEST

START_TEST(a_stop_request_ends_one_wait_and_what_is_in_flight_can_still_end)
{
    const struct canned_answer both = {.status = 200, .wait_for = 2};
    struct error err;
    unit_assert_ok(stop_install(&err), err);
    client_begin(&both, 1);
    client_start("GET", "/", NULL, NULL);
    while (canned_count(&server) == 0)
        unit_assert_ok(http_poll(http, 10, &err), err);
    raise(SIGTERM);
    int64_t from = clock_monotonic_ms();
    unit_assert_ok(http_poll(http, PATIENCE_MS, &err), err);
    ck_assert_int_lt(clock_monotonic_ms() - from, 800); // libcurl looks at speeds each second
    from = clock_monotonic_ms();
    unit_assert_ok(http_poll(http, 200, &err), err);
    ck_assert_int_ge(clock_monotonic_ms() - from, 50);
    client_start("GET", "/", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct http_response r = client_response();
        ck_assert_int_eq(r.status, 200);
        http_release(http, &r);
    }
    client_end();
}
END_TEST

START_TEST(freeing_abandons_what_is_in_flight)
{
    const struct canned_answer stall = {.stalls = true};
    struct source s = {.size = 100000};
    struct http_body body = source_body(&s);
    struct error err;
    client_begin(&stall, 1);
    for (int i = 0; i < 3; i++)
        client_start("GET", "/", NULL, NULL);
    client_start("POST", "/", &body, NULL);
    unit_assert_ok(http_poll(http, 100, &err), err);
    client_end();
    http_free(NULL);
}
END_TEST

UNIT_MAIN_WITH("sink/http", client_set_up, NULL, UNIT_TEST(an_answer_comes_whole_with_its_owner),
               UNIT_TEST(a_head_request_waits_for_no_body_and_a_get_after_it_does),
               UNIT_TEST(a_connection_is_kept_for_the_next_request),
               UNIT_TEST(several_requests_are_in_flight_at_the_same_time),
               UNIT_EACH(no_whole_answer_is_status_0_and_says_why, failures),
               UNIT_TEST(the_largest_answer_is_taken_and_its_memory_given_back),
               UNIT_TEST(a_refused_connection_is_a_failure_with_words),
               UNIT_TEST(a_stalled_request_ends_after_its_time_and_the_next_goes_on),
               UNIT_TEST(a_redirect_is_an_answer_and_credentials_stay_where_they_belong),
               UNIT_EACH(credentials_and_headers_go_with_each_request, credentials),
               UNIT_EACH(user_and_password_of_a_url_go_before_those_of_the_options, own_users),
               UNIT_TEST(a_secret_too_long_for_a_header_is_refused),
               UNIT_TEST(a_url_that_is_none_is_refused_at_the_start),
               UNIT_TEST(a_tls_request_to_a_plain_server_is_a_failure_but_no_refused_certificate),
               UNIT_TEST(a_wakeup_from_another_thread_ends_a_wait),
               UNIT_TEST(nobody_waits_while_a_response_is_there),
               UNIT_TEST(a_wait_without_requests_lasts_its_time),
               UNIT_TEST(a_stop_request_ends_one_wait_and_what_is_in_flight_can_still_end),
               UNIT_TEST(freeing_abandons_what_is_in_flight))
