/* source_hash.h: a hash of a JSON document that is the same for all its spellings. Pure.
 *
 * Two documents are equal, and hash alike, when they are the same JSON value: white space, the order of
 * an object's members and how characters are escaped don't count; a number counts by its exact decimal
 * value (1.50, 1.5 and 15e-1 are equal, 0.1 and 0.10000000000000001 are not), a member that is null
 * is not the same as an absent one, and an array is its elements in their order. A cluster that keeps
 * _source as it was sent gives equal documents; one that makes it anew (an ingest pipeline, synthetic
 * _source) may not. */
#ifndef BOBBIN_SINK_SOURCE_HASH_H
#define BOBBIN_SINK_SOURCE_HASH_H

#include <stdint.h>

#include "base/buffer.h"

/* *HASH: of JSON, one whole value. What can't be read as JSON hashes by its bytes. SCRATCH holds
 * unescaped strings; its content is thrown away. 64 bits: of documents that differ one in 1.8e19 is
 * taken for equal. ERROR_MEMORY when SCRATCH can't hold a string. */
MUST_CHECK bool source_hash(struct slice json, struct buffer *scratch, uint64_t *hash,
                            struct error *err);

#endif
