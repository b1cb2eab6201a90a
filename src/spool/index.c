/* index.c: see index.h. Records are little-endian fields and a check; docs/spool-format.md has
 * them. */
#include "spool/index.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <lmdb.h>

#include "base/file.h"
#include "spool/index_check.h"
#include "spool/index_internal.h"
#include "spool/index_map.h"

static const char *const table_names[TABLES] = {"done", "frames", "meta", "parts", "segments"};

enum {
    FILE_MODE = 0600,
    READERS = 16,
    LOOKS = 1000,               // at a file that others commit to meanwhile
    RECORD_MAX_BYTES = 4 << 20, // the description holds the query, up to 1 MiB, as JSON
};

static size_t map_bytes(void)
{
    return sizeof(size_t) > 4 ? (size_t)1 << 34
                              : (size_t)1 << 29; // address space, not disk; valgrind refuses more
}

struct index {
    MDB_env *env;
    MDB_dbi tables[TABLES];
    struct index_map map;
    pthread_mutex_t writer; // held while this process has a transaction that writes
    struct error failure;   // of the commit that failed: set once, before has_failed
    atomic_bool has_failed;
};

struct index_txn {
    struct index *index;
    MDB_txn *lmdb;
    bool is_writer;
    struct buffer record;
};

static enum error_kind kind_of(int rc)
{
    switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ERROR_DAMAGED;
    case MDB_VERSION_MISMATCH:
        return ERROR_CONFIG;
    case ENOMEM:
        return ERROR_MEMORY;
    default:
        return ERROR_DISK;
    }
}

static bool lmdb_failed(int rc, const char *what, struct error *err)
{
    // A write that ended early is EIO to LMDB.
    const char *cause = rc == EIO ? "Input/output error, or no space left" : mdb_strerror(rc);
    return error_set(err, kind_of(rc), "%s: %s: %s", INDEX_FILE, what, cause);
}

/* --- open --- */

/* LMDB must not read a page that is not sound. */
static bool check_pages(struct index *index, int fd, struct error *err)
{
    bool is_found = false;
    for (int i = 0; i < LOOKS && !is_found; i++) {
        MDB_txn *txn;
        int rc = mdb_txn_begin(index->env, NULL, MDB_RDONLY, &txn);
        if (rc != 0)
            return lmdb_failed(rc, "no transaction", err);
        bool ok = index_check_commit(fd, mdb_txn_id(txn), table_names, TABLES, &is_found, err);
        mdb_txn_abort(txn);
        if (!ok)
            return false;
    }
    return is_found || index_damaged(err, "its meta pages are damaged");
}

static const char *file_name(enum index_mode mode)
{
    return mode == INDEX_NEW ? INDEX_NEW_FILE : INDEX_FILE;
}

static int open_environment(struct index *index, const char *directory, enum index_mode mode)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", directory, file_name(mode)) >= (int)sizeof path)
        return ENAMETOOLONG;
    int rc = mdb_env_create(&index->env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(index->env, map_bytes());
    if (rc == 0)
        rc = mdb_env_set_maxdbs(index->env, TABLES);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(index->env, READERS);
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD;
    if (mode == INDEX_READ)
        flags |= MDB_RDONLY;
    return rc == 0 ? mdb_env_open(index->env, path, flags, FILE_MODE) : rc;
}

static int open_tables(struct index *index, enum index_mode mode)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(index->env, NULL, mode == INDEX_READ ? MDB_RDONLY : 0, &txn);
    if (rc != 0)
        return rc;
    for (int t = 0; rc == 0 && t < TABLES; t++)
        rc = mdb_dbi_open(txn, table_names[t], mode == INDEX_READ ? 0 : MDB_CREATE,
                          &index->tables[t]);
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static int note_map(struct index *index)
{
    MDB_stat stat;
    int rc = mdb_env_stat(index->env, &stat);
    if (rc == 0)
        index_map_init(&index->map, map_bytes(), stat.ms_psize);
    return rc;
}

/* A file without tables: its making was cut short. */
static bool open_checked(struct index *index, const char *directory, enum index_mode mode, int fd,
                         bool *is_absent, struct error *err)
{
    int dead_readers;
    *is_absent = fd < 0;
    if (fd >= 0 && !index_check_metas(fd, is_absent, err))
        return false;
    if (*is_absent && mode == INDEX_READ)
        return true;
    int rc = open_environment(index, directory, mode);
    if (rc == 0 && mode != INDEX_READ)
        rc = mdb_reader_check(index->env, &dead_readers);
    if (rc == 0 && !*is_absent && !check_pages(index, fd, err))
        return false;
    if (rc == 0)
        rc = open_tables(index, mode);
    if (rc == 0)
        rc = note_map(index);
    *is_absent = mode == INDEX_READ && rc == MDB_NOTFOUND;
    return rc == 0 || *is_absent || lmdb_failed(rc, "can't be opened", err);
}

static bool open_file(int *fd, const char *directory, enum index_mode mode, struct error *err)
{
    int dir;
    *fd = -1;
    if (!file_open_directory(&dir, directory, false, err))
        return false;
    bool ok = dir < 0 || file_open(fd, dir, file_name(mode), false, err);
    file_close(&dir);
    return ok;
}

