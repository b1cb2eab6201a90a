/* test_reindex.c: the cluster's task is started once, found again, and its end is understood. */
#include "index/reindex.h"

#include "stepped.h"

#define NO_TASKS OK("{\"nodes\":{}}")
#define RUNNING(description, more)                                                                 \
    OK("{\"nodes\":{\"n\":{\"tasks\":{\"n:7\":{\"description\":\"" description "\"" more "}}}}}")

static json_t *query;
static struct reindex reindex;
static char task[REINDEX_TASK_BYTES];
static struct reindex_status status;

static void set_up(void)
{
    stepped_set_up();
    query = json_pack("{s:{}}", "match_all");
    reindex = (struct reindex){.source = "a", .into = "b", .query = query};
    job.give_up_after_ms = PATIENCE_MS;
}

static void tear_down(void)
{
    json_decref(query);
}

START_TEST(a_task_is_started_that_only_creates)
{
    const struct canned_answer answers[] = {NO_TASKS, OK("{\"task\":\"n:1\"}")};
    reindex.requests_per_second = 500;
    BEGIN(answers);
    unit_assert_ok(reindex_start(&steps.hosts, &reindex, task, &err), err);
    ck_assert_str_eq(task, "n:1");
    stepped_assert_asked(
        1, "POST /_reindex?wait_for_completion=false&slices=auto&requests_per_second=500 ",
        "{\"conflicts\":\"proceed\",\"source\":{\"index\":\"a\",\"query\":{\"match_all\":{}}},"
        "\"dest\":{\"index\":\"b\",\"op_type\":\"create\"}}");
    stepped_end();
}
END_TEST

START_TEST(a_task_that_runs_already_is_taken_and_bound_anew)
{
    const struct canned_answer answers[] = {RUNNING("reindex from [a] to [b]", ""),
                                            OK("{}"),
                                            RUNNING("reindex from [a] to [b][_doc]", ""),
                                            {.status = 404, .body = "{}"}};
    BEGIN(answers);
    unit_assert_ok(reindex_start(&steps.hosts, &reindex, task, &err), err);
    ck_assert_str_eq(task, "n:7");
    stepped_assert_asked(1, "POST /_reindex/n%3A7/_rethrottle?requests_per_second=-1 ", NULL);
    reindex.requests_per_second = 9;
    unit_assert_ok(reindex_start(&steps.hosts, &reindex, task, &err), err);
    stepped_assert_asked(3, "POST /_reindex/n%3A7/_rethrottle?requests_per_second=9 ", NULL);
    stepped_end();
}
END_TEST

static const struct canned_answer others[] = {
    RUNNING("reindex from [a] to [c]", ""),
    RUNNING("reindex from [a] to [b]", ",\"parent_task_id\":\"n:6\""),
};

START_TEST(other_tasks_and_slices_are_not_it)
{
    const struct canned_answer answers[] = {others[_i], OK("{\"task\":\"n:1\"}")};
    BEGIN(answers);
    unit_assert_ok(reindex_start(&steps.hosts, &reindex, task, &err), err);
    ck_assert_str_eq(task, "n:1");
    stepped_end();
}
END_TEST

START_TEST(a_lost_answer_does_not_start_a_second_task)
{
    const struct canned_answer answers[] = {
        NO_TASKS, {.status = 503}, RUNNING("reindex from [a] to [b]", ""), OK("{}")};
    BEGIN(answers);
    unit_assert_ok(reindex_start(&steps.hosts, &reindex, task, &err), err);
    ck_assert_str_eq(task, "n:7");
    stepped_assert_count(4);
    stepped_end();
}
END_TEST

static const struct {
    struct canned_answer answers[2];
    enum error_kind kind;
    const char *words;
} refusals[] = {
    {{{.status = 403, .body = "{}"}}, ERROR_DENIED, "monitor (of the cluster)"},
    {{NO_TASKS, {.status = 403, .body = "{}"}}, ERROR_DENIED, "create_index, write"},
    {{NO_TASKS, OK("{}")}, ERROR_CONFIG, "no search engine"},
    {{RUNNING("reindex from [a] to [b]", ""), {.status = 401}}, ERROR_DENIED, "credentials"},
};

