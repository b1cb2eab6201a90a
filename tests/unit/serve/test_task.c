/* test_task.c: what a task tells about itself, and that the disk gives back what it got. */
#include "serve/task.h"

#include <jansson.h>

#include "unit.h"

static struct error err;
static const struct wish wish = {"image", "temp_import_image", "image-1", -5, 1000};

static struct task new_task(void)
{
    struct task t;
    unit_assert_ok(task_begin(&t, &wish, 1767323045678, &err), err);
    return t;
}

START_TEST(a_new_task_has_an_id_of_its_own)
{
    struct task a = new_task(), b = new_task();
    ck_assert(task_is_id(a.id));
    ck_assert_str_ne(a.id, b.id);
    ck_assert_int_eq(a.state, TASK_ACTIVE);
}
END_TEST

static const char *const no_ids[] = {
    "", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0",
    "0123456789ABCDEF0123456789ABCDEF", "../3456789abcdef0123456789abcdef"};

START_TEST(an_id_is_32_hexadecimal_digits)
{
    ck_assert(!task_is_id(no_ids[_i]));
}
END_TEST

static const struct {
    enum task_state state;
    uint64_t total, acknowledged;
    double progress;
} progresses[] = {
    {TASK_ACTIVE, 0, 0, 0},
    {TASK_ACTIVE, 0, 7, 0}, // not counted yet
    {TASK_ACTIVE, 3, 1, 33.33},
    {TASK_ACTIVE, 3, 2, 66.66},
    {TASK_ACTIVE, 1000, 999, 99.9},
    {TASK_ACTIVE, 800000000, 799999999, 99.99},
    {TASK_ACTIVE, 10, 10, 99.99}, // it has not ended
    {TASK_ACTIVE, 10, 11, 99.99}, // rows came after they were counted
    {TASK_ACTIVE, UINT64_MAX, UINT64_MAX / 2, 50},
    {TASK_FAILED, 10, 10, 99.99},
    {TASK_STOPPED, 10, 5, 50},
    {TASK_DONE, 10, 10, 100},
    {TASK_DONE, 10, 9, 100}, // a row went meanwhile
    {TASK_DONE, 0, 0, 100},
};

START_TEST(progress_is_100_when_all_is_in_and_only_then)
{
    struct task t = new_task();
    t.state = progresses[_i].state;
    t.counts.total = progresses[_i].total;
    t.counts.acknowledged = progresses[_i].acknowledged;
    ck_assert_double_eq_tol(task_progress(&t), progresses[_i].progress, 1e-9);
}
END_TEST

START_TEST(times_have_microseconds)
{
    char text[TASK_TIME_BYTES];
    task_format_time(1767323045678, text);
    ck_assert_str_eq(text, "2026-01-02 03:04:05.678000");
    task_format_time(1767323045000, text);
    ck_assert_str_eq(text, "2026-01-02 03:04:05.000000");
}
END_TEST

static void assert_json(const struct task *t, const char *expected)
{
    json_t *json = task_to_json(t);
    json_t *wanted = json_loads(expected, 0, NULL);
    char *text = json_dumps(json, JSON_SORT_KEYS);
    ck_assert_ptr_nonnull(wanted);
    json_object_set_new(wanted, "task_id", json_string(t->id));
    ck_assert_msg(json_equal(json, wanted), "%s", text);
    free(text);
    json_decref(json);
    json_decref(wanted);
}

START_TEST(a_running_task_is_told_as_the_api_says)
{
    struct task t = new_task();
    t.counts = (struct task_counts){.total = 4, .acknowledged = 1};
    snprintf(t.error, sizeof t.error, "tried again"); // for the page alone
    assert_json(&t, "{\"active\":true,\"model\":\"image\",\"target_index\":\"image-1\","
                    "\"progress\":25.0,\"start_time\":\"2026-01-02 03:04:05.678000\","
                    "\"finish_time\":null,\"error\":null}");
}
END_TEST

