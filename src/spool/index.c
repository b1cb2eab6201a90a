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
#include "spool/record.h"

enum table { TABLE_META, TABLE_PARTS, TABLE_PENDING, TABLE_DONE, TABLE_SEGMENTS, TABLES };
enum meta { META_JOB = 1, META_DESCRIPTION = 2, META_TARGET = 3 };

static const char *const table_names[TABLES] = {"meta", "parts", "frames", "done", "segments"};

enum {
    FILE_MODE = 0600,
    READERS = 16,
    LEAST_BYTES = 2 * 4096,     // LMDB begins with two pages, and this is the smallest size of one
    MAGIC_AT = 16,              // in each of them, in the machine's byte order (mdb.c, MDB_meta)
    RECORD_MAX_BYTES = 4 << 20, // the description holds the query, up to 1 MiB, as JSON
};

static size_t map_bytes(void)
{
    return sizeof(size_t) > 4 ? (size_t)1 << 36 : (size_t)1 << 29; // address space, not disk
}

struct index {
    MDB_env *env;
    MDB_dbi tables[TABLES];
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

static int open_environment(struct index *index, const char *directory, enum index_mode mode)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", directory, INDEX_FILE) >= (int)sizeof path)
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

/* No file, or its making was cut short: no tables, or no bytes, which LMDB can't read (EBADF). */
static bool is_absent(int rc)
{
    return rc == ENOENT || rc == MDB_NOTFOUND || rc == EBADF;
}

bool index_open(struct index **out, const char *directory, enum index_mode mode, struct error *err)
{
    struct index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return error_set_memory(err);
    pthread_mutex_init(&index->writer, NULL);
    int rc = open_environment(index, directory, mode);
    int dead_readers;
    if (rc == 0 && mode == INDEX_WRITE)
        rc = mdb_reader_check(index->env, &dead_readers);
    if (rc == 0)
        rc = open_tables(index, mode);
    if (rc != 0) {
        index_close(index);
        *out = NULL;
        if (mode == INDEX_READ && is_absent(rc))
            return true;
        return lmdb_failed(rc, "can't be opened", err);
    }
    *out = index;
    return true;
}

void index_close(struct index *index)
{
    if (index == NULL)
        return;
    mdb_env_close(index->env);
    pthread_mutex_destroy(&index->writer);
    free(index);
}

bool index_is_cut_short(int dir, bool *is_short, struct error *err)
{
    char page[MAGIC_AT + sizeof(uint32_t)] = {0};
    const uint32_t magic = 0xBEEFC0DE;
    uint64_t size = 0;
    size_t got;
    int fd;
    if (!file_open(&fd, dir, INDEX_FILE, false, err))
        return false;
    bool ok = fd < 0 || (file_size(fd, INDEX_FILE, &size, err) &&
                         file_read_at(fd, INDEX_FILE, 0, page, sizeof page, &got, err));
    file_close(&fd);
    *is_short = size < LEAST_BYTES && memcmp(page + MAGIC_AT, &magic, sizeof magic) == 0;
    return ok;
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

/* Store the record built in txn->record under NUMBER. */
static bool put_record(struct index_txn *txn, enum table table, uint64_t number, struct error *err)
{
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, number);
    record_seal(&txn->record);
    if (!buffer_check(&txn->record, "an index record", err))
        return false;
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val value = {txn->record.size, txn->record.data};
    int rc = mdb_put(txn->lmdb, txn->index->tables[table], &key, &value, 0);
    return rc == 0 || lmdb_failed(rc, "can't be written", err);
}

/* The first record whose number is *NUMBER or more; *NUMBER becomes its number. */
static bool next_record(struct index_txn *txn, enum table table, uint64_t *number,
                        struct slice *value, bool *found, struct error *err)
{
    MDB_cursor *cursor;
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, *number);
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val data = {0, NULL};
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
    *value = (struct slice){data.mv_data, data.mv_size};
    if (key.mv_size != sizeof key_bytes || !record_open(value))
        return error_set(err, ERROR_DAMAGED, "%s: a record of table \"%s\" is damaged", INDEX_FILE,
                         table_names[table]);
    *number = load_u64_big_endian(key.mv_data);
    return true;
}

static bool delete_record(struct index_txn *txn, enum table table, uint64_t number,
                          struct error *err)
{
    unsigned char key_bytes[8];
    store_u64_big_endian(key_bytes, number);
    MDB_val key = {sizeof key_bytes, key_bytes};
    int rc = mdb_del(txn->lmdb, txn->index->tables[table], &key, NULL);
    return rc == 0 || rc == MDB_NOTFOUND || lmdb_failed(rc, "can't be written", err);
}

