/* tasks.c: see tasks.h. */
#include "serve/tasks.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

struct tasks {
    struct tasks_store *store;
    int news; // eventfd

    pthread_mutex_t lock; // guards all that follows, and the store
    struct task *items;   // in the order of their times
    size_t count, capacity;
};

/* --- with the lock held --- */

static bool make_room(struct tasks *tasks, struct error *err)
{
    if (tasks->count < tasks->capacity)
        return true;
    size_t capacity = tasks->capacity == 0 ? 64 : 2 * tasks->capacity;
    struct task *items = realloc(tasks->items, capacity * sizeof *items);
    if (items == NULL)
        return error_set_memory(err);
    tasks->items = items;
    tasks->capacity = capacity;
    return true;
}

static struct task *find(struct tasks *tasks, const char *id)
{
    for (size_t i = 0; i < tasks->count; i++)
        if (strcmp(tasks->items[i].id, id) == 0)
            return &tasks->items[i];
    return NULL;
}

static size_t count_active(const struct tasks *tasks)
{
    size_t active = 0;
    for (size_t i = 0; i < tasks->count; i++)
        active += tasks->items[i].state == TASK_ACTIVE;
    return active;
}

/* Forget the oldest of too many ended tasks. */
static bool forget(struct tasks *tasks, struct error *err)
{
    size_t ended = tasks->count - count_active(tasks);
    for (size_t i = 0; ended > TASKS_ENDED_MAX && i < tasks->count;) {
        struct task *t = &tasks->items[i];
        if (t->state == TASK_ACTIVE) {
            i++;
            continue;
        }
        if (!tasks_store_remove(tasks->store, t, err))
            return false;
        memmove(t, t + 1, (--tasks->count - i) * sizeof *t);
        ended--;
    }
    return true;
}

static void tell(struct tasks *tasks)
{
    eventfd_write(tasks->news, 1); // fails only when it is readable already
}

/* --- opening --- */

static bool load(void *context, const struct task *task, struct error *err)
{
    struct tasks *tasks = context;
    if (!make_room(tasks, err))
        return false;
    tasks->items[tasks->count++] = *task;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct task *first = a, *second = b;
    if (first->started_ms != second->started_ms)
        return first->started_ms < second->started_ms ? -1 : 1;
    return strcmp(first->id, second->id);
}

bool tasks_open(struct tasks **out, struct tasks_store *store, struct error *err)
{
    struct tasks *tasks = calloc(1, sizeof *tasks);
    if (tasks == NULL)
        return error_set_memory(err);
    tasks->store = store;
    pthread_mutex_init(&tasks->lock, NULL);
    tasks->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = tasks->news >= 0 || error_set_errno(err, ERROR_MEMORY, "eventfd");
    ok = ok && tasks_store_load(store, load, tasks, err);
    if (ok && tasks->count > 0)
        qsort(tasks->items, tasks->count, sizeof *tasks->items, by_time);
    if (ok && forget(tasks, err)) {
        *out = tasks;
        return true;
    }
    tasks_close(tasks);
    return false;
}

void tasks_close(struct tasks *tasks)
{
    if (tasks == NULL)
        return;
    if (tasks->news >= 0)
        close(tasks->news);
    pthread_mutex_destroy(&tasks->lock);
    free(tasks->items);
    free(tasks);
}

/* --- for requests --- */

static bool add(struct tasks *tasks, const struct wish *wish, struct task *added, struct error *err)
{
    if (count_active(tasks) >= TASKS_ACTIVE_MAX)
        return error_set(err, ERROR_UNAVAILABLE, "%d tasks are waiting: no more are taken",
                         TASKS_ACTIVE_MAX);
    if (!task_begin(added, wish, clock_wall_ms(), err) || !make_room(tasks, err) ||
        !tasks_store_put(tasks->store, added, err))
        return false;
    tasks->items[tasks->count++] = *added;
    return true;
}

bool tasks_add(struct tasks *tasks, const struct wish *wish, struct task *added, struct error *err)
{
    pthread_mutex_lock(&tasks->lock);
    bool ok = add(tasks, wish, added, err);
    pthread_mutex_unlock(&tasks->lock);
    if (ok)
        tell(tasks);
    return ok;
}

bool tasks_get(struct tasks *tasks, const char *id, struct task *out)
{
    pthread_mutex_lock(&tasks->lock);
    const struct task *t = find(tasks, id);
    if (t != NULL)
        *out = *t;
    pthread_mutex_unlock(&tasks->lock);
    return t != NULL;
}

bool tasks_ask_to_stop(struct tasks *tasks, const char *id, bool *was_active)
{
    pthread_mutex_lock(&tasks->lock);
    struct task *t = find(tasks, id);
    *was_active = t != NULL && t->state == TASK_ACTIVE;
    if (*was_active)
        t->wants_stop = true;
    pthread_mutex_unlock(&tasks->lock);
    if (*was_active)
        tell(tasks);
    return t != NULL;
}

bool tasks_list(struct tasks *tasks, struct task **out, size_t *count, struct error *err)
{
    pthread_mutex_lock(&tasks->lock);
    *count = tasks->count;
    *out = malloc((tasks->count + 1) * sizeof **out);
    for (size_t i = 0; *out != NULL && i < tasks->count; i++)
        (*out)[i] = tasks->items[tasks->count - 1 - i];
    pthread_mutex_unlock(&tasks->lock);
    return *out != NULL || error_set_memory(err);
}

/* --- for the supervisor --- */

int tasks_news_fd(const struct tasks *tasks)
{
    return tasks->news;
}

void tasks_hear(struct tasks *tasks)
{
    eventfd_t ignored;
    eventfd_read(tasks->news, &ignored); // fails only when there is no news
}

/* The task to take; NULL: none, and *WAIT_MS as tasks_take says. */
static struct task *find_waiting(struct tasks *tasks, bool has_room, int64_t now_ms,
                                 int64_t *wait_ms)
{
    *wait_ms = -1;
    for (size_t i = 0; i < tasks->count; i++) {
        struct task *t = &tasks->items[i];
        if (t->state != TASK_ACTIVE || t->is_running || (!has_room && !t->wants_stop))
            continue;
        int64_t left = t->wants_stop ? 0 : t->not_before_ms - now_ms;
        if (left <= 0)
            return t;
        if (*wait_ms < 0 || left < *wait_ms)
            *wait_ms = left;
    }
    return NULL;
}

bool tasks_take(struct tasks *tasks, bool has_room, int64_t now_ms, struct task *out,
                int64_t *wait_ms)
{
    pthread_mutex_lock(&tasks->lock);
    struct task *found = find_waiting(tasks, has_room, now_ms, wait_ms);
    if (found != NULL) {
        found->is_running = true;
        *out = *found;
    }
    pthread_mutex_unlock(&tasks->lock);
    return found != NULL;
}

static bool update(struct tasks *tasks, const struct task *t, struct error *err)
{
    struct task *own = find(tasks, t->id);
    if (own == NULL)
        return error_set(err, ERROR_BUG, "task %s is unknown", t->id);
    bool has_changed = own->state != t->state;
    bool wants_stop = own->wants_stop;
    *own = *t;
    own->wants_stop = wants_stop;
    if (!has_changed)
        return true;
    return tasks_store_put(tasks->store, own, err) &&
           tasks_store_clear_spool(tasks->store, own, err) && forget(tasks, err);
}

bool tasks_update(struct tasks *tasks, const struct task *t, struct error *err)
{
    pthread_mutex_lock(&tasks->lock);
    bool ok = update(tasks, t, err);
    pthread_mutex_unlock(&tasks->lock);
    return ok;
}
