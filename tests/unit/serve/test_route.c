/* test_route.c: what each path answers, and to whom. */
#include "serve/route.h"

#include <jansson.h>

#include "tasked.h"

#define BODY                                                                                       \
    "{\"model_name\":\"image\",\"table_name\":\"t\",\"target_index\":\"i\",\"start_id\":1,"        \
    "\"end_id\":9}"

static struct route_context context;
static struct request request;
static struct response response;
static json_t *json;

static void set_up(void)
{
    char path[4096];
    tasked_set_up();
    snprintf(path, sizeof path, "%s/image.conf", tasked_directory);
    tasked_write(path, "");
    context = (struct route_context){tasked, tasked_directory, NULL, "127.0.0.1:8003"};
    request = (struct request){.host = "worker:8003"};
}

static void tear_down(void)
{
    json_decref(json);
    json = NULL;
    buffer_free(&response.body);
    tasked_tear_down();
}

/* The status of METHOD PATH with BODY; the answer is in `response`, and in `json` when it is that. */
static unsigned ask(const char *method, const char *path, const char *body)
{
    request.method = method;
    request.path = path;
    request.body = slice_of(body);
    json_decref(json);
    buffer_free(&response.body);
    route(&context, &request, &response);
    json = json_loadb(response.body.data, response.body.size, 0, NULL);
    if (strcmp(response.type, "application/json") == 0)
        ck_assert_ptr_nonnull(json);
    return response.status;
}

static const char *field(const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "(none)";
}

static void assert_says(const char *text)
{
    ck_assert_msg(strstr(buffer_string(&response.body), text) != NULL, "no \"%s\" in: %s", text,
                  buffer_string(&response.body));
}

START_TEST(a_post_makes_a_task_that_can_be_asked_for)
{
    char path[64], url[128];
    ck_assert_uint_eq(ask("POST", "/task", BODY), 202);
    ck_assert(task_is_id(field("task_id")));
    snprintf(path, sizeof path, "/task/%s", field("task_id"));
    snprintf(url, sizeof url, "http://worker:8003%s", path);
    ck_assert_str_eq(field("status_check"), url);
    ck_assert_str_ne(field("message"), "(none)");
    ck_assert_uint_eq(ask("GET", path, ""), 200);
    ck_assert_str_eq(field("task_id"), path + 6);
    ck_assert_uint_eq(json_object_size(json), 8);
    ck_assert(json_is_true(json_object_get(json, "active")));
}
END_TEST

static const char *const bad_hosts[] = {NULL, "", "evil.example/\"><script>", "a b"};

START_TEST(a_host_that_is_none_gives_way_to_the_servers_address)
{
    request.host = bad_hosts[_i];
    ck_assert_uint_eq(ask("POST", "/task", BODY), 202);
    ck_assert_ptr_eq(strstr(field("status_check"), "http://127.0.0.1:8003/task/"),
                     field("status_check"));
}
END_TEST

START_TEST(a_bad_body_is_400_and_makes_nothing)
{
    ck_assert_uint_eq(ask("POST", "/task", "{"), 400);
    ck_assert_uint_eq(ask("POST", "/task", "{\"model_name\":\"image\"}"), 400);
    ck_assert_str_eq(field("message"), "table_name is missing");
    ck_assert_uint_eq(ask("POST", "/task",
                          "{\"model_name\":\"audio\",\"table_name\":\"t\",\"target_index\":\"i\","
                          "\"start_id\":1,\"end_id\":9}"),
                      400);
    ck_assert_str_eq(field("message"), "model_name \"audio\" is unknown");
    request.is_too_large = true;
    ck_assert_uint_eq(ask("POST", "/task", ""), 413);
    ck_assert_uint_eq(ask("GET", "/task", ""), 200);
    ck_assert_uint_eq(json_array_size(json), 0);
}
END_TEST

START_TEST(a_task_that_can_not_be_kept_is_the_servers_failure)
{
    unit_remove_directory(strdup(tasked_state));
    ck_assert_uint_eq(ask("POST", "/task", BODY), 500);
    assert_says(".json");
}
END_TEST

