/* reindex.h: the cluster's own copying from index to index: a task that is started, found again, looked at. Knows not what is
 * left out. */
#ifndef BOBBIN_INDEX_REINDEX_H
#define BOBBIN_INDEX_REINDEX_H

#include "index/ask.h"

enum { REINDEX_TASK_BYTES = 256 };

struct reindex {
    const char *source, *into;    // indices
    json_t *query;                // which documents of the source; borrowed
    uint64_t requests_per_second; // 0: no bound
};

/* Has the cluster got _reindex? ERROR_CONFIG when not. */
MUST_CHECK bool reindex_check(struct question_hosts *hosts, const struct reindex *r,
                              struct error *err);

/* Start the task, or find the one that runs already, from the source into the target: started by an answer that was lost, or by a process
 * that was killed. Its bound is set to requests_per_second then. Documents that are there already stay as they are: so
 * two tasks, or a second one after a first that was lost, do no harm. */
MUST_CHECK bool reindex_start(struct question_hosts *hosts, const struct reindex *r,
                              char task[REINDEX_TASK_BYTES], struct error *err);

struct reindex_status {
    bool is_known;     // the cluster knows the task; not after its node was started anew
    bool is_completed; // it has ended
    uint64_t total, created, there; // documents; "there": they were there already
    bool has_failed;
    char failure[512]; // why, in the cluster's words: the first of FAILURES
    uint64_t failures;
    bool may_pass; // what it failed for: another task may succeed
};

/* Look at TASK. */
MUST_CHECK bool reindex_look(struct question_hosts *hosts, const struct reindex *r,
                             const char *task, struct reindex_status *status, struct error *err);

#endif
