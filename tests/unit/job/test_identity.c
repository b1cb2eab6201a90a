/* test_identity.c: what makes two commands the same job, and what a job's description says. */
#include <jansson.h>

#include "encode/action.h"
#include "job/job.h"
#include "source/query.h"
#include "unit.h"

static struct error err;
static struct buffer text;

static const struct job_options plain = {.key = "id", .index = "images", .op = BULK_INDEX};

static void set_up(void)
{
    buffer_init(&text, 2 << 20);
}

static void tear_down(void)
{
    buffer_free(&text);
}

static struct job_id describe(const struct job_options *o, const char *query)
{
    struct job_id id;
    buffer_clear(&text);
    unit_assert_ok(job_describe(o, query, &text, &id, &err), err);
    return id;
}

static bool is_same(const struct job_id *a, const struct job_id *b)
{
    return memcmp(a->bytes, b->bytes, JOB_ID_BYTES) == 0;
}

START_TEST(a_description_is_json_that_says_what_the_job_is)
{
    struct job_options o = plain;
    describe(&o, "SELECT 1");
    unit_assert_slice(buffer_slice(&text),
                      "{\"from\":null,\"index\":\"images\",\"keeps_nulls\":false,\"key\":\"id\","
                      "\"op\":\"index\",\"query\":\"SELECT 1\",\"to\":null}");
    o = (struct job_options){
        .key = "a \"b\"", .index = "i", .from = "1", .to = "", .op = BULK_DELETE, .keeps_nulls = 1};
    describe(&o, "SELECT 'x'\n");
    json_t *json = json_loadb(text.data, text.size, 0, NULL);
    ck_assert_str_eq(json_string_value(json_object_get(json, "key")), "a \"b\"");
    ck_assert_str_eq(json_string_value(json_object_get(json, "from")), "1");
    ck_assert_str_eq(json_string_value(json_object_get(json, "to")), "");
    ck_assert_str_eq(json_string_value(json_object_get(json, "op")), "delete");
    ck_assert_str_eq(json_string_value(json_object_get(json, "query")), "SELECT 'x'\n");
    ck_assert(json_is_true(json_object_get(json, "keeps_nulls")));
    json_decref(json);
}
END_TEST

/* Spools of older versions are found again by this number: it must stay. */
START_TEST(the_identity_is_the_hash_of_the_description)
{
    static const unsigned char expected[JOB_ID_BYTES] = {0x4e, 0x43, 0xe8, 0xf8};
    struct job_id id = describe(&plain, "SELECT 1");
    struct job_id again = describe(&plain, "SELECT 1");
    ck_assert(is_same(&id, &again));
    ck_assert_mem_eq(id.bytes, expected, 4);
}
END_TEST

static const struct {
    struct job_options options;
    const char *query;
} others[] = {
    {{.key = "id", .index = "images"}, "SELECT 2"},
    {{.key = "id", .index = "images"}, "SELECT 1 "},
    {{.key = "id2", .index = "images"}, "SELECT 1"},
    {{.key = "id", .index = "images2"}, "SELECT 1"},
    {{.key = "id", .index = "images", .from = "1"}, "SELECT 1"},
    {{.key = "id", .index = "images", .from = ""}, "SELECT 1"},
    {{.key = "id", .index = "images", .after = "1"}, "SELECT 1"},
    {{.key = "id", .index = "images", .to = "1"}, "SELECT 1"},
    {{.key = "id", .index = "images", .op = BULK_CREATE}, "SELECT 1"},
    {{.key = "id", .index = "images", .keeps_nulls = 1}, "SELECT 1"},
};

START_TEST(another_query_key_range_index_or_operation_is_another_job)
{
    struct job_id id = describe(&plain, "SELECT 1");
    struct job_id other = describe(&others[_i].options, others[_i].query);
    ck_assert(!is_same(&id, &other));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct job_id third = describe(&others[i].options, others[i].query);
        ck_assert_int_eq(is_same(&other, &third), i == (size_t)_i);
    }
}
END_TEST

START_TEST(how_it_is_done_does_not_make_another_job)
{
    struct job_options o = plain;
    struct job_id id = describe(&o, "SELECT 1");
    o.dsn = "host=other";
    o.jobs = 7;
    o.window_rows = 1;
    o.spool = "/elsewhere";
    o.urls[0] = "http://other:9200";
    o.in_flight = 3;
    o.snapshot = JOB_SNAPSHOT_DUMP;
    struct job_id same = describe(&o, "SELECT 1");
    ck_assert(is_same(&id, &same));
}
END_TEST

static const struct job_options invalid[] = {
    {.key = "caf\xe9", .index = "i"},
    {.key = "id", .index = "\xff"},
    {.key = "id", .index = "i", .from = "\x80"},
};

START_TEST(what_is_no_utf8_is_refused)
{
    struct job_id id;
    unit_assert_error(job_describe(&invalid[_i], "SELECT 1", &text, &id, &err), err, ERROR_CONFIG,
                      "UTF-8");
    unit_assert_error(job_describe(&plain, "SELECT '\xe9'", &text, &id, &err), err, ERROR_CONFIG,
                      "UTF-8");
}
END_TEST

static const struct {
    const char *description, *index;
} indexes[] = {
    {"{\"index\":\"images\"}", "images"},
    {"{\"query\":\"x\",\"index\":\"b\\u00e9\"}", "b\xc3\xa9"},
    {"{}", "another"},
    {"{\"index\":1}", "another"},
    {"[]", "another"},
    {"", "another"},
    {"{\"index\":", "another"},
};

