/* supervise.c: see supervise.h. One thread: each round waits for news, and then looks at every child. */
#include "serve/supervise.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/manager.h"
#include "base/stop.h"
#include "serve/model.h"
#include "serve/runner.h"

/* A task with its child. */
struct run {
    struct task task;
    struct runner *runner;
    char spool[TASKS_STORE_PATH_BYTES];
    int64_t started_ms; // monotonic clock
    int64_t look_at_ms; // when to look at the spool again
    int64_t stop_at_ms; // when it may be asked to stop, for the first time or again
};

struct supervisor {
    struct tasks *tasks;
    const struct tasks_store *store;
    const char *models;
    size_t most;
    int64_t give_up_after_ms;
    int64_t watchdog_ms;              // how often the service manager wants to hear; 0: never
    int64_t heard_at_ms;              // when it did
    struct run *runs[SUPERVISE_MOST]; // the first `count` are there
    size_t count;
};

/* --- a task's end --- */

static void end_task(struct run *run, enum task_state state, const char *error)
{
    struct task *t = &run->task;
    t->state = state;
    t->finished_ms = clock_wall_ms();
    snprintf(t->error, sizeof t->error, "%s", error);
    log_message(state == TASK_FAILED ? LOG_ERROR : LOG_INFO, "task %s: %s%s%s", t->id,
                task_state_name(state), error[0] != '\0' ? ": " : "", error);
}

/* The same command goes on: later, the more often it has failed. */
static void try_again(const struct supervisor *s, struct run *run, const char *why)
{
    struct task *t = &run->task;
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - t->progressed_ms >= s->give_up_after_ms) {
        end_task(run, TASK_FAILED, why);
        return;
    }
    t->failures = t->progressed_ms > run->started_ms ? 1 : t->failures + 1;
    int64_t wait =
        backoff_delay_ms(t->failures, SUPERVISE_WAIT_MS, SUPERVISE_WAIT_MOST_MS, UINT32_MAX);
    t->not_before_ms = now_ms + wait;
    snprintf(t->error, sizeof t->error, "%s", why);
    log_message(LOG_WARNING, "task %s: it ended early, and goes on in %lld s", t->id,
                (long long)(wait / 1000));
}

/* See what has been done since. */
static void count(struct run *run, int64_t now_ms)
{
    struct task *t = &run->task;
    struct task_counts before = t->counts;
    runner_count(run->spool, &t->counts);
    if (t->counts.read == before.read && t->counts.acknowledged == before.acknowledged)
        return;
    t->progressed_ms = now_ms;
    t->error[0] = '\0';
}

static bool wants_stop(const struct supervisor *s, const struct task *t)
{
    struct task now;
    return tasks_get(s->tasks, t->id, &now) && now.wants_stop;
}

static bool conclude(struct supervisor *s, struct run *run, int status, struct error *err)
{
    struct task *t = &run->task;
    char why[TASK_ERROR_BYTES];
    runner_listen(run->runner, t);
    count(run, clock_monotonic_ms());
    runner_explain(run->runner, status, why);
    t->is_running = false;
    if (status == 0)
        end_task(run, TASK_DONE, "");
    else if (wants_stop(s, t))
        end_task(run, TASK_STOPPED, "stopped on request");
    else if (!runner_can_go_on(status))
        end_task(run, TASK_FAILED, why);
    else if (!stop_is_requested())
        try_again(s, run, why);
    return tasks_update(s->tasks, t, err);
}

/* --- beginning --- */

static void free_run(struct run *run)
{
    runner_free(run->runner);
    free(run);
}

static bool start_runner(struct supervisor *s, struct run *run, struct error *err)
{
    struct task *t = &run->task;
    char config[MODEL_PATH_BYTES];
    if (!model_find(s->models, t->wish.model, config))
        return error_set(err, ERROR_CONFIG, "there is no model \"%s\" any more", t->wish.model);
    if (!runner_start(&run->runner, t, config, run->spool, err))
        return false;
    log_message(LOG_INFO, "task %s: begins: %s of model %s into %s", t->id, t->wish.table,
                t->wish.model, t->wish.index);
    return true;
}

/* A task that can't even begin has failed, and no other. */
static bool start_run(struct supervisor *s, struct run *run, struct error *err)
{
    struct task *t = &run->task;
    struct error why = {.kind = ERROR_NONE};
    tasks_store_put_spool_path(s->store, t, run->spool);
    run->started_ms = clock_monotonic_ms();
    if (t->progressed_ms == 0)
        t->progressed_ms = run->started_ms;
    if (!t->wants_stop && start_runner(s, run, &why)) {
        s->runs[s->count++] = run;
        return true;
    }
    t->is_running = false;
    if (t->wants_stop)
        end_task(run, TASK_STOPPED, "stopped on request");
    else if (error_is_retryable(why.kind))
        try_again(s, run, why.message);
    else
        end_task(run, TASK_FAILED, why.message);
    bool ok = tasks_update(s->tasks, t, err);
    free_run(run);
    return ok;
}

