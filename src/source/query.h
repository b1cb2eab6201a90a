/* query.h: what the user's SELECT yields (columns, types, key), and the statements made from it.
 *
 * The SELECT becomes a subquery `q`; the range of keys is put around it, so that PostgreSQL pushes it
 * down to the table's index. Keys are text here: only the server compares them. */
#ifndef BOBBIN_SOURCE_QUERY_H
#define BOBBIN_SOURCE_QUERY_H

#include "base/column.h"
#include "base/range.h"
#include "source/pg.h"

enum { QUERY_MAX_BYTES = 1 << 20 };

struct query;

/* Ask the server what SELECT yields, within a transaction. SELECT may end with a semicolon or a comment.
 * KEY names its ordering column. Errors: ERROR_CONFIG when it doesn't parse, has no such column or an
 * unknown metadata column; and pg's. */
MUST_CHECK bool query_describe(struct query **out, struct pg *pg, const char *select,
                               const char *key, struct error *err);
void query_free(struct query *q);

/* The columns of a COPY row, in order; the array and its names live as long as Q. */
const struct document_column *query_columns(const struct query *q, size_t *count);

/* Which of them holds the key's text. */
size_t query_key_column(const struct query *q);

/* The key's type, as SQL writes it. */
const char *query_key_type(const struct query *q);

/* How column I came to be a field, in words: "jsonb" or "text[] by to_jsonb()". Borrowed. */
const char *query_column_origin(const struct query *q, size_t i);

/* Can two rows of the query have one key? Proven unique: the key is a table's column with a unique index
 * on it alone. (A join may still double rows: the dump sees that as equal neighbours.) */
bool query_key_is_unique(const struct query *q);

/* Append the statement's text to OUT. RANGE bounds the key. */

/* COPY of RANGE's rows in the key's order. */
MUST_CHECK bool query_put_copy(const struct query *q, struct pg *pg, const struct key_range *range,
                               struct buffer *out, struct error *err);

/* COPY of the rows that have one of COUNT keys. */
MUST_CHECK bool query_put_copy_of_keys(const struct query *q, struct pg *pg,
                                       const struct slice *keys, size_t count, struct buffer *out,
                                       struct error *err);

/* How many documents RANGE's rows give to index INDEX, of which OP is the operation of rows that name none: no
 * deletes, and no rows that are for another index. */
MUST_CHECK bool query_put_count(const struct query *q, struct pg *pg, const struct key_range *range,
                                const char *op, const char *index, struct buffer *out,
                                struct error *err);

/* The key of RANGE's row number ROWS (1 is the first), no row when there are fewer. */
MUST_CHECK bool query_put_bound(const struct query *q, struct pg *pg, const struct key_range *range,
                                uint64_t rows, struct buffer *out, struct error *err);

/* SELECT <what> FROM q within RANGE <tail>; "q.key" in WHAT and TAIL is written as QUERY_KEY. */
#define QUERY_KEY "\1"
MUST_CHECK bool query_put_select(const struct query *q, struct pg *pg, const char *what,
                                 const struct key_range *range, const char *tail,
                                 struct buffer *out, struct error *err);

/* TEXT as a literal of the key's type. */
MUST_CHECK bool query_put_key_literal(const struct query *q, struct pg *pg, struct slice text,
                                      struct buffer *out, struct error *err);

#endif
