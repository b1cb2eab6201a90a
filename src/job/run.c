/* run.c: a job from its checks to its last line: which stages are needed, and what their end means. See
 * job.h. */
#include <stdlib.h>

#include "base/log.h"
#include "base/stop.h"
#include "job/feed.h"
#include "job/gauges.h"
#include "job/job.h"
#include "job/letters.h"
#include "job/lost.h"
#include "job/replay.h"
#include "job/stages.h"

struct run {
    const struct job_options *options;
    unsigned roles;
    struct job_live live;
    struct buffer select;      // the query's text
    struct buffer description; // what the job is, JSON
    struct job_id id;
    char *index; // from the options, or the spool's job
    bool is_new; // the job begins now
    struct spool *spool;
    struct feed feed;
    struct replay *replay;
    struct error no_dump; // why a dump that is needed can't be; ERROR_NONE
};

/* --- checks before anything is written --- */

static bool open_spool(struct run *run, struct error *err)
{
    const struct job_options *o = run->options;
    struct spool_options options = {
        .path = o->spool,
        .roles = o->retries_dead ? SPOOL_DUMP | SPOOL_REPLAY : run->roles,
        .max_bytes = o->spool_max,
        .segment_bytes = o->segment_bytes,
        .keeps_segments = o->keep,
        .tell_loss = lost_log_frame,
    };
    bool is_known = feed_is_named(o);
    if (is_known && !feed_describe(o, &run->select, &run->description, &run->id, err))
        return false;
    if (!spool_open(&run->spool, &options, is_known ? &run->id : NULL, err))
        return false;
    if (spool_is_new(run->spool) && (o->retries_dead || !(run->roles & SPOOL_DUMP)))
        return error_set(err, ERROR_CONFIG,
                         "spool %s: there is none: begin with bobbin dump, run or load", o->spool);
    return true;
}

/* The index of a replay alone is the job's. */
static bool find_index_name(struct run *run, struct error *err)
{
    const char *name = run->options->index;
    if (!spool_is_new(run->spool)) {
        buffer_clear(&run->description);
        if (!spool_get_description(run->spool, &run->description, err))
            return false;
    }
    run->index = job_index_of(buffer_string(&run->description), name != NULL ? name : "");
    if (run->index == NULL)
        return error_set_memory(err);
    return name == NULL || strcmp(name, run->index) == 0 ||
           error_set(err, ERROR_CONFIG, "spool %s: its job is for index %s, not %s",
                     run->options->spool, run->index, name);
}

static bool has_unfinished_part(struct run *run, bool *has, struct error *err)
{
    struct index_part part;
    struct buffer keys;
    buffer_init(&keys, SIZE_MAX);
    bool ok = spool_next_part(run->spool, 0, &part, &keys, has, err);
    buffer_free(&keys);
    return ok;
}

/* PostgreSQL doesn't answer: what is spooled can be sent all the same. ERR is told at the end. */
static bool do_without_dump(struct run *run, struct error *err)
{
    if (!(run->roles & SPOOL_REPLAY))
        return lost_explain(run->spool, err);
    log_message(LOG_WARNING, "%s; sending what is spooled", err->message);
    run->no_dump = *err;
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}

/* A file that has changed, or a pipe, can't be gone on with. With --again the job begins anew. */
static bool check_feed(struct run *run, struct error *err)
{
    bool is_same;
    if (!feed_is_same(&run->feed, run->spool, &is_same, err))
        return false;
    if (is_same)
        return true;
    if (!run->options->again)
        return feed_refuse(&run->feed, err);
    log_message(LOG_WARNING, "%s is not what the job began with: it begins anew",
                run->options->input);
    run->is_new = true;
    return true;
}

static bool open_feed(struct run *run, struct error *err)
{
    bool is_needed = run->is_new;
    if (!(run->roles & SPOOL_DUMP) || feed_is_open(&run->feed) || run->no_dump.kind != ERROR_NONE)
        return true;
    if (!run->is_new && !has_unfinished_part(run, &is_needed, err))
        return false;
    if (!is_needed)
        return true;
    if (!feed_open(&run->feed, run->options, buffer_string(&run->select), &run->live, err))
        return !run->is_new && err->kind == ERROR_UNAVAILABLE && do_without_dump(run, err);
    if (!run->is_new && !check_feed(run, err))
        return false;
    return !run->is_new || feed_plan(&run->feed, err);
}

