/* spool.c: open, begin and close a spool. See spool.h; the two sides are in write.c and acknowledge.c, what
 * happens after a crash in recover.c, what is only read in look.c and progress.c, the end in reset.c. */
#include "spool/spool.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "spool/index_check.h"
#include "spool/state.h"

#define LOCK_FILE "lock"

/* --- locks: one byte of the lock file for each role --- */

static off_t lock_byte(enum spool_role role)
{
    return role == SPOOL_DUMP ? 0 : 1;
}

static bool take_lock(struct spool *s, enum spool_role role, struct error *err)
{
    bool taken;
    if (!(s->options.roles & role))
        return true;
    if (!file_lock(s->lock_file, LOCK_FILE, lock_byte(role), &taken, err))
        return false;
    return taken || error_set(err, ERROR_BUSY, "another bobbin %s",
                              role == SPOOL_DUMP ? "dumps into it" : "replays it");
}

bool spool_take_locks(struct spool *s, struct error *err)
{
    if (s->options.roles == SPOOL_READER)
        return file_open(&s->lock_file, s->dir, LOCK_FILE, false, err);
    return file_open(&s->lock_file, s->dir, LOCK_FILE, true, err) &&
           take_lock(s, SPOOL_DUMP, err) && take_lock(s, SPOOL_REPLAY, err);
}

bool spool_is_held(const struct spool *s, enum spool_role role)
{
    return s->lock_file >= 0 && file_is_locked(s->lock_file, lock_byte(role));
}

/* --- open --- */

struct content {
    int dir;
    bool has_index;
    bool has_segments;
};

static bool see_content(const char *name, void *context, struct error *err)
{
    struct content *content = context;
    uint32_t number;
    if (!file_check(content->dir, name, err))
        return false;
    content->has_index |= strcmp(name, INDEX_FILE) == 0;
    content->has_segments |= segment_number(name, &number);
    return true;
}

/* Nothing in the directory may be a link to elsewhere. An index that was cut short is none. */
static bool find_content(struct spool *s, struct content *content, struct error *err)
{
    bool is_short = false;
    *content = (struct content){.dir = s->dir};
    if (!file_list(s->dir, see_content, content, err) ||
        (!content->has_segments && !index_is_cut_short(s->dir, &is_short, err)))
        return false;
    content->has_index &= !is_short;
    return true;
}

static bool check_identity(struct spool *s, const struct job_id *id, struct error *err)
{
    if (id == NULL || memcmp(id->bytes, s->id.bytes, JOB_ID_BYTES) == 0)
        return true;
    char theirs[2 * JOB_ID_BYTES + 1];
    store_hexadecimal(theirs, s->id.bytes, JOB_ID_BYTES);
    return error_set(
        err, ERROR_CONFIG,
        "it belongs to another job (%s; its %s says which): use another --spool, or the "
        "same query, key, range, index and operation as that job",
        theirs, SPOOL_JOB_FILE);
}

/* Read the job's record. An index without one is the remains of a begin that a crash cut short. */
static bool load_job(struct spool *s, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    bool found;
    if (!index_begin(s->index, false, &txn, err))
        return false;
    bool ok = index_get_job(txn, &job, &found, err);
    index_abort(txn);
    if (ok && found)
        s->id = job.id;
    s->is_new = ok && !found;
    return ok;
}

/* Segments come after the index's first commit: without it they are not ours to write over. */
static bool check_has_index(const struct spool *s, const struct content *content, struct error *err)
{
    bool has_index = s->index != NULL && !s->is_new;
    return has_index || !content->has_segments ||
           error_set(err, ERROR_DAMAGED,
                     "it holds segments but %s %s: bobbin verify --rebuild makes a new one from "
                     "them; or move them away to begin anew",
                     content->has_index ? "an empty" : "no", INDEX_FILE);
}

/* First look without writing anything: is it a spool, and whose? */
static bool look(struct spool *s, const struct job_id *id, struct error *err)
{
    struct content content = {.dir = -1};
    bool is_short = false;
    if (!file_open_directory(&s->dir, s->options.path, false, err))
        return false;
    if (s->dir < 0)
        return true;
    content.dir = s->dir;
    if (!file_list(s->dir, see_content, &content, err) ||
        (!content.has_segments && !index_is_cut_short(s->dir, &is_short, err)))
        return false;
    if (content.has_index && !is_short &&
        !(index_open(&s->index, s->options.path, INDEX_READ, err) &&
          (s->index == NULL || load_job(s, err))))
        return false;
    return check_has_index(s, &content, err) && (s->is_new || check_identity(s, id, err));
}

/* Then take part: locks, the index for writing, and clear up. */
static bool take_part(struct spool *s, struct error *err)
{
    if (!spool_take_locks(s, err))
        return false;
    if (s->options.roles == SPOOL_READER)
        return true;
    index_close(s->index);
    s->index = NULL;
    if (!index_open(&s->index, s->options.path, INDEX_WRITE, err) || !spool_trust_index(s, err))
        return false;
    if (s->options.roles & SPOOL_DUMP)
        return spool_recover(s, err);
    return spool_delete_segments(s, err);
}

bool spool_new(struct spool **out, const struct spool_options *options, struct error *err)
{
    struct spool *s = calloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return error_set_memory(err);
    s->options = *options;
    s->dir = s->lock_file = -1;
    s->is_new = true;
    pthread_mutex_init(&s->lock, NULL);
    buffer_init(&s->keys, SIZE_MAX);
    buffer_init(&s->rows_again, SIZE_MAX);
    return true;
}

