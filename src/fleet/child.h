/* child.h: the process that does a shard's job, and the few words of memory that it shares with its parent. It never
 * outlives that. */
#ifndef BOBBIN_FLEET_CHILD_H
#define BOBBIN_FLEET_CHILD_H

#include <sys/types.h>

#include "job/job.h"

struct child;

/* Fork: the child runs O's job from both ends and exits with its status. O is borrowed. ERROR_MEMORY. The caller has no threads, and
 * no spool open. */
MUST_CHECK bool child_start(struct child **out, const struct job_options *o, struct error *err);

/* It may send and acknowledge until clock_boot_ms() is UNTIL_MS. */
void child_allow(struct child *c, int64_t until_ms);

/* Ask it to end early, as SIGTERM does. */
void child_ask_to_stop(struct child *c);

/* Has it ended? *STATUS: its exit status, or PROCESS_BY_SIGNAL (base/process.h) + the signal. */
bool child_has_ended(struct child *c, int *status);

/* End it now, if it runs, and wait for that. Frees C; NULL is ignored. */
void child_end(struct child *c);

#endif
