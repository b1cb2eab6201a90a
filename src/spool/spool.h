/* spool.h: a job's segments and index as one thing, and the invariant between them:
 *
 *   - a frame is in the index only after its bytes are durable in a segment;
 *   - a frame leaves the pending ones only after all its documents are in the cluster or durable in
 * the dead-letter file;
 *   - rows = acknowledged + dead + pending, in every commit.
 *
 * After a crash: bytes that the index doesn't know are cut; frames that the index knows and the
 * disk doesn't have become a part again, so their key range is dumped again; begun deletions are
 * finished. One dump and one replay work on a spool at a time, in one process or two. */
#ifndef BOBBIN_SPOOL_SPOOL_H
#define BOBBIN_SPOOL_SPOOL_H

#include "spool/index.h"

enum spool_role { SPOOL_READER = 0, SPOOL_DUMP = 1, SPOOL_REPLAY = 2 }; // bits

struct spool_options {
    const char *path;       // borrowed
    unsigned roles;         // what is locked: SPOOL_DUMP | SPOOL_REPLAY
    uint64_t max_bytes;     // --spool-max; 0: no bound
    uint64_t segment_bytes; // a segment that passes this is followed by a new one
    bool keeps_segments;    // --keep: acknowledged segments stay, and max_bytes doesn't apply
};

struct spool;

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

/* Read FRAME's body into BYTES, with good checksums; *BODY borrows. *WHY as segment_read says. */
MUST_CHECK bool spool_read_frame(struct spool *s, const struct index_frame *frame,
                                 struct buffer *bytes, struct slice *body, const char **why,
                                 struct error *err);

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

/* A pending frame can't be read: its key range becomes a part to dump again; a repair's is forgotten. */
MUST_CHECK bool spool_lose_frame(struct spool *s, uint64_t number, struct error *err);

/* Nothing is pending and no part is left: note when. *IS_FINISHED says whether it is so. */
MUST_CHECK bool spool_finish_replay(struct spool *s, bool *is_finished, struct error *err);

/* Does another process (or, with OWN, this one) hold the role? */
bool spool_is_held(const struct spool *s, enum spool_role role);

/* The directory's descriptor, borrowed, for the dead-letter file. */
int spool_directory(const struct spool *s);

/* --- looking --- */

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
