/* spool.h: a job's segments and index as one thing, and the invariant between them:
 *
 *   - a frame is in the index only after its bytes are durable in a segment;
 *   - a frame leaves the pending ones only after all its documents are in the cluster or durable in
 * the dead-letter file;
 *   - rows = acknowledged + dead + dropped + pending, in every commit.
 *
 * After a crash: bytes that the index doesn't know are cut; frames that the index knows and the
 * disk doesn't have become a part again, so their key range is dumped again; begun deletions are
 * finished. One dump and one replay work on a spool at a time, in one process or two. */
#ifndef BOBBIN_SPOOL_SPOOL_H
#define BOBBIN_SPOOL_SPOOL_H

#include "spool/index.h"

enum spool_role { SPOOL_READER = 0, SPOOL_DUMP = 1, SPOOL_REPLAY = 2 }; // bits

/* Called for each FRAME that is lost, and becomes a part again; its keys are good during the call. */
typedef void spool_loss_teller(const struct index_frame *frame, const char *why);

#define SPOOL_JOB_FILE "job.json"
#define SPOOL_DEAD_FILE "dead.ndjson"
enum { SPOOL_DESCRIPTION_MAX_BYTES = 4 << 20 }; // a query of 1 MiB, as JSON

struct spool_options {
    const char *path;             // borrowed
    unsigned roles;               // what is locked: SPOOL_DUMP | SPOOL_REPLAY
    uint64_t max_bytes;           // --spool-max; 0: no bound
    uint64_t segment_bytes;       // a segment that passes this is followed by a new one
    bool keeps_segments;          // --keep: acknowledged segments stay, and max_bytes doesn't apply
    spool_loss_teller *tell_loss; // or NULL
};

struct spool;
struct pieces;

/* Open the spool at OPTIONS->path and take the locks of its roles. A missing or empty directory is
 * not made: spool_is_new then says so, and only spool_begin may follow. With SPOOL_DUMP what a
 * crash left is cleared up first. ID, unless NULL, is the job that is wanted. Errors: ERROR_CONFIG
 * (another job's or another version's spool), ERROR_BUSY (locked), ERROR_DISK, ERROR_DAMAGED.
 * Nothing is touched before all these are checked. */
MUST_CHECK bool spool_open(struct spool **out, const struct spool_options *options,
                           const struct job_id *id, struct error *err);

/* Close; what was appended since the last commit is given up. */
void spool_close(struct spool *s);

bool spool_is_new(const struct spool *s);

/* Make a new spool: directory, index, job.json (DESCRIPTION, JSON), and the PARTS to dump. Durable.
 */
MUST_CHECK bool spool_begin(struct spool *s, const struct job_id *id, struct slice description,
                            const struct key_range *parts, size_t part_count,
                            uint64_t estimated_rows, struct error *err);

/* Forget a finished job: remove segments, dead letters and index. The spool is new again. */
MUST_CHECK bool spool_reset(struct spool *s, struct error *err);

/* The job's record now. */
MUST_CHECK bool spool_get_job(struct spool *s, struct index_job *job, struct error *err);

/* Append what the job is (JSON) to OUT. */
MUST_CHECK bool spool_get_description(struct spool *s, struct buffer *out, struct error *err);

/* Append what job.json in the spool's directory DIR says to OUT; *FOUND false when it is absent or too
 * long. */
MUST_CHECK bool spool_read_description_file(int dir, struct buffer *out, bool *found,
                                            struct error *err);

/* Append to OUT what the file that the job reads was when the job began; nothing when that is not known. */
MUST_CHECK bool spool_get_input(struct spool *s, struct buffer *out, struct error *err);

/* Note it, durably. */
MUST_CHECK bool spool_put_input(struct spool *s, struct slice state, struct error *err);

/* --- dump --- */

/* The first unfinished part numbered NUMBER or more; its slices are copied into KEYS (cleared
 * first). */
MUST_CHECK bool spool_next_part(struct spool *s, uint32_t number, struct index_part *part,
                                struct buffer *keys, bool *found, struct error *err);

/* Append a frame (its number, job, sizes and checksum are set here) with BODY, one zstd frame.
 * Commits when the last commit is 1 s or 32 MiB ago. Safe from several threads. */
MUST_CHECK bool spool_append(struct spool *s, struct frame *f, struct slice body, uint64_t nulled,
                             struct error *err);

/* Make all appended frames durable, segment first, then index. */
MUST_CHECK bool spool_commit(struct spool *s, struct error *err);

/* Commit if frames wait since a second or more. */
MUST_CHECK bool spool_commit_if_due(struct spool *s, struct error *err);

/* Commit, and PART needs no more dumping. */
MUST_CHECK bool spool_finish_part(struct spool *s, uint32_t part, struct error *err);

/* Commit, and seal the open segment. The end of a dump; when no part is left, the dump is done. */
MUST_CHECK bool spool_finish_dump(struct spool *s, struct error *err);

/* Is --spool-max reached? Commits first, so that the replay can make room. */
MUST_CHECK bool spool_is_full(struct spool *s, bool *is_full, struct error *err);

/* Note when --snapshot dump's snapshot was taken (wall clock); 0: it is over. */
MUST_CHECK bool spool_note_snapshot(struct spool *s, uint64_t wall_ms, struct error *err);

/* --- replay --- */

/* Called after each commit of frames, from the dump's thread. Set before threads start. */
void spool_set_listener(struct spool *s, void (*on_frames)(void *context), void *context);

/* The first frame of TABLE numbered NUMBER or more; keys are not set. */
MUST_CHECK bool spool_next_frame(struct spool *s, enum frame_table table, uint64_t number,
                                 struct index_frame *frame, bool *found, struct error *err);

