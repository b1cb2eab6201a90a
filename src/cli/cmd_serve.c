/* cmd_serve.c: serve. */
#include "cli/commands.h"
#include "serve/supervise.h"

static bool check(struct options *o, struct error *err)
{
    o->serve.give_up_after_ms = o->job.give_up_after_ms;
    if (o->serve.token != NULL && o->serve.token[0] == '\0')
        return error_set(err, ERROR_USAGE, "--token is empty");
    return command_is_given("listen", o->serve.listen, err) &&
           command_is_given("models", o->serve.models, err) &&
           command_is_given("state", o->serve.state, err) &&
           command_in_range("tasks", o->serve.tasks, 1, SUPERVISE_MOST, err);
}

int command_serve(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    return check(o, &err) && serve_run(&o->serve, &err) ? 0 : command_failed(&err);
}
