/* fill.c: see fill.h. */
#include "refresh/fill.h"

#include "base/log.h"
#include "fleet/publish.h"
#include "job/feed.h"
#include "source/query.h"

static bool is_other_job(struct spool *s, struct slice description, bool *is_other,
                         struct error *err)
{
    struct buffer found;
    buffer_init(&found, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = spool_get_description(s, &found, err);
    *is_other = ok && !slice_equal(buffer_slice(&found), description);
    buffer_free(&found);
    return ok;
}

/* WHICHEVER: also when it is the very job. *IS_FINISHED: it is, and stays. */
static bool forget_finished(struct spool *s, struct slice description, bool whichever,
                            bool *is_finished, struct error *err)
{
    struct index_job job;
    bool is_other;
    if (spool_is_new(s))
        return true;
    if (!is_other_job(s, description, &is_other, err) || !spool_get_job(s, &job, err))
        return false;
    *is_finished = job.finished_ms != 0;
    if (!*is_finished || job.dead > 0 || !(is_other || whichever))
        return true;
    *is_finished = false;
    return spool_reset(s, err);
}

static bool make_room(const struct job_options *o, bool whichever, bool *is_finished,
                      struct error *err)
{
    struct spool_options options = {.path = o->spool, .roles = SPOOL_DUMP | SPOOL_REPLAY};
    struct spool *s = NULL;
    struct buffer select, description;
    struct job_id id;
    *is_finished = false;
    buffer_init(&select, QUERY_MAX_BYTES);
    buffer_init(&description, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = feed_describe(o, &select, &description, &id, err) &&
              spool_open(&s, &options, NULL, err) &&
              forget_finished(s, buffer_slice(&description), whichever, is_finished, err);
    spool_close(s);
    buffer_free(&select);
    buffer_free(&description);
    return ok;
}

static bool warn_of_dead(struct error *err)
{
    log_message(LOG_WARNING, "%s", err->message);
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}

/* A job that isn't finished begins anew when its index was made anew. One that is has perhaps had its dead letters sent
 * again: it stays. */
bool fill_index(const struct job_options *o, bool takes_dead, struct fill_watch *watch,
                struct error *err)
{
    struct job_options job = *o;
    bool is_finished;
    if (!make_room(o, false, &is_finished, err))
        return false;
    job.again = !is_finished;
    if (job_run(&job, SPOOL_DUMP | SPOOL_REPLAY, watch->observe, watch->context, &watch->last,
                &watch->has_last, err))
        return true;
    is_finished = watch->has_last && watch->last.finished_ms != 0;
    return err->kind == ERROR_DEAD_LETTERS && takes_dead && is_finished && warn_of_dead(err);
}

/* --- with others --- */

static bool plan(const struct fill_fleet *fleet, const char *name, struct error *err)
{
    struct fleet_job *job;
    bool is_new;
    if (!publish_plan(&fleet->store, name, fleet->shards, PLAN_BOUNDS_ANY, &job, &is_new, err))
        return false;
    log_message(LOG_INFO, "job %s is %s: bobbin work %s takes part in it", name,
                is_new ? "made" : "there already", name);
    fleet_free_job(job);
    return true;
}

/* The child's line was logged. */
static bool set_told(int status, struct error *err)
{
    static const enum error_kind kinds[] = {ERROR_DEAD_LETTERS, ERROR_DISK, ERROR_DENIED,
                                            ERROR_CONFIG, ERROR_BUG};
    enum error_kind kind = ERROR_STOPPED;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (error_exit_status(kinds[i]) == status)
            kind = kinds[i];
    return error_set(err, kind, "this worker could not do its shard");
}

bool fill_with_others(const struct job_options *o, const struct fill_fleet *fleet, const char *name,
                      bool takes_dead, struct error *err)
{
    const struct work_options work = {.job = o,
                                      .name = name,
                                      .coordinator = fleet->store.coordinator,
                                      .lease_ms = fleet->lease_ms,
                                      .takes_any_version = fleet->takes_any_version};
    bool is_told;
    int status;
    if (!plan(fleet, name, err))
        return false;
    if (work_run(&work, &is_told, &status, err))
        return !is_told || status == 0 || set_told(status, err);
    return err->kind == ERROR_DEAD_LETTERS && takes_dead && warn_of_dead(err);
}

bool fill_forget(const struct fill_fleet *fleet, const char *name, struct error *err)
{
    struct store *store;
    struct fleet_job *job = NULL;
    if (fleet->shards == 0)
        return true;
    if (!store_open(&store, &fleet->store, err))
        return false;
    bool ok =
        fleet_get_job(store, name, &job, err) && (job == NULL || fleet_delete_job(store, job, err));
    fleet_free_job(job);
    store_close(store);
    return ok;
}

bool fill_begin(const struct job_options *o, const struct fill_fleet *fleet, struct error *err)
{
    bool is_finished;
    if (fleet->shards == 0)
        return make_room(o, true, &is_finished, err);
    return fleet_check_name(o->index, err) && fill_forget(fleet, o->index, err);
}
