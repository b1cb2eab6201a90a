/* join.h: which rows are not in the index as they should be, and which documents are there that should not:
 * a join by id of two streams, in bounded memory. Pure but for its scratch file.
 *
 * Records of both streams are spread by a hash of their id over JOIN_BUCKETS lists on disk; then list after
 * list is read back, sorted and compared. A list that is too large for memory is spread once more, by
 * another hash. (Known as a Grace hash join: Kitsuregawa, Tanaka, Moto-oka, 1983.) */
#ifndef BOBBIN_JOB_JOIN_H
#define BOBBIN_JOB_JOIN_H

#include "job/scratch.h"

enum {
    JOIN_BUCKETS = 256,
    JOIN_BUCKET_BYTES = 2 << 20, // of records; a list that has more is spread again
    JOIN_LEVELS = 4,             // then it holds one id many times, and is read whole
};

/* Sorted in this order within an id. */
enum join_kind {
    JOIN_ROW,      // a row whose document must be in the index, with its hash
    JOIN_CREATE,   // the same, but sending it would not replace one that is there
    JOIN_UPDATE,   // a row that is part of a document: there must be one
    JOIN_DELETE,   // a row that says there is no document
    JOIN_UNFIT,    // a row that can't be a document: whatever is in the index stays
    JOIN_LETTER,   // a dead letter
    JOIN_DOCUMENT, // of the index
};

struct join_record {
    enum join_kind kind;
    struct slice id;
    struct slice routing; // data NULL: none
    struct slice place;   // a row's key; a document's index when that is not the job's; else empty
    uint64_t hash;        // of a row's or a document's source
};

enum join_verdict {
    JOIN_MISSING,   // the query has it, the index doesn't
    JOIN_DIFFERENT, // both have it, with another source or routing
    JOIN_EXTRA,     // the index has it, the query doesn't
    JOIN_UNDELETED, // the query deletes it, the index has it
    JOIN_DOUBLE,    // the index has it more than once: with another routing, or in another index
    JOIN_REFUSED,   // it is missing or different, and a dead letter says why; or its row is unfit
};
enum { JOIN_VERDICTS = JOIN_REFUSED + 1 };

struct join_counts {
    uint64_t rows;      // ids of the query whose document must be there
    uint64_t documents; // of the index
    uint64_t partial;   // of ROWS: updates, of which only the presence was looked at
    uint64_t verdicts[JOIN_VERDICTS];
};

/* A verdict. ROW is NULL for an extra document, DOCUMENT for a missing one. Good during the call. */
typedef bool join_tell(void *context, enum join_verdict verdict, const struct join_record *row,
                       const struct join_record *document, struct error *err);

struct join;

/* S is borrowed. ERROR_MEMORY. */
MUST_CHECK bool join_new(struct join **out, struct scratch *s, struct error *err);
void join_free(struct join *j);

/* Add a record of either stream, in any order. */
MUST_CHECK bool join_add(struct join *j, const struct join_record *record, struct error *err);

/* Compare all that was added; once. TELL is called for each verdict, in no certain order. Errors: those of
 * scratch.h, TELL's, and ERROR_STOPPED on a stop request. */
MUST_CHECK bool join_run(struct join *j, join_tell *tell, void *context, struct join_counts *counts,
                         struct error *err);

/* A record as bytes, appended to OUT, and back: OUT's slices borrow from BYTES. For lists of records that
 * are kept longer. */
void join_put_record(struct buffer *out, const struct join_record *record);
bool join_get_record(struct slice bytes, struct join_record *record);

#endif
