/* index_check.h: is index.mdb sound? Looks at the file itself, beside LMDB and before it. */
#ifndef BOBBIN_SPOOL_INDEX_CHECK_H
#define BOBBIN_SPOOL_INDEX_CHECK_H

#include <stddef.h>

#include "base/error.h"

/* ERROR_DAMAGED: what is wrong with the index, and what to do. Returns false. */
bool index_damaged(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* May LMDB open the file FD? *IS_ABSENT: it has no bytes. ERROR_DAMAGED; ERROR_CONFIG for another
 * version's; ERROR_DISK. */
MUST_CHECK bool index_check_metas(int fd, bool *is_absent, struct error *err);

/* Check all pages of the state that commit TXN made, while a read transaction holds them; TABLES as for
 * index_pages_check. *IS_FOUND false: two commits came since, and have written both meta pages anew. */
MUST_CHECK bool index_check_commit(int fd, size_t txn, const char *const *tables, size_t count,
                                   bool *is_found, struct error *err);

/* Has a full disk or a kill ended the making of INDEX_FILE in DIR within its first pages? Nothing was in
 * it, and it can't be opened: remove it. */
MUST_CHECK bool index_is_cut_short(int dir, bool *is_short, struct error *err);

#endif
