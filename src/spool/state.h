/* state.h: what a spool is made of, for the files of spool.h's implementation only: spool.c (open,
 * begin), look.c, write.c (the dump's side), acknowledge.c (the replay's side), recover.c. */
#ifndef BOBBIN_SPOOL_STATE_H
#define BOBBIN_SPOOL_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "spool/segment.h"
#include "spool/spool.h"

enum {
    COMMIT_BYTES = 32 << 20,  // at most so much is appended between two commits
    COMMIT_MS = 1000,         // and at most so long
    FRAME_MAX_BYTES = 1 << 30 // a frame with one huge document; all others end near a megabyte
};

/* A frame that is written and not yet in the index. */
struct unindexed {
    struct index_frame frame; // keys: offsets into `keys`, see write.c
    size_t first_key_at, last_key_at;
    uint64_t nulled;
};

struct spool {
    struct spool_options options;
    int dir;       // the directory, -1 while new
    int lock_file; // held locks end with it
    struct index *index;
    bool is_new;
    void (*on_frames)(void *context);
    void *listener;

    pthread_mutex_t lock; // guards all that follows: the dump's threads share it
    struct job_id id;
    struct segment *segment; // open for appending, or NULL
    uint32_t segment_number;
    uint64_t next_frame;
    struct unindexed *unindexed;
    size_t unindexed_count, unindexed_capacity;
    struct buffer keys;
    uint64_t unindexed_bytes;
    int64_t committed_ms; // monotonic
};

/* --- shared by the files --- */

/* Begin a transaction and read the job's record, which must be there. */
bool spool_begin_with_job(struct spool *s, bool write, struct index_txn **txn,
                          struct index_job *job, struct error *err);

/* Store the job's record with the time of now, and commit. TXN is over either way. */
bool spool_commit_with_job(struct index_txn *txn, struct index_job *job, struct error *err);

/* SEGMENT has changed: when it is sealed and done, and not to be kept, its deletion is intended now
 * and its frames leave the index. Store it. */
bool spool_put_segment(struct spool *s, struct index_txn *txn, struct index_segment *segment,
                       struct error *err);

/* Finish the deletions that the index intends. */
bool spool_delete_segments(struct spool *s, struct error *err);

/* Drop a pending FRAME and, unless it is a repair's, make a part of its key range. JOB changes. */
bool spool_turn_into_part(struct index_txn *txn, struct index_job *job,
                          const struct index_frame *frame, struct error *err);

/* Clear up what a crash left. For the dump's role, before anything is appended. */
bool spool_recover(struct spool *s, struct error *err);

#endif
