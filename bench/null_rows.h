/* null_rows.h: the rows of null_source, made faster than anybody takes them. */
#ifndef BOBBIN_BENCH_NULL_ROWS_H
#define BOBBIN_BENCH_NULL_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { NULL_TITLE_MAX_BYTES = 512 << 10, NULL_ROW_BYTES = 64 /* of a row, besides its title */ };

/* Make the text that titles are cut from. Once, before threads start. */
void null_rows_begin(void);

/* Write row ID with a title of TITLE_BYTES as one CopyData message to OUT; its size. */
size_t null_rows_put(char *out, uint64_t id, size_t title_bytes);

#endif
