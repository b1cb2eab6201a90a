/* test_store_cluster.c: the questions that the store puts to a cluster, and what its answers mean. Real ones:
 * tests/integration/test_fleet.py. */
#include "fleet/store.h"

#include "../sink/canned_server.h"
#include "base/json_scan.h"

#define FOUND                                                                                      \
    "{\"_index\":\"bobbin-jobs\",\"_id\":\"images:3\",\"_seq_no\":7,\"_primary_term\":2,"          \
    "\"found\":true,\"_source\":{\"a\":1}}"
#define WRITTEN "{\"result\":\"updated\",\"_seq_no\":8,\"_primary_term\":2}"
#define CONFLICT                                                                                   \
    "{\"error\":{\"type\":\"version_conflict_engine_exception\",\"reason\":\"no\"},\"status\":"    \
    "409}"
#define MISSING                                                                                    \
    "{\"error\":{\"type\":\"index_not_found_exception\",\"reason\":\"no\"},\"status\":404}"

static struct canned_server server;
static struct job_options job;
static struct store *store;
static struct store_version version;
static json_t *body;
static struct error err;

static bool open_store(bool makes)
{
    const struct store_options options = {.job = &job, .timeout_ms = 5000, .makes = makes};
    return store_open(&store, &options, &err);
}

static void start(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    job = (struct job_options){.urls = {server.host}, .request_timeout_ms = 20000};
    unit_assert_ok(open_store(false), err);
}

static void set_up(void)
{
    unsetenv("http_proxy");
    store = NULL;
    body = json_pack("{s:i}", "a", 1);
}

static void tear_down(void)
{
    json_decref(body);
    store_close(store);
    canned_stop(&server);
}

static struct slice body_of(int request)
{
    return (struct slice){server.requests[request].body, server.requests[request].body_size};
}

START_TEST(a_document_is_read_by_its_id)
{
    static const struct canned_answer answer = {.status = 200, .body = FOUND};
    json_t *got;
    start(&answer, 1);
    unit_assert_ok(store_get(store, "images:3", _i == 1, &got, &version, &err), err);
    ck_assert(json_equal(got, body));
    ck_assert(version.number == 8 && version.term == 2);
    ck_assert(canned_was_asked(&server, 0,
                               _i == 1 ? "GET /bobbin-jobs/_doc/images%3A3?_source_excludes=plan "
                                       : "GET /bobbin-jobs/_doc/images%3A3 "));
    json_decref(got);
}
END_TEST

static const char *const absences[] = {"{\"_id\":\"images:3\",\"found\":false}", MISSING};

START_TEST(no_document_and_no_index_are_the_same)
{
    const struct canned_answer answer = {.status = 404, .body = absences[_i]};
    json_t *got;
    start(&answer, 1);
    unit_assert_ok(store_get(store, "images:3", false, &got, &version, &err), err);
    ck_assert_ptr_null(got);
    ck_assert_int_eq(version.number, 0);
}
END_TEST

START_TEST(a_new_document_is_created_and_an_old_one_compared)
{
    static const struct canned_answer answer = {.status = 200, .body = WRITTEN};
    bool is_done;
    start(&answer, 1);
    version = (struct store_version){0, 0};
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(store_put(store, "images:3", body, &version, &is_done, &err), err);
        ck_assert(is_done && version.number == 9 && version.term == 2);
    }
    ck_assert(canned_was_asked(&server, 0, "PUT /bobbin-jobs/_create/images%3A3 "));
    ck_assert(canned_was_asked(&server, 1,
                               "PUT /bobbin-jobs/_doc/images%3A3?if_seq_no=8&if_primary_term=2 "));
    unit_assert_slice(body_of(1), "{\"a\":1}");
}
END_TEST

START_TEST(a_conflict_is_no_error)
{
    static const struct canned_answer answer = {.status = 409, .body = CONFLICT};
    bool is_done;
    start(&answer, 1);
    version = (struct store_version){5, 1};
    unit_assert_ok(store_put(store, "images:3", body, &version, &is_done, &err), err);
    ck_assert(!is_done);
}
END_TEST

START_TEST(a_missing_index_is_made)
{
    static const struct canned_answer answers[] = {
        {.status = 404, .body = MISSING}, {.status = 200, .body = "{\"acknowledged\":true}"}};
    struct slice mappings;
    start(answers, COUNT_OF(answers));
    store_close(store);
    unit_assert_ok(open_store(true), err);
    ck_assert(canned_was_asked(&server, 1, "PUT /bobbin-jobs "));
    ck_assert(json_scan_find(body_of(1), "mappings", &mappings));
}
END_TEST

#define EXISTS                                                                                     \
    "{\"error\":{\"type\":\"resource_already_exists_exception\",\"reason\":\"is "                  \
    "there\"},\"status\":400}"
#define REFUSED                                                                                    \
    "{\"error\":{\"type\":\"validation_exception\",\"reason\":\"too many "                         \
    "shards\"},\"status\":400}"

START_TEST(somebody_else_may_make_it_and_a_refusal_has_a_remedy)
{
    const struct canned_answer answers[] = {{.status = 404, .body = MISSING},
                                            {.status = 400, .body = _i == 0 ? EXISTS : REFUSED}};
    start(answers, COUNT_OF(answers));
    store_close(store);
    store = NULL;
    if (_i == 0)
        unit_assert_ok(open_store(true), err);
    else
        unit_assert_error(open_store(true), err, ERROR_CONFIG, "--coordinator needs none");
}
END_TEST

START_TEST(a_user_without_the_right_is_told_which)
{
    static const struct canned_answer answer = {
        .status = 403,
        .body = "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"},\"status\":403}"};
    json_t *got;
    start(&answer, 1);
    unit_assert_error(store_get(store, "images", false, &got, &version, &err), err, ERROR_DENIED,
                      "needed on index bobbin-jobs");
}
END_TEST

static bool see(void *context, json_t *seen, struct error *e)
{
    (void)e;
    *(int *)context += json_is_object(seen);
    return true;
}

START_TEST(a_list_is_of_all_that_was_written)
{
    static const struct canned_answer answers[] = {
        {.status = 200, .body = "{}"},
        {.status = 200,
         .body = "{\"hits\":{\"hits\":[{\"_source\":{\"a\":1}},{\"_source\":{\"a\":2}}]}}"}};
    int count = 0;
    start(answers, COUNT_OF(answers));
    unit_assert_ok(store_list(store, "job", see, &count, &err), err);
    ck_assert_int_eq(count, 2);
    ck_assert(canned_was_asked(&server, 0, "POST /bobbin-jobs/_refresh "));
    ck_assert(canned_was_asked(&server, 1, "q=kind%3Ajob"));
}
END_TEST

UNIT_MAIN_WITH("fleet/store_cluster", set_up, tear_down, UNIT_LOOP(a_document_is_read_by_its_id, 2),
               UNIT_EACH(no_document_and_no_index_are_the_same, absences),
               UNIT_TEST(a_new_document_is_created_and_an_old_one_compared),
               UNIT_TEST(a_conflict_is_no_error), UNIT_TEST(a_missing_index_is_made),
               UNIT_LOOP(somebody_else_may_make_it_and_a_refusal_has_a_remedy, 2),
               UNIT_TEST(a_user_without_the_right_is_told_which),
               UNIT_TEST(a_list_is_of_all_that_was_written))