/* A record that was read but whose fields don't fill it exactly. */
static bool check_fields(bool is_good, enum table table, struct error *err)
{
    return is_good || error_set(err, ERROR_DAMAGED, "%s: a record of table \"%s\" is malformed",
                                INDEX_FILE, table_names[table]);
}

static bool get_meta(struct index_txn *txn, enum meta number, struct slice *value, bool *found,
                     struct error *err)
{
    uint64_t at = (uint64_t)number;
    if (!next_record(txn, TABLE_META, &at, value, found, err))
        return false;
    *found = *found && at == (uint64_t)number;
    return true;
}

bool index_get_job(struct index_txn *txn, struct index_job *job, bool *found, struct error *err)
{
    struct slice value;
    if (!get_meta(txn, META_JOB, &value, found, err))
        return false;
    if (*found && record_format(value) != RECORD_FORMAT)
        return error_set(err, ERROR_CONFIG,
                         "%s: format %u, and this bobbin reads format %d: finish the job with the "
                         "version that began it",
                         INDEX_FILE, record_format(value), RECORD_FORMAT);
    return !*found || check_fields(record_get_job(value, job), TABLE_META, err);
}

bool index_put_job(struct index_txn *txn, const struct index_job *job, struct error *err)
{
    record_put_job(&txn->record, job);
    return put_record(txn, TABLE_META, META_JOB, err);
}

static bool get_text(struct index_txn *txn, enum meta number, struct slice *text, struct error *err)
{
    bool found;
    struct slice value;
    if (!get_meta(txn, number, &value, &found, err))
        return false;
    *text = found ? value : (struct slice){"", 0};
    return true;
}

static bool put_text(struct index_txn *txn, enum meta number, struct slice text, struct error *err)
{
    buffer_clear(&txn->record);
    buffer_append(&txn->record, text.data, text.size);
    return put_record(txn, TABLE_META, number, err);
}

bool index_get_description(struct index_txn *txn, struct slice *text, struct error *err)
{
    return get_text(txn, META_DESCRIPTION, text, err);
}

bool index_put_description(struct index_txn *txn, struct slice text, struct error *err)
{
    return put_text(txn, META_DESCRIPTION, text, err);
}

bool index_get_target(struct index_txn *txn, struct slice *uuids, struct error *err)
{
    return get_text(txn, META_TARGET, uuids, err);
}

bool index_put_target(struct index_txn *txn, struct slice uuids, struct error *err)
{
    return put_text(txn, META_TARGET, uuids, err);
}

bool index_next_part(struct index_txn *txn, uint32_t number, struct index_part *part, bool *found,
                     struct error *err)
{
    uint64_t at = number;
    struct slice value;
    if (!next_record(txn, TABLE_PARTS, &at, &value, found, err))
        return false;
    if (!*found)
        return true;
    part->number = (uint32_t)at;
    return check_fields(record_get_part(value, part), TABLE_PARTS, err);
}

bool index_put_part(struct index_txn *txn, const struct index_part *part, struct error *err)
{
    record_put_part(&txn->record, part);
    return put_record(txn, TABLE_PARTS, part->number, err);
}

static enum table table_of(enum frame_table table)
{
    return table == FRAMES_PENDING ? TABLE_PENDING : TABLE_DONE;
}

bool index_next_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                      struct index_frame *frame, bool *found, struct error *err)
{
    struct slice value;
    if (!next_record(txn, table_of(table), &number, &value, found, err))
        return false;
    if (!*found)
        return true;
    frame->number = number;
    return check_fields(record_get_frame(value, frame), table_of(table), err);
}

bool index_put_frame(struct index_txn *txn, enum frame_table table, const struct index_frame *frame,
                     struct error *err)
{
    record_put_frame(&txn->record, frame);
    return put_record(txn, table_of(table), frame->number, err);
}

bool index_delete_frame(struct index_txn *txn, enum frame_table table, uint64_t number,
                        struct error *err)
{
    return delete_record(txn, table_of(table), number, err);
}

bool index_next_segment(struct index_txn *txn, uint32_t number, struct index_segment *segment,
                        bool *found, struct error *err)
{
    uint64_t at = number;
    struct slice value;
    if (!next_record(txn, TABLE_SEGMENTS, &at, &value, found, err))
        return false;
    if (!*found)
        return true;
    segment->number = (uint32_t)at;
    return check_fields(record_get_segment(value, segment), TABLE_SEGMENTS, err);
}

bool index_put_segment(struct index_txn *txn, const struct index_segment *segment,
                       struct error *err)
{
    record_put_segment(&txn->record, segment);
    return put_record(txn, TABLE_SEGMENTS, segment->number, err);
}

bool index_delete_segment(struct index_txn *txn, uint32_t number, struct error *err)
{
    return delete_record(txn, TABLE_SEGMENTS, number, err);
}
