/* test_replay_answer.c: what each answer of a cluster, good or bad, means for the documents of a frame:
 * where they end, what the ledger says, and what is sent again. */
#include <jansson.h>

#include "replayed.h"
#include "sink/http.h"

#define OK_THREE ITEMS(DONE "," DONE "," DONE)
#define OK_TWO ITEMS(DONE "," DONE)
#define OK_ONE ITEMS(DONE)
#define ERROR(type) "{\"error\":{\"type\":\"" type "\",\"reason\":\"the reason\"},\"status\":1}"
#define CONFLICT                                                                                   \
    "{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}}}"
#define NO_INDEX "{\"index\":{\"status\":404,\"error\":{\"type\":\"index_not_found_exception\"}}}"
#define NO_RIGHT "{\"index\":{\"status\":403,\"error\":{\"type\":\"security_exception\"}}}"
#define NO_PIPELINE                                                                                \
    "{\"index\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\",\"reason\":"    \
    "\"pipeline with id [p] does not exist\"}}}"
#define FAILURE_STORE "{\"create\":{\"status\":201,\"failure_store\":\"used\"}}"
#define ABSENT "{\"delete\":{\"status\":404,\"result\":\"not_found\"}}"

enum { REQUESTS = 10 };

/* One frame, of the documents 1 to 4, that ends well: every document is in, or a dead letter. */
static const struct {
    const char *name;
    struct canned_answer answers[REQUESTS]; // one after the other
    const char *sent[REQUESTS];             // the documents of each request, one digit each
    uint64_t dead;
} endings[] = {
    {"all are in", {ALL_DONE}, {"1234"}, 0},
    {"some are not now",
     {{.status = 200, .body = ITEMS(DONE "," LATER "," DONE "," LATER)},
      {.status = 200, .body = OK_TWO}},
     {"1234", "24"},
     0},
    {"one success among failures",
     {{.status = 200, .body = ITEMS(LATER "," LATER "," DONE "," LATER)},
      {.status = 200, .body = ITEMS(LATER "," LATER "," LATER)},
      {.status = 200, .body = OK_THREE}},
     {"1234", "124", "124"},
     0},
    {"some are refused",
     {{.status = 200, .body = ITEMS(DONE "," BAD "," BAD "," DONE)}},
     {"1234"},
     2},
    {"all are refused", {{.status = 200, .body = ITEMS(BAD "," BAD "," BAD "," BAD)}}, {"1234"}, 4},
    {"refused and not now",
     {{.status = 200, .body = ITEMS(BAD "," LATER "," DONE "," LATER)},
      {.status = 200, .body = ITEMS(BAD "," DONE)}},
     {"1234", "24"},
     2},
    {"there already",
     {{.status = 200, .body = ITEMS(CONFLICT "," DONE "," CONFLICT "," DONE)}},
     {"1234"},
     0},
    {"deleted already",
     {{.status = 200, .body = ITEMS(ABSENT "," DONE "," DONE "," ABSENT)}},
     {"1234"},
     0},
    {"put aside by the cluster",
     {{.status = 200, .body = ITEMS(DONE "," FAILURE_STORE "," DONE "," DONE)}},
     {"1234"},
     1},
    {"too few items", {{.status = 200, .body = OK_THREE}, ALL_DONE}, {"1234", "1234"}, 0},
    {"too many items",
     {{.status = 200, .body = ITEMS(DONE "," DONE "," DONE "," DONE "," DONE)}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"no items",
     {{.status = 200, .body = "{\"took\":1,\"errors\":false}"}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"no JSON",
     {{.status = 200, .body = "<html>\"errors\":false</html>"}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"more words than can be taken",
     {{.status = 200, .filler = HTTP_RESPONSE_MAX_BYTES + 1},
      {.status = 200, .body = OK_TWO},
      {.status = 200, .filler = HTTP_RESPONSE_MAX_BYTES + 1},
      {.status = 200, .body = OK_ONE},
      {.status = 200, .body = OK_ONE}},
     {"1234", "12", "34", "3", "4"},
     0},
    {"half an answer",
     {{.status = 200, .body = FOUR_DONE, .missing = 5}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"three times half an answer",
     {{.status = 200, .body = FOUR_DONE, .missing = 5},
      {.status = 200, .body = FOUR_DONE, .missing = 5},
      {.status = 200, .body = FOUR_DONE, .missing = 5},
      {.status = 200, .body = OK_TWO},
      {.status = 200, .body = OK_TWO}},
     {"1234", "1234", "1234", "12", "34"},
     0},
    {"an empty answer", {{.status = 200}, ALL_DONE}, {"1234", "1234"}, 0},
    {"no answer, the connection is closed", {{.status = 0}, ALL_DONE}, {"1234", "1234"}, 0},
    {"the server is overloaded",
     {{.status = 429, .body = ERROR("circuit_breaking_exception")}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"the server gave up waiting", {{.status = 408}, ALL_DONE}, {"1234", "1234"}, 0},
    {"the server broke", {{.status = 500}, ALL_DONE}, {"1234", "1234"}, 0},
    {"a proxy has no server", {{.status = 502}, ALL_DONE}, {"1234", "1234"}, 0},
    {"the server starts",
     {{.status = 503, .headers = "Retry-After: 0\r\n"}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"a proxy waited too long", {{.status = 504}, ALL_DONE}, {"1234", "1234"}, 0},
    {"no writes for now",
     {{.status = 403, .body = ERROR("cluster_block_exception")}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"no writes to a closed index",
     {{.status = 400, .body = ERROR("index_closed_exception")}, ALL_DONE},
     {"1234", "1234"},
     0},
    {"the request is too large",
     {{.status = 413}, {.status = 200, .body = OK_TWO}, {.status = 200, .body = OK_TWO}},
     {"1234", "12", "34"},
     0},
    {"one document is too large",
     {{.status = 413},
      {.status = 413},
      {.status = 413},
      {.status = 200, .body = OK_ONE},
      {.status = 200, .body = OK_TWO}},
     {"1234", "12", "1", "2", "34"},
     1},
    {"one document spoils the request",
     {{.status = 400, .body = ERROR("illegal_argument_exception")},
      {.status = 200, .body = OK_TWO},
      {.status = 400, .body = ERROR("illegal_argument_exception")},
      {.status = 400, .body = ERROR("illegal_argument_exception")},
      {.status = 200, .body = OK_ONE}},
     {"1234", "12", "34", "3", "4"},
     1},
};

static void assert_sent(int number, const char *documents)
{
    const struct canned_request *q = &replayed_server.requests[number];
    struct buffer expected;
    buffer_init(&expected, 1000);
    for (const char *c = documents; *c != '\0'; c++)
        spooled_put_document(&expected, (uint64_t)(*c - '0'));
    ck_assert_int_lt(number, replayed_server.request_count);
    unit_assert_slice(((struct slice){q->body, q->body_size}), buffer_string(&expected));
    buffer_free(&expected);
}

static size_t put_answers(struct canned_answer out[REQUESTS + 1],
                          const struct canned_answer *answers)
{
    const struct canned_answer found = INDEX_FOUND;
    size_t count = 1;
    out[0] = found;
    while (count <= REQUESTS && (answers[count - 1].status != 0 || answers[count].status != 0)) {
        out[count] = answers[count - 1];
        count++;
    }
    return count;
}

START_TEST(every_document_ends_in_the_cluster_or_in_the_dead_letters)
{
    struct canned_answer answers[REQUESTS + 1];
    size_t count = put_answers(answers, endings[_i].answers);
    replayed_start(answers, count);
    replayed_append(1);
    ck_assert_msg(replayed_run(), "%s: %s", endings[_i].name, replayed_err.message);
    int requests = 0;
    for (; requests < REQUESTS && endings[_i].sent[requests] != NULL; requests++)
        assert_sent(1 + requests, endings[_i].sent[requests]);
    ck_assert_msg(replayed_server.request_count == 1 + requests, "%s: %d requests",
                  endings[_i].name, replayed_server.request_count - 1);
    spooled_assert_ledger(replayed_spool, 4, 4 - endings[_i].dead, endings[_i].dead, 0);
    ck_assert_uint_eq(replayed_count_lines(replayed_dead_letters()), endings[_i].dead);
    struct index_job job = spooled_read_job(replayed_spool);
    ck_assert_uint_ge(job.requests, 1); // libcurl may send one again itself
    ck_assert_uint_le(job.requests, (uint64_t)requests);
    canned_stop(&replayed_server);
}
END_TEST

/* One frame whose first answer ends the replay: nothing is acknowledged. */
static const struct {
    struct canned_answer answer;
    enum error_kind kind;
    const char *text;
} ends[] = {
    {{.status = 401, .body = ERROR("security_exception")}, ERROR_DENIED, "HTTP 401"},
    {{.status = 403, .body = ERROR("security_exception")},
     ERROR_DENIED,
     "check user, password or key"},
    {{.status = 200, .body = ITEMS(DONE "," NO_RIGHT "," DONE "," DONE)},
     ERROR_DENIED,
     "index images: security_exception"},
    {{.status = 200, .body = ITEMS(NO_PIPELINE "," DONE "," NO_PIPELINE "," DONE)},
     ERROR_CONFIG,
     "pipeline with id [p] does not exist: repair it"},
    {{.status = 404, .body = ERROR("index_not_found_exception")},
     ERROR_CONFIG,
     "create what is missing"},
    {{.status = 200, .body = ITEMS(NO_INDEX "," NO_INDEX "," NO_INDEX "," NO_INDEX)},
     ERROR_CONFIG,
     "create what is missing"},
    {{.status = 302, .headers = "Location: http://127.0.0.1:1/\r\n"},
     ERROR_CONFIG,
     "HTTP 302: it redirects to http://127.0.0.1:1/; redirects are not followed"},
    {{.status = 404, .body = "default backend - 404"},
     ERROR_CONFIG,
     "HTTP 404: default backend - 404: this is no answer of a search engine"},
    {{.status = 201, .body = FOUR_DONE}, ERROR_CONFIG, "no answer of a search engine"},
    {{.status = 405, .body = "not allowed"}, ERROR_CONFIG, "HTTP 405"},
    {{.status = 406, .body = ERROR("media_type_header_exception")}, ERROR_CONFIG, "the reason"},
};

START_TEST(some_answers_end_the_replay_with_all_kept)
{
    const struct canned_answer answers[] = {INDEX_FOUND, ends[_i].answer};
    replayed_start(answers, 2);
    replayed_append(2);
    unit_assert_error(replayed_run(), replayed_err, ends[_i].kind, ends[_i].text);
    ck_assert_int_eq(replayed_server.request_count, 2);
    spooled_assert_ledger(replayed_spool, 8, 0, 0, 8);
    ck_assert_str_eq(replayed_dead_letters(), "");
    canned_stop(&replayed_server);
}
END_TEST

static const struct canned_answer last_words[] = {
    {.status = 401}, {.status = 405}, {.status = 503}, {.status = 429}, {.status = 0}};

START_TEST(the_password_in_a_url_is_in_no_message)
{
    const struct canned_answer answers[] = {INDEX_FOUND, last_words[_i]};
    char url[100];
    replayed_options.give_up_after_ms = 50;
    replayed_start(answers, 2);
    snprintf(url, sizeof url, "http://elastic:hunter2@%s", replayed_server.address);
    replayed_options.urls[0] = url;
    replayed_append(1);
    unit_assert_error(replayed_run(), replayed_err, replayed_err.kind, replayed_server.address);
    ck_assert_ptr_null(strstr(replayed_err.message, "hunter2"));
    ck_assert(canned_was_asked(&replayed_server, 1, "Authorization: Basic "));
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(what_other_requests_brought_in_is_kept_when_one_ends_the_replay)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, ALL_DONE, ALL_DONE, {.status = 401, .body = ERROR("security_exception")}};
    replayed_start(answers, 4);
    replayed_append(4);
    unit_assert_error(replayed_run(), replayed_err, ERROR_DENIED, "HTTP 401");
    spooled_assert_ledger(replayed_spool, 16, 8, 0, 8);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_hundred_documents_wait_though_one_is_in)
{
    struct buffer first, second;
    buffer_init(&first, 1 << 16);
    buffer_init(&second, 1 << 16);
    buffer_append_string(&first, "{\"errors\":true,\"items\":[" DONE);
    buffer_append_string(&second, "{\"errors\":false,\"items\":[" DONE);
    for (int i = 1; i < 100; i++)
        buffer_append_string(&first, "," LATER);
    for (int i = 1; i < 99; i++)
        buffer_append_string(&second, "," DONE);
    buffer_append_string(&first, "]}");
    buffer_append_string(&second, "]}");
    const struct canned_answer answers[] = {INDEX_FOUND,
                                            {.status = 200, .body = buffer_string(&first)},
                                            {.status = 200, .body = buffer_string(&second)}};
    replayed_start(answers, 3);
    spooled_append(replayed_spool, 1, 100);
    replayed_append(0);
    unit_assert_ok(replayed_run(), replayed_err);
    replayed_assert_sent(1, 1, 100);
    replayed_assert_sent(2, 2, 99);
    spooled_assert_ledger(replayed_spool, 100, 100, 0, 0);
    buffer_free(&first);
    buffer_free(&second);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_request_that_takes_too_long_is_sent_again)
{
    const struct canned_answer answers[] = {INDEX_FOUND, {.stalls = true}, ALL_DONE};
    replayed_options.request_timeout_ms = 300;
    replayed_start(answers, 3);
    replayed_append(1);
    unit_assert_ok(replayed_run(), replayed_err);
    ck_assert_int_eq(replayed_server.request_count, 3);
    spooled_assert_ledger(replayed_spool, 4, 4, 0, 0);
    ck_assert_uint_eq(spooled_read_job(replayed_spool).retries, 1);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(retry_after_is_honoured)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, {.status = 429, .headers = "Retry-After: 1\r\n"}, ALL_DONE};
    replayed_start(answers, 3);
    replayed_append(1);
    int64_t from = clock_monotonic_ms();
    unit_assert_ok(replayed_run(), replayed_err);
    ck_assert_int_ge(clock_monotonic_ms() - from, 990);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(no_letter_is_written_before_a_frames_last_verdict)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND,
        {.status = 200, .body = ITEMS(BAD "," BAD "," BAD "," LATER)},
        {.status = 200, .body = ITEMS(LATER)}};
    replayed_options.give_up_after_ms = 300;
    replayed_start(answers, 3);
    replayed_append(1);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(replayed_run(), replayed_err, ERROR_UNAVAILABLE, "1 documents not now");
    ck_assert_int_ge(clock_monotonic_ms() - from, 300);
    spooled_assert_ledger(replayed_spool, 4, 0, 0, 4);
    ck_assert_str_eq(replayed_dead_letters(), "");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_dead_letter_tells_document_and_reason)
{
    const struct canned_answer answers[] = {
        INDEX_FOUND, {.status = 200, .body = ITEMS(DONE "," DONE "," BAD "," DONE)}};
    replayed_start(answers, 2);
    replayed_append(1);
    unit_assert_ok(replayed_run(), replayed_err);
    json_t *letter = json_loads(replayed_dead_letters(), 0, NULL);
    ck_assert_ptr_nonnull(letter);
    ck_assert_str_eq(json_string_value(json_object_get(letter, "id")), "3");
    ck_assert_int_eq(json_integer_value(json_object_get(letter, "status")), 400);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(letter, "error"), "type")),
                     "mapper_parsing_exception");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(letter, "source"), "n")),
                     3);
    json_decref(letter);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/replay_answer", replayed_set_up, replayed_tear_down,
               UNIT_EACH(every_document_ends_in_the_cluster_or_in_the_dead_letters, endings),
               UNIT_EACH(some_answers_end_the_replay_with_all_kept, ends),
               UNIT_EACH(the_password_in_a_url_is_in_no_message, last_words),
               UNIT_TEST(what_other_requests_brought_in_is_kept_when_one_ends_the_replay),
               UNIT_TEST(a_hundred_documents_wait_though_one_is_in),
               UNIT_TEST(a_request_that_takes_too_long_is_sent_again),
               UNIT_TEST(retry_after_is_honoured),
               UNIT_TEST(no_letter_is_written_before_a_frames_last_verdict),
               UNIT_TEST(a_dead_letter_tells_document_and_reason))
