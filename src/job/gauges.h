/* gauges.h: a job's numbers in a file that node_exporter's textfile collector reads (--metrics): written anew every ten
 * seconds and at the end, each time whole.
 *
 * A file that can't be written harms no job: that is told once. A process that is killed leaves what it wrote last, so
 * each file has the time of its writing. All functions but gauges_open take NULL, and then do nothing. */
#ifndef BOBBIN_JOB_GAUGES_H
#define BOBBIN_JOB_GAUGES_H

#include "spool/index.h"

/* One number of a job. Its name is what follows bobbin_job_ (and bobbin_task_ in serve's metrics). */
struct gauge {
    const char *name, *help;
    uint64_t (*value)(const struct index_job *job);
};

enum { GAUGES = 7, GAUGES_OF_TASKS = 5 }; // the first of them are a task's too

extern const struct gauge job_gauges[GAUGES];

struct gauges;

/* Begin file PATH: the job runs. INDEX (NULL: not known yet) and SHARD (NULL: none) are the labels; copied. When
 * the last success was is taken over from the file that is there. ERROR_CONFIG or ERROR_DISK when PATH can't be written. */
MUST_CHECK bool gauges_open(struct gauges **out, const char *path, const char *index,
                            const char *shard, struct error *err);

/* The index, unless it is known already; the shard from now on. */
void gauges_name_index(struct gauges *g, const char *index);
void gauges_name_shard(struct gauges *g, size_t number);

/* Is the file ten seconds old? */
bool gauges_are_due(const struct gauges *g);

/* Write it with JOB's numbers; they stay until the next ones. */
void gauges_put(struct gauges *g, const struct index_job *job);

/* Write it without: no shard is at work. */
void gauges_rest(struct gauges *g);

/* Write it a last time, with the exit STATUS. Frees G. */
void gauges_close(struct gauges *g, int status);

#endif
