/* test_tasks.c: tasks are taken in their order, stopped when asked, kept, and forgotten when there are too many. */
#include "serve/tasks.h"

#include <poll.h>
#include <sys/stat.h>

#include "tasked.h"

static bool has_news(void)
{
    struct pollfd wait = {.fd = tasks_news_fd(tasked), .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void update(struct task *t, enum task_state state)
{
    t->state = state;
    unit_assert_ok(tasks_update(tasked, t, &tasked_err), tasked_err);
}

START_TEST(an_added_task_is_there_also_after_a_restart)
{
    struct task t = tasked_add(), again;
    ck_assert_str_eq(tasked_get(t.id).wish.index, tasked_wish.index);
    tasked_close();
    tasked_open();
    again = tasked_get(t.id);
    ck_assert_int_eq(again.state, TASK_ACTIVE);
    ck_assert(!again.is_running);
    ck_assert(!tasks_get(tasked, "0123456789abcdef0123456789abcdef", &again));
}
END_TEST

START_TEST(adding_and_stopping_is_news_until_it_is_heard)
{
    bool was_active;
    ck_assert(!has_news());
    struct task t = tasked_add();
    ck_assert(has_news());
    tasks_hear(tasked);
    ck_assert(!has_news());
    tasks_hear(tasked);
    ck_assert(tasks_ask_to_stop(tasked, t.id, &was_active));
    ck_assert(was_active && has_news());
}
END_TEST

START_TEST(the_oldest_is_taken_first_and_once)
{
    struct task a = tasked_add(), b = tasked_add(), taken;
    int64_t wait_ms;
    ck_assert(tasks_take(tasked, true, 0, &taken, &wait_ms));
    ck_assert_str_eq(taken.id, a.id);
    ck_assert(taken.is_running);
    ck_assert(tasks_take(tasked, true, 0, &taken, &wait_ms));
    ck_assert_str_eq(taken.id, b.id);
    ck_assert(!tasks_take(tasked, true, 0, &taken, &wait_ms));
    ck_assert_int_eq(wait_ms, -1);
}
END_TEST

START_TEST(without_room_only_one_that_is_to_stop_is_taken)
{
    struct task a = tasked_add(), taken;
    int64_t wait_ms;
    bool was_active;
    ck_assert(!tasks_take(tasked, false, 0, &taken, &wait_ms));
    ck_assert(tasks_ask_to_stop(tasked, a.id, &was_active));
    ck_assert(tasks_take(tasked, false, 0, &taken, &wait_ms));
    ck_assert(taken.wants_stop);
}
END_TEST

START_TEST(one_that_failed_is_taken_when_its_time_has_come)
{
    struct task a = tasked_add(), taken;
    int64_t wait_ms;
    ck_assert(tasks_take(tasked, true, 0, &a, &wait_ms));
    a.is_running = false;
    a.not_before_ms = 5000;
    update(&a, TASK_ACTIVE);
    ck_assert(!tasks_take(tasked, true, 2000, &taken, &wait_ms));
    ck_assert_int_eq(wait_ms, 3000);
    ck_assert(tasks_take(tasked, true, 5000, &taken, &wait_ms));
}
END_TEST

START_TEST(a_request_to_stop_outlives_an_update_and_ends_with_the_task)
{
    struct task t = tasked_add();
    bool was_active;
    ck_assert(tasks_ask_to_stop(tasked, t.id, &was_active));
    t.counts.read = 7; // the supervisor knew nothing of it
    update(&t, TASK_ACTIVE);
    ck_assert(tasked_get(t.id).wants_stop);
    ck_assert_uint_eq(tasked_get(t.id).counts.read, 7);
    update(&t, TASK_STOPPED);
    ck_assert(tasks_ask_to_stop(tasked, t.id, &was_active));
    ck_assert(!was_active);
    ck_assert(!tasks_ask_to_stop(tasked, "none", &was_active));
}
END_TEST

START_TEST(an_end_is_durable_and_the_spool_goes)
{
    struct task t = tasked_add();
    ck_assert_int_eq(mkdir(tasked_path(t.id, ".spool"), 0700), 0);
    update(&t, TASK_DONE);
    ck_assert(!tasked_exists(t.id, ".spool"));
    tasked_close();
    tasked_open();
    ck_assert_int_eq(tasked_get(t.id).state, TASK_DONE);
}
END_TEST

START_TEST(the_list_begins_with_the_newest)
{
    struct task a = tasked_add(), *list;
    size_t count;
    usleep(2000); // times are in milliseconds, and the order of a restart is theirs
    struct task b = tasked_add();
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(tasks_list(tasked, &list, &count, &tasked_err), tasked_err);
        ck_assert_uint_eq(count, 2);
        ck_assert_str_eq(list[0].id, b.id);
        ck_assert_str_eq(list[1].id, a.id);
        free(list);
        tasked_close();
        tasked_open();
    }
}
END_TEST

START_TEST(the_oldest_of_too_many_ended_tasks_are_forgotten)
{
    struct task first = tasked_add(), active = tasked_add(), second = tasked_add(), ignored;
    update(&first, TASK_FAILED);
    update(&second, TASK_DONE);
    for (int i = 0; i < TASKS_ENDED_MAX - 1; i++) {
        struct task t = tasked_add();
        update(&t, TASK_DONE);
    }
    ck_assert(!tasks_get(tasked, first.id, &ignored));
    ck_assert(tasks_get(tasked, second.id, &ignored));
    ck_assert(tasks_get(tasked, active.id, &ignored));
    ck_assert(!tasked_exists(first.id, ".json"));
}
END_TEST

START_TEST(so_many_active_tasks_and_no_more)
{
    struct task t;
    for (int i = 0; i < TASKS_ACTIVE_MAX; i++)
        t = tasked_add();
    unit_assert_error(tasks_add(tasked, &tasked_wish, &t, &tasked_err), tasked_err,
                      ERROR_UNAVAILABLE, "1000 tasks are waiting");
}
END_TEST

START_TEST(a_task_that_can_not_be_kept_is_not_added)
{
    struct task *list, t;
    size_t count;
    unit_remove_directory(strdup(tasked_state));
    unit_assert_error(tasks_add(tasked, &tasked_wish, &t, &tasked_err), tasked_err, ERROR_DISK,
                      ".json");
    unit_assert_ok(tasks_list(tasked, &list, &count, &tasked_err), tasked_err);
    ck_assert_uint_eq(count, 0);
    free(list);
}
END_TEST

UNIT_MAIN_WITH("serve/tasks", tasked_set_up, tasked_tear_down,
               UNIT_TEST(an_added_task_is_there_also_after_a_restart),
               UNIT_TEST(adding_and_stopping_is_news_until_it_is_heard),
               UNIT_TEST(the_oldest_is_taken_first_and_once),
               UNIT_TEST(without_room_only_one_that_is_to_stop_is_taken),
               UNIT_TEST(one_that_failed_is_taken_when_its_time_has_come),
               UNIT_TEST(a_request_to_stop_outlives_an_update_and_ends_with_the_task),
               UNIT_TEST(an_end_is_durable_and_the_spool_goes),
               UNIT_TEST(the_list_begins_with_the_newest),
               UNIT_TEST(the_oldest_of_too_many_ended_tasks_are_forgotten),
               UNIT_TEST(so_many_active_tasks_and_no_more),
               UNIT_TEST(a_task_that_can_not_be_kept_is_not_added))