/* Read FRAME's body into BYTES, with good checksums; *BODY and FRAME's keys borrow from it. *WHY as
 * segment_read says. */
MUST_CHECK bool spool_read_frame(struct spool *s, struct index_frame *frame, struct buffer *bytes,
                                 struct slice *body, const char **why, struct error *err);

/* The same for a frame of documents, without holding its body: HEADER is what FRAME's keys borrow from, and P
 * reads the body again while the frame is pending. */
MUST_CHECK bool spool_check_frame(struct spool *s, struct index_frame *frame, struct buffer *header,
                                  struct pieces *p, const char **why, struct error *err);

struct spool_acknowledgement {
    uint64_t number;       // the frame
    uint64_t acknowledged; // documents that the cluster has
    uint64_t dead;         // documents that are durable in the dead-letter file
};

struct spool_counters {
    uint64_t requests, retries; // since the last acknowledgement
    uint32_t in_flight;
};

/* Acknowledge COUNT frames in one commit; DEAD_BYTES is the dead-letter file's durable length.
 * Segments that are done are removed. */
MUST_CHECK bool spool_acknowledge(struct spool *s, const struct spool_acknowledgement *frames,
                                  size_t count, uint64_t dead_bytes,
                                  const struct spool_counters *counters, struct error *err);

/* A pending frame can't be read, for the reason WHY: its key range becomes a part to dump
 * again; a repair's is forgotten. */
MUST_CHECK bool spool_lose_frame(struct spool *s, uint64_t number, const char *why,
                                 struct error *err);

/* What the job's documents were sent to so far: uuids, each with a newline behind it, are appended
 * to OUT; nothing when nothing was sent. */
MUST_CHECK bool spool_get_target(struct spool *s, struct buffer *out, struct error *err);

/* Note, durably, what they are sent to from now on. */
MUST_CHECK bool spool_put_target(struct spool *s, struct slice uuids, struct error *err);

/* Nothing is pending and no part is left: note when. *IS_FINISHED says whether it is so. */
MUST_CHECK bool spool_finish_replay(struct spool *s, bool *is_finished, struct error *err);

/* --- dead letters (retry.c): both need SPOOL_REPLAY; all but spool_drop_letters SPOOL_DUMP too --- */

/* Append a frame of dead letters that are to be pending again, or (FRAME_DEAD_ROWS) written anew by the
 * replay. As spool_append, but in no commit before spool_commit_letters. F's keys are those that the
 * letters hold; its part is set here. */
MUST_CHECK bool spool_append_letters(struct spool *s, struct frame *f, struct slice body,
                                     struct error *err);

/* The row of KEY, whose letter is given up for it, is to be read again: it becomes a part with the next
 * spool_commit_letters. */
MUST_CHECK bool spool_read_row_again(struct spool *s, struct slice key, struct error *err);

/* Make what the two calls above have gathered durable, segment first, then index: their letters are dead no
 * more, and DEAD_BYTES is what the dead-letter file holds from now on: to be cut by the caller. */
MUST_CHECK bool spool_commit_letters(struct spool *s, uint64_t dead_bytes, struct error *err);

/* Seal the segment of the letters. */
MUST_CHECK bool spool_finish_letters(struct spool *s, struct error *err);

/* All dead letters are given up; the dead-letter file holds nothing from now on. *DROPPED: how many. */
MUST_CHECK bool spool_drop_letters(struct spool *s, uint64_t *dropped, struct error *err);

/* Does another process (or, with OWN, this one) hold the role? */
bool spool_is_held(const struct spool *s, enum spool_role role);

/* The directory's descriptor, borrowed, for the dead-letter file. */
int spool_directory(const struct spool *s);

/* --- looking --- */

/* Up to which key all is acknowledged (progress.c). */
struct spool_progress {
    bool has_key;      // else nothing is known to be
    bool is_inclusive; // all before the key; else all up to and with it
    uint64_t acknowledged,
        dead; // documents up to there, more or less when the job has several parts
    bool is_finished;
};

/* How far S is; the key is put into KEY. */
MUST_CHECK bool spool_get_progress(struct spool *s, struct spool_progress *p, struct buffer *key,
                                   struct error *err);

/* Remove all that the spool in directory PATH holds, whatever its state, but for its lock; no directory is success.
 * ERROR_BUSY when somebody works on it. */
MUST_CHECK bool spool_remove(const char *path, struct error *err);

/* The same unless its job is finished. */
MUST_CHECK bool spool_remove_unfinished(const char *path, struct error *err);

typedef void spool_teller(void *context, const char *problem);

/* Call TELL with a problem that is formatted as printf does; what is longer than 511 bytes is cut. */
void spool_tell(spool_teller *tell, void *context, const char *format, ...) PRINTF_LIKE(3, 4);

/* Does the index agree with itself: are parts, frames, segments and ledger complete, and do they say
 * the same? Each contradiction is one call of TELL. spool_open asks it for the dump's and the
 * replay's role. */
MUST_CHECK bool spool_check_index(struct spool *s, spool_teller *tell, void *context,
                                  struct error *err);

/* Call SEE for each segment of the index (READER role or any other). */
MUST_CHECK bool spool_each_segment(struct spool *s,
                                   bool (*see)(const struct index_segment *segment, void *context,
                                               struct error *err),
                                   void *context, struct error *err);

/* Call SEE for each part; its slices are good during the call. */
MUST_CHECK bool spool_each_part(struct spool *s,
                                bool (*see)(const struct index_part *part, void *context,
                                            struct error *err),
                                void *context, struct error *err);

/* Call SEE for each frame of TABLE; its slices are good during the call. */
MUST_CHECK bool spool_each_frame(struct spool *s, enum frame_table table,
                                 bool (*see)(const struct index_frame *frame, void *context,
                                             struct error *err),
                                 void *context, struct error *err);

#endif