START_TEST(the_index_is_read_from_a_description)
{
    char *index = job_index_of(indexes[_i].description, "another");
    ck_assert_str_eq(index, indexes[_i].index);
    free(index);
}
END_TEST

static const struct job_options described[] = {
    {.key = "id", .index = "images"},
    {.key = "id", .index = "images", .from = "5"},
    {.key = "id", .index = "images", .after = "5"},
    {.key = "id", .index = "images", .from = "", .to = "\xc3\xa4 \""},
};

START_TEST(a_description_is_taken_apart_again)
{
    const struct job_options *o = &described[_i];
    struct job_id id;
    struct job_description d;
    unit_assert_ok(job_describe(o, "SELECT 1", &text, &id, &err), err);
    unit_assert_ok(job_read_description(buffer_slice(&text), &d, &err), err);
    ck_assert_str_eq(d.text, buffer_string(&text));
    ck_assert_mem_eq(d.id.bytes, id.bytes, sizeof id.bytes);
    ck_assert_pstr_eq(d.from, o->from);
    ck_assert_pstr_eq(d.after, o->after);
    ck_assert_pstr_eq(d.to, o->to);
    job_free_description(&d);
}
END_TEST

START_TEST(what_is_no_description_is_damage)
{
    static const char *const texts[] = {"", "7", "{}", "{\"index\":7}", "{\"index\":\"a\""};
    struct job_description d;
    unit_assert_error(job_read_description(slice_of(texts[_i]), &d, &err), err, ERROR_DAMAGED,
                      "job.json does not describe a job");
    job_free_description(&d);
}
END_TEST

/* --- the query --- */

START_TEST(a_table_is_read_whole)
{
    const struct job_options o = {.table = "public.image"};
    unit_assert_ok(job_read_query(&o, &text, &err), err);
    unit_assert_slice(buffer_slice(&text), "SELECT * FROM public.image");
}
END_TEST

START_TEST(a_query_comes_from_its_file)
{
    char *directory = unit_make_directory();
    char path[4096];
    snprintf(path, sizeof path, "%s/image.sql", directory);
    FILE *file = fopen(path, "w");
    fputs("SELECT id\nFROM image;\n", file);
    fclose(file);
    const struct job_options o = {.query_file = path};
    unit_assert_ok(job_read_query(&o, &text, &err), err);
    unit_assert_slice(buffer_slice(&text), "SELECT id\nFROM image;\n");
    struct buffer small;
    buffer_init(&small, 10);
    unit_assert_error(job_read_query(&o, &small, &err), err, ERROR_CONFIG, "larger than 10 bytes");
    buffer_free(&small);
    unit_remove_directory(directory);
}
END_TEST

/* With the file's TEXT and --table: the query, or an error that says WHY. */
static const struct {
    const char *text, *query, *why;
} tables[] = {
    {"SELECT id FROM {table} t", "SELECT id FROM \"Images\" t", NULL},
    {"{table}{table}", "\"Images\"\"Images\"", NULL},
    {"SELECT '{tab}' FROM {table}", "SELECT '{tab}' FROM \"Images\"", NULL},
    {"SELECT id FROM image", NULL, "write {table} into the query"},
    {"", NULL, "write {table} into the query"},
};

START_TEST(with_both_the_table_stands_where_the_query_says_so)
{
    char *directory = unit_make_directory();
    char path[4096];
    snprintf(path, sizeof path, "%s/image.sql", directory);
    FILE *file = fopen(path, "w");
    fputs(tables[_i].text, file);
    fclose(file);
    const struct job_options o = {.query_file = path, .table = "\"Images\""};
    bool ok = job_read_query(&o, &text, &err);
    if (tables[_i].query != NULL) {
        unit_assert_ok(ok, err);
        unit_assert_slice(buffer_slice(&text), tables[_i].query);
    } else {
        unit_assert_error(ok, err, ERROR_USAGE, tables[_i].why);
    }
    unit_remove_directory(directory);
}
END_TEST

START_TEST(a_table_or_a_query_is_needed)
{
    const struct job_options o = {.table = NULL};
    unit_assert_error(job_read_query(&o, &text, &err), err, ERROR_USAGE, "either --table");
}
END_TEST

START_TEST(a_query_file_that_cannot_be_read_is_named)
{
    const struct job_options o = {.query_file = "/nonexistent/image.sql"};
    unit_assert_error(job_read_query(&o, &text, &err), err, ERROR_CONFIG, "/nonexistent/image.sql");
}
END_TEST

UNIT_MAIN_WITH("job/identity", set_up, tear_down,
               UNIT_TEST(a_description_is_json_that_says_what_the_job_is),
               UNIT_TEST(the_identity_is_the_hash_of_the_description),
               UNIT_EACH(another_query_key_range_index_or_operation_is_another_job, others),
               UNIT_TEST(how_it_is_done_does_not_make_another_job),
               UNIT_EACH(what_is_no_utf8_is_refused, invalid),
               UNIT_EACH(the_index_is_read_from_a_description, indexes),
               UNIT_EACH(a_description_is_taken_apart_again, described),
               UNIT_LOOP(what_is_no_description_is_damage, 5), UNIT_TEST(a_table_is_read_whole),
               UNIT_TEST(a_query_comes_from_its_file),
               UNIT_EACH(with_both_the_table_stands_where_the_query_says_so, tables),
               UNIT_TEST(a_table_or_a_query_is_needed),
               UNIT_TEST(a_query_file_that_cannot_be_read_is_named))
