/* sample.h: where to split a range into shards of about equal numbers of rows, without reading all of its
 * keys: some pages of the table, taken at random, tell where the rows are. Within a transaction of the
 * caller's. */
#ifndef BOBBIN_SOURCE_SAMPLE_H
#define BOBBIN_SOURCE_SAMPLE_H

#include "source/query.h"

/* Split RANGE into at most COUNT parts, as window_split does, by a sample of the query's keys.
 *
 * The sample is the rows of random pages (TABLESAMPLE SYSTEM, manual, SELECT) of the table whose column the key
 * is, 10,000 of them at least and 100 for each part; those that the query leaves out or RANGE doesn't hold
 * are not counted. So a part is off its size by a tenth or so.
 *
 * *TOLD false: that can't tell where the rows are, and WHY (words, borrowed for ever) says why not: the key is no table's
 * column, or too few of the sampled rows are the query's. */
MUST_CHECK bool sample_split(struct pg *pg, const struct query *q, const struct key_range *range,
                             size_t count, struct key_range *parts, size_t *part_count,
                             struct buffer *keys, bool *told, const char **why, struct error *err);

#endif