static bool begin_anew(struct run *run, struct error *err)
{
    run->is_new = true;
    return feed_is_open(&run->feed) ? feed_plan(&run->feed, err) : open_feed(run, err);
}

static bool open_replay(struct run *run, struct error *err)
{
    if (!(run->roles & SPOOL_REPLAY))
        return true;
    return replay_open(&run->replay, run->options, run->index, &run->live, err);
}

/* A job whose acknowledged documents are gone with their index can't be finished. With --again it
 * begins anew, as a finished one does. */
static bool check_target(struct run *run, struct error *err)
{
    bool is_same = true;
    if (run->replay == NULL)
        return true;
    if (!run->is_new && !replay_find_target(run->replay, run->spool, &is_same, err))
        return false;
    if (!is_same) {
        if (!run->options->again || !(run->roles & SPOOL_DUMP))
            return replay_refuse_target(run->replay, err);
        log_message(LOG_WARNING,
                    "index %s holds no longer what was acknowledged: the job begins anew",
                    run->index);
        if (!begin_anew(run, err))
            return false;
    }
    return replay_ensure_index(run->replay, err);
}

/* With --again the finished job goes only now, when all is known to be well. */
static bool begin_spool(struct run *run, struct error *err)
{
    if (!run->is_new)
        return true;
    if (!spool_is_new(run->spool) && !spool_reset(run->spool, err))
        return false;
    run->is_new = false;
    return feed_begin_spool(&run->feed, run->spool, &run->id, buffer_slice(&run->description), err);
}

/* --- the end --- */

static bool replay_alone_unfinished(const struct run *run, const struct index_job *job,
                                    struct error *err)
{
    if (job->dumped_ms != 0)
        return error_set(err, ERROR_BUG, "nothing is pending and the job is not finished");
    error_set(err, ERROR_STOPPED,
              "all that spool %s holds is sent, but its dump is not finished: run the "
              "command that began it (bobbin dump, run or load) to go on",
              run->options->spool);
    return lost_explain(run->spool, err);
}

static bool conclude(struct run *run, const struct index_job *job, struct error *err)
{
    if (job->dead == 0)
        return true;
    struct dead_summary *summary = malloc(sizeof *summary);
    if (summary == NULL)
        return error_set_memory(err);
    bool ok = letters_summarize(run->spool, summary, err);
    if (ok)
        letters_log_summary(summary);
    free(summary);
    return ok && error_set(err, ERROR_DEAD_LETTERS,
                           "%llu documents were refused (%s/dead.ndjson): bobbin dead list shows "
                           "them, and bobbin dead retry "
                           "sends them again",
                           (unsigned long long)job->dead, run->options->spool);
}

/* Who is told how the job goes: the display, and the gauges. */
struct observers {
    job_observer *observe;
    void *context;
    struct gauges *gauges;
};

static void tell_observers(void *context, struct spool *spool, const struct job_live *live)
{
    const struct observers *o = context;
    struct index_job job;
    struct error ignored = {.kind = ERROR_NONE};
    o->observe(o->context, spool, live);
    if (gauges_are_due(o->gauges) && spool_get_job(spool, &job, &ignored))
        gauges_put(o->gauges, &job);
}

/* Run the stages until nothing is left: a frame found damaged has become a part to dump again. */
static bool run_to_the_end(struct run *run, struct observers *observers, struct error *err)
{
    bool is_finished = false;
    for (;;) {
        struct stages stages = {.spool = run->spool,
                                .feed = feed_is_open(&run->feed) ? &run->feed : NULL,
                                .replay = run->replay,
                                .live = &run->live};
        if (!stages_run(&stages, tell_observers, observers, err))
            return false;
        if (!(run->roles & SPOOL_REPLAY))
            return true;
        if (!spool_finish_replay(run->spool, &is_finished, err))
            return false;
        struct index_job job;
        if (!spool_get_job(run->spool, &job, err))
            return false;
        if (is_finished)
            return conclude(run, &job, err);
        if (!(run->roles & SPOOL_DUMP))
            return replay_alone_unfinished(run, &job, err);
        if (!open_feed(run, err))
            return false;
        if (run->no_dump.kind != ERROR_NONE) {
            *err = run->no_dump;
            return lost_explain(run->spool, err);
        }
    }
}

