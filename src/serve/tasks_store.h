/* tasks_store.h: the server's state directory: what it must know again when it is started anew.
 *
 *     STATE/               0700; one server at a time
 *       lock
 *       ID.json            a task's record (task.h), replaced as a whole, durably
 *       ID.spool/          its job's spool, until the task is done or was stopped
 *
 * The record is written before the spool is removed: after a crash what is left of a task that has ended
 * is removed by tasks_store_load. */
#ifndef BOBBIN_SERVE_TASKS_STORE_H
#define BOBBIN_SERVE_TASKS_STORE_H

#include "serve/task.h"

enum { TASKS_STORE_PATH_BYTES = 4096 };

struct tasks_store;

/* Open directory PATH, made when missing. ERROR_BUSY when another server has it. */
MUST_CHECK bool tasks_store_open(struct tasks_store **out, const char *path, struct error *err);
void tasks_store_close(struct tasks_store *s);

/* Call SEE for each task that is kept, in no order. A record that can't be read is told in the log, and left alone. */
MUST_CHECK bool tasks_store_load(struct tasks_store *s,
                                 bool (*see)(void *context, const struct task *task,
                                             struct error *err),
                                 void *context, struct error *err);

/* Keep T as it is now, durably. */
MUST_CHECK bool tasks_store_put(struct tasks_store *s, const struct task *t, struct error *err);

/* Forget T: its spool goes, then its record. */
MUST_CHECK bool tasks_store_remove(struct tasks_store *s, const struct task *t, struct error *err);

/* Remove T's spool, if the rest of its work isn't in there: when it is done, or was stopped. */
MUST_CHECK bool tasks_store_clear_spool(struct tasks_store *s, const struct task *t,
                                        struct error *err);

/* The path of T's spool. */
void tasks_store_put_spool_path(const struct tasks_store *s, const struct task *t,
                                char out[TASKS_STORE_PATH_BYTES]);

#endif