START_TEST(a_start_that_is_refused_is_told)
{
    stepped_begin(refusals[_i].answers, 2);
    unit_assert_error(reindex_start(&steps.hosts, &reindex, task, &err), err, refusals[_i].kind,
                      refusals[_i].words);
    stepped_end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    bool is_there;
} modules[] = {
    {{.status = 400, .body = "{\"error\":{\"type\":\"action_request_validation_exception\"}}"},
     true},
    {{.status = 405,
      .body = "{\"error\":\"Incorrect HTTP method for uri [/_reindex]\",\"status\":405}"},
     false},
    {{.status = 400, .body = "{\"error\":\"no handler found for uri [/_reindex]\"}"}, false},
};

START_TEST(a_cluster_without_reindex_is_named)
{
    stepped_begin(&modules[_i].answer, 1);
    bool ok = reindex_check(&steps.hosts, &reindex, &err);
    if (modules[_i].is_there)
        unit_assert_ok(ok, err);
    else
        unit_assert_error(ok, err, ERROR_CONFIG, "this cluster has no _reindex");
    stepped_end();
}
END_TEST

#define TASK(completed, more)                                                                      \
    OK("{\"completed\":" completed ",\"task\":{\"status\":{\"total\":9,\"created\":4,"             \
       "\"version_conflicts\":2}}" more "}")

static const struct {
    struct canned_answer answer;
    struct reindex_status expected;
} looks[] = {
    {{.status = 404, .body = "{\"error\":{\"type\":\"resource_not_found_exception\"}}"},
     {.is_known = false}},
    {TASK("false", ""), {.is_known = true}},
    {TASK("true", ",\"response\":{\"failures\":[]}"), {.is_known = true, .is_completed = true}},
    {TASK("true", ",\"response\":{\"failures\":[{\"cause\":{\"type\":\"t\",\"reason\":\"r\"},"
                  "\"status\":400},1]}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failures = 2,
      .failure = "t: r"}},
    {TASK("true", ",\"response\":{\"failures\":[{\"cause\":{\"type\":\"t\",\"reason\":\"r\"},"
                  "\"status\":429}]}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failures = 1,
      .failure = "t: r",
      .may_pass = true}},
    {TASK("true", ",\"response\":{\"failures\":[{\"reason\":{\"type\":\"s\",\"reason\":\"r\"}}]}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failures = 1,
      .failure = "s: r",
      .may_pass = true}},
    {TASK("true", ",\"error\":{\"type\":\"e\",\"root_cause\":[],\"reason\":\"r\"}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failure = "e: r",
      .may_pass = true}},
    {TASK("true",
          ",\"error\":{\"type\":\"e\",\"root_cause\":[{\"type\":\"query_shard_exception\"}],"
          "\"reason\":\"r\"}"),
     {.is_known = true, .is_completed = true, .has_failed = true, .failure = "e: r"}},
    {TASK("true", ",\"response\":{\"canceled\":\"by user request\",\"failures\":[]}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failure = "by user request",
      .may_pass = true}},
    {TASK("true", ",\"response\":{\"timed_out\":true}"),
     {.is_known = true,
      .is_completed = true,
      .has_failed = true,
      .failure = "true",
      .may_pass = true}},
};

START_TEST(the_state_of_a_task_is_read)
{
    const struct reindex_status *e = &looks[_i].expected;
    stepped_begin(&looks[_i].answer, 1);
    unit_assert_ok(reindex_look(&steps.hosts, &reindex, "n:7", &status, &err), err);
    stepped_assert_asked(0, "GET /_tasks/n%3A7 ", NULL);
    ck_assert_int_eq(status.is_known, e->is_known);
    ck_assert_int_eq(status.is_completed, e->is_completed);
    ck_assert_int_eq(status.has_failed, e->has_failed);
    ck_assert_int_eq(status.may_pass, e->may_pass);
    ck_assert_uint_eq(status.failures, e->failures);
    ck_assert_str_eq(status.failure, e->failure);
    if (e->is_known)
        ck_assert(status.total == 9 && status.created == 4 && status.there == 2);
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/reindex", set_up, tear_down, UNIT_TEST(a_task_is_started_that_only_creates),
               UNIT_TEST(a_task_that_runs_already_is_taken_and_bound_anew),
               UNIT_EACH(other_tasks_and_slices_are_not_it, others),
               UNIT_TEST(a_lost_answer_does_not_start_a_second_task),
               UNIT_EACH(a_start_that_is_refused_is_told, refusals),
               UNIT_EACH(a_cluster_without_reindex_is_named, modules),
               UNIT_EACH(the_state_of_a_task_is_read, looks))
