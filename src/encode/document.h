/* document.h: one COPY row -> one bulk operation: an action line and (but for a delete) a source
 * line.
 *
 * Pure: bytes in, bytes out. Which columns there are and what each is for comes from
 * source/query.h; how COPY escapes a value, copytext.h; how a value becomes JSON, value.h;
 * metadata, action.h. */
#ifndef BOBBIN_ENCODE_DOCUMENT_H
#define BOBBIN_ENCODE_DOCUMENT_H

#include "base/buffer.h"
#include "base/column.h"
#include "encode/action.h"
#include "encode/value.h"

struct document_shape {
    const struct document_column *columns; // in the order of the COPY row; borrowed, as the name
    size_t column_count;
    size_t key;       // which column holds the key, of any role; "_id" defaults to it
    enum bulk_op op;  // when the row has no "_op"
    bool keeps_nulls; // --nulls keep: a NULL becomes null; otherwise it is left out
};

struct document_encoder;

/* Make an encoder for rows of SHAPE. Errors: ERROR_MEMORY; ERROR_CONFIG when a field's name is no
 * UTF-8 (a database in SQL_ASCII). */
MUST_CHECK bool document_encoder_new(struct document_encoder **out,
                                     const struct document_shape *shape, struct error *err);

/* Free E; NULL is allowed. */
void document_encoder_free(struct document_encoder *e);

struct document_result {
    struct slice key;     // the key's value, unescaped; good until the next row; no data when NULL
    struct slice id;      // the document's id, likewise: of COLUMN_ID, or else the key
    enum bulk_op op;      // with what follows undefined when is_dead
    struct slice index;   // of COLUMN_INDEX, likewise; no data when there is none
    struct slice routing; // of COLUMN_ROUTING
    size_t source_at;     // where the source line begins behind the start; at a delete's end
    bool is_dead;         // the row can't be a document: nothing was appended
    const char *reason;   // why, when is_dead: a static sentence; else NULL
    const char *column; // which column is to blame, when is_dead: its name in the shape; else NULL
    unsigned nulled; // numbers and timestamps that JSON can't hold, written as null; 0 when is_dead
};

/* Append to OUT the lines of ROW, a line of COPY text format with or without its newline:
 *
 *     {"index":{"_id":"7"}}                     and {"create": likewise
 *     {"title":"seven","width":7}
 *     {"update":{"_id":"7"}}
 *     {"doc":{"title":"seven"},"doc_as_upsert":true}
 *     {"delete":{"_id":"7"}}                    its fields are not looked at
 *
 * Metadata that is NULL is left out, but for the id. A row that can't become valid UTF-8 JSON
 * (bytes that are no UTF-8, a value that is not of its type) or whose metadata action_append
 * refuses is a value, not an error: RESULT->is_dead. Errors: ERROR_MEMORY when OUT is full;
 * ERROR_BUG when the row has another number of columns than the shape. Dead or on an error, OUT's
 * content is as it was (but a full buffer stays marked as failed). */
MUST_CHECK bool document_encode(struct document_encoder *e, struct slice row, struct buffer *out,
                                struct document_result *result, struct error *err);

/* Append to OUT one dead letter (one JSON line, as sink/dead.h describes it) for a ROW that
 * document_encode found dead: "id" (when there is one that is UTF-8), "error": {"type":
 * "bobbin_encode", "reason", "column"}, "row": the COPY text without its newline in base64. A full
 * buffer is not told here: buffer_check. */
void document_dead_letter(struct slice row, const struct document_result *result,
                          struct buffer *out);

#endif