static const struct {
    const char *method, *path;
    unsigned status;
    const char *type, *text, *allow;
} answers[] = {
    {"GET", "/healthcheck", 200, "application/json", "200 OK", NULL},
    {"HEAD", "/healthcheck", 200, "application/json", "200 OK", NULL},
    {"GET", "/", 200, "text/html; charset=utf-8", "<title>bobbin</title>", NULL},
    {"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "bobbin_tasks{", NULL},
    {"GET", "/task", 200, "application/json", "[]", NULL},
    {"GET", "/task/", 200, "application/json", "[]", NULL},
    {"GET", "/task/0123456789abcdef0123456789abcdef", 404, "application/json", "no such task",
     NULL},
    {"DELETE", "/task/0123456789abcdef0123456789abcdef", 404, "application/json", "no such task",
     NULL},
    {"GET", "/task/../x", 404, "application/json", "no such task", NULL},
    {"GET", "/tasks", 404, "application/json", "no such path", NULL},
    {"GET", "", 404, "application/json", "no such path", NULL},
    {"POST", "/metrics", 405, "application/json", "no such method", "GET, HEAD"},
    {"PUT", "/task", 405, "application/json", "no such method", "GET, HEAD, POST"},
    {"DELETE", "/task", 405, "application/json", "no such method", "GET, HEAD, POST"},
    {"POST", "/task/0123456789abcdef0123456789abcdef", 405, "application/json", "no such method",
     "GET, HEAD, DELETE"},
    {"get", "/", 405, "application/json", "no such method", "GET, HEAD"},
};

START_TEST(every_path_and_method_has_its_answer)
{
    ck_assert_uint_eq(ask(answers[_i].method, answers[_i].path, ""), answers[_i].status);
    ck_assert_str_eq(response.type, answers[_i].type);
    assert_says(answers[_i].text);
    ck_assert((response.allow == NULL) == (answers[_i].allow == NULL));
    if (answers[_i].allow != NULL)
        ck_assert_str_eq(response.allow, answers[_i].allow);
}
END_TEST

START_TEST(a_delete_asks_to_stop_and_of_an_ended_task_nothing)
{
    struct task t = tasked_add();
    char path[64];
    snprintf(path, sizeof path, "/task/%s", t.id);
    ck_assert_uint_eq(ask("DELETE", path, ""), 202);
    ck_assert(tasked_get(t.id).wants_stop);
    t.state = TASK_STOPPED;
    unit_assert_ok(tasks_update(tasked, &t, &tasked_err), tasked_err);
    ck_assert_uint_eq(ask("DELETE", path, ""), 200);
    ck_assert_str_eq(field("message"), "the task has ended already");
}
END_TEST

START_TEST(all_tasks_are_listed)
{
    struct task t = tasked_add();
    tasked_add();
    ck_assert_uint_eq(ask("GET", "/task", ""), 200);
    ck_assert_uint_eq(json_array_size(json), 2);
    ck_assert_uint_eq(ask("GET", "/", ""), 200);
    assert_says(t.id);
}
END_TEST

static const struct {
    const char *given;
    bool may;
} credentials[] = {{NULL, false},     {"", false},      {"secre", false}, {"secrets", false},
                   {"Secret", false}, {"secret", true}, {"s", false}};

START_TEST(with_a_token_who_has_it_may_ask)
{
    context.token = "secret";
    request.credential = credentials[_i].given;
    unsigned refused = credentials[_i].may ? 0 : 401;
    ck_assert_uint_eq(ask("GET", "/task", ""), refused ? refused : 200);
    ck_assert(response.asks_for_token == !credentials[_i].may);
    ck_assert_uint_eq(ask("POST", "/task", BODY), refused ? refused : 202);
    ck_assert_uint_eq(ask("GET", "/", ""), refused ? refused : 200);
    ck_assert_uint_eq(ask("GET", "/nothing", ""), refused ? refused : 404);
    ck_assert_uint_eq(ask("GET", "/healthcheck", ""), 200); // for everybody
}
END_TEST

static const struct {
    const char *origin;
    bool may;
} origins[] = {
    {NULL, true},
    {"http://worker:8003", true},
    {"https://worker:8003", true}, // a proxy ends its TLS
    {"http://evil.example", false},
    {"http://worker:80030", false},
    {"null", false},
    {"ftp://worker:8003", false},
};

START_TEST(a_page_of_another_site_changes_nothing)
{
    request.origin = origins[_i].origin;
    ck_assert_uint_eq(ask("POST", "/task", BODY), origins[_i].may ? 202 : 403);
    ck_assert_uint_eq(ask("DELETE", "/task/0123456789abcdef0123456789abcdef", ""),
                      origins[_i].may ? 404 : 403);
    ck_assert_uint_eq(ask("GET", "/task", ""), 200);
}
END_TEST

UNIT_MAIN_WITH("serve/route", set_up, tear_down,
               UNIT_TEST(a_post_makes_a_task_that_can_be_asked_for),
               UNIT_EACH(a_host_that_is_none_gives_way_to_the_servers_address, bad_hosts),
               UNIT_TEST(a_bad_body_is_400_and_makes_nothing),
               UNIT_TEST(a_task_that_can_not_be_kept_is_the_servers_failure),
               UNIT_EACH(every_path_and_method_has_its_answer, answers),
               UNIT_TEST(a_delete_asks_to_stop_and_of_an_ended_task_nothing),
               UNIT_TEST(all_tasks_are_listed),
               UNIT_EACH(with_a_token_who_has_it_may_ask, credentials),
               UNIT_EACH(a_page_of_another_site_changes_nothing, origins))
