/* test_metrics.c: the tasks in Prometheus' text format. */
#include "serve/metrics.h"

#include "unit.h"

static struct buffer out;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&out);
}

static void assert_has(const char *text)
{
    ck_assert_msg(strstr(buffer_string(&out), text) != NULL, "no \"%s\" in:\n%s", text,
                  buffer_string(&out));
}

START_TEST(each_state_is_counted)
{
    const struct task tasks[] = {{.state = TASK_ACTIVE},
                                 {.state = TASK_ACTIVE, .is_running = true},
                                 {.state = TASK_DONE},
                                 {.state = TASK_DONE},
                                 {.state = TASK_STOPPED}};
    metrics_put(&out, tasks, COUNT_OF(tasks));
    assert_has("# HELP bobbin_tasks Tasks that the server knows.\n# TYPE bobbin_tasks gauge\n");
    assert_has("bobbin_tasks{state=\"waiting\"} 1\nbobbin_tasks{state=\"running\"} 1\n"
               "bobbin_tasks{state=\"done\"} 2\nbobbin_tasks{state=\"failed\"} 0\n"
               "bobbin_tasks{state=\"stopped\"} 1\n");
}
END_TEST

START_TEST(an_active_task_has_its_counts)
{
    const struct task t = {.id = "0123456789abcdef0123456789abcdef",
                           .wish = {"image", "t", "a\"b\\c", 1, 2},
                           .counts = {5, 4, 3, 2, 1}};
#define LABELS                                                                                     \
    "{task_id=\"0123456789abcdef0123456789abcdef\",model=\"image\",target_index=\"a\\\"b\\\\c\"} "
    metrics_put(&out, &t, 1);
    assert_has("# TYPE bobbin_task_rows gauge\nbobbin_task_rows" LABELS "5\n");
    assert_has("bobbin_task_rows_read" LABELS "4\n");
    assert_has("bobbin_task_documents_acknowledged" LABELS "3\n");
    assert_has("bobbin_task_documents_refused" LABELS "2\n");
    assert_has("bobbin_task_retries" LABELS "1\n");
}
END_TEST

START_TEST(an_ended_task_has_no_series_of_its_own)
{
    const struct task t = {.id = "0123456789abcdef0123456789abcdef", .state = TASK_DONE};
    metrics_put(&out, &t, 1);
    ck_assert_ptr_null(strstr(buffer_string(&out), t.id));
}
END_TEST

UNIT_MAIN_WITH("serve/metrics", set_up, tear_down, UNIT_TEST(each_state_is_counted),
               UNIT_TEST(an_active_task_has_its_counts),
               UNIT_TEST(an_ended_task_has_no_series_of_its_own))
