/* test_filter.c: an index is copied by a task that is found again, and what came of it is counted. */
#include "index/filter_note.h"

#include "base/stop.h"
#include "stepped.h"

#define SOURCE FOUND("a", "\"index.uuid\":\"U1\",\"index.number_of_replicas\":\"2\"", "", "")
#define HAS_REINDEX                                                                                \
    {                                                                                              \
        .status = 400, .body = "{\"error\":{\"type\":\"validation\"}}"                             \
    }
#define CAPS OK("{\"fields\":{\"title.raw\":{\"text\":{\"searchable\":true}}}}")
#define NO_TEMPLATE OK("{}")
#define NO_TASKS OK("{\"nodes\":{}}")
#define STARTED OK("{\"task\":\"n:1\"}")
#define TASK(completed, more)                                                                      \
    OK("{\"completed\":" completed ",\"task\":{\"status\":{\"total\":7,\"created\":7}}" more "}")
#define ENDED TASK("true", ",\"response\":{\"failures\":[]}")
#define OPEN SOURCE, HAS_REINDEX, CAPS
#define COUNTED(left_out, into)                                                                    \
    REFRESHED, REFRESHED, SOURCE, COUNT("10"), COUNT(left_out), SOURCE, COUNT(into), DONE

static char *directory;
static char path[4096];
static char note[512]; // of the target
static char target_body[1024];
static struct step_filtered filtered;

static void set_up(void)
{
    stepped_set_up();
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/terms.txt", directory);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("one\ntwo\n", file);
    fclose(file);
    wish.into = "b";
    wish.fields[0] = "title.raw";
    wish.terms = path;
    job.give_up_after_ms = PATIENCE_MS;
}

static void tear_down(void)
{
    unit_remove_directory(directory);
}

/* The hash of the query, as the first run notes it. */
static void learn_hash(char hash[FILTER_HASH_BYTES])
{
    const struct canned_answer answers[] = {
        OPEN, MISSING, NO_TEMPLATE, {.status = 400, .body = "{\"error\":{\"type\":\"x\"}}"}};
    BEGIN(answers);
    unit_assert_error(step_filter(&steps, "a", &filtered, &err), err, ERROR_CONFIG,
                      "can't be created");
    ck_assert_int_eq(canned_count(&server), 6);
    json_t *body = json_loadb(server.requests[5].body, server.requests[5].body_size, 0, NULL);
    const char *query = NULL;
    ck_assert_int_eq(json_unpack(body, "{s:{s:{s:{s:{s:s}}}}}", "mappings", "_meta", "bobbin",
                                 "filter", "query", &query),
                     0);
    snprintf(hash, FILTER_HASH_BYTES, "%s", query);
    json_decref(body);
    stepped_end();
    err = (struct error){.kind = ERROR_NONE};
}

/* The target, whose filter has noted TASK and DONE. */
static struct canned_answer target(const char *task, const char *done)
{
    char hash[FILTER_HASH_BYTES];
    learn_hash(hash);
    snprintf(
        note, sizeof note,
        "{\"source\":\"a\",\"source_uuid\":\"U1\",\"query\":\"%s\",\"task\":\"%s\",\"done\":%s,"
        "\"documents\":0,\"left_out\":0}",
        hash, task, done);
    snprintf(target_body, sizeof target_body,
             "{\"b\":{\"aliases\":{},\"settings\":{},\"mappings\":{\"_meta\":{\"bobbin\":{"
             "\"filter\":%s}}}}}",
             note);
    return (struct canned_answer){.status = 200, .body = target_body};
}

static bool filter(void)
{
    return step_filter(&steps, "a", &filtered, &err);
}

START_TEST(a_new_index_is_filled_by_a_task_and_counted)
{
    const struct canned_answer to = target("", "false");
    const struct canned_answer answers[] = {
        OPEN, MISSING,           NO_TEMPLATE, DONE,
        to,   REFRESHED,         NO_TASKS,    STARTED,
        DONE, TASK("false", ""), ENDED,       COUNTED("3", "7")};
    BEGIN(answers);
    unit_assert_ok(filter(), err);
    ck_assert(filtered.source == 10 && filtered.left_out == 3 && filtered.documents == 7);
    stepped_assert_asked(8, "GET /_tasks?", NULL);
    stepped_assert_asked(9, "POST /_reindex?", NULL);
    stepped_assert_asked(10, "PUT /b/_mapping ", NULL);
    stepped_assert_asked(
        17, "POST /a/_count ",
        "{\"query\":{\"bool\":{\"should\":[{\"terms\":{\"title.raw\":[\"one\",\"two\"]}}],"
        "\"minimum_should_match\":1}}}");
    stepped_assert_asked(20, "PUT /b/_mapping ", NULL);
    ck_assert_ptr_nonnull(strstr(server.requests[20].body, "\"done\":true"));
    stepped_end();
}
END_TEST

