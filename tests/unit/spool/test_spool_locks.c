/* test_spool_locks.c: one dump and one replay work on a spool at a time; looking at it is free. */
#include "spool/spool.h"

#include <sys/wait.h>

#include "spooled.h"

static struct error err;
static struct spool *s;
static const struct job_id other_job = {{2}};

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

/* Open the spool in another process with ROLES; returns the kind of its error. */
static enum error_kind open_elsewhere(unsigned roles)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct spool *own;
        spooled.roles = roles;
        bool ok = spool_open(&own, &spooled, &spooled_job, &err);
        _exit(ok ? ERROR_NONE : (int)err.kind);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return (enum error_kind)WEXITSTATUS(status);
}

static const struct {
    unsigned here, there;
    enum error_kind kind;
} pairs[] = {
    {SPOOL_DUMP, SPOOL_DUMP, ERROR_BUSY},
    {SPOOL_REPLAY, SPOOL_REPLAY, ERROR_BUSY},
    {SPOOL_DUMP | SPOOL_REPLAY, SPOOL_DUMP, ERROR_BUSY},
    {SPOOL_DUMP | SPOOL_REPLAY, SPOOL_REPLAY, ERROR_BUSY},
    {SPOOL_DUMP, SPOOL_DUMP | SPOOL_REPLAY, ERROR_BUSY},
    {SPOOL_REPLAY, SPOOL_DUMP | SPOOL_REPLAY, ERROR_BUSY},
    {SPOOL_DUMP, SPOOL_REPLAY, ERROR_NONE},
    {SPOOL_REPLAY, SPOOL_DUMP, ERROR_NONE},
    {SPOOL_DUMP | SPOOL_REPLAY, SPOOL_READER, ERROR_NONE},
    {SPOOL_READER, SPOOL_DUMP | SPOOL_REPLAY, ERROR_NONE},
};

START_TEST(one_dump_and_one_replay_work_on_a_spool)
{
    s = spooled_new();
    spool_close(s);
    spooled.roles = pairs[_i].here;
    s = spooled_open();
    ck_assert_int_eq(open_elsewhere(pairs[_i].there), pairs[_i].kind);
    spool_close(s);
    s = NULL;
    ck_assert_int_eq(open_elsewhere(pairs[_i].there), ERROR_NONE);
}
END_TEST

START_TEST(a_spool_that_was_just_begun_is_locked_too)
{
    s = spooled_new();
    ck_assert_int_eq(open_elsewhere(SPOOL_DUMP), ERROR_BUSY);
    ck_assert_int_eq(open_elsewhere(SPOOL_REPLAY), ERROR_BUSY);
}
END_TEST

START_TEST(the_refusal_says_who_is_at_work)
{
    struct spool *second;
    s = spooled_new();
    spooled.roles = SPOOL_DUMP;
    unit_assert_error(spool_open(&second, &spooled, &spooled_job, &err), err, ERROR_BUSY,
                      "another bobbin dumps into it");
    spooled.roles = SPOOL_REPLAY;
    unit_assert_error(spool_open(&second, &spooled, &spooled_job, &err), err, ERROR_BUSY,
                      "another bobbin replays it");
    ck_assert_ptr_nonnull(strstr(err.message, spooled_path));
}
END_TEST

START_TEST(two_that_begin_at_once_do_not_both_win)
{
    struct spool *first = spooled_open();
    s = spooled_open();
    ck_assert(spool_is_new(first));
    ck_assert(spool_is_new(s));
    spooled_begin(first, 1);
    unit_assert_error(spool_begin(s, &other_job, slice_of("{}"), NULL, 0, 0, &err), err, ERROR_BUSY,
                      "another bobbin");
    ck_assert(spool_is_new(s));
    spool_close(first);
    unit_assert_error(spool_begin(s, &other_job, slice_of("{}"), NULL, 0, 0, &err), err, ERROR_BUSY,
                      "another bobbin has just begun it");
    spool_close(s);
    s = spooled_open(); // still the first one's
}
END_TEST

START_TEST(a_reader_sees_who_holds_which_role)
{
    s = spooled_new();
    spool_close(s);
    spooled.roles = SPOOL_DUMP;
    struct spool *worker = spooled_open();
    ck_assert(!spool_is_held(worker, SPOOL_DUMP)); // by another one
    spooled.roles = SPOOL_READER;
    s = spooled_open();
    ck_assert(spool_is_held(s, SPOOL_DUMP));
    ck_assert(!spool_is_held(s, SPOOL_REPLAY));
    spool_close(worker);
    ck_assert(!spool_is_held(s, SPOOL_DUMP));
}
END_TEST

START_TEST(a_reset_keeps_the_locks)
{
    s = spooled_new();
    unit_assert_ok(spool_reset(s, &err), err);
    spooled_begin(s, 1);
    ck_assert_int_eq(open_elsewhere(SPOOL_DUMP), ERROR_BUSY);
}
END_TEST

UNIT_MAIN_WITH("spool/locks", spooled_set_up, tear_down,
               UNIT_EACH(one_dump_and_one_replay_work_on_a_spool, pairs),
               UNIT_TEST(a_spool_that_was_just_begun_is_locked_too),
               UNIT_TEST(the_refusal_says_who_is_at_work),
               UNIT_TEST(two_that_begin_at_once_do_not_both_win),
               UNIT_TEST(a_reader_sees_who_holds_which_role), UNIT_TEST(a_reset_keeps_the_locks))
