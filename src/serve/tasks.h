/* tasks.h: all tasks of a server, in memory and (tasks_store.h) on disk.
 *
 * Two threads share them: the one that answers requests adds tasks, looks at them and asks them to stop;
 * the supervisor (supervise.h) takes them up and says what becomes of them. All functions lock; what they
 * give is a copy. */
#ifndef BOBBIN_SERVE_TASKS_H
#define BOBBIN_SERVE_TASKS_H

#include "serve/tasks_store.h"

enum {
    TASKS_ACTIVE_MAX = 1000, // more are refused: nobody wants so many
    TASKS_ENDED_MAX = 500    // of these the oldest are forgotten
};

struct tasks;

/* Those that STORE (borrowed) has. */
MUST_CHECK bool tasks_open(struct tasks **out, struct tasks_store *store, struct error *err);
void tasks_close(struct tasks *tasks);

/* --- for requests --- */

/* Add a task that is to do WISH: when this returns true it is durable, and *ADDED. ERROR_UNAVAILABLE when there are
 * too many; ERROR_DISK. */
MUST_CHECK bool tasks_add(struct tasks *tasks, const struct wish *wish, struct task *added,
                          struct error *err);

/* Copy the task that ID names. False: there is none. */
bool tasks_get(struct tasks *tasks, const char *id, struct task *out);

/* Ask a task to stop. False: there is none. *WAS_ACTIVE false: it has ended, and nothing changes. */
bool tasks_ask_to_stop(struct tasks *tasks, const char *id, bool *was_active);

/* Copy all, the newest first: *OUT is the caller's to free. ERROR_MEMORY. */
MUST_CHECK bool tasks_list(struct tasks *tasks, struct task **out, size_t *count,
                           struct error *err);

/* --- for the supervisor --- */

/* Readable when a task was added or asked to stop since the last tasks_heard. */
int tasks_news_fd(const struct tasks *tasks);
void tasks_hear(struct tasks *tasks);

/* Take the oldest task that doesn't run and may be started at NOW_MS (monotonic clock): it is running from now on. One
 * that was asked to stop comes at once, also without HAS_ROOM, when no other does. False: there is none; look again
 * in *WAIT_MS, or (-1) when there is news. */
bool tasks_take(struct tasks *tasks, bool has_room, int64_t now_ms, struct task *out,
                int64_t *wait_ms);

/* Replace the task by T (its wish stays, and that it was asked to stop), also on disk when its state has changed: then
 * a spool that is not needed is removed, and the oldest of too many ended tasks are forgotten. */
MUST_CHECK bool tasks_update(struct tasks *tasks, const struct task *t, struct error *err);

#endif