START_TEST(the_new_index_has_the_source_s_settings_and_a_note)
{
    char expected[2048], hash[FILTER_HASH_BYTES];
    learn_hash(hash);
    const struct canned_answer answers[] = {
        FOUND("a",
              "\"index.uuid\":\"U1\",\"index.number_of_replicas\":\"0\",\"index.refresh_interval\":"
              "\"-1\"",
              "\"theirs\":1," TUNED, "\"alias\":{}"),
        HAS_REINDEX,
        CAPS,
        MISSING,
        NO_TEMPLATE,
        {.status = 403, .body = "{}"}};
    BEGIN(answers);
    unit_assert_error(filter(), err, ERROR_DENIED, "create_index");
    snprintf(expected, sizeof expected,
             "{\"settings\":{\"index.refresh_interval\":\"-1\",\"index.number_of_replicas\":0},"
             "\"mappings\":{\"dynamic\":\"false\",\"_meta\":{\"theirs\":1," TUNED "}}}");
    json_t *wanted = json_loads(expected, 0, NULL);
    json_t *notes =
        json_object_get(json_object_get(json_object_get(wanted, "mappings"), "_meta"), "bobbin");
    json_object_set_new(notes, "filter",
                        json_pack("{s:s,s:s,s:s,s:s,s:b,s:i,s:i}", "source", "a", "source_uuid",
                                  "U1", "query", hash, "task", "", "done", 0, "documents", 0,
                                  "left_out", 0));
    char *text = json_dumps(wanted, 0);
    stepped_assert_asked(5, "PUT /b ", text);
    free(text);
    json_decref(wanted);
    stepped_end();
}
END_TEST

START_TEST(a_task_that_was_noted_is_waited_for)
{
    const struct canned_answer to = target("n:1", "false");
    const struct canned_answer answers[] = {OPEN, to, TASK("false", ""), ENDED, COUNTED("3", "7")};
    BEGIN(answers);
    unit_assert_ok(filter(), err);
    for (int i = 0; i < canned_count(&server); i++)
        ck_assert(!canned_was_asked(&server, i, "POST /_reindex?"));
    stepped_end();
}
END_TEST

static const struct canned_answer gone[] = {
    {.status = 404, .body = "{\"error\":{\"type\":\"resource_not_found_exception\"}}"},
    TASK("true", ",\"error\":{\"type\":\"e\",\"reason\":\"r\"}"),
};

START_TEST(a_task_that_is_lost_is_followed_by_another)
{
    const struct canned_answer to = target("n:0", "false");
    const struct canned_answer answers[] = {OPEN,    to,   gone[_i], REFRESHED,        NO_TASKS,
                                            STARTED, DONE, ENDED,    COUNTED("3", "7")};
    BEGIN(answers);
    unit_assert_ok(filter(), err);
    stepped_assert_asked(7, "POST /_reindex?", NULL);
    stepped_end();
}
END_TEST

START_TEST(what_is_done_is_counted_only)
{
    const struct canned_answer to = target("n:1", "true");
    const struct canned_answer answers[] = {OPEN, to, COUNTED("3", "7")};
    BEGIN(answers);
    unit_assert_ok(filter(), err);
    stepped_assert_count(12);
    stepped_end();
}
END_TEST

START_TEST(documents_that_are_missing_are_an_error_and_the_next_run_copies_again)
{
    const struct canned_answer to = target("n:1", "true");
    const struct canned_answer answers[] = {OPEN, to, COUNTED("3", "6")};
    BEGIN(answers);
    unit_assert_error(filter(), err, ERROR_DIFFERENT,
                      "index a has 10 documents, 3 of which are left out, and index b has 6");
    ck_assert_ptr_nonnull(strstr(server.requests[11].body, "\"task\":\"\",\"done\":false"));
    stepped_end();
}
END_TEST

