/* test_publish.c: what plan JOB refuses before it asks anybody. Who makes a plan when: tests/integration/test_fleet.py. */
#include "fleet/publish.h"

#include "unit.h"

static const struct {
    const char *name;
    enum error_kind kind;
    const char *text;
} cases[] = {
    {"", ERROR_USAGE, "name the job"},
    {"a:b", ERROR_USAGE, "a name is"},
    {"images", ERROR_UNAVAILABLE, "--coordinator: PostgreSQL at /nonexistent"},
};

START_TEST(what_is_wrong_is_said_at_once)
{
    static const struct job_options job = {.table = "t", .key = "id", .index = "i"};
    const struct store_options store = {
        .job = &job, .coordinator = "host=/nonexistent", .timeout_ms = 1000, .makes = true};
    struct fleet_job *made;
    bool is_new;
    struct error err;
    unit_assert_error(
        publish_plan(&store, cases[_i].name, 3, PLAN_BOUNDS_EXACT, &made, &is_new, &err), err,
        cases[_i].kind, cases[_i].text);
    ck_assert_ptr_null(made);
}
END_TEST

UNIT_MAIN("fleet/publish", UNIT_EACH(what_is_wrong_is_said_at_once, cases))
