/* test_tasks_store.c: what is kept is there when the server comes again; what isn't needed goes. */
#include "serve/tasks_store.h"

#include <sys/stat.h>

#include "tasked.h"

static struct task found[8];
static size_t found_count;

static bool note(void *context, const struct task *task, struct error *err)
{
    (void)context;
    (void)err;
    ck_assert_uint_lt(found_count, COUNT_OF(found));
    found[found_count++] = *task;
    return true;
}

static void load(void)
{
    found_count = 0;
    unit_assert_ok(tasks_store_load(tasked_store, note, NULL, &tasked_err), tasked_err);
}

/* A task with a spool of one file. */
static struct task put(enum task_state state)
{
    struct task t;
    unit_assert_ok(task_begin(&t, &tasked_wish, 1, &tasked_err), tasked_err);
    t.state = state;
    unit_assert_ok(tasks_store_put(tasked_store, &t, &tasked_err), tasked_err);
    char spool[TASKS_STORE_PATH_BYTES];
    tasks_store_put_spool_path(tasked_store, &t, spool);
    ck_assert_str_eq(spool, tasked_path(t.id, ".spool"));
    ck_assert_int_eq(mkdir(spool, 0700), 0);
    tasked_write(tasked_path(t.id, ".spool/dead.ndjson"), "{}\n");
    return t;
}

START_TEST(a_task_is_there_again_as_it_was_put_last)
{
    struct task t = put(TASK_ACTIVE);
    t.counts.read = 5;
    unit_assert_ok(tasks_store_put(tasked_store, &t, &tasked_err), tasked_err);
    tasked_close();
    tasked_open();
    load();
    ck_assert_uint_eq(found_count, 1);
    ck_assert_str_eq(found[0].id, t.id);
    ck_assert_uint_eq(found[0].counts.read, 5);
}
END_TEST

START_TEST(the_state_is_its_owners_alone)
{
    struct stat st;
    struct task t = put(TASK_ACTIVE);
    ck_assert_int_eq(stat(tasked_state, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(stat(tasked_path(t.id, ".json"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(one_server_has_it_at_a_time)
{
    struct tasks_store *other;
    unit_assert_error(tasks_store_open(&other, tasked_state, &tasked_err), tasked_err, ERROR_BUSY,
                      "another bobbin serve uses it");
    ck_assert_ptr_nonnull(strstr(tasked_err.message, tasked_state));
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused)
{
    struct tasks_store *other;
    char name[TASKS_STORE_PATH_BYTES];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    unit_assert_error(tasks_store_open(&other, name, &tasked_err), tasked_err, ERROR_USAGE,
                      "too long");
}
END_TEST

static const struct {
    enum task_state state;
    bool keeps;
} spools[] = {{TASK_ACTIVE, true}, {TASK_FAILED, true}, {TASK_DONE, false}, {TASK_STOPPED, false}};

START_TEST(a_spool_stays_while_it_may_be_needed)
{
    struct task t = put(spools[_i].state);
    unit_assert_ok(tasks_store_clear_spool(tasked_store, &t, &tasked_err), tasked_err);
    ck_assert(tasked_exists(t.id, ".spool") == spools[_i].keeps);
    ck_assert(tasked_exists(t.id, ".json"));
}
END_TEST

START_TEST(what_a_crash_left_of_an_ended_task_goes_when_it_is_loaded)
{
    struct task t = put(spools[_i].state);
    load();
    ck_assert_uint_eq(found_count, 1);
    ck_assert(tasked_exists(t.id, ".spool") == spools[_i].keeps);
}
END_TEST

START_TEST(a_forgotten_task_leaves_nothing)
{
    struct task t = put(TASK_FAILED);
    unit_assert_ok(tasks_store_remove(tasked_store, &t, &tasked_err), tasked_err);
    ck_assert(!tasked_exists(t.id, ".spool") && !tasked_exists(t.id, ".json"));
    load();
    ck_assert_uint_eq(found_count, 0);
}
END_TEST

START_TEST(damage_costs_one_task_and_stays_to_be_looked_at)
{
    struct task good = put(TASK_ACTIVE), cut = put(TASK_ACTIVE), other = put(TASK_ACTIVE);
    char *good_path = strdup(tasked_path(good.id, ".json"));
    ck_assert_int_eq(truncate(tasked_path(cut.id, ".json"), 20), 0);
    ck_assert_int_eq(rename(good_path, tasked_path(other.id, ".json")), 0);
    unit_assert_ok(tasks_store_put(tasked_store, &good, &tasked_err), tasked_err);
    free(good_path);
    tasked_write(tasked_path("notes", ".json"), "{}");
    load();
    ck_assert_uint_eq(found_count, 1);
    ck_assert_str_eq(found[0].id, good.id);
    ck_assert(tasked_exists(cut.id, ".json") && tasked_exists(other.id, ".json"));
}
END_TEST

START_TEST(a_record_that_is_too_large_is_none)
{
    struct task t = put(TASK_ACTIVE);
    ck_assert_int_eq(truncate(tasked_path(t.id, ".json"), 2 * TASK_RECORD_MAX_BYTES), 0);
    load();
    ck_assert_uint_eq(found_count, 0);
}
END_TEST

UNIT_MAIN_WITH("serve/tasks_store", tasked_set_up, tasked_tear_down,
               UNIT_TEST(a_task_is_there_again_as_it_was_put_last),
               UNIT_TEST(the_state_is_its_owners_alone), UNIT_TEST(one_server_has_it_at_a_time),
               UNIT_TEST(a_name_that_is_too_long_is_refused),
               UNIT_EACH(a_spool_stays_while_it_may_be_needed, spools),
               UNIT_EACH(what_a_crash_left_of_an_ended_task_goes_when_it_is_loaded, spools),
               UNIT_TEST(a_forgotten_task_leaves_nothing),
               UNIT_TEST(damage_costs_one_task_and_stays_to_be_looked_at),
               UNIT_TEST(a_record_that_is_too_large_is_none))
