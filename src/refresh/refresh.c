/* refresh.c: see refresh.h. */
#include "refresh/refresh.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "refresh/note.h"
#include "refresh/since.h"
#include "source/query.h"

enum { NAME_BYTES = 512 };

struct refresh {
    const struct refresh_options *options;
    struct fill_watch *watch;
    struct job_options job;   // with the new index
    struct step_options step; // of that index
    struct fill_fleet fleet;
    struct steps steps;
    struct scripts scripts;
    struct note note;
    char index[NAME_BYTES];
    char filtered[NAME_BYTES];       // index
    char filtered_alias[NAME_BYTES]; // alias
    char hash[JOB_HASH_BYTES];       // of the query
};

/* --- the steps --- */

static bool run_before(struct refresh *r, struct error *err)
{
    return scripts_run(&r->scripts, SCRIPTS_BEFORE, err);
}

/* Before the first row is read. */
static bool mark(struct refresh *r, struct error *err)
{
    return r->options->mark == NULL || since_mark(&r->steps, r->index, r->options->mark, err);
}

/* An index that somebody deleted meanwhile isn't made again. */
static bool load(struct refresh *r, struct error *err)
{
    struct job_options job = r->job;
    job.create_index = NULL;
    return r->fleet.shards > 0
               ? fill_with_others(&job, &r->fleet, r->index, r->step.takes_incomplete, err)
               : fill_index(&job, r->step.takes_incomplete, r->watch, err);
}

/* What differs, and the user takes all the same, is warned of. */
static bool count(struct refresh *r, struct error *err)
{
    struct step_counts counts;
    if (!step_count(&r->steps, r->index, &counts, err))
        return false;
    if (step_check_counts(&counts, r->index, err))
        return true;
    if (err->kind != ERROR_DIFFERENT || !r->step.takes_incomplete)
        return error_hint(err, "--even-if-incomplete goes on nevertheless");
    log_message(LOG_WARNING, "%s", err->message);
    *err = (struct error){.kind = ERROR_NONE};
    return true;
}

static bool run_after(struct refresh *r, struct error *err)
{
    return scripts_run(&r->scripts, SCRIPTS_AFTER, err);
}

static bool restore(struct refresh *r, struct error *err)
{
    return step_restore(&r->steps, r->index, err);
}

static bool wants_filter(const struct refresh *r)
{
    return r->step.terms != NULL;
}

static bool filter(struct refresh *r, struct error *err)
{
    struct step_filtered filtered;
    if (!wants_filter(r))
        return true;
    return step_filter(&r->steps, r->index, &filtered, err) &&
           step_restore(&r->steps, r->filtered, err);
}

static bool run_promote(struct refresh *r, struct error *err)
{
    return scripts_run(&r->scripts, SCRIPTS_PROMOTE, err);
}

/* Whether they are complete was looked at: now the table may have another name. */
static bool move_alias(struct refresh *r, struct error *err)
{
    struct step_options chosen = r->step;
    struct step_options *step = &r->step;
    step->takes_incomplete = true;
    bool ok = step_promote(&r->steps, r->index, err);
    step->alias = r->filtered_alias;
    ok = ok && (!wants_filter(r) || step_promote(&r->steps, r->filtered, err));
    r->step = chosen;
    return ok;
}

/* The job that filled an index goes with it: the new one's workers may still ask for theirs. */
static bool forget_job(void *context, const char *index, struct error *err)
{
    const struct refresh *r = context;
    return fill_forget(&r->fleet, index, err);
}

static bool delete_old(struct refresh *r, struct error *err)
{
    if (r->options->keeps_old)
        return true;
    return step_delete_replaced(&r->steps, r->index, forget_job, r, err) &&
           (!wants_filter(r) || step_delete_replaced(&r->steps, r->filtered, forget_job, r, err));
}

static const struct {
    const char *name;
    bool (*run)(struct refresh *r, struct error *err);
} steps[] = {
    {"before", run_before},   // SQL files
    {"mark", mark},           // for later loads of newer rows
    {"load", load},           // rows become documents
    {"count", count},         // guard: all of them
    {"after", run_after},     // SQL files
    {"restore", restore},     // replicas and refresh; green
    {"filter", filter},       // the second index
    {"promote", run_promote}, // SQL files
    {"alias", move_alias},    // the swap
    {"delete", delete_old},   // the old indices
};

enum { STEPS = sizeof steps / sizeof *steps };

static const char *const last_step = "delete";

/* --- one after the other --- */

/* A kill between the step and its note: the step is done twice. */
static void may_crash(const char *step, const char *moment)
{
    char point[64];
    snprintf(point, sizeof point, "refresh-%s-%s", step, moment);
    fault_point(point);
    (void)point;
}

static size_t first_step(const struct refresh *r)
{
    for (size_t i = 0; i < STEPS; i++)
        if (strcmp(steps[i].name, note_done(&r->note)) == 0)
            return i + 1;
    return 0;
}

