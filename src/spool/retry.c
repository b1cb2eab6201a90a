/* retry.c: dead letters of a spool become pending again, or are given up. See spool.h.
 *
 * The letters' bytes are in the dead-letter file, of which the index knows how much counts. A commit here
 * says at once that some of them are pending in frames and that the file ends before them; so after a
 * crash each is in one of the two places. */
#include "spool/state.h"

#include "base/bytes.h"
#include "base/fault.h"

bool spool_append_letters(struct spool *s, struct frame *f, struct slice body, struct error *err)
{
    f->part = FRAME_NO_PART;
    pthread_mutex_lock(&s->lock);
    bool ok = spool_write_locked(s, f, body, 0, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool spool_read_row_again(struct spool *s, struct slice key, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    put_slice(&s->rows_again, key);
    pthread_mutex_unlock(&s->lock);
    return buffer_check(&s->rows_again, "the keys of rows to read again", err);
}

bool spool_take_letters(struct index_job *job, uint64_t count, struct error *err)
{
    if (count > job->dead)
        return error_set(err, ERROR_BUG, "more letters are sent again than the %llu dead ones",
                         (unsigned long long)job->dead);
    job->dead -= count;
    return true;
}

bool spool_put_retried(struct index_txn *txn, struct index_job *job, const struct retried *retried,
                       struct error *err)
{
    struct reader r = reader_over(retried->rows_again);
    while (r.left > 0) {
        struct slice key = get_slice(&r);
        job->rows--;
        if (!spool_take_letters(job, 1, err) || !spool_put_new_part(txn, job, key, key, err))
            return false;
    }
    job->dead_bytes = retried->dead_bytes;
    job->finished_ms = 0;
    return true;
}

bool spool_commit_letters(struct spool *s, uint64_t dead_bytes, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    struct retried retried = {dead_bytes, buffer_slice(&s->rows_again)};
    bool seal = s->segment != NULL && segment_end(s->segment) >= s->options.segment_bytes;
    bool ok = spool_commit_locked(s, seal, &retried, err);
    buffer_clear(&s->rows_again);
    pthread_mutex_unlock(&s->lock);
    fault_point("letters-committed");
    return ok;
}

bool spool_finish_letters(struct spool *s, struct error *err)
{
    pthread_mutex_lock(&s->lock);
    bool ok = s->segment == NULL || spool_commit_locked(s, true, NULL, err);
    pthread_mutex_unlock(&s->lock);
    return ok;
}

bool spool_drop_letters(struct spool *s, uint64_t *dropped, struct error *err)
{
    struct index_txn *txn;
    struct index_job job;
    if (!spool_begin_with_job(s, true, &txn, &job, err))
        return false;
    *dropped = job.dead;
    job.dropped += job.dead;
    job.dead = 0;
    job.dead_bytes = 0;
    if (!spool_commit_with_job(txn, &job, err))
        return false;
    fault_point("letters-dropped");
    return true;
}
