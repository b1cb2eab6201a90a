/* index.h: the checkpoint index: what is durable, and what has become of it. The only LMDB.
 *
 * Five tables: the job's one record, parts, pending frames, done frames, segments. Every value
 * carries a check (XXH32), since LMDB has none. Several processes may have it open; writers take
 * turns.
 *
 * A commit that failed is never tried again: LMDB would report success the next time though bytes
 * may be missing. The index then refuses all work with that error; a new start reads what is on disk. Records hold
 * borrowed slices, good until the transaction ends; read transactions are short, as a long one
 * makes the file grow (lmdb.h, "Caveats"). */
#ifndef BOBBIN_SPOOL_INDEX_H
#define BOBBIN_SPOOL_INDEX_H

#include "base/range.h"
#include "spool/frame.h"

#define INDEX_FILE "index.mdb"
#define INDEX_NEW_FILE "index.mdb.new"

struct index;
struct index_txn;

/* The job's one record: identity, counters, ledger. rows = acknowledged + dead + dropped + pending,
 * always. */
struct index_job {
    struct job_id id;
    uint64_t next_frame; // numbers not given out yet
    uint32_t next_segment;
    uint32_t next_part;                           // of those made later (FRAME_LATER_PARTS)
    uint32_t parts;                               // how many there are
    uint64_t rows, acknowledged, dead, pending;   // the ledger, in documents
    uint64_t dropped;                             // of it: dead letters that were given up
    uint64_t frames, raw_bytes, compressed_bytes; // all that were ever written
    uint64_t spool_bytes;                         // length of all segments on disk
    uint64_t dead_bytes;                          // durable length of the dead-letter file
    uint64_t nulled;                              // values that JSON can't hold, written as null
    uint64_t requests, retries; // bulk requests answered; those and documents sent again
    uint64_t estimated_rows;    // or counted (--count), when the dump began; 0 unknown
    uint64_t snapshot_ms;       // when --snapshot dump's snapshot was taken; 0 none
    uint64_t started_ms, dumped_ms, finished_ms; // wall clock; 0 not yet
    uint64_t updated_ms;                         // the last commit
    uint32_t in_flight;                          // requests, at the last commit
};

/* Does the ledger? */
bool index_job_adds_up(const struct index_job *job);

struct index_part {
    uint32_t number;
    struct key_range range;
    bool has_last; // some rows are durable, up to and with `last`
    struct slice last;
    bool is_finished;
};

struct index_frame {
    uint64_t number;
    enum frame_kind kind;
    uint32_t part;
    uint32_t segment;
    uint64_t offset; // of the header
    uint64_t size;   // header and body
    uint64_t raw_size;
    uint32_t documents;
    struct slice first_key, last_key;
};

enum segment_state { SEGMENT_OPEN, SEGMENT_SEALED, SEGMENT_DELETING };

struct index_segment {
    uint32_t number;
    enum segment_state state;
    uint64_t size;
    uint64_t first_frame; // its frames are [first_frame, first_frame + frames)
    uint64_t frames;
    uint64_t pending; // frames that are not acknowledged
};

enum frame_table { FRAMES_PENDING, FRAMES_DONE };

/* INDEX_NEW: to write DIRECTORY/index.mdb.new, which is to take the other one's place. */
enum index_mode { INDEX_READ, INDEX_WRITE, INDEX_NEW };

/* Open DIRECTORY/index.mdb, made when missing and MODE is not INDEX_READ. With INDEX_READ a missing
 * one, or one whose making a crash cut short, gives *OUT = NULL and true. One handle for a process
 * at a time (lmdb.h, mdb_env_open). Errors: ERROR_DISK, ERROR_DAMAGED, ERROR_CONFIG for a file of
 * another LMDB version. */
MUST_CHECK bool index_open(struct index **out, const char *directory, enum index_mode mode,
                           struct error *err);
void index_close(struct index *index);

/* Begin a transaction; it belongs to this thread until it ends. WRITE waits for other writers. */
MUST_CHECK bool index_begin(struct index *index, bool write, struct index_txn **out,
                            struct error *err);

/* Make it all durable, or nothing. The transaction is over either way. */
MUST_CHECK bool index_commit(struct index_txn *txn, struct error *err);

/* End a transaction and drop its writes. NULL does nothing. */
void index_abort(struct index_txn *txn);

/* The job's record; *FOUND false in a new index. */
MUST_CHECK bool index_get_job(struct index_txn *txn, struct index_job *job, bool *found,
                              struct error *err);
MUST_CHECK bool index_put_job(struct index_txn *txn, const struct index_job *job,
                              struct error *err);

/* What the job is (JSON, as in job.json). */
MUST_CHECK bool index_get_description(struct index_txn *txn, struct slice *text, struct error *err);
MUST_CHECK bool index_put_description(struct index_txn *txn, struct slice text, struct error *err);

/* What the documents were sent to: the uuids of the indices, each with a newline behind it; empty
 * when nothing was sent yet. */
MUST_CHECK bool index_get_target(struct index_txn *txn, struct slice *uuids, struct error *err);
MUST_CHECK bool index_put_target(struct index_txn *txn, struct slice uuids, struct error *err);

/* What the file that the job reads was when the job began; empty when it reads none. */
MUST_CHECK bool index_get_input(struct index_txn *txn, struct slice *state, struct error *err);
MUST_CHECK bool index_put_input(struct index_txn *txn, struct slice state, struct error *err);

/* The first record whose number is NUMBER or more. */
MUST_CHECK bool index_next_part(struct index_txn *txn, uint32_t number, struct index_part *part,
                                bool *found, struct error *err);
MUST_CHECK bool index_put_part(struct index_txn *txn, const struct index_part *part,
                               struct error *err);

MUST_CHECK bool index_next_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                                 struct index_frame *frame, bool *found, struct error *err);
MUST_CHECK bool index_put_frame(struct index_txn *txn, enum frame_table table,
                                const struct index_frame *frame, struct error *err);

/* Delete a frame; one that is absent is success. */
MUST_CHECK bool index_delete_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                                   struct error *err);

MUST_CHECK bool index_next_segment(struct index_txn *txn, uint32_t number,
                                   struct index_segment *segment, bool *found, struct error *err);
MUST_CHECK bool index_put_segment(struct index_txn *txn, const struct index_segment *segment,
                                  struct error *err);
MUST_CHECK bool index_delete_segment(struct index_txn *txn, uint32_t number, struct error *err);

#endif
