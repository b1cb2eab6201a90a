/* fill.c: see fill.h. */
#include "refresh/fill.h"

#include "base/log.h"
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

static bool forget_finished(struct spool *s, struct slice description, struct error *err)
{
    struct index_job job;
    bool is_other;
    if (spool_is_new(s))
        return true;
    if (!is_other_job(s, description, &is_other, err) || !spool_get_job(s, &job, err))
        return false;
    return !is_other || job.finished_ms == 0 || job.dead > 0 || spool_reset(s, err);
}

static bool make_room(const struct job_options *o, struct error *err)
{
    struct spool_options options = {.path = o->spool, .roles = SPOOL_DUMP | SPOOL_REPLAY};
    struct spool *s = NULL;
    struct buffer select, description;
    struct job_id id;
    buffer_init(&select, QUERY_MAX_BYTES);
    buffer_init(&description, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = feed_describe(o, &select, &description, &id, err) &&
              spool_open(&s, &options, NULL, err) &&
              forget_finished(s, buffer_slice(&description), err);
    spool_close(s);
    buffer_free(&select);
    buffer_free(&description);
    return ok;
}

bool fill_index(const struct job_options *o, bool takes_dead, struct fill_watch *watch,
                struct error *err)
{
    if (!make_room(o, err))
        return false;
    bool ok = job_run(o, SPOOL_DUMP | SPOOL_REPLAY, watch->observe, watch->context, &watch->last,
                      &watch->has_last, err);
    bool is_finished = watch->has_last && watch->last.finished_ms != 0;
    if (ok || err->kind != ERROR_DEAD_LETTERS || !takes_dead || !is_finished)
        return ok;
    log_message(LOG_WARNING, "%s", err->message);
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}
