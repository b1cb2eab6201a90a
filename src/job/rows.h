/* rows.h: the rows of a job's query for one who only looks at them, window by window, over a connection that is
 * made again when it breaks. What a dump does with rows, and parts, is in dump_part.c. */
#ifndef BOBBIN_JOB_ROWS_H
#define BOBBIN_JOB_ROWS_H

#include "job/dump.h"

struct rows;

/* Take ROW, a line of COPY text. *KEY: its key, borrowed until the next call. */
typedef bool rows_take(void *context, struct slice row, struct slice *key, struct error *err);

/* D, which is opened and not to be run, is borrowed; its connection is taken over. ERROR_MEMORY. */
MUST_CHECK bool rows_new(struct rows **out, struct dump *d, struct error *err);
void rows_free(struct rows *r);

/* How many documents the job's range is to give, as window_count_documents says. */
MUST_CHECK bool rows_count(struct rows *r, const char *index, uint64_t *count, struct error *err);

/* Call TAKE once for each row of the job's range, in the key's order. A window that breaks is gone on with
 * behind its last row, and tried again until --give-up-after. Errors: pg.h's and TAKE's. */
MUST_CHECK bool rows_read_all(struct rows *r, rows_take *take, void *context, struct error *err);

enum { ROWS_KEYS_MAX = 1000 }; // in one statement

/* Call TAKE for each row that has one of COUNT keys, at most ROWS_KEYS_MAX. Tried once. */
MUST_CHECK bool rows_read_keys(struct rows *r, const struct slice *keys, size_t count,
                               rows_take *take, void *context, struct error *err);

#endif
