/* reset.c: forget what a spool holds. See spool.h. */
#include "base/file.h"
#include "spool/state.h"

void spool_reset_state(struct spool *s)
{
    index_close(s->index);
    s->index = NULL;
    s->is_new = true;
}

bool spool_remove_index(struct spool *s, struct error *err)
{
    return file_remove(s->dir, INDEX_FILE, err) && file_remove(s->dir, INDEX_FILE "-lock", err);
}

static bool remove_data(const char *name, void *context, struct error *err)
{
    const struct spool *s = context;
    uint32_t number;
    static const char *const names[] = {SPOOL_DEAD_FILE, SPOOL_DEAD_FILE ".old",
                                        INDEX_FILE ".damaged"};
    if (segment_number(name, &number))
        return segment_remove(s->dir, number, err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return file_remove(s->dir, name, err);
    return true;
}

/* The index goes last: while it is there it says that the job is finished. */
bool spool_reset(struct spool *s, struct error *err)
{
    if (!file_list(s->dir, remove_data, s, err) || !file_sync_directory(s->dir, err))
        return false;
    spool_reset_state(s);
    return spool_remove_index(s, err) && file_sync_directory(s->dir, err);
}

/* Here the index goes first: an unfinished job without it can't be taken for one that may go on. */
static bool remove_all(struct spool *s, struct error *err)
{
    if (!file_open_directory(&s->dir, s->options.path, false, err))
        return false;
    return s->dir < 0 ||
           (spool_take_locks(s, err) && spool_remove_index(s, err) &&
            file_sync_directory(s->dir, err) && file_list(s->dir, remove_data, s, err) &&
            file_remove(s->dir, SPOOL_JOB_FILE, err) && file_sync_directory(s->dir, err));
}

bool spool_remove(const char *path, struct error *err)
{
    const struct spool_options options = {.path = path, .roles = SPOOL_DUMP | SPOOL_REPLAY};
    struct spool *s;
    if (!spool_new(&s, &options, err))
        return false;
    bool ok = remove_all(s, err) || error_wrap(err, "spool %s", path);
    spool_close(s);
    return ok;
}

static bool is_finished(const char *path)
{
    const struct spool_options options = {.path = path, .roles = SPOOL_READER};
    struct spool *s;
    struct index_job job = {.finished_ms = 0};
    struct error ignored = {.kind = ERROR_NONE};
    if (!spool_open(&s, &options, NULL, &ignored))
        return false;
    bool is = !spool_is_new(s) && spool_get_job(s, &job, &ignored) && job.finished_ms != 0;
    spool_close(s);
    return is;
}

bool spool_remove_unfinished(const char *path, struct error *err)
{
    return is_finished(path) || spool_remove(path, err);
}
