/* test_supervise.c: every task comes to an end that it deserves, or goes on with the next server. */
#include "serve/supervise.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/stop.h"

#include "acted.h"

#define RUNS_UNTIL_STOPPED                                                                         \
    "trap 'touch $0.ended; exit 75' TERM; touch $0.started; while :; do sleep 0.01; done"

enum { PATIENCE_MS = 60000 };

static bool (*is_time_to_stop)(void);
static struct task first, second;

static void *watch(void *ignored)
{
    (void)ignored;
    while (!is_time_to_stop())
        usleep(1000);
    stop_request();
    return NULL;
}

/* Supervise until UNTIL says so. */
static void run(size_t most, int64_t give_up_after_ms, bool (*until)(void))
{
    pthread_t watcher;
    unit_assert_ok(stop_install(&tasked_err), tasked_err);
    is_time_to_stop = until;
    ck_assert_int_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
    unit_assert_ok(
        supervise(tasked, tasked_store, acted_models, most, give_up_after_ms, &tasked_err),
        tasked_err);
    pthread_join(watcher, NULL);
}

static bool has_ended(const struct task *t)
{
    return tasked_get(t->id).state != TASK_ACTIVE;
}

static bool first_has_ended(void)
{
    return has_ended(&first);
}

static bool both_have_ended(void)
{
    return has_ended(&first) && has_ended(&second);
}

static const struct {
    const char *script;
    enum task_state state;
    const char *error;
} ends[] = {
    {"exit 0", TASK_DONE, ""},
    {"echo '{\"level\":\"error\",\"message\":\"bad query\"}' >&2; exit 78", TASK_FAILED,
     "bad query (exit status 78)"},
    {"exit 65", TASK_FAILED, "bobbin run failed without a word (exit status 65)"},
    {"[ -e $0.tried ] || { touch $0.tried; exit 75; }", TASK_DONE, ""},
    {"[ -e $0.tried ] || { touch $0.tried; kill -KILL $$; }", TASK_DONE, ""},
};

START_TEST(a_task_ends_as_its_child_does)
{
    acted_write(ends[_i].script);
    first = tasked_add();
    ck_assert_int_eq(mkdir(tasked_path(first.id, ".spool"), 0700), 0);
    run(1, PATIENCE_MS, first_has_ended);
    struct task t = tasked_get(first.id);
    ck_assert_str_eq(t.error, ends[_i].error);
    ck_assert_int_eq(t.state, ends[_i].state);
    ck_assert_int_ge(t.finished_ms, t.started_ms);
    ck_assert(tasked_exists(first.id, ".spool") == (t.state == TASK_FAILED));
    tasked_close();
    tasked_open();
    ck_assert_int_eq(tasked_get(first.id).state, ends[_i].state);
}
END_TEST

START_TEST(one_that_makes_no_progress_is_given_up)
{
    acted_write("touch $0.tried; exit 75");
    first = tasked_add();
    run(1, 0, first_has_ended);
    ck_assert_int_eq(tasked_get(first.id).state, TASK_FAILED);
    ck_assert(acted_has_made("tried"));
}
END_TEST

START_TEST(a_model_that_is_gone_is_the_tasks_failure)
{
    char path[4096];
    first = tasked_add();
    snprintf(path, sizeof path, "%s/image.conf", acted_models);
    ck_assert_int_eq(remove(path), 0);
    run(1, PATIENCE_MS, first_has_ended);
    ck_assert_str_eq(tasked_get(first.id).error, "there is no model \"image\" any more");
}
END_TEST

START_TEST(so_many_run_at_a_time_and_no_more)
{
    acted_write("mkdir $0.alone || touch $0.overlap; sleep 0.1; rmdir $0.alone");
    first = tasked_add();
    second = tasked_add();
    run(1, PATIENCE_MS, both_have_ended);
    ck_assert(!acted_has_made("overlap"));
}
END_TEST

