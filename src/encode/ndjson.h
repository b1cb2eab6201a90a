/* ndjson.h: lines of a file -> one bulk operation, as document.h makes one of a row. Pure; values are copied as
 * they stand, not written anew.
 *
 * The lines may be (NDJSON: https://github.com/ndjson/ndjson-spec)
 *
 *     {"id":7,"title":"seven"}                              documents, with the id in a field
 *     {"_index":"a","_id":"7","_source":{"title":"seven"}}  hits, as _search and elasticdump give them
 *     {"index":{"_id":"7"}}                                 bulk: an action line and, but for a delete,
 *     {"title":"seven"}                                     a source line
 *
 * Of a hit only "_id", "_source" and "_routing" count: the rest tells where it was, not where it goes. An action
 * may have "_id", "_index", "routing", "version" with "version_type" external (each also with the underscore
 * of old versions), and "_type", which is left out. */
#ifndef BOBBIN_ENCODE_NDJSON_H
#define BOBBIN_ENCODE_NDJSON_H

#include "encode/document.h"

enum ndjson_format { NDJSON_AUTO, NDJSON_DOCUMENTS, NDJSON_HITS, NDJSON_BULK };

struct ndjson_shape {
    enum ndjson_format format; // not AUTO
    const char *id_field;      // of documents; borrowed
    enum bulk_op op;           // of documents and hits
};

/* Which format does a file have that begins with LINE? NDJSON_AUTO: none that tells its ids. */
enum ndjson_format ndjson_detect(struct slice line);

/* "documents"; for messages. */
const char *ndjson_format_name(enum ndjson_format format);

/* Is LINE an action behind which a source line stands? */
bool ndjson_takes_source(struct slice line);

/* Is there nothing but white space? */
bool ndjson_is_blank(struct slice line);

struct ndjson_encoder;

/* Make an encoder for lines of SHAPE, which is copied. ERROR_MEMORY. */
MUST_CHECK bool ndjson_encoder_new(struct ndjson_encoder **out, const struct ndjson_shape *shape,
                                   struct error *err);
void ndjson_encoder_free(struct ndjson_encoder *e);

/* Append to OUT the lines of one operation. LINE: a document, a hit or an action; SOURCE: the line behind an action
 * that takes one, data NULL when the file ended. *RESULT as document_encode fills it, but for its key: it is the
 * caller's. What can't be an operation (no JSON, no UTF-8, no id, an action that bobbin doesn't know) is a
 * value: RESULT->is_dead; then OUT is as it was. ERROR_MEMORY. */
MUST_CHECK bool ndjson_encode(struct ndjson_encoder *e, struct slice line, struct slice source,
                              struct buffer *out, struct document_result *result,
                              struct error *err);

#endif
