/* test_http_call.c: one request from start to end, while others are in flight. */
#include "base/stop.h"
#include "client.h"

static bool call(const char *path, struct slice body, int *status, struct buffer *out,
                 struct error *err)
{
    return http_call(http, "PUT", canned_url(&server, "http://", path), "application/json", body,
                     status, out, err);
}

START_TEST(a_call_sends_its_body_and_appends_the_answer)
{
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 100);
    buffer_append_string(&out, "before ");
    client_begin(&good, 1);
    unit_assert_ok(call("/i", slice_of("{\"a\":1}"), &status, &out, &err), err);
    ck_assert_int_eq(status, 200);
    ck_assert_str_eq(buffer_string(&out), "before {\"ok\":1}");
    unit_assert_slice(((struct slice){server.requests[0].body, server.requests[0].body_size}),
                      "{\"a\":1}");
    buffer_free(&out);
    client_end();
}
END_TEST

START_TEST(a_call_leaves_the_answers_of_other_requests_where_they_are)
{
    const struct canned_answer answers[] = {
        {.status = 201, .body = "first"}, {.status = 200, .body = "called"}, {.stalls = true}};
    struct buffer out;
    struct error err;
    struct http_response r;
    int status, first;
    buffer_init(&out, 100);
    client_begin(answers, 3);
    client_start("GET", "/", NULL, &first);
    while (canned_count(&server) == 0)
        unit_assert_ok(http_poll(http, 10, &err), err);
    unit_assert_ok(call("/", slice_of("x"), &status, &out, &err), err);
    ck_assert_str_eq(buffer_string(&out), "called");
    r = client_response();
    ck_assert_ptr_eq(r.owner, &first);
    unit_assert_slice(r.body, "first");
    http_release(http, &r);
    ck_assert(!http_take_response(http, &r));
    buffer_free(&out);
    client_end();
}
END_TEST

START_TEST(a_call_without_an_answer_names_the_host_and_the_reason)
{
    const struct canned_answer none = {.status = 0};
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 4);
    client_begin(&none, 1);
    unit_assert_error(call("/i", slice_of(""), &status, &out, &err), err, ERROR_UNAVAILABLE,
                      server.host);
    ck_assert_ptr_nonnull(strstr(err.message, "Empty reply"));
    client_end();
    client_begin(&good, 1);
    unit_assert_error(call("/i", slice_of(""), &status, &out, &err), err, ERROR_UNAVAILABLE,
                      "larger than");
    buffer_free(&out);
    client_end();
}
END_TEST

START_TEST(a_call_that_is_sent_elsewhere_names_the_target_without_its_password)
{
    const struct canned_answer elsewhere = {.status = 307,
                                            .headers = "Location: https://u:secret@x/y?z\r\n"};
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 100);
    client_begin(&elsewhere, 1);
    unit_assert_error(call("/i", slice_of(""), &status, &out, &err), err, ERROR_CONFIG,
                      "answered 307: it redirects to https://u:***@x/y; redirects");
    ck_assert_ptr_nonnull(strstr(err.message, server.host));
    client_end();
}
END_TEST

/* The file is looked at in the middle of the TLS handshake, so the server must not end that first. */
START_TEST(a_call_with_a_certificate_file_that_is_none_is_denied)
{
    const struct canned_answer stall = {.stalls = true};
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 100);
    options.ca_file = "/dev/null";
    client_begin(&stall, 1);
    const char *url = canned_url(&server, "https://", "/");
    server.is_deaf = true;
    unit_assert_error(http_call(http, "GET", url, NULL, slice_of(""), &status, &out, &err), err,
                      ERROR_DENIED, "certificate");
    buffer_free(&out);
    client_end();
}
END_TEST

START_TEST(a_call_to_what_is_no_url_is_refused)
{
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 100);
    client_begin(&good, 1);
    unit_assert_error(http_call(http, "GET", "localhost", NULL, slice_of(""), &status, &out, &err),
                      err, ERROR_CONFIG, "must begin");
    client_end();
}
END_TEST

static void *stop_later(void *argument)
{
    canned_wait(argument, 1);
    stop_request();
    return NULL;
}

START_TEST(a_stop_request_ends_a_call)
{
    const struct canned_answer stall = {.stalls = true};
    pthread_t thread;
    struct buffer out;
    struct error err;
    int status;
    buffer_init(&out, 100);
    unit_assert_ok(stop_install(&err), err);
    client_begin(&stall, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_later, &server), 0);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(call("/", slice_of(""), &status, &out, &err), err, ERROR_STOPPED, "stopped");
    ck_assert_int_lt(clock_monotonic_ms() - from, PATIENCE_MS / 2);
    pthread_join(thread, NULL);
    buffer_free(&out);
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/http_call", client_set_up, NULL,
               UNIT_TEST(a_call_sends_its_body_and_appends_the_answer),
               UNIT_TEST(a_call_leaves_the_answers_of_other_requests_where_they_are),
               UNIT_TEST(a_call_without_an_answer_names_the_host_and_the_reason),
               UNIT_TEST(a_call_that_is_sent_elsewhere_names_the_target_without_its_password),
               UNIT_TEST(a_call_with_a_certificate_file_that_is_none_is_denied),
               UNIT_TEST(a_call_to_what_is_no_url_is_refused),
               UNIT_TEST(a_stop_request_ends_a_call)) // the last: a stop lasts
