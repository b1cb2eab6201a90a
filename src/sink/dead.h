/* dead.h: the dead-letter file: documents that were refused for good, each with its error. dead_read.h
 * reads it.
 *
 * dead.ndjson, one JSON object a line: {"time", "id", "status", "error": {"type", "reason", ...},
 * "action": {...}, "source": {...}} for a document that the cluster refused; rows that could not
 * become a document come ready made (encode/document.h). Both end with a seal, since letters may be sent
 * again: "keys": [first, last] of the frame that the document was in, and "check": the XXH64 of all the
 * line's bytes before it, in hex. Append only. How many bytes are durable
 * stands in the spool's index; what lies behind them after a crash is cut, since those documents
 * are sent again. */
#ifndef BOBBIN_SINK_DEAD_H
#define BOBBIN_SINK_DEAD_H

#include <stdint.h>

#include "base/buffer.h"
#include "spool/spool.h"

#define DEAD_FILE SPOOL_DEAD_FILE

struct dead_file;

/* Open (or make) the file in directory DIR, durably, and cut it to SIZE bytes. DIR is borrowed for
 * the call only. ERROR_DISK; ERROR_DAMAGED, the file untouched, when it is shorter than SIZE;
 * ERROR_MEMORY. */
MUST_CHECK bool dead_open(struct dead_file **out, int dir, uint64_t size, struct error *err);

/* Close the file; NULL is ignored. What dead_append has not made durable may be lost. */
void dead_close(struct dead_file *d);

/* Format one letter, with its newline, into OUT (check it with buffer_check). ACTION and SOURCE are
 * the document's lines without newline; SOURCE is empty for a delete, and then left out. STATUS is
 * the item's HTTP status. ERROR_JSON is bulk_item's error value, kept whole ("caused_by" often says
 * most); what is no JSON object is kept as {"reason": text}; where it is empty, "reason" says that
 * none was given, or (STATUS 2xx) that the data stream has put the document into its failure store.
 * "id" is the action's _id, or null. ACTION or SOURCE that is no JSON (can't be: we made it) is kept
 * as a string. The line is always valid JSON in UTF-8: bytes that are no UTF-8 become U+FFFD. */
void dead_format(struct buffer *out, struct slice action, struct slice source, int status,
                 struct slice error_json);

/* Seal the letter that stands in OUT from START to its end, with the first and last key of its frame. */
void dead_seal(struct buffer *out, size_t start, const struct slice keys[2]);

enum { DEAD_CHECK_BYTES = 17 };

/* The check of a letter's BYTES, as a string. */
void dead_check(struct slice bytes, char out[DEAD_CHECK_BYTES]);

/* Append ready LINES and make them durable. *SIZE: the file's length after it, untouched on
 * failure. Sticky: after a failure every call fails with the same error. ERROR_DISK. */
MUST_CHECK bool dead_append(struct dead_file *d, struct slice lines, uint64_t *size,
                            struct error *err);

#endif
