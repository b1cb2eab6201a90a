/* dump_internal.h: what dump.c, dump_part.c and plan.c share. Nobody else includes it. */
#ifndef BOBBIN_JOB_DUMP_INTERNAL_H
#define BOBBIN_JOB_DUMP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "job/dump.h"
#include "job/frames.h"
#include "source/window.h"

struct dump {
    const struct job_options *options;
    struct job_live *live;
    struct query *query;
    struct key_range range; // --from, --to
    struct pg *pg;          // the first connection; in --snapshot dump it holds the snapshot
    struct key_range parts[JOB_PARTS_MAX]; // planned for a new job
    size_t part_count;
    struct buffer part_keys; // the parts' bounds
    uint64_t estimated_rows;
    struct spool *spool;
    struct buffer snapshot;
    const char *snapshot_id;       // stands in `snapshot`; NULL: each window sees its own
    bool is_standby;               // the snapshot is a standby's
    pthread_mutex_t snapshot_lock; // guards pg while it holds the snapshot, and what follows
    struct error snapshot_err;     // how it was lost

    atomic_bool has_failed; // a part has, for good: the others end after their window

    pthread_mutex_t lock; // guards what follows
    uint32_t next_part;   // parts below this one are taken or finished
};

/* How the rows of D's query become documents. */
struct document_shape dump_shape(const struct dump *d);

/* Is the snapshot still held? An error when not: to all who ask the one that the first was given, as only
 * that tells why the session ended. */
bool dump_check_snapshot(struct dump *d, struct error *err);

/* Dump part after part until none is left; the body of one of --jobs threads. */
bool dump_parts(struct dump *d, struct error *err);

/* Take the next unfinished part; its keys are copied into KEYS. */
bool dump_take_part(struct dump *d, struct index_part *part, struct buffer *keys, bool *found,
                    struct error *err);

#endif