START_TEST(a_failed_task_says_why_and_when)
{
    struct task t = new_task();
    t.state = TASK_FAILED;
    t.finished_ms = t.started_ms + 1000;
    snprintf(t.error, sizeof t.error, "no such table (exit status 78)");
    assert_json(&t, "{\"active\":false,\"model\":\"image\",\"target_index\":\"image-1\","
                    "\"progress\":0.0,\"start_time\":\"2026-01-02 03:04:05.678000\","
                    "\"finish_time\":\"2026-01-02 03:04:06.678000\","
                    "\"error\":\"no such table (exit status 78)\"}");
    snprintf(t.error, sizeof t.error, "\xff");
    json_t *json = task_to_json(&t);
    ck_assert_ptr_nonnull(json);
    json_decref(json);
}
END_TEST

static const enum task_state states[] = {TASK_ACTIVE, TASK_DONE, TASK_FAILED, TASK_STOPPED};

START_TEST(a_record_gives_the_task_back)
{
    struct task t = new_task(), back;
    struct buffer record;
    t.state = states[_i];
    t.finished_ms = 1767323999999;
    t.counts = (struct task_counts){5, 4, 3, 2, 1};
    snprintf(t.error, sizeof t.error, "%s", _i == 0 ? "" : "\"why\" \\ été");
    buffer_init(&record, TASK_RECORD_MAX_BYTES);
    unit_assert_ok(task_put_record(&t, &record, &err), err);
    unit_assert_ok(task_read_record(&back, buffer_slice(&record), &err), err);
    ck_assert_str_eq(back.id, t.id);
    ck_assert_str_eq(back.wish.model, t.wish.model);
    ck_assert_str_eq(back.wish.table, t.wish.table);
    ck_assert_str_eq(back.wish.index, t.wish.index);
    ck_assert_int_eq(back.wish.start_id, -5);
    ck_assert_int_eq(back.wish.end_id, 1000);
    ck_assert_int_eq(back.state, t.state);
    ck_assert_int_eq(back.started_ms, t.started_ms);
    ck_assert_int_eq(back.finished_ms, t.finished_ms);
    ck_assert_mem_eq(&back.counts, &t.counts, sizeof t.counts);
    ck_assert_str_eq(back.error, t.error);
    ck_assert(!back.is_running && !back.wants_stop);
    buffer_free(&record);
}
END_TEST

#define ID "\"task_id\":\"0123456789abcdef0123456789abcdef\""
#define WISH                                                                                       \
    "\"model_name\":\"m\",\"table_name\":\"t\",\"target_index\":\"i\",\"start_id\":1,\"end_id\":2"

static const struct {
    const char *text, *why;
} damaged[] = {
    {"", "it is no JSON"},
    {"[]", "no task_id"},
    {"{" ID "," WISH "}", "no state"},
    {"{" ID "," WISH ",\"state\":\"odd\"}", "no state"},
    {"{\"task_id\":\"../etc\"," WISH ",\"state\":\"done\"}", "no task_id"},
    {"{" ID ",\"model_name\":\"../m\",\"state\":\"done\"}", "model_name"},
};

START_TEST(a_damaged_record_is_none)
{
    struct task t;
    unit_assert_error(task_read_record(&t, slice_of(damaged[_i].text), &err), err, ERROR_DAMAGED,
                      damaged[_i].why);
}
END_TEST

START_TEST(counts_below_zero_are_none)
{
    struct task t;
    const char *text = "{" ID "," WISH ",\"state\":\"done\",\"rows\":-5}";
    unit_assert_ok(task_read_record(&t, slice_of(text), &err), err);
    ck_assert_uint_eq(t.counts.total, 0);
}
END_TEST

UNIT_MAIN("serve/task", UNIT_TEST(a_new_task_has_an_id_of_its_own),
          UNIT_EACH(an_id_is_32_hexadecimal_digits, no_ids),
          UNIT_EACH(progress_is_100_when_all_is_in_and_only_then, progresses),
          UNIT_TEST(times_have_microseconds), UNIT_TEST(a_running_task_is_told_as_the_api_says),
          UNIT_TEST(a_failed_task_says_why_and_when),
          UNIT_EACH(a_record_gives_the_task_back, states),
          UNIT_EACH(a_damaged_record_is_none, damaged), UNIT_TEST(counts_below_zero_are_none))
