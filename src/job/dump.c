/* dump.c: the dump as a whole: preparing, parts, threads. See dump.h. */
#include "job/dump.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "job/dump_internal.h"
#include "job/feed.h"

/* --- preparing --- */

static bool has_role(const struct dump *d, enum column_role role)
{
    size_t count;
    const struct document_column *columns = query_columns(d->query, &count);
    for (size_t i = 0; i < count; i++)
        if (columns[i].role == role)
            return true;
    return false;
}

/* Elasticsearch refuses an external version with create and update: every row would be dead. */
static bool check_operation(const struct dump *d, struct error *err)
{
    bool takes_version = d->options->op == BULK_INDEX || d->options->op == BULK_DELETE;
    if (takes_version || has_role(d, COLUMN_OP) || !has_role(d, COLUMN_VERSION))
        return true;
    return error_set(err, ERROR_CONFIG, "a column _version goes with --op index or delete only");
}

static bool prepare(struct dump *d, const char *select, struct error *err)
{
    const struct job_options *o = d->options;
    if (!pg_connect(&d->pg, o->dsn, o->statement_timeout_ms, err) || !pg_begin(d->pg, NULL, err))
        return false;
    bool ok = query_describe(&d->query, d->pg, select, o->key, err) && check_operation(d, err) &&
              window_check_range(d->pg, d->query, &d->range, err);
    pg_end(d->pg);
    return ok;
}

bool dump_open(struct dump **out, const struct job_options *o, const char *select,
               struct job_live *live, struct error *err)
{
    struct dump *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_set_memory(err);
    d->options = o;
    d->live = live;
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->snapshot_lock, NULL);
    buffer_init(&d->snapshot, 256);
    buffer_init(&d->part_keys, SIZE_MAX);
    d->range = job_range(o->from, o->after, o->to);
    if (!prepare(d, select, err)) {
        dump_close(d);
        return false;
    }
    *out = d;
    return true;
}

void dump_close(struct dump *d)
{
    if (d == NULL)
        return;
    query_free(d->query);
    pg_close(d->pg);
    buffer_free(&d->snapshot);
    buffer_free(&d->part_keys);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->snapshot_lock);
    free(d);
}

struct document_shape dump_shape(const struct dump *d)
{
    struct document_shape shape = {
        .key = query_key_column(d->query),
        .op = (enum bulk_op)d->options->op,
        .keeps_nulls = d->options->keeps_nulls != 0,
    };
    shape.columns = query_columns(d->query, &shape.column_count);
    return shape;
}

/* --- a new spool --- */

static bool check_and_split(struct dump *d, struct error *err)
{
    if (!query_key_is_unique(d->query))
        log_message(LOG_INFO,
                    "no unique index proves key \"%s\": all keys are read once to check it",
                    d->options->key);
    if (!window_check_key(d->pg, d->query, &d->range, err))
        return false;
    if (d->options->jobs > 1)
        return window_split(d->pg, d->query, &d->range, (size_t)d->options->jobs, d->parts,
                            &d->part_count, &d->part_keys, &d->estimated_rows, err);
    d->parts[0] = d->range;
    d->part_count = 1;
    return (d->options->counts_rows ? window_count_rows : window_estimate_rows)(
        d->pg, d->query, &d->range, &d->estimated_rows, err);
}

bool dump_plan(struct dump *d, struct error *err)
{
    bool ok = pg_begin(d->pg, NULL, err) && check_and_split(d, err);
    pg_end(d->pg);
    return ok;
}

bool dump_begin_spool(struct dump *d, struct spool *s, const struct job_id *id,
                      struct slice description, struct error *err)
{
    return spool_begin(s, id, description, d->parts, d->part_count, d->estimated_rows, err);
}

/* --- the snapshot --- */

/* One snapshot for all windows and parts, held by the first connection's open transaction. */
static bool take_snapshot(struct dump *d, struct error *err)
{
    struct index_job job;
    if (!spool_get_job(d->spool, &job, err) || !pg_begin(d->pg, NULL, err) ||
        !pg_export_snapshot(d->pg, &d->snapshot, &d->is_standby, err))
        return false;
    d->snapshot_id = buffer_string(&d->snapshot);
    if (job.rows > 0)
        log_message(LOG_WARNING,
                    "the snapshot of the rows dumped before is gone: the rest is read from a new "
                    "one; for one state of all rows, remove the spool and begin anew");
    return spool_note_snapshot(d->spool, (uint64_t)clock_wall_ms(), err);
}

bool dump_check_snapshot(struct dump *d, struct error *err)
{
    struct error *lost = &d->snapshot_err;
    pthread_mutex_lock(&d->snapshot_lock);
    bool ok = lost->kind == ERROR_NONE && pg_ask(d->pg, lost);
    if (!ok)
        *err = *lost;
    if (lost->kind == ERROR_STOPPED) // the question was broken off, not answered
        lost->kind = ERROR_NONE;
    pthread_mutex_unlock(&d->snapshot_lock);
    return ok;
}

/* --- threads --- */

bool dump_take_part(struct dump *d, struct index_part *part, struct buffer *keys, bool *found,
                    struct error *err)
{
    pthread_mutex_lock(&d->lock);
    part->number = d->next_part;
    bool ok = spool_next_part(d->spool, d->next_part, part, keys, found, err);
    if (ok && *found)
        d->next_part = part->number + 1;
    pthread_mutex_unlock(&d->lock);
    return ok;
}

struct worker {
    struct dump *dump;
    pthread_t thread;
    bool is_started;
    struct error err;
};

static void *work(void *context)
{
    struct worker *w = context;
    if (!dump_parts(w->dump, &w->err) && !error_is_retryable(w->err.kind))
        atomic_store(&w->dump->has_failed, true);
    return NULL;
}

static bool run_workers(struct dump *d, struct error *err)
{
    struct worker workers[JOB_PARTS_MAX];
    size_t count = (size_t)d->options->jobs;
    *err = (struct error){.kind = ERROR_NONE};
    for (size_t i = 0; i < count; i++) {
        workers[i] = (struct worker){.dump = d, .err = {.kind = ERROR_NONE}};
        workers[i].is_started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
        if (!workers[i].is_started)
            error_set(&workers[i].err, ERROR_MEMORY, "no thread for a part");
    }
    for (size_t i = 0; i < count; i++) {
        if (workers[i].is_started)
            pthread_join(workers[i].thread, NULL);
        error_take_worse(err, &workers[i].err);
    }
    return err->kind == ERROR_NONE;
}

bool dump_run(struct dump *d, struct spool *s, struct error *err)
{
    d->spool = s;
    d->next_part = 0;
    atomic_store(&d->has_failed, false);
    buffer_clear(&d->snapshot);
    d->snapshot_id = NULL;
    d->snapshot_err.kind = ERROR_NONE;
    d->is_standby = false;
    bool ok = d->options->snapshot != JOB_SNAPSHOT_DUMP || take_snapshot(d, err);
    ok = ok && run_workers(d, err);
    pg_end(d->pg);
    return feed_end(s, ok, err);
}
