/* runner.h: the process that does a task: this program again, as `bobbin run` with the model's config file and
 * the task's table, index, range and spool on its command line: names and numbers only. What is secret stands in
 * the model's file, or in the environment, which is inherited. */
#ifndef BOBBIN_SERVE_RUNNER_H
#define BOBBIN_SERVE_RUNNER_H

#include "serve/task.h"

struct runner;

/* Start the child of task T, whose model's file is CONFIG and whose spool is SPOOL. ERROR_MEMORY. */
MUST_CHECK bool runner_start(struct runner **out, const struct task *t, const char *config,
                             const char *spool, struct error *err);

/* Kill it, if it still runs: what is on disk is good at every moment. NULL is ignored. */
void runner_free(struct runner *c);

/* Readable when it says something or has ended; -1 when it will say no more. Only to poll. */
int runner_fd(const struct runner *c);

/* Log what it has said as task T's, and remember its last complaint. Doesn't wait. */
void runner_listen(struct runner *c, const struct task *t);

/* Has it ended? *STATUS as process_has_ended says. Doesn't wait. */
bool runner_has_ended(struct runner *c, int *status);

/* Ask it to stop: it commits and ends with status 75, within some seconds. Again: it ends at once. */
void runner_stop(struct runner *c);

/* Why it ended with STATUS, in its own words when it had any. */
void runner_explain(const struct runner *c, int status, char out[TASK_ERROR_BYTES]);

/* Would the same command go on? So it is when it was stopped, killed, or something did not answer. */
bool runner_can_go_on(int status);

/* Read what the index of SPOOL says into OUT, which stays as it is when there is none yet, or it can't be read now. */
void runner_count(const char *spool, struct task_counts *out);

#endif