/* Is the job to begin now? A finished one only with --again, else there is nothing to do. */
static bool check_finished(struct run *run, bool *is_done, struct error *err)
{
    struct index_job job;
    *is_done = false;
    run->is_new = spool_is_new(run->spool);
    if (run->is_new)
        return true;
    if (!spool_get_job(run->spool, &job, err))
        return false;
    if (job.finished_ms == 0 || (run->options->retries_dead && job.dead > 0))
        return true;
    run->is_new = run->options->again;
    if (run->is_new)
        return true;
    log_message(LOG_INFO, "spool %s: this job is finished already; --again runs it anew",
                run->options->spool);
    *is_done = true;
    return conclude(run, &job, err);
}

/* Dead letters become pending, or their rows parts to dump. */
static bool retry_dead_letters(struct run *run, struct error *err)
{
    if (!run->options->retries_dead)
        return true;
    return letters_retry(run->spool, run->options, run->roles & SPOOL_DUMP, err) &&
           open_feed(run, err);
}

static bool run_job(struct run *run, struct observers *observers, struct error *err)
{
    bool is_done;
    if (!open_spool(run, err) || !find_index_name(run, err))
        return false;
    gauges_name_index(run->options->gauges, run->index);
    if (!check_finished(run, &is_done, err))
        return false;
    if (is_done)
        return true;
    return open_feed(run, err) && open_replay(run, err) && check_target(run, err) &&
           begin_spool(run, err) && retry_dead_letters(run, err) &&
           run_to_the_end(run, observers, err);
}

/* What the disk says, where the index failed under us. */
static bool read_last_from_disk(const char *path, struct index_job *last)
{
    struct spool_options options = {.path = path, .roles = SPOOL_READER};
    struct spool *s = NULL;
    struct error ignored = {.kind = ERROR_NONE};
    bool ok = spool_open(&s, &options, NULL, &ignored) && !spool_is_new(s) &&
              spool_get_job(s, last, &ignored);
    spool_close(s);
    return ok;
}

/* The end of RUN's spool, too: the index can be open once only. */
static void read_last(struct run *run, struct index_job *last, bool *has_last)
{
    struct error ignored = {.kind = ERROR_NONE};
    bool is_begun = run->spool != NULL && !spool_is_new(run->spool);
    *has_last = is_begun && spool_get_job(run->spool, last, &ignored);
    spool_close(run->spool);
    if (is_begun && !*has_last)
        *has_last = read_last_from_disk(run->options->spool, last);
}

/* Which spool, and what to do: the spool's files know neither. */
static void explain_disk(const struct run *run, struct error *err)
{
    const char *spool = run->options->spool;
    if (strstr(err->message, spool) == NULL)
        error_wrap(err, "spool %s", spool);
    error_hint(err, "run the same command again when the disk is well and has room");
}

bool job_run(const struct job_options *o, unsigned roles, job_observer *observe, void *context,
             struct index_job *last, bool *has_last, struct error *err)
{
    struct run run = {.options = o, .roles = roles};
    struct observers observers = {observe, context, o->gauges};
    buffer_init(&run.select, QUERY_MAX_BYTES);
    buffer_init(&run.description, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = run_job(&run, &observers, err);
    if (!ok && err->kind == ERROR_DISK)
        explain_disk(&run, err);
    replay_close(run.replay);
    feed_close(&run.feed);
    read_last(&run, last, has_last);
    if (*has_last)
        gauges_put(o->gauges, last);
    free(run.index);
    buffer_free(&run.select);
    buffer_free(&run.description);
    return ok;
}