/* Start what can be started. *WAIT_MS as tasks_take says. */
static bool start_runs(struct supervisor *s, int64_t *wait_ms, struct error *err)
{
    for (;;) {
        struct run *run = calloc(1, sizeof *run);
        if (run == NULL)
            return error_set_memory(err);
        if (!tasks_take(s->tasks, s->count < s->most, clock_monotonic_ms(), &run->task, wait_ms)) {
            free(run);
            return true;
        }
        if (!start_run(s, run, err))
            return false;
    }
}

/* --- following --- */

static void ask_to_stop(struct run *run, int64_t now_ms)
{
    if (now_ms < run->stop_at_ms)
        return;
    runner_stop(run->runner); // the second time it leaves at once
    run->stop_at_ms = now_ms + SUPERVISE_STOP_MS;
}

static bool follow(struct supervisor *s, struct run *run, bool *has_ended, struct error *err)
{
    int status;
    int64_t now_ms = clock_monotonic_ms();
    runner_listen(run->runner, &run->task);
    *has_ended = runner_has_ended(run->runner, &status);
    if (*has_ended)
        return conclude(s, run, status, err);
    if (stop_is_requested() || wants_stop(s, &run->task))
        ask_to_stop(run, now_ms);
    if (now_ms < run->look_at_ms)
        return true;
    run->look_at_ms = now_ms + SUPERVISE_LOOK_MS;
    count(run, now_ms);
    return tasks_update(s->tasks, &run->task, err);
}

static bool follow_all(struct supervisor *s, struct error *err)
{
    bool has_ended;
    for (size_t i = 0; i < s->count;) {
        if (!follow(s, s->runs[i], &has_ended, err))
            return false;
        if (!has_ended) {
            i++;
            continue;
        }
        free_run(s->runs[i]);
        s->runs[i] = s->runs[--s->count];
    }
    return true;
}

enum {
    TICK_MS = 250,
    CLOSING_MS = 10 // a child that has closed its standard error is about to end
};

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms < 0 || b_ms < a_ms ? b_ms : a_ms;
}

/* How long to wait, when nothing new can be started for WAIT_MS (-1: for ever). */
static int64_t time_to_wait(const struct supervisor *s, int64_t wait_ms, bool is_stopping)
{
    if (s->watchdog_ms > 0)
        wait_ms = sooner(wait_ms, s->watchdog_ms);
    if (s->count == 0 && !is_stopping)
        return wait_ms;
    int64_t most = TICK_MS;
    for (size_t i = 0; i < s->count; i++)
        if (runner_fd(s->runs[i]->runner) < 0)
            most = CLOSING_MS;
    return sooner(wait_ms, most);
}

/* Until a child says something, there is news, a stop is requested, or it is time to look. */
static void wait_for_any(const struct supervisor *s, int64_t wait_ms)
{
    struct pollfd waits[SUPERVISE_MOST + 2];
    nfds_t count = 0;
    bool is_stopping = stop_is_requested(); // asked once: it may come at any moment
    waits[count++] = (struct pollfd){.fd = tasks_news_fd(s->tasks), .events = POLLIN};
    if (!is_stopping) // it stays readable
        waits[count++] = (struct pollfd){.fd = stop_fd(), .events = POLLIN};
    for (size_t i = 0; i < s->count; i++)
        waits[count++] = (struct pollfd){.fd = runner_fd(s->runs[i]->runner), .events = POLLIN};
    (void)poll(waits, count, (int)time_to_wait(s, wait_ms, is_stopping));
    tasks_hear(s->tasks);
}

/* The loop turns: the service manager hears of it. */
static void be_heard(struct supervisor *s)
{
    int64_t now_ms = clock_monotonic_ms();
    if (s->watchdog_ms == 0 || now_ms < s->heard_at_ms + s->watchdog_ms)
        return;
    s->heard_at_ms = now_ms;
    manager_notify("WATCHDOG=1");
}

static bool go_on(struct supervisor *s, struct error *err)
{
    while (!stop_is_requested() || s->count > 0) {
        int64_t wait_ms = -1;
        be_heard(s);
        if (!stop_is_requested() && !start_runs(s, &wait_ms, err))
            return false;
        wait_for_any(s, wait_ms);
        if (!follow_all(s, err))
            return false;
    }
    return true;
}

bool supervise(struct tasks *tasks, const struct tasks_store *store, const char *models,
               size_t most, int64_t give_up_after_ms, struct error *err)
{
    struct supervisor s = {.tasks = tasks,
                           .store = store,
                           .models = models,
                           .most = most,
                           .give_up_after_ms = give_up_after_ms,
                           .watchdog_ms = manager_watchdog_ms()};
    bool ok = go_on(&s, err);
    for (size_t i = 0; i < s.count; i++)
        free_run(s.runs[i]);
    return ok;
}
