/* test_child.c: the process that does a shard's job ends with its job's status, when asked, and when told. */
#include "fleet/child.h"

#include <signal.h>

#include "unit.h"

static char *directory, spool[4096];
static struct job_options options;
static struct child *child;
static struct error err;

static void set_up(void)
{
    directory = unit_make_directory();
    snprintf(spool, sizeof spool, "%s/spool", directory);
    options = (struct job_options){
        .table = "t", .key = "id", .spool = spool, .index = "i", .in_flight = 1};
}

static void tear_down(void)
{
    child_end(child);
    unit_remove_directory(directory);
}

static int wait_for_end(void)
{
    int status = -1;
    while (!child_has_ended(child, &status))
        usleep(10000);
    return status;
}

START_TEST(its_exit_status_is_that_of_the_job)
{
    options.dsn = "host=/nonexistent";
    unit_assert_ok(child_start(&child, &options, &err), err);
    child_allow(child, INT64_MAX);
    ck_assert_int_eq(wait_for_end(), 75);
    int again;
    ck_assert(child_has_ended(child, &again) && again == 75);
}
END_TEST

/* A server that is mute holds it for 15 s. */
START_TEST(it_ends_when_it_is_told_to)
{
    options.dsn = "host=127.0.0.1 port=1 connect_timeout=1";
    unit_assert_ok(child_start(&child, &options, &err), err);
    child_ask_to_stop(child);
    child_end(child);
    child = NULL;
}
END_TEST

UNIT_MAIN_WITH("fleet/child", set_up, tear_down, UNIT_TEST(its_exit_status_is_that_of_the_job),
               UNIT_TEST(it_ends_when_it_is_told_to))
