/* cmd_refresh.c: refresh sql, which runs the SQL files of one step of a refresh. */
#include "cli/commands.h"
#include "refresh/scripts.h"

_Static_assert((int)JOB_HEADERS_MAX == (int)SCRIPTS_VARIABLES_MAX, "--set gives them");

int command_refresh_sql(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    struct scripts scripts = {.dsn = o->job.dsn,
                              .directory = o->scripts,
                              .refresh = o->job.index,
                              .variables = o->variables};
    bool ok = command_is_given("step", o->script_step, &err) &&
              scripts_check_step(o->script_step, &err) &&
              command_is_given("steps", o->scripts, &err) &&
              command_is_given("index", o->job.index, &err) && scripts_check(&scripts, &err) &&
              scripts_run(&scripts, o->script_step, &err);
    return ok ? 0 : command_failed(&err);
}
