/* action.h: bulk metadata -> the action line of one bulk operation. Pure; the values are plain
 * bytes, no longer COPY text.
 *
 * What it refuses is what makes Elasticsearch refuse the whole request, not the one document:
 * org.elasticsearch.action.index.IndexRequest#validate and ...action.bulk.BulkRequestParser. */
#ifndef BOBBIN_ENCODE_ACTION_H
#define BOBBIN_ENCODE_ACTION_H

#include "base/buffer.h"

enum bulk_op { BULK_INDEX, BULK_CREATE, BULK_UPDATE, BULK_DELETE };

/* The longest "_id", in bytes of UTF-8 (IndexRequest, MAX_DOCUMENT_ID_LENGTH_IN_BYTES). */
enum { DOCUMENT_ID_MAX_BYTES = 512 };

enum action_part { ACTION_ID, ACTION_INDEX, ACTION_ROUTING, ACTION_VERSION, ACTION_OP };
enum { ACTION_PARTS = ACTION_OP + 1 };

/* A value whose data is NULL is absent. */
struct action {
    enum bulk_op op;
    struct slice id;      // always needed
    struct slice index;   // absent: the request's
    struct slice routing; // absent: the id
    struct slice version; // external version; absent: counted by the cluster
};

/* Why an action can't be. */
struct action_refusal {
    enum action_part part; // to blame
    const char *reason;    // a static sentence
};

/* Find the operation that TEXT names in lower case: index, create, update, delete. False: none. */
MUST_CHECK bool action_parse_op(struct slice text, enum bulk_op *op);

/* Append A's line with its newline: {"index":{"_id":"7","_index":"a","routing":"b","version":3,
 * "version_type":"external"}}. False, with OUT as it was: the id is absent, empty or too long; the
 * index is empty; a value is no UTF-8; the version is no integer from 0 to 2^63-1, or stands with
 * create or update, which know no external versions. A full buffer is not told here: buffer_check.
 */
MUST_CHECK bool action_append(struct buffer *out, const struct action *a,
                              struct action_refusal *refusal);

#endif
