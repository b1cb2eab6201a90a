/* test_runner.c: what a child is started with, what it says, and what its end means. */
#include "serve/runner.h"

#include <signal.h>

#include "base/file.h"
#include "spool/spool.h"

#include "acted.h"

static struct runner *runner;

/* Run the model's SCRIPT to its end; its status. CHILD is to be freed. */
static int run(const char *script)
{
    struct task task = {.id = "0123456789abcdef0123456789abcdef", .wish = tasked_wish};
    char config[4096];
    int status;
    acted_write(script);
    snprintf(config, sizeof config, "%s/image.conf", acted_models);
    unit_assert_ok(runner_start(&runner, &task, config, "/somewhere/x.spool", &tasked_err),
                   tasked_err);
    while (!runner_has_ended(runner, &status)) {
        runner_listen(runner, &task);
        usleep(1000);
    }
    runner_listen(runner, &task);
    return status;
}

START_TEST(it_runs_the_model_for_the_tasks_rows)
{
    struct buffer words;
    char path[4096];
    ck_assert_int_eq(run("printf '%s\\n' \"$@\" >$0.words"), 0);
    runner_free(runner);
    snprintf(path, sizeof path, "%s/image.conf.words", acted_models);
    buffer_init(&words, 1 << 16);
    unit_assert_ok(file_read_whole(path, &words, &tasked_err), tasked_err);
    char expected[8192];
    snprintf(expected, sizeof expected,
             "bobbin\nrun\n--config=%s/image.conf\n--table=\"temp_import_image\"\n--index=image-1\n"
             "--from=1\n--to=1000\n--spool=/somewhere/x.spool\n--count\n--quiet\n"
             "--log-format=json\n",
             acted_models);
    unit_assert_slice(buffer_slice(&words), expected);
    buffer_free(&words);
}
END_TEST

static const struct {
    const char *script;
    int status;
    const char *error;
    bool can_go_on;
} ends[] = {
    {"echo '{\"level\":\"error\",\"message\":\"no such table\"}' >&2; exit 78", 78,
     "no such table (exit status 78)", false},
    {"echo '{\"level\":\"error\",\"message\":\"first\"}' >&2;"
     "echo '{\"level\":\"warning\",\"message\":\"last\"}' >&2; exit 65",
     65, "last (exit status 65)", false},
    {"echo 'free(): invalid pointer' >&2; echo >&2; kill -ABRT $$", 128 + SIGABRT,
     "free(): invalid pointer (killed by signal 6)", true},
    {"echo '{\"message\":7}' >&2; exit 70", 70, "{\"message\":7} (exit status 70)", false},
    {"exit 75", 75, "bobbin run failed without a word (exit status 75)", true},
    {"kill -KILL $$", 128 + SIGKILL, "bobbin run failed without a word (killed by signal 9)", true},
    {"exit 0", 0, NULL, false},
};

START_TEST(its_end_is_told_in_its_own_words)
{
    char error[TASK_ERROR_BYTES];
    int status = run(ends[_i].script);
    ck_assert_int_eq(status, ends[_i].status);
    ck_assert(runner_can_go_on(status) == ends[_i].can_go_on);
    runner_explain(runner, status, error);
    if (ends[_i].error != NULL)
        ck_assert_str_eq(error, ends[_i].error);
    runner_free(runner);
}
END_TEST

START_TEST(it_stops_when_asked)
{
    struct task task = {.wish = tasked_wish};
    char config[4096];
    int status;
    acted_write("trap 'exit 75' TERM; touch $0.ready; while :; do sleep 0.01; done");
    snprintf(config, sizeof config, "%s/image.conf", acted_models);
    unit_assert_ok(runner_start(&runner, &task, config, "x.spool", &tasked_err), tasked_err);
    while (!acted_has_made("ready"))
        usleep(1000);
    runner_stop(runner);
    while (!runner_has_ended(runner, &status))
        usleep(1000);
    ck_assert_int_eq(status, 75);
    runner_free(runner);
    runner_free(NULL);
}
END_TEST

/* Make a spool of a job with 42 rows, of which none is read. */
static void make_spool(const char *path)
{
    const struct job_id id = {{7}};
    const struct key_range all = {.has_from = false};
    struct spool_options options = {.path = path, .roles = SPOOL_DUMP | SPOOL_REPLAY};
    struct spool *s;
    unit_assert_ok(spool_open(&s, &options, &id, &tasked_err), tasked_err);
    unit_assert_ok(spool_begin(s, &id, slice_of("{\"index\":\"i\"}"), &all, 1, 42, &tasked_err),
                   tasked_err);
    spool_close(s);
}

START_TEST(the_counts_are_those_of_the_spool)
{
    struct task_counts counts = {.total = 1, .read = 1};
    char path[4096];
    snprintf(path, sizeof path, "%s/some.spool", tasked_directory);
    make_spool(path);
    runner_count(path, &counts);
    ck_assert_uint_eq(counts.total, 42);
    ck_assert_uint_eq(counts.read, 0);
}
END_TEST

START_TEST(without_a_sound_spool_the_counts_stay)
{
    struct task_counts counts = {.total = 3, .read = 2};
    char path[4096], index[8192];
    snprintf(path, sizeof path, "%s/some.spool", tasked_directory);
    runner_count(path, &counts);
    ck_assert_uint_eq(counts.total, 3);
    make_spool(path);
    snprintf(index, sizeof index, "%s/index.mdb", path);
    tasked_write(index, "this is no index");
    runner_count(path, &counts);
    ck_assert_uint_eq(counts.read, 2);
}
END_TEST

/* Under valgrind, without forks, /proc/self/exe is valgrind. */
ACTED_MAIN("serve/runner", UNIT_OWN_PROCESS(it_runs_the_model_for_the_tasks_rows, 1),
           UNIT_OWN_PROCESS(its_end_is_told_in_its_own_words, COUNT_OF(ends)),
           UNIT_OWN_PROCESS(it_stops_when_asked, 1), UNIT_TEST(the_counts_are_those_of_the_spool),
           UNIT_TEST(without_a_sound_spool_the_counts_stay))
