/* test_question.c: which answers are answers, what the others mean, and which host is asked when. */
#include "sink/question.h"

#include "base/stop.h"
#include "client.h"

#define NOWHERE "http://127.0.0.1:1"
#define REFUSAL(type) "{\"error\":{\"type\":\"" type "\",\"reason\":\"words\"},\"status\":1}"

enum { WAITS_MS = 10 * PATIENCE_MS };

static const char *urls[4];
static struct question_hosts hosts;
static struct question_answer answer;
static struct question question;
static struct error err;
static int told;

static void count_told(const struct error *why)
{
    ck_assert_int_eq(why->kind, ERROR_UNAVAILABLE);
    told++;
}

static void set_up(void)
{
    client_set_up();
    told = 0;
    question = (struct question){
        .method = "GET", .path = "/jobs/_doc/7", .index = "jobs", .privilege = "read"};
    question_answer_init(&answer, QUESTION_ANSWER_MAX_BYTES);
}

static void tear_down(void)
{
    question_answer_free(&answer);
}

/* Ask the canned server, and FIRST before it unless that is NULL. */
static bool ask(const struct canned_answer *answers, size_t count, const char *first)
{
    static char url[64];
    client_begin(answers, count);
    snprintf(url, sizeof url, "%.31s//", server.host);
    urls[0] = first != NULL ? first : url;
    urls[1] = first != NULL ? url : NULL;
    urls[2] = NULL;
    hosts = (struct question_hosts){
        .http = http, .urls = urls, .give_up_after_ms = WAITS_MS, .tell = count_told};
    return question_ask(&hosts, &question, &answer, &err);
}

START_TEST(an_answer_is_its_status_its_text_and_its_json)
{
    const struct canned_answer found = {.status = 201, .body = "{\"_seq_no\":5}"};
    question.method = "PUT";
    question.path = "/jobs/_doc/a%20b?if_seq_no=4";
    question.body = slice_of("{\"beat\":1}");
    unit_assert_ok(ask(&found, 1, NULL), err);
    ck_assert_int_eq(answer.status, 201);
    ck_assert_int_eq(json_integer_value(json_object_get(answer.json, "_seq_no")), 5);
    unit_assert_slice(buffer_slice(&answer.text), "{\"_seq_no\":5}");
    ck_assert(!answer.is_repeated);
    ck_assert(canned_was_asked(&server, 0, "PUT /jobs/_doc/a%20b?if_seq_no=4 HTTP"));
    ck_assert(canned_was_asked(&server, 0, "Content-Type: application/json\r\n"));
    unit_assert_slice(((struct slice){server.requests[0].body, server.requests[0].body_size}),
                      "{\"beat\":1}");
    client_end();
}
END_TEST

START_TEST(the_next_answer_takes_the_place_of_the_last)
{
    const struct canned_answer two[] = {{.status = 200, .body = "{\"n\":1}"}, {.status = 200}};
    unit_assert_ok(ask(two, 2, NULL), err);
    unit_assert_ok(question_ask(&hosts, &question, &answer, &err), err);
    ck_assert_uint_eq(answer.text.size, 0);
    ck_assert_ptr_null(answer.json);
    client_end();
}
END_TEST

static const int listed[] = {404, 409, 412, 400};

START_TEST(a_status_that_is_listed_is_an_answer)
{
    const struct canned_answer other = {.status = listed[_i], .body = REFUSAL("some_exception")};
    memcpy(question.answers, listed, sizeof question.answers);
    unit_assert_ok(ask(&other, 1, NULL), err);
    ck_assert_int_eq(answer.status, listed[_i]);
    ck_assert_str_eq(question_error_type(&answer), "some_exception");
    ck_assert(question_has_error(&answer, "some_exception"));
    ck_assert(!question_has_error(&answer, "some_other"));
    client_end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    enum error_kind kind;
    const char *words;
} refusals[] = {
    {{.status = 200, .body = "<html>"}, ERROR_CONFIG, "no search engine"},
    {{.status = 404, .body = REFUSAL("index_not_found_exception")},
     ERROR_CONFIG,
     "index_not_found_exception: words"},
    {{.status = 409, .body = "nginx"}, ERROR_CONFIG, "no search engine"},
    {{.status = 302, .headers = "Location: https://x/\r\n"}, ERROR_CONFIG, "redirect"},
    {{.status = 401}, ERROR_DENIED, "credentials"},
    {{.status = 407}, ERROR_DENIED, "--proxy-user"},
    {{.status = 403, .body = REFUSAL("security_exception")},
     ERROR_DENIED,
     "needed on index jobs: read"},
};

