/* test_gauges.c: the file that node_exporter reads. */
#include "job/gauges.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "unit.h"

static char *directory;
static char path[4096];
static struct error err;
static struct gauges *g;

static const struct index_job job = {.estimated_rows = 9,
                                     .rows = 6,
                                     .acknowledged = 3,
                                     .dead = 1,
                                     .pending = 2,
                                     .retries = 5,
                                     .spool_bytes = 4096};

static void set_up(void)
{
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/bobbin.prom", directory);
}

static void tear_down(void)
{
    unit_remove_directory(directory);
}

static void open_gauges(const char *index)
{
    err = (struct error){.kind = ERROR_NONE};
    unit_assert_ok(gauges_open(&g, path, index, NULL, &err), err);
}

/* Does the file have the line TEXT? */
static bool has(const char *text)
{
    struct buffer bytes;
    char line[500];
    buffer_init(&bytes, 1 << 20);
    buffer_append_byte(&bytes, '\n');
    unit_assert_ok(file_read_whole(path, &bytes, &err), err);
    snprintf(line, sizeof line, "\n%s\n", text);
    bool found = strstr(buffer_string(&bytes), line) != NULL;
    buffer_free(&bytes);
    return found;
}

static bool mentions(const char *name)
{
    struct buffer bytes;
    buffer_init(&bytes, 1 << 20);
    unit_assert_ok(file_read_whole(path, &bytes, &err), err);
    bool found = strstr(buffer_string(&bytes), name) != NULL;
    buffer_free(&bytes);
    return found;
}

static const char *const lines[] = {
    "bobbin_job_rows{index=\"image\",shard=\"\"} 9",
    "bobbin_job_rows_read{index=\"image\",shard=\"\"} 6",
    "bobbin_job_documents_acknowledged{index=\"image\",shard=\"\"} 3",
    "bobbin_job_documents_refused{index=\"image\",shard=\"\"} 1",
    "bobbin_job_documents_pending{index=\"image\",shard=\"\"} 2",
    "bobbin_job_retries{index=\"image\",shard=\"\"} 5",
    "bobbin_job_spool_bytes{index=\"image\",shard=\"\"} 4096",
    "bobbin_job_state{index=\"image\",shard=\"\",state=\"running\"} 1",
    "# TYPE bobbin_job_state gauge",
};

START_TEST(a_running_job_has_its_numbers)
{
    open_gauges("image");
    gauges_put(g, &job);
    ck_assert_msg(has(lines[_i]), "no \"%s\"", lines[_i]);
    ck_assert(!mentions("exit_status"));
    gauges_close(g, 0);
}
END_TEST

START_TEST(a_job_that_begins_has_no_numbers_yet_nor_has_a_worker_at_rest)
{
    open_gauges("image");
    ck_assert(has(lines[7]) && !mentions("bobbin_job_rows"));
    gauges_put(g, &job);
    ck_assert(mentions("bobbin_job_rows"));
    gauges_rest(g);
    ck_assert(has(lines[7]) && !mentions("bobbin_job_rows"));
    gauges_close(g, 0);
}
END_TEST

static const struct {
    int status;
    const char *state;
} ends[] = {{0, "done"}, {75, "stopped"}, {65, "failed"}, {74, "failed"}};

START_TEST(the_end_has_its_state_and_exit_status_and_keeps_the_numbers)
{
    char text[200];
    open_gauges("image");
    gauges_put(g, &job);
    gauges_close(g, ends[_i].status);
    snprintf(text, sizeof text, "bobbin_job_state{index=\"image\",shard=\"\",state=\"%s\"} 1",
             ends[_i].state);
    ck_assert(has(text) && has(lines[2]));
    ck_assert(has("bobbin_job_state{index=\"image\",shard=\"\",state=\"running\"} 0"));
    snprintf(text, sizeof text, "bobbin_job_exit_status{index=\"image\",shard=\"\"} %d",
             ends[_i].status);
    ck_assert(has(text));
    ck_assert(mentions("last_success") == (ends[_i].status == 0));
}
END_TEST

START_TEST(the_last_success_outlives_a_run_that_fails)
{
    FILE *file = fopen(path, "w");
    fputs("# TYPE bobbin_job_last_success_timestamp_seconds gauge\n"
          "bobbin_job_last_success_timestamp_seconds{index=\"image\",shard=\"\"} 1700000000\n",
          file);
    fclose(file);
    open_gauges("image");
    gauges_close(g, 75);
    ck_assert(
        has("bobbin_job_last_success_timestamp_seconds{index=\"image\",shard=\"\"} 1700000000"));
}
END_TEST

START_TEST(labels_come_when_they_are_known)
{
    open_gauges(NULL);
    gauges_name_index(g, "image");
    gauges_name_index(g, "another");
    gauges_name_shard(g, 3);
    gauges_put(g, &job);
    ck_assert(has("bobbin_job_rows{index=\"image\",shard=\"3\"} 9"));
    gauges_close(g, 0);
}
END_TEST

START_TEST(everybody_can_read_the_file)
{
    struct stat st;
    open_gauges("image");
    gauges_close(g, 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
}
END_TEST

START_TEST(it_is_not_due_right_after_it_was_written)
{
    open_gauges("image");
    ck_assert(!gauges_are_due(g));
    gauges_close(g, 0);
    ck_assert(!gauges_are_due(NULL));
}
END_TEST

START_TEST(a_file_that_can_no_longer_be_written_harms_nothing)
{
    open_gauges("image");
    unit_remove_directory(directory);
    gauges_put(g, &job);
    gauges_close(g, 0);
    directory = unit_make_directory();
}
END_TEST

START_TEST(a_place_that_is_none_is_refused)
{
    snprintf(path, sizeof path, "%s/%s", directory, _i == 0 ? "nowhere/a.prom" : "");
    unit_assert_error(gauges_open(&g, path, "image", NULL, &err), err, ERROR_CONFIG, "--metrics");
    ck_assert_ptr_null(g);
}
END_TEST

START_TEST(without_a_file_nothing_is_done)
{
    gauges_name_index(NULL, "image");
    gauges_name_shard(NULL, 1);
    gauges_put(NULL, &job);
    gauges_rest(NULL);
    gauges_close(NULL, 0);
}
END_TEST

UNIT_MAIN_WITH("job/gauges", set_up, tear_down, UNIT_EACH(a_running_job_has_its_numbers, lines),
               UNIT_TEST(a_job_that_begins_has_no_numbers_yet_nor_has_a_worker_at_rest),
               UNIT_EACH(the_end_has_its_state_and_exit_status_and_keeps_the_numbers, ends),
               UNIT_TEST(the_last_success_outlives_a_run_that_fails),
               UNIT_TEST(labels_come_when_they_are_known), UNIT_TEST(everybody_can_read_the_file),
               UNIT_TEST(it_is_not_due_right_after_it_was_written),
               UNIT_TEST(a_file_that_can_no_longer_be_written_harms_nothing),
               UNIT_LOOP(a_place_that_is_none_is_refused, 2),
               UNIT_TEST(without_a_file_nothing_is_done))
