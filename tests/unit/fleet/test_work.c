/* test_work.c: what a worker refuses before it asks anybody. The work itself: tests/integration/test_fleet.py. */
#include "fleet/work.h"

#include "unit.h"

static const struct {
    const char *name;
    int64_t lease_ms;
    enum error_kind kind;
    const char *text;
} cases[] = {
    {"images", 999, ERROR_USAGE, "--lease: it is from 1s to 1h"},
    {"images", 3600 * 1000 + 1, ERROR_USAGE, "--lease"},
    {NULL, 60000, ERROR_USAGE, "name the job"},
    {"a:1", 60000, ERROR_USAGE, "a name is"},
    {"images", 60000, ERROR_UNAVAILABLE, "/nonexistent"},
};

START_TEST(what_is_wrong_is_said_at_once)
{
    const struct job_options job = {
        .table = "t", .key = "id", .index = "i", .spool = "/nonexistent"};
    const struct work_options work = {.job = &job,
                                      .name = cases[_i].name,
                                      .coordinator = "host=/nonexistent",
                                      .lease_ms = cases[_i].lease_ms};
    bool is_told;
    int status;
    struct error err;
    unit_assert_error(work_run(&work, &is_told, &status, &err), err, cases[_i].kind,
                      cases[_i].text);
    ck_assert(!is_told);
}
END_TEST

UNIT_MAIN("fleet/work", UNIT_EACH(what_is_wrong_is_said_at_once, cases))
