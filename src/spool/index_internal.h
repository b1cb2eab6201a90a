/* index_internal.h: what index.c (the only LMDB) offers to index_records.c: bytes under a number in a table. */
#ifndef BOBBIN_SPOOL_INDEX_INTERNAL_H
#define BOBBIN_SPOOL_INDEX_INTERNAL_H

#include "spool/record.h"

/* Where the next record to be put is built: its fields. */
struct buffer *index_record(struct index_txn *txn);

/* Seal what index_record holds and store it under NUMBER. */
bool index_put_record(struct index_txn *txn, enum table table, uint64_t number, struct error *err);

/* The fields of the first record whose number is *NUMBER or more, with a good check; *NUMBER becomes its
 * number. */
bool index_next_record(struct index_txn *txn, enum table table, uint64_t *number,
                       struct slice *value, bool *found, struct error *err);

/* Delete a record; one that is absent is success. */
bool index_delete_record(struct index_txn *txn, enum table table, uint64_t number,
                         struct error *err);

const char *index_table_name(enum table table);

#endif
