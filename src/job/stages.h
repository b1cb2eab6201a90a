/* stages.h: the stages of a job at work, each in a thread of its own, and how their ends make one. */
#ifndef BOBBIN_JOB_STAGES_H
#define BOBBIN_JOB_STAGES_H

#include "job/feed.h"
#include "job/replay.h"

/* What is to run; NULL for a stage that isn't. All are borrowed. */
struct stages {
    struct spool *spool;
    struct feed *feed;
    struct replay *replay;
    struct job_live *live;
};

/* Run them until all have ended; OBSERVE is called meanwhile, some times a second, in this thread. The
 * replay's failure, or the dump's when it is the disk's, ends the other too; else the replay sends what
 * is spooled. Of two errors the worse one counts (error_take_worse). */
MUST_CHECK bool stages_run(const struct stages *stages, job_observer *observe, void *context,
                           struct error *err);

#endif