static const struct {
    struct canned_answer end;
    enum error_kind kind;
    const char *words;
} ends[] = {
    {TASK("true", ",\"response\":{\"failures\":[{\"cause\":{\"type\":\"t\",\"reason\":\"r\"},"
                  "\"status\":400},1]}"),
     ERROR_DIFFERENT, "task n:1 failed: t: r; and 1 more; run the same command again"},
    {TASK("true", ",\"response\":{\"failures\":[{\"cause\":{\"type\":\"t\",\"reason\":\"r\"},"
                  "\"status\":503}]}"),
     ERROR_UNAVAILABLE, "task n:1 failed"},
    {{.status = 404, .body = "{\"error\":{\"type\":\"x\"}}"},
     ERROR_UNAVAILABLE,
     "task n:1 is lost"},
};

START_TEST(a_task_that_fails_is_told_with_its_failures)
{
    const struct canned_answer to = target("n:1", "false");
    const struct canned_answer answers[] = {OPEN, to, TASK("false", ""), ends[_i].end};
    BEGIN(answers);
    unit_assert_error(filter(), err, ends[_i].kind, ends[_i].words);
    stepped_end();
}
END_TEST

static const struct {
    const char *meta;
    const char *words;
} takens[] = {
    {"", "is there already, and no filter made it"},
    {"\"bobbin\":{\"filter\":{\"source\":\"c\",\"source_uuid\":\"U1\"}}",
     "by other terms or fields"},
    {"\"bobbin\":{\"filter\":{\"source\":\"a\",\"source_uuid\":\"U2\"}}",
     "filtered from another index"},
    {"\"bobbin\":{\"filter\":{\"source\":\"a\",\"source_uuid\":\"U1\",\"query\":\"0\"}}",
     "other terms"},
};

START_TEST(an_index_that_another_filter_made_is_not_taken)
{
    char body[1024];
    snprintf(body, sizeof body,
             "{\"b\":{\"aliases\":{},\"settings\":{},\"mappings\":{\"_meta\":{%s}}}}",
             takens[_i].meta);
    const struct canned_answer answers[] = {OPEN, {.status = 200, .body = body}};
    BEGIN(answers);
    unit_assert_error(filter(), err, ERROR_CONFIG, takens[_i].words);
    stepped_end();
}
END_TEST

static void *stop_when_polled(void *nothing)
{
    canned_wait(&server, 6);
    stop_request();
    return nothing;
}

START_TEST(a_stop_leaves_the_task_at_work)
{
    pthread_t thread;
    const struct canned_answer to = target("n:1", "false");
    const struct canned_answer answers[] = {OPEN, to, TASK("false", "")};
    unit_assert_ok(stop_install(&err), err);
    BEGIN(answers);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_when_polled, NULL), 0);
    unit_assert_error(filter(), err, ERROR_STOPPED,
                      "task n:1 goes on: the same command waits for it");
    pthread_join(thread, NULL);
    stepped_end();
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    const struct canned_answer answers[] = {OPEN};
    BEGIN(answers);
    wish.into = "a";
    unit_assert_error(filter(), err, ERROR_USAGE, "--into a is the index that is filtered");
    wish.terms = NULL;
    unit_assert_error(filter(), err, ERROR_USAGE, "--terms is missing");
    wish.fields[0] = NULL;
    unit_assert_error(filter(), err, ERROR_USAGE, "--fields is missing");
    wish.into = NULL;
    unit_assert_error(filter(), err, ERROR_USAGE, "--into is missing");
    stepped_assert_count(0);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/filter", set_up, tear_down,
               UNIT_TEST(a_new_index_is_filled_by_a_task_and_counted),
               UNIT_TEST(the_new_index_has_the_source_s_settings_and_a_note),
               UNIT_TEST(a_task_that_was_noted_is_waited_for),
               UNIT_EACH(a_task_that_is_lost_is_followed_by_another, gone),
               UNIT_TEST(what_is_done_is_counted_only),
               UNIT_TEST(documents_that_are_missing_are_an_error_and_the_next_run_copies_again),
               UNIT_EACH(a_task_that_fails_is_told_with_its_failures, ends),
               UNIT_EACH(an_index_that_another_filter_made_is_not_taken, takens),
               UNIT_OWN_PROCESS(a_stop_leaves_the_task_at_work, 1),
               UNIT_TEST(what_is_missing_is_named))
