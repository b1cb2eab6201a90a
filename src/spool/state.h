/* state.h: what a spool is made of, for the files of spool.h's implementation only: spool.c (open,
 * begin), look.c, progress.c, check.c, write.c (the dump's side), acknowledge.c (the replay's side), retry.c (dead
 * letters), recover.c, reset.c. */
#ifndef BOBBIN_SPOOL_STATE_H
#define BOBBIN_SPOOL_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "spool/segment.h"
#include "spool/spool.h"

enum {
    COMMIT_BYTES = 32 << 20,  // at most so much is appended between two commits
    COMMIT_MS = 1000,         // and at most so long
    COMMIT_FRAMES = 1024,     // and at most so many frames: until then they are kept in memory
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
    struct buffer rows_again; // keys of dead rows that the next commit makes parts: put_slice
    uint64_t unindexed_bytes;
    int64_t committed_ms; // monotonic
};

/* --- shared by the files --- */

/* A spool of which nothing is open yet: to be closed by spool_close. */
bool spool_new(struct spool **out, const struct spool_options *options, struct error *err);

/* It is new again: nothing of it is open but its directory and lock. */
void spool_reset_state(struct spool *s);

/* Remove the index's files. */
bool spool_remove_index(struct spool *s, struct error *err);

/* Take the locks of its roles, in its open directory. */
bool spool_take_locks(struct spool *s, struct error *err);

/* Begin a transaction and read the job's record, which must be there. */
bool spool_begin_with_job(struct spool *s, bool write, struct index_txn **txn,
                          struct index_job *job, struct error *err);

/* Store the job's record with the time of now, and commit. TXN is over either way. */
bool spool_commit_with_job(struct index_txn *txn, struct index_job *job, struct error *err);

/* ERROR_DAMAGED when the index contradicts itself. */
bool spool_trust_index(struct spool *s, struct error *err);

/* SEGMENT has changed: when it is sealed and done, and not to be kept, its deletion is intended now
 * and its frames leave the index. Store it. */
bool spool_put_segment(struct spool *s, struct index_txn *txn, struct index_segment *segment,
                       struct error *err);

/* Finish the deletions that the index intends. */
bool spool_delete_segments(struct spool *s, struct error *err);

/* Drop a pending FRAME, tell WHY, and unless it is a repair's make a part of its key range. JOB changes. */
bool spool_turn_into_part(struct spool *s, struct index_txn *txn, struct index_job *job,
                          const struct index_frame *frame, const char *why, struct error *err);

/* Clear up what a crash left. For the dump's role, before anything is appended. */
bool spool_recover(struct spool *s, struct error *err);

/* --- for retry.c; S's lock is held --- */

/* What a commit says of dead letters beside the frames that hold them. */
struct retried {
    uint64_t dead_bytes;     // of the dead-letter file, from then on
    struct slice rows_again; // as in struct spool
};

/* Append a frame as spool_append does, but leave the commit to the caller. */
bool spool_write_locked(struct spool *s, struct frame *f, struct slice body, uint64_t nulled,
                        struct error *err);

/* Commit what is written, segment first; with SEAL no frame follows in the segment. RETRIED may be NULL. */
bool spool_commit_locked(struct spool *s, bool seal, const struct retried *retried,
                         struct error *err);

/* COUNT dead letters are dead no more. ERROR_BUG when there are not so many. */
bool spool_take_letters(struct index_job *job, uint64_t count, struct error *err);

/* Make RETRIED part of the commit that TXN is. JOB changes. */
bool spool_put_retried(struct index_txn *txn, struct index_job *job, const struct retried *retried,
                       struct error *err);

/* Add a part of the keys FIRST to LAST, both inclusive: it is to be dumped. JOB changes. */
bool spool_put_new_part(struct index_txn *txn, struct index_job *job, struct slice first,
                        struct slice last, struct error *err);

#endif
