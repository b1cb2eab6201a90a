/* test_serve.c: a server serves until it is asked to stop, or says in one line why it can't. */
#include "serve/serve.h"

#include "base/stop.h"

#include "acted.h"

static struct serve_options options;
static struct error err;

/* A state directory beside that of the tests' own store. */
static void begin(void)
{
    static char state[4096];
    snprintf(state, sizeof state, "%s/served", tasked_directory);
    options = (struct serve_options){.listen = "127.0.0.1:0",
                                     .models = acted_models,
                                     .state = state,
                                     .tasks = 1,
                                     .give_up_after_ms = 1000};
}

START_TEST(it_ends_well_when_it_is_asked_to)
{
    begin();
    unit_assert_ok(stop_install(&err), err);
    stop_request();
    unit_assert_ok(serve_run(&options, &err), err);
    unit_assert_ok(serve_run(&options, &err), err); // nothing of the first stands in the way
}
END_TEST

START_TEST(what_it_needs_is_checked_first)
{
    begin();
    options.listen = "nowhere:";
    unit_assert_error(serve_run(&options, &err), err, ERROR_USAGE, "--listen nowhere:");
    options.models = "/nonexistent";
    unit_assert_error(serve_run(&options, &err), err, ERROR_CONFIG, "--models /nonexistent");
    begin();
    options.state = tasked_state; // the tests' own store has it
    unit_assert_error(serve_run(&options, &err), err, ERROR_BUSY, "another bobbin serve uses it");
}
END_TEST

ACTED_MAIN("serve/serve", UNIT_TEST(what_it_needs_is_checked_first),
           UNIT_OWN_PROCESS(it_ends_well_when_it_is_asked_to, 1))
