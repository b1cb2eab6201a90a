/* bulk.h: what a `_bulk` response says of each document. Pure.
 *
 * A response that can't be read whole says nothing: the documents' fate is unknown and they are
 * sent again. Elasticsearch reference, "Bulk API": items stand in the order of the operations. The
 * request asks for filter_path=took,errors,items.*.status,items.*.error,items.*.failure_store. */
#ifndef BOBBIN_SINK_BULK_H
#define BOBBIN_SINK_BULK_H

#include <stdint.h>

#include "base/buffer.h"

enum bulk_outcome {
    BULK_DONE,          // the cluster has it (or, for a delete, has it no more)
    BULK_RETRY,         // not now: the cluster's or the index's state is to blame, not the document
    BULK_BLOCKED,       // not now: the index takes no writes until somebody allows them again
    BULK_DEAD,          // refused for good
    BULK_INDEX_MISSING, // index_not_found_exception: stop
    BULK_MISCONFIGURED, // no document can come in like this: stop
    BULK_DENIED,        // 401, 403 that is no cluster block: stop
};

struct bulk_item {
    uint8_t outcome;                   // enum bulk_outcome
    uint16_t status;                   // the item's HTTP status
    uint32_t error_offset, error_size; // the item's "error" value in the response; size 0: none
};

enum { BULK_ERROR_TEXT_BYTES = 300 }; // most that bulk_describe_error appends

/* Read RESPONSE to a request of COUNT operations into ITEMS (room for COUNT). Streams over the
 * items: allocates nothing. The rules for an item, of which the first that fits holds:
 * - 2xx: done; but dead when failure_store is "used": a data stream has put the refused document
 *   aside (Elasticsearch 8.19, "Failure store"), and the response has no error
 * - cluster_block_exception (403, 429), index_closed_exception (400): blocked; a disk is full, or an
 *   operator wants no writes for now
 * - index_not_found_exception: index missing
 * - a pipeline that is missing, an alias without a write index (400, told by the reason):
 *   misconfigured
 * - 404 of a delete, without an error: done; it is absent
 * - 409 of an update: retry; two updates met
 * - 409 otherwise: done; a create found it there, an external version a newer one
 * - 408, 429, 5xx: retry
 * - 401, 403: denied
 * - any other 4xx: dead
 *
 * ERROR_UNAVAILABLE, ITEMS unspecified, when the response is no well-formed JSON from its first to
 * its last byte, is no bulk response, has another number of items, or an item without a status, with
 * one outside of 200-299 and 400-599, or with both a 2xx and an error. Members may come in any
 * order; unknown ones are stepped over. */
MUST_CHECK bool bulk_parse_response(struct slice response, size_t count, struct bulk_item *items,
                                    struct error *err);

/* Does an error value say that an index, or the cluster, takes no writes for now? */
bool bulk_is_block(struct slice error_json);

/* Append "type: reason" of an error value (an object, or in old versions a string), at most
 * BULK_ERROR_TEXT_BYTES, cut at a character's border, control characters as spaces. What is no JSON
 * is appended as it is, so cut. */
void bulk_describe_error(struct slice error_json, struct buffer *out);

#endif