bool index_open(struct index **out, const char *directory, enum index_mode mode, struct error *err)
{
    bool is_absent;
    int fd;
    struct index *index = calloc(1, sizeof *index);
    *out = NULL;
    if (index == NULL)
        return error_set_memory(err);
    pthread_mutex_init(&index->writer, NULL);
    bool ok = open_file(&fd, directory, mode, err) &&
              open_checked(index, directory, mode, fd, &is_absent, err);
    file_close(&fd);
    if (ok && !is_absent)
        *out = index;
    else
        index_close(index);
    return ok;
}

void index_close(struct index *index)
{
    if (index == NULL)
        return;
    if (index->env != NULL)
        mdb_env_close(index->env);
    pthread_mutex_destroy(&index->writer);
    free(index);
}

/* No writer may begin between a commit that fails and the note that it has failed. */
static void free_transaction(struct index_txn *txn)
{
    if (txn->is_writer)
        pthread_mutex_unlock(&txn->index->writer);
    buffer_free(&txn->record);
    free(txn);
}

static bool fail_again(const struct index *index, struct error *err)
{
    *err = index->failure;
    return false;
}

static bool begin(struct index_txn *txn, struct error *err)
{
    struct index *index = txn->index;
    if (atomic_load(&index->has_failed))
        return fail_again(index, err);
    int rc = mdb_txn_begin(index->env, NULL, txn->is_writer ? 0 : MDB_RDONLY, &txn->lmdb);
    if (rc == MDB_PANIC && !txn->is_writer) { // a commit has failed, and is about to be noted
        pthread_mutex_lock(&index->writer);
        pthread_mutex_unlock(&index->writer);
        return fail_again(index, err);
    }
    return rc == 0 || lmdb_failed(rc, "no transaction", err);
}

bool index_begin(struct index *index, bool write, struct index_txn **out, struct error *err)
{
    struct index_txn *txn = calloc(1, sizeof *txn);
    if (txn == NULL)
        return error_set_memory(err);
    txn->index = index;
    txn->is_writer = write;
    buffer_init(&txn->record, RECORD_MAX_BYTES);
    if (write)
        pthread_mutex_lock(&index->writer);
    if (begin(txn, err)) {
        *out = txn;
        return true;
    }
    free_transaction(txn);
    return false;
}

bool index_commit(struct index_txn *txn, struct error *err)
{
    int rc = mdb_txn_commit(txn->lmdb);
    bool ok = rc == 0 || lmdb_failed(rc, "can't be committed", err);
    if (!ok)
        txn->index->failure = *err;
    atomic_store(&txn->index->has_failed, !ok);
    free_transaction(txn);
    return ok;
}

void index_abort(struct index_txn *txn)
{
    if (txn == NULL)
        return;
    mdb_txn_abort(txn->lmdb);
    free_transaction(txn);
}

/* --- records by number --- */

bool index_put_record(struct index_txn *txn, enum table table, uint64_t number, struct error *err)
{
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, number);
    record_seal(&txn->record, table, number);
    if (!buffer_check(&txn->record, "an index record", err))
        return false;
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val value = {txn->record.size, txn->record.data};
    index_map_write(&txn->index->map);
    int rc = mdb_put(txn->lmdb, txn->index->tables[table], &key, &value, 0);
    return rc == 0 || lmdb_failed(rc, "can't be written", err);
}

bool index_next_record(struct index_txn *txn, enum table table, uint64_t *number,
                       struct slice *value, bool *found, struct error *err)
{
    MDB_cursor *cursor;
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, *number);
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val data = {0, NULL};
    index_map_read(&txn->index->map);
    int rc = mdb_cursor_open(txn->lmdb, txn->index->tables[table], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        mdb_cursor_close(cursor);
    }
    *found = rc == 0;
    if (rc == MDB_NOTFOUND)
        return true;
    if (rc != 0)
        return lmdb_failed(rc, "can't be read", err);
    if (key.mv_size != sizeof key_bytes)
        return index_damaged(err, "a key of table \"%s\" is damaged", table_names[table]);
    if (!txn->is_writer) // a writer's value may be in a page of its own
        index_map_learn(&txn->index->map, data.mv_data);
    *value = (struct slice){data.mv_data, data.mv_size};
    *number = load_u64_big_endian(key.mv_data);
    return record_open(value, table, *number) ||
           index_damaged(err, "a record of table \"%s\" is damaged", table_names[table]);
}

bool index_delete_record(struct index_txn *txn, enum table table, uint64_t number,
                         struct error *err)
{
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, number);
    MDB_val key = {sizeof key_bytes, key_bytes};
    index_map_write(&txn->index->map);
    int rc = mdb_del(txn->lmdb, txn->index->tables[table], &key, NULL);
    return rc == 0 || rc == MDB_NOTFOUND || lmdb_failed(rc, "can't be written", err);
}

struct buffer *index_record(struct index_txn *txn)
{
    return &txn->record;
}

const char *index_table_name(enum table table)
{
    return table_names[table];
}