START_TEST(what_is_no_answer_is_an_error_at_once)
{
    unit_assert_error(ask(&refusals[_i].answer, 1, NULL), err, refusals[_i].kind,
                      refusals[_i].words);
    ck_assert_int_eq(canned_count(&server), 1);
    ck_assert_int_eq(told, 0);
    ck_assert_int_eq(answer.status, 0);
    ck_assert_ptr_null(answer.json);
    ck_assert_uint_eq(answer.text.size, 0);
    client_end();
}
END_TEST

static const struct canned_answer passing[] = {
    {.status = 429, .body = "{}"},
    {.status = 503, .body = REFUSAL("no_master")},
    {.status = 408},
    {.status = 502, .body = "<html>"},
    {.status = 403, .body = REFUSAL("cluster_block_exception")},
    {.status = 0},
};

START_TEST(what_passes_is_asked_again_and_the_answer_says_so)
{
    const struct canned_answer two[] = {passing[_i], good};
    unit_assert_ok(ask(two, 2, NULL), err);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(answer.is_repeated);
    ck_assert_int_eq(told, 1);
    client_end();
}
END_TEST

START_TEST(a_host_that_does_not_answer_is_passed_over_from_then_on)
{
    unit_assert_ok(ask(&good, 1, NOWHERE), err);
    ck_assert_int_eq(told, 1);
    ck_assert_uint_eq(hosts.next, 1);
    unit_assert_ok(question_ask(&hosts, &question, &answer, &err), err);
    ck_assert_int_eq(told, 1);
    ck_assert(!answer.is_repeated);
    client_end();
}
END_TEST

START_TEST(it_is_given_up_after_a_time)
{
    hosts = (struct question_hosts){.urls = urls};
    client_begin(&good, 1);
    hosts.http = http;
    urls[0] = NOWHERE;
    urls[1] = NULL;
    unit_assert_error(question_ask(&hosts, &question, &answer, &err), err, ERROR_UNAVAILABLE,
                      NOWHERE);
    hosts.give_up_after_ms = 300; // without `tell`
    unit_assert_error(question_ask(&hosts, &question, &answer, &err), err, ERROR_UNAVAILABLE,
                      NOWHERE);
    client_end();
}
END_TEST

static void stop_when_told(const struct error *why)
{
    count_told(why);
    stop_request();
}

START_TEST(a_stop_request_ends_the_wait)
{
    struct canned_answer unwell = {.status = 503};
    unit_assert_ok(stop_install(&err), err);
    client_begin(&unwell, 1);
    urls[0] = server.host;
    urls[1] = NULL;
    hosts = (struct question_hosts){
        .http = http, .urls = urls, .give_up_after_ms = WAITS_MS, .tell = stop_when_told};
    unit_assert_error(question_ask(&hosts, &question, &answer, &err), err, ERROR_STOPPED,
                      "stopped");
    ck_assert_int_eq(told, 1);
    client_end();
}
END_TEST

/* Says no to the first host. */
static bool deny_first(void *context, struct http *h, const char *host, struct error *problem)
{
    ck_assert_ptr_eq(h, http);
    ck_assert_int_ne(host[strlen(host) - 1], '/');
    return ++*(int *)context > 1 || error_set(problem, ERROR_UNAVAILABLE, "%s is down", host);
}

START_TEST(any_question_can_be_put_to_the_hosts)
{
    int tries = 0;
    client_begin(&good, 1);
    urls[0] = "http://a/";
    urls[1] = "http://b";
    urls[2] = NULL;
    hosts = (struct question_hosts){.http = http, .urls = urls, .give_up_after_ms = WAITS_MS};
    unit_assert_ok(question_persist(&hosts, deny_first, &tries, &err), err);
    ck_assert_int_eq(tries, 2);
    ck_assert_uint_eq(hosts.next, 1);
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/question", set_up, tear_down,
               UNIT_TEST(an_answer_is_its_status_its_text_and_its_json),
               UNIT_TEST(the_next_answer_takes_the_place_of_the_last),
               UNIT_EACH(a_status_that_is_listed_is_an_answer, listed),
               UNIT_EACH(what_is_no_answer_is_an_error_at_once, refusals),
               UNIT_EACH(what_passes_is_asked_again_and_the_answer_says_so, passing),
               UNIT_TEST(a_host_that_does_not_answer_is_passed_over_from_then_on),
               UNIT_TEST(it_is_given_up_after_a_time),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_wait, 1),
               UNIT_TEST(any_question_can_be_put_to_the_hosts))
