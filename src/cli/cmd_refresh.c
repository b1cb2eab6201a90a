/* cmd_refresh.c: refresh, and refresh sql, which runs the SQL files of one of its steps alone. */
#include "cli/commands.h"
#include "cli/progress.h"

_Static_assert((int)JOB_HEADERS_MAX == (int)SCRIPTS_VARIABLES_MAX, "--set gives them");

int command_refresh_sql(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    struct scripts scripts = {.dsn = o->job.dsn,
                              .directory = o->refresh.scripts,
                              .refresh = o->job.index,
                              .variables = o->refresh.variables};
    bool ok = command_is_given("step", o->script_step, &err) &&
              scripts_check_step(o->script_step, &err) &&
              command_is_given("steps", o->refresh.scripts, &err) &&
              command_is_given("index", o->job.index, &err) && scripts_check(&scripts, &err) &&
              scripts_run(&scripts, o->script_step, &err);
    return ok ? 0 : command_failed(&err);
}

static bool check(struct options *o, struct error *err)
{
    const struct refresh_options *r = &o->refresh;
    if (!command_is_given("alias", o->step.alias, err))
        return false;
    o->job.index = o->step.alias; // the new one has no name yet
    if (o->shards > 0 && !command_in_range("shards", o->shards, 1, PLAN_SHARDS_MAX, err))
        return false;
    return (r->since != NULL || command_is_given("create-index", o->job.create_index, err)) &&
           command_check_options(&o->job, SPOOL_DUMP | SPOOL_REPLAY, err);
}

static bool refresh(struct options *o, struct fill_watch *watch, struct error *err)
{
    struct refresh_options *r = &o->refresh;
    r->fleet = (struct fill_fleet){.shards = o->shards,
                                   .store = command_store_options(o, true),
                                   .lease_ms = o->lease_ms,
                                   .takes_any_version = o->takes_any_version};
    return r->since != NULL ? since_run(&o->job, &o->step, r->since, watch, err)
                            : refresh_run(r, &o->job, &o->step, watch, err);
}

int command_refresh(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    struct progress *progress;
    if (!check(o, &err) ||
        !progress_new(&progress, SPOOL_DUMP | SPOOL_REPLAY, "dump", o->quiet, &err))
        return command_failed(&err);
    struct fill_watch watch = {.observe = progress_observe, .context = progress};
    bool ok = refresh(o, &watch, &err);
    progress_end(progress);
    int status = ok ? 0 : command_failed(&err);
    if (watch.has_last)
        command_print_ledger(&watch.last);
    return status;
}
