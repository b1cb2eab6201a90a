/* test_store_postgres.c: what the store asks PostgreSQL, and what it makes of the answers. A real one:
 * tests/integration/test_fleet.py. */
#include "fleet/store.h"

#include "../source/canned_postgres.h"

static struct canned_postgres server;
static struct store *store;
static struct store_version version;
static json_t *body;
static struct error err;

static bool open_store(bool makes)
{
    static const struct job_options job = {.index = "i"};
    const struct store_options options = {
        .job = &job, .coordinator = server.dsn, .timeout_ms = 300, .makes = makes};
    return store_open(&store, &options, &err);
}

static void start(const struct canned_rule *rules, size_t count)
{
    server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&server, rules, count);
}

static void set_up(void)
{
    store = NULL;
    body = json_pack("{s:s}", "a", "it's");
}

static void tear_down(void)
{
    json_decref(body);
    store_close(store);
    canned_postgres_stop(&server);
}

START_TEST(a_document_is_read_with_its_version)
{
    static const struct canned_rule rules[] = {{.sql = "FROM bobbin_jobs WHERE id = 'images:3'",
                                                .columns = "b v",
                                                .rows = "{\"a\":\"it's\"}\t17\n"}};
    json_t *got;
    start(rules, 1);
    unit_assert_ok(open_store(false), err);
    unit_assert_ok(store_get(store, "images:3", _i == 1, &got, &version, &err), err);
    ck_assert(json_equal(got, body));
    ck_assert_int_eq(version.number, 17);
    ck_assert_int_eq(canned_count_statements(&server, "- 'plan'"), _i);
    json_decref(got);
}
END_TEST

static const struct canned_rule absences[] = {
    {.sql = "FROM bobbin_jobs", .columns = "b v"},
    {.sql = "FROM bobbin_jobs", .state = "42P01", .message = "no such relation"},
};

START_TEST(no_document_and_no_table_are_the_same)
{
    json_t *got;
    start(&absences[_i], 1);
    unit_assert_ok(open_store(false), err);
    unit_assert_ok(store_get(store, "images", false, &got, &version, &err), err);
    ck_assert_ptr_null(got);
    ck_assert_int_eq(version.number, 0);
}
END_TEST

START_TEST(a_write_is_done_when_a_row_comes_back)
{
    static const struct canned_rule rules[] = {
        {.sql = "INSERT INTO", .columns = "v", .rows = "3\n"},
        {.sql = "AND version = '3'", .columns = "v", .rows = "4\n"},
        {.sql = "AND version = '4'", .columns = "v"}};
    static const int64_t versions[] = {3, 4, 4};
    bool is_done;
    start(rules, COUNT_OF(rules));
    unit_assert_ok(open_store(false), err);
    version = (struct store_version){0, 0};
    for (int i = 0; i < 3; i++) {
        unit_assert_ok(store_put(store, "images", body, &version, &is_done, &err), err);
        ck_assert_int_eq(is_done, i < 2);
        ck_assert_int_eq(version.number, versions[i]);
    }
    ck_assert_int_eq(canned_count_statements(&server, "it''s"), 3);
}
END_TEST

static const struct canned_rule makings[] = {
    {.sql = "CREATE TABLE IF NOT EXISTS bobbin_jobs"},
    {.sql = "CREATE TABLE", .state = "23505", .message = "pg_type_typname_nsp_index"},
    {.sql = "CREATE TABLE", .state = "42501", .message = "permission denied for schema public"},
};

START_TEST(the_table_is_made_also_by_two_at_once)
{
    start(&makings[_i], 1);
    if (_i < 2)
        unit_assert_ok(open_store(true), err);
    else
        unit_assert_error(open_store(true), err, ERROR_DENIED, "--coordinator: PostgreSQL at");
}
END_TEST

static const struct canned_rule troubles[] = {
    {.sql = "SELECT", .times = 1, .stalls = true},
    {.sql = "SELECT", .times = 1, .closes = true},
};

START_TEST(no_answer_is_said_and_the_next_call_connects_anew)
{
    const struct canned_rule rules[] = {troubles[_i], absences[0]};
    json_t *got;
    start(rules, COUNT_OF(rules));
    unit_assert_ok(open_store(false), err);
    unit_assert_error(store_get(store, "images", false, &got, &version, &err), err,
                      ERROR_UNAVAILABLE, "--coordinator");
    err = (struct error){.kind = ERROR_NONE};
    unit_assert_ok(store_get(store, "images", false, &got, &version, &err), err);
}
END_TEST

static bool see(void *context, json_t *seen, struct error *e)
{
    (void)e;
    *(int *)context += json_is_object(seen);
    return true;
}

START_TEST(a_list_is_of_one_kind)
{
    static const struct canned_rule rules[] = {
        {.sql = "->>'kind' = 'job'", .columns = "b", .rows = "{\"a\":1}\n{\"a\":2}\n"},
        {.sql = "DELETE FROM bobbin_jobs WHERE id = 'images'"}};
    int count = 0;
    start(rules, COUNT_OF(rules));
    unit_assert_ok(open_store(false), err);
    unit_assert_ok(store_list(store, "job", see, &count, &err), err);
    ck_assert_int_eq(count, 2);
    unit_assert_ok(store_remove(store, "images", &err), err);
}
END_TEST

UNIT_MAIN_WITH("fleet/store_postgres", set_up, tear_down,
               UNIT_LOOP(a_document_is_read_with_its_version, 2),
               UNIT_EACH(no_document_and_no_table_are_the_same, absences),
               UNIT_TEST(a_write_is_done_when_a_row_comes_back),
               UNIT_EACH(the_table_is_made_also_by_two_at_once, makings),
               UNIT_EACH(no_answer_is_said_and_the_next_call_connects_anew, troubles),
               UNIT_TEST(a_list_is_of_one_kind))