static bool run_steps(struct refresh *r, struct error *err)
{
    if (first_step(r) == STEPS)
        log_message(LOG_INFO, "the refresh of %s into %s is finished already", r->step.alias,
                    r->index);
    for (size_t i = first_step(r); i < STEPS; i++) {
        log_message(LOG_INFO, "refresh of %s into %s: %s", r->step.alias, r->index, steps[i].name);
        if (!steps[i].run(r, err))
            return false;
        may_crash(steps[i].name, "done");
        if (!note_put_done(&r->steps.hosts, &r->note, steps[i].name, err))
            return false;
        may_crash(steps[i].name, "noted");
    }
    return true;
}

/* --- the beginning --- */

static bool put_name(char out[NAME_BYTES], const char *a, const char *b, struct error *err)
{
    return snprintf(out, NAME_BYTES, "%s-%s", a, b) < NAME_BYTES ||
           error_set(err, ERROR_CONFIG, "the name %s-%s is too long", a, b);
}

/* With milliseconds, as a small refresh takes less than a second, and the next may follow at once. */
static bool name_new_index(struct refresh *r, struct error *err)
{
    char second[32], now[40];
    int64_t wall_ms = clock_wall_ms();
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    if (r->options->suffix != NULL)
        return put_name(r->index, r->step.alias, r->options->suffix, err);
    strftime(second, sizeof second, "%Y%m%d-%H%M%S", gmtime_r(&seconds, &utc));
    snprintf(now, sizeof now, "%s-%03d", second, (int)(wall_ms % 1000));
    return put_name(r->index, r->step.alias, now, err);
}

static bool hash_query(struct refresh *r, struct error *err)
{
    struct buffer query;
    buffer_init(&query, QUERY_MAX_BYTES);
    bool ok = job_read_query(&r->job, &query, err) &&
              job_hash_query(&r->job, buffer_string(&query), r->hash, err);
    buffer_free(&query);
    return ok;
}

static bool go_on(struct refresh *r, struct error *err)
{
    const char *hash = json_string_value(json_object_get(r->note.json, "query"));
    snprintf(r->index, sizeof r->index, "%s", r->note.index);
    if (hash == NULL || strcmp(hash, r->hash) != 0)
        return error_set(err, ERROR_CONFIG,
                         "the refresh of alias %s into index %s was begun with another query or "
                         "key: put it back, "
                         "or delete that index to begin anew",
                         r->step.alias, r->index);
    return true;
}

/* Hours later it would be told too. */
static bool check_alias(struct refresh *r, struct error *err)
{
    struct look l;
    bool ok = look_at(&r->steps.hosts, r->step.alias, &l, err);
    if (ok && json_object_get(l.json, r->step.alias) != NULL)
        ok = error_set(err, ERROR_CONFIG,
                       "%s is an index, and no alias: an alias can take its name only when it is "
                       "deleted: until then choose another --alias",
                       r->step.alias);
    look_free(&l);
    return ok;
}

/* The index is made together with its note: no kill can come between. */
static bool begin(struct refresh *r, struct error *err)
{
    if (!check_alias(r, err) || !name_new_index(r, err))
        return false;
    r->note.index = strdup(r->index);
    r->note.json =
        json_pack("{s:s, s:s, s:s}", "alias", r->step.alias, "query", r->hash, "done", "");
    if (r->note.index == NULL || r->note.json == NULL)
        return error_set_memory(err);
    r->job.index = r->index;
    if (!fill_begin(&r->job, &r->fleet, err) ||
        !step_create_noted(&r->steps, r->index, REFRESH_NOTE, r->note.json, err))
        return false;
    may_crash("create", "noted");
    return true;
}

/* All that can be wrong from the start is told before anything is made. */
static bool find_or_begin(struct refresh *r, struct error *err)
{
    const char *wanted = NULL;
    if (!hash_query(r, err) || !scripts_check(&r->scripts, err))
        return false;
    if (r->options->suffix != NULL) {
        if (!put_name(r->index, r->step.alias, r->options->suffix, err))
            return false;
        wanted = r->index;
    }
    if (!note_find(&r->steps.hosts, r->step.alias, wanted, last_step, &r->note, err))
        return false;
    return r->note.index != NULL ? go_on(r, err) : begin(r, err);
}

/* What depends on the new index's name. */
static bool name_the_rest(struct refresh *r, struct error *err)
{
    r->job.index = r->index;
    r->scripts.refresh = r->index;
    r->step.into = r->filtered;
    return put_name(r->filtered, r->index, "filtered", err) &&
           put_name(r->filtered_alias, r->step.alias, "filtered", err);
}

bool refresh_run(const struct refresh_options *o, const struct job_options *job,
                 const struct step_options *step, struct fill_watch *watch, struct error *err)
{
    struct refresh r = {
        .options = o, .watch = watch, .job = *job, .step = *step, .fleet = o->fleet};
    r.fleet.store.job = &r.job;
    r.scripts = (struct scripts){
        .dsn = job->dsn, .directory = o->scripts, .variables = o->variables, .refresh = ""};
    bool ok = steps_open(&r.steps, &r.job, &r.step, err) && find_or_begin(&r, err) &&
              name_the_rest(&r, err) && run_steps(&r, err);
    steps_close(&r.steps);
    note_free(&r.note);
    return ok;
}
