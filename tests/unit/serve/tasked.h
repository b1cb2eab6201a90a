/* tasked.h: for the tests of tasks: a state directory of one's own with a store in it, and wishes. */
#ifndef BOBBIN_TESTS_TASKED_H
#define BOBBIN_TESTS_TASKED_H

#include "serve/tasks.h"
#include "unit.h"

static char *tasked_directory; // holds the state directory, which does not exist at first
static char tasked_state[2048];
static struct tasks_store *tasked_store;
static struct tasks *tasked;
static struct error tasked_err;

static const struct wish tasked_wish = {.model = "image",
                                        .table = "temp_import_image",
                                        .index = "image-1",
                                        .start_id = 1,
                                        .end_id = 1000};

static inline void tasked_open(void)
{
    unit_assert_ok(tasks_store_open(&tasked_store, tasked_state, &tasked_err), tasked_err);
    unit_assert_ok(tasks_open(&tasked, tasked_store, &tasked_err), tasked_err);
}

static inline void tasked_close(void)
{
    tasks_close(tasked);
    tasks_store_close(tasked_store);
    tasked = NULL;
    tasked_store = NULL;
}

static inline void tasked_set_up(void)
{
    tasked_directory = unit_make_directory();
    snprintf(tasked_state, sizeof tasked_state, "%s/state", tasked_directory);
    tasked_open();
}

static inline void tasked_tear_down(void)
{
    tasked_close();
    unit_remove_directory(tasked_directory);
}

static inline struct task tasked_add(void)
{
    struct task task;
    unit_assert_ok(tasks_add(tasked, &tasked_wish, &task, &tasked_err), tasked_err);
    return task;
}

static inline struct task tasked_get(const char *id)
{
    struct task task;
    ck_assert(tasks_get(tasked, id, &task));
    return task;
}

/* The path of NAME in the state directory, good until the next call. */
static inline const char *tasked_path(const char *id, const char *ending)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", tasked_state, id, ending);
    return path;
}

static inline bool tasked_exists(const char *id, const char *ending)
{
    return access(tasked_path(id, ending), F_OK) == 0;
}

/* Make PATH a file with CONTENT. */
static inline void tasked_write(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

#endif
