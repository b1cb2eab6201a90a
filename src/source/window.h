/* window.h: which keys to read next, and the questions that are asked before the first row: does the
 * range make sense, is the key usable, how many rows may there be, where to split. All within a
 * transaction of the caller's. */
#ifndef BOBBIN_SOURCE_WINDOW_H
#define BOBBIN_SOURCE_WINDOW_H

#include "source/query.h"

/* The last key of the next window: the key of row number ROWS of LEFT, appended to UPTO. *FOUND false:
 * LEFT has fewer rows, so it is the last window. */
MUST_CHECK bool window_find_end(struct pg *pg, const struct query *q, const struct key_range *left,
                                uint64_t rows, struct buffer *upto, bool *found, struct error *err);

/* Are RANGE's bounds values of the key's type, and is from <= to? ERROR_USAGE otherwise. */
MUST_CHECK bool window_check_range(struct pg *pg, const struct query *q,
                                   const struct key_range *range, struct error *err);

/* A row without a key is in no range and would be left out silently; rows with equal keys would overwrite
 * each other. ERROR_CONFIG when a row has no key (asked of the whole query: no range would have it), or,
 * unless a unique index proves otherwise, when two rows of RANGE have one key. */
MUST_CHECK bool window_check_key(struct pg *pg, const struct query *q,
                                 const struct key_range *range, struct error *err);

/* The planner's estimate of RANGE's rows. */
MUST_CHECK bool window_estimate_rows(struct pg *pg, const struct query *q,
                                     const struct key_range *range, uint64_t *rows,
                                     struct error *err);

/* How many rows RANGE has. Reads all of its keys. */
MUST_CHECK bool window_count_rows(struct pg *pg, const struct query *q,
                                  const struct key_range *range, uint64_t *rows, struct error *err);

/* How many documents RANGE's rows are to be, as query_put_count says. */
MUST_CHECK bool window_count_documents(struct pg *pg, const struct query *q,
                                       const struct key_range *range, const char *op,
                                       const char *index, uint64_t *count, struct error *err);

/* Split RANGE into at most COUNT parts of equal numbers of rows. *PARTS has room for COUNT; their keys
 * stand in KEYS. *ROWS: how many there are. Reads all keys of the range. */
MUST_CHECK bool window_split(struct pg *pg, const struct query *q, const struct key_range *range,
                             size_t count, struct key_range *parts, size_t *part_count,
                             struct buffer *keys, uint64_t *rows, struct error *err);

#endif