START_TEST(two_run_at_the_same_time_when_there_is_room)
{
    acted_write("if mkdir $0.first; then while ! [ -e $0.second ]; do sleep 0.01; done;"
                "else touch $0.second; fi");
    first = tasked_add();
    second = tasked_add();
    run(2, PATIENCE_MS, both_have_ended);
    ck_assert_int_eq(tasked_get(first.id).state, TASK_DONE);
}
END_TEST

/* When it has begun, ask both to stop. */
static bool asked_both_have_ended(void)
{
    bool was_active;
    if (!acted_has_made("started"))
        return false;
    ck_assert(tasks_ask_to_stop(tasked, first.id, &was_active));
    ck_assert(tasks_ask_to_stop(tasked, second.id, &was_active));
    return both_have_ended();
}

START_TEST(a_task_is_stopped_on_request_whether_it_runs_or_waits)
{
    acted_write(RUNS_UNTIL_STOPPED);
    first = tasked_add();
    second = tasked_add(); // there is no room for it
    run(1, PATIENCE_MS, asked_both_have_ended);
    ck_assert(acted_has_made("ended"));
    ck_assert_int_eq(tasked_get(first.id).state, TASK_STOPPED);
    ck_assert_int_eq(tasked_get(second.id).state, TASK_STOPPED);
    ck_assert_str_eq(tasked_get(first.id).error, "stopped on request");
}
END_TEST

static bool first_has_begun(void)
{
    return acted_has_made("started");
}

START_TEST(what_runs_when_the_server_stops_goes_on_with_the_next)
{
    acted_write(RUNS_UNTIL_STOPPED);
    first = tasked_add();
    run(1, 0, first_has_begun); // no patience: that it was stopped is no failure
    ck_assert(acted_has_made("ended"));
    ck_assert_int_eq(tasked_get(first.id).state, TASK_ACTIVE);
    tasked_close();
    tasked_open();
    int64_t wait_ms;
    ck_assert(tasks_take(tasked, true, 0, &second, &wait_ms));
    ck_assert_str_eq(second.id, first.id);
}
END_TEST

static atomic_bool is_over;

/* When it has begun, take its state away. */
static bool state_is_gone_and_all_over(void)
{
    if (acted_has_made("started") && access(tasked_state, F_OK) == 0)
        unit_remove_directory(strdup(tasked_state));
    return atomic_load(&is_over);
}

START_TEST(an_end_that_can_not_be_kept_ends_the_server)
{
    pthread_t watcher;
    acted_write("touch $0.started; while [ -d ${0%/*}/state ]; do sleep 0.01; done");
    first = tasked_add();
    unit_assert_ok(stop_install(&tasked_err), tasked_err);
    is_time_to_stop = state_is_gone_and_all_over;
    ck_assert_int_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
    unit_assert_error(supervise(tasked, tasked_store, acted_models, 1, PATIENCE_MS, &tasked_err),
                      tasked_err, ERROR_DISK, first.id);
    atomic_store(&is_over, true);
    pthread_join(watcher, NULL);
}
END_TEST

/* The request to stop stays: each in a process of its own. */
ACTED_MAIN("serve/supervise", UNIT_OWN_PROCESS(a_task_ends_as_its_child_does, COUNT_OF(ends)),
           UNIT_OWN_PROCESS(one_that_makes_no_progress_is_given_up, 1),
           UNIT_OWN_PROCESS(a_model_that_is_gone_is_the_tasks_failure, 1),
           UNIT_OWN_PROCESS(so_many_run_at_a_time_and_no_more, 1),
           UNIT_OWN_PROCESS(two_run_at_the_same_time_when_there_is_room, 1),
           UNIT_OWN_PROCESS(a_task_is_stopped_on_request_whether_it_runs_or_waits, 1),
           UNIT_OWN_PROCESS(what_runs_when_the_server_stops_goes_on_with_the_next, 1),
           UNIT_OWN_PROCESS(an_end_that_can_not_be_kept_ends_the_server, 1))
