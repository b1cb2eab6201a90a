/* index.c: see index.h. Records are little-endian fields and a check; docs/spool-format.md has
 * them. */
#include "spool/index.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <lmdb.h>

#include "base/file.h"
#include "spool/index_check.h"
#include "spool/record.h"

static const char *const table_names[TABLES] = {"done", "frames", "meta", "parts", "segments"};

enum {
    FILE_MODE = 0600,
    READERS = 16,
    LOOKS = 1000,               // at a file that others commit to meanwhile
    RECORD_MAX_BYTES = 4 << 20, // the description holds the query, up to 1 MiB, as JSON
};

static size_t map_bytes(void)
{
    return sizeof(size_t) > 4 ? (size_t)1 << 36 : (size_t)1 << 29; // address space, not disk
}

struct index {
    MDB_env *env;
    MDB_dbi tables[TABLES];
    atomic_bool has_failed;
};

struct index_txn {
    struct index *index;
    MDB_txn *lmdb;
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
    return error_set(err, kind_of(rc), "%s: %s: %s", INDEX_FILE, what, mdb_strerror(rc));
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
    free(index);
}

bool index_begin(struct index *index, bool write, struct index_txn **out, struct error *err)
{
    if (atomic_load(&index->has_failed))
        return error_set(err, ERROR_DISK, "%s failed before: start again from disk", INDEX_FILE);
    struct index_txn *txn = calloc(1, sizeof *txn);
    if (txn == NULL)
        return error_set_memory(err);
    int rc = mdb_txn_begin(index->env, NULL, write ? 0 : MDB_RDONLY, &txn->lmdb);
    if (rc != 0) {
        free(txn);
        return lmdb_failed(rc, "no transaction", err);
    }
    txn->index = index;
    buffer_init(&txn->record, RECORD_MAX_BYTES);
    *out = txn;
    return true;
}

static void free_transaction(struct index_txn *txn)
{
    buffer_free(&txn->record);
    free(txn);
}

bool index_commit(struct index_txn *txn, struct error *err)
{
    int rc = mdb_txn_commit(txn->lmdb);
    if (rc != 0)
        atomic_store(&txn->index->has_failed, true);
    free_transaction(txn);
    return rc == 0 || lmdb_failed(rc, "can't be committed", err);
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
    record_seal(&txn->record, table, number);
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
    if (key.mv_size != sizeof key_bytes)
        return index_damaged(err, "a key of table \"%s\" is damaged", table_names[table]);
    *value = (struct slice){data.mv_data, data.mv_size};
    *number = load_u64_big_endian(key.mv_data);
    return record_open(value, table, *number) ||
           index_damaged(err, "a record of table \"%s\" is damaged", table_names[table]);
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
    return is_good ||
           index_damaged(err, "a record of table \"%s\" is malformed", table_names[table]);
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

bool index_job_adds_up(const struct index_job *job)
{
    return job->rows == job->acknowledged + job->dead + job->pending;
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

bool index_get_description(struct index_txn *txn, struct slice *text, struct error *err)
{
    bool found;
    *text = (struct slice){"", 0};
    return get_meta(txn, META_DESCRIPTION, text, &found, err);
}

bool index_put_description(struct index_txn *txn, struct slice text, struct error *err)
{
    buffer_clear(&txn->record);
    buffer_append(&txn->record, text.data, text.size);
    return put_record(txn, TABLE_META, META_DESCRIPTION, err);
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
