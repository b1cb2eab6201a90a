/* test_http_exchange.c: bodies on their way to a server, and the time that a server asks for. */
#include "sink/http_exchange.h"

#include <time.h>

#include "client.h"

static void assert_arrived(const struct canned_request *r, const struct source *s)
{
    size_t same = 0;
    ck_assert_uint_eq(r->body_size, s->size);
    while (same < r->body_size && r->body[same] == source_byte(same))
        same++;
    ck_assert_uint_eq(same, s->size);
}

START_TEST(a_body_is_streamed_with_its_length_and_without_expect)
{
    struct source s = {.size = 5000000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start("POST", "/_bulk", &body, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    assert_arrived(&server.requests[0], &s);
    ck_assert(canned_was_asked(&server, 0, "POST /_bulk"));
    ck_assert(canned_was_asked(&server, 0, "\r\nContent-Length: 5000000\r\n"));
    ck_assert(canned_was_asked(&server, 0, "\r\nContent-Type: application/x-ndjson\r\n"));
    ck_assert(!canned_was_asked(&server, 0, "Expect"));
    ck_assert_uint_le(s.largest_read, 64 << 10);
    http_release(http, &r);
    client_end();
}
END_TEST

static const struct {
    const char *method;
    const char *line;
    const char *length;
    uint64_t size;
} methods[] = {
    {"PUT", "PUT /x ", "\r\nContent-Length: 3\r\n", 3},
    {"PUT", "PUT /x ", "\r\nContent-Length: 0\r\n", 0},
    {"POST", "POST /x ", "\r\nContent-Length: 0\r\n", 0},
    {"DELETE", "DELETE /x ", "\r\n", 0},
    {"GET", "GET /x ", "\r\nContent-Length: 3\r\n", 3},
};

START_TEST(methods_have_bodies_or_none)
{
    struct source s = {.size = methods[_i].size};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start(methods[_i].method, "/x", s.size > 0 ? &body : NULL, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    ck_assert(canned_was_asked(&server, 0, methods[_i].line));
    ck_assert(canned_was_asked(&server, 0, methods[_i].length));
    assert_arrived(&server.requests[0], &s);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_kept_connection_that_died_is_replaced_and_the_body_sent_from_its_start)
{
    const struct canned_answer answers[] = {good, {.status = 0}, good};
    struct source s = {.size = 700000};
    struct http_body body = source_body(&s);
    client_begin(answers, 3);
    struct http_response r = client_get("/");
    http_release(http, &r);
    client_start("POST", "/", &body, NULL);
    r = client_response();
    ck_assert_int_eq(r.status, 200);
    ck_assert_int_eq(s.rewinds, 1);
    ck_assert_int_eq(server.request_count, 3);
    assert_arrived(&server.requests[2], &s);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_body_that_can_not_rewind_ends_the_request_instead)
{
    const struct canned_answer answers[] = {good, {.status = 0}, good};
    struct source s = {.size = 700000, .cannot_rewind = true};
    struct http_body body = source_body(&s);
    client_begin(answers, 3);
    struct http_response r = client_get("/");
    http_release(http, &r);
    client_start("POST", "/", &body, NULL);
    r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, "second time"));
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_body_that_can_not_be_read_ends_the_request)
{
    struct source s = {.size = 1000000, .fails_at = 300000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start("POST", "/", &body, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, "could not be read"));
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_body_that_ends_early_ends_the_request_at_once)
{
    struct source s = {.size = 1000000, .ends_at = 300000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start("POST", "/", &body, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, "has not its size"));
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(not_a_byte_more_than_the_size_is_read)
{
    struct source s = {.size = 1000, .ends_at = 300000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start("POST", "/", &body, NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_eq(s.sent, 1000);
    assert_arrived(&server.requests[0], &s);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(a_refusal_before_the_body_was_read_is_still_a_status)
{
    const struct canned_answer early = {
        .status = 413, .headers = "Connection: close\r\n", .body = "too large", .is_early = true};
    struct source s = {.size = 50000000};
    struct http_body body = source_body(&s);
    client_begin(&early, 1);
    client_start("POST", "/", &body, NULL);
    struct http_response r = client_response();
    ck_assert_msg(r.status == 413, "%s", r.failure);
    ck_assert_uint_lt(s.sent, s.size);
    http_release(http, &r);
    client_end();
}
END_TEST

START_TEST(retry_after_is_told_in_milliseconds)
{
    char headers[100], date[60];
    struct canned_answer busy = {.status = 429, .headers = headers};
    const char *const values[] = {"7", "0", "soon", "7 ", "999999999999", date};
    const int64_t least[] = {7000, 0, -1, 7000, 86400000, 3590000};
    time_t later = time(NULL) + 3600;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&later));
    client_begin(&busy, 1);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        snprintf(headers, sizeof headers, "Retry-After: %s\r\n", values[i]);
        struct http_response r = client_get("/");
        ck_assert_int_eq(r.status, 429);
        ck_assert_int_ge(r.retry_after_ms, least[i]);
        ck_assert_int_le(r.retry_after_ms, i == 5 ? 3600000 : least[i]);
        http_release(http, &r);
    }
    client_end();
}
END_TEST

static const struct {
    const char *value;
    int64_t ms; // from 1994-11-06 08:49:07 UTC on
} times[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 30000},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 30000},
    {"Sun Nov  6 08:49:37 1994", 30000},
    {"Sun, 06 Nov 1994 08:49:07 GMT", 0},
    {"Sun, 06 Nov 1994 07:00:00 GMT", 0},
    {"Sun, 06 Nov 2094 08:49:37 GMT", HTTP_RETRY_AFTER_MAX_MS},
    {"Sun, 06 Nov 1994 08:49:37", -1},
    {"Sun, 06 Nov 1994 08:49:37 GMT!", -1},
    {"120", 120000},
    {"99999999999999999999999999", HTTP_RETRY_AFTER_MAX_MS},
    {"-1", -1},
    {"1.5", -1},
    {"", -1},
};

START_TEST(a_time_to_wait_is_read_in_all_its_forms)
{
    setenv("TZ", "America/New_York", 1); // dates are UTC whatever the machine's zone
    ck_assert_int_eq(exchange_retry_after_ms(times[_i].value, INT64_C(784111747000)), times[_i].ms);
}
END_TEST

START_TEST(a_413_is_a_status_even_when_the_rest_of_the_answer_is_lost)
{
    const struct canned_answer torn = {.status = 413, .body = "too l", .missing = 4};
    client_begin(&torn, 1);
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 413);
    ck_assert_ptr_null(r.failure);
    http_release(http, &r);
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/http_exchange", client_set_up, NULL,
               UNIT_TEST(a_body_is_streamed_with_its_length_and_without_expect),
               UNIT_EACH(methods_have_bodies_or_none, methods),
               UNIT_TEST(a_kept_connection_that_died_is_replaced_and_the_body_sent_from_its_start),
               UNIT_TEST(a_body_that_can_not_rewind_ends_the_request_instead),
               UNIT_TEST(a_body_that_can_not_be_read_ends_the_request),
               UNIT_TEST(a_body_that_ends_early_ends_the_request_at_once),
               UNIT_TEST(not_a_byte_more_than_the_size_is_read),
               UNIT_LOOP(a_refusal_before_the_body_was_read_is_still_a_status, 20),
               UNIT_TEST(a_413_is_a_status_even_when_the_rest_of_the_answer_is_lost),
               UNIT_EACH(a_time_to_wait_is_read_in_all_its_forms, times),
               UNIT_TEST(retry_after_is_told_in_milliseconds))