bool spool_open(struct spool **out, const struct spool_options *options, const struct job_id *id,
                struct error *err)
{
    struct spool *s;
    if (!spool_new(&s, options, err))
        return false;
    bool ok = look(s, id, err);
    if (ok && s->is_new) {
        spool_reset_state(s);
        ok = !(options->roles & SPOOL_DUMP) || file_check_place(options->path, err);
    } else if (ok) {
        ok = take_part(s, err);
    }
    if (!ok) {
        spool_close(s);
        return error_wrap(err, "spool %s", options->path);
    }
    s->committed_ms = clock_monotonic_ms();
    *out = s;
    return true;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    segment_close(s->segment);
    index_close(s->index);
    file_close(&s->lock_file);
    file_close(&s->dir);
    buffer_free(&s->keys);
    buffer_free(&s->rows_again);
    free(s->unindexed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool spool_is_new(const struct spool *s)
{
    return s->is_new;
}

int spool_directory(const struct spool *s)
{
    return s->dir;
}

/* --- begin --- */

static bool put_plan(struct index_txn *txn, const struct index_job *job, struct slice description,
                     const struct key_range *parts, size_t part_count, struct error *err)
{
    for (size_t i = 0; i < part_count; i++) {
        struct index_part part = {.number = (uint32_t)i, .range = parts[i]};
        if (!index_put_part(txn, &part, err))
            return false;
    }
    return index_put_description(txn, description, err) && index_put_job(txn, job, err);
}

/* Another bobbin may have begun between our look and our lock. */
static bool check_is_empty(struct index_txn *txn, struct error *err)
{
    struct index_job job;
    bool found;
    if (!index_get_job(txn, &job, &found, err))
        return false;
    return !found || error_set(err, ERROR_BUSY, "another bobbin has just begun it");
}

static bool write_plan(struct spool *s, struct slice description, const struct key_range *parts,
                       size_t part_count, uint64_t estimated_rows, struct error *err)
{
    uint64_t now = (uint64_t)clock_wall_ms();
    struct index_job job = {
        .id = s->id,
        .next_frame = 1,
        .next_segment = 1,
        .next_part = FRAME_LATER_PARTS,
        .parts = (uint32_t)part_count,
        .estimated_rows = estimated_rows,
        .started_ms = now,
        .updated_ms = now,
    };
    struct index_txn *txn;
    if (!index_begin(s->index, true, &txn, err))
        return false;
    if (check_is_empty(txn, err) && put_plan(txn, &job, description, parts, part_count, err))
        return index_commit(txn, err);
    index_abort(txn);
    return false;
}

/* What an unfinished begin has left of an index. With the lock held nobody else makes one. */
static bool remove_unfinished(struct spool *s, struct error *err)
{
    struct content content;
    return find_content(s, &content, err) && (content.has_index || spool_remove_index(s, err));
}

/* LMDB doesn't sync the directory in which it makes its files. */
static bool create_files(struct spool *s, struct slice description, struct error *err)
{
    file_close(&s->dir);
    return file_open_directory(&s->dir, s->options.path, true, err) &&
           (s->lock_file >= 0 || spool_take_locks(s, err)) && remove_unfinished(s, err) &&
           file_replace(s->dir, SPOOL_JOB_FILE, description, err) &&
           index_open(&s->index, s->options.path, INDEX_WRITE, err) &&
           file_sync_directory(s->dir, err);
}

bool spool_begin(struct spool *s, const struct job_id *id, struct slice description,
                 const struct key_range *parts, size_t part_count, uint64_t estimated_rows,
                 struct error *err)
{
    s->id = *id;
    if (!create_files(s, description, err) ||
        !write_plan(s, description, parts, part_count, estimated_rows, err))
        return error_wrap(err, "spool %s", s->options.path);
    s->is_new = false;
    return true;
}

/* --- the job's record --- */

bool spool_begin_with_job(struct spool *s, bool write, struct index_txn **txn,
                          struct index_job *job, struct error *err)
{
    bool found;
    if (!index_begin(s->index, write, txn, err))
        return false;
    if (index_get_job(*txn, job, &found, err)) {
        if (found)
            return true;
        error_set(err, ERROR_DAMAGED, "%s: the job's record is missing", INDEX_FILE);
    }
    index_abort(*txn);
    return false;
}

bool spool_commit_with_job(struct index_txn *txn, struct index_job *job, struct error *err)
{
    if (!index_job_adds_up(job)) {
        index_abort(txn);
        return error_set(err, ERROR_BUG, "the ledger does not add up: %llu rows read",
                         (unsigned long long)job->rows);
    }
    job->updated_ms = (uint64_t)clock_wall_ms();
    if (index_put_job(txn, job, err))
        return index_commit(txn, err);
    index_abort(txn);
    return false;
}

/* --- notes --- */

static bool put_text(struct spool *s,
                     bool (*put)(struct index_txn *txn, struct slice text, struct error *err),
                     struct slice text, struct error *err)
{
    struct index_txn *txn;
    if (!index_begin(s->index, true, &txn, err))
        return false;
    if (put(txn, text, err))
        return index_commit(txn, err);
    index_abort(txn);
    return false;
}

bool spool_put_target(struct spool *s, struct slice uuids, struct error *err)
{
    return put_text(s, index_put_target, uuids, err);
}

bool spool_put_input(struct spool *s, struct slice state, struct error *err)
{
    return put_text(s, index_put_input, state, err);
}
