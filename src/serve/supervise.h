/* supervise.h: does the tasks: starts their children, follows them, and says what becomes of each. */
#ifndef BOBBIN_SERVE_SUPERVISE_H
#define BOBBIN_SERVE_SUPERVISE_H

#include "serve/tasks.h"

enum {
    SUPERVISE_MOST = 64,            // children at the same time
    SUPERVISE_WAIT_MS = 1000,       // until one that ended early goes on; each time twice as long
    SUPERVISE_WAIT_MOST_MS = 30000, // but not longer than this
    SUPERVISE_LOOK_MS = 1000,       // how often a spool's index is looked at
    SUPERVISE_STOP_MS = 10000,      // a child that was asked to stop has so long
};

/* Do TASKS, MOST at the same time, with the models in MODELS (a directory) and STORE's spools, until a stop is
 * requested (base/stop.h). Then the children are stopped, too; their tasks stay active, for the next server to go on
 * with. A child that ended early, though the same command would go on, is started again, until its task has
 * made no progress for GIVE_UP_AFTER_MS.
 *
 * To be called by the thread that lives longest: children don't outlive it. Errors: what makes it impossible to go
 * on, ERROR_DISK and ERROR_MEMORY. */
MUST_CHECK bool supervise(struct tasks *tasks, const struct tasks_store *store, const char *models,
                          size_t most, int64_t give_up_after_ms, struct error *err);

#endif
