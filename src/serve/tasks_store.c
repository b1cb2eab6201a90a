/* tasks_store.c: see tasks_store.h. */
#include "serve/tasks_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"

#define LOCK_FILE "lock"
#define RECORD_ENDING ".json"
#define SPOOL_ENDING ".spool"

enum { NAME_BYTES = TASK_ID_BYTES + sizeof SPOOL_ENDING };

struct tasks_store {
    const char *path;
    int dir;
    int lock_file;
};

static bool take_lock(struct tasks_store *s, struct error *err)
{
    bool taken;
    if (!file_open(&s->lock_file, s->dir, LOCK_FILE, true, err) ||
        !file_lock(s->lock_file, LOCK_FILE, 0, &taken, err))
        return false;
    return taken || error_set(err, ERROR_BUSY, "another bobbin serve uses it");
}

bool tasks_store_open(struct tasks_store **out, const char *path, struct error *err)
{
    if (strlen(path) + NAME_BYTES + 1 >= TASKS_STORE_PATH_BYTES)
        return error_set(err, ERROR_USAGE, "--state: the path is too long");
    struct tasks_store *s = malloc(sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    *s = (struct tasks_store){.path = path, .dir = -1, .lock_file = -1};
    if (file_open_directory(&s->dir, path, true, err) && take_lock(s, err)) {
        *out = s;
        return true;
    }
    tasks_store_close(s);
    return error_wrap(err, "--state %s", path);
}

void tasks_store_close(struct tasks_store *s)
{
    if (s == NULL)
        return;
    file_close(&s->lock_file);
    file_close(&s->dir);
    free(s);
}

static void put_name(const struct task *t, const char *ending, char out[NAME_BYTES])
{
    snprintf(out, NAME_BYTES, "%s%s", t->id, ending);
}

void tasks_store_put_spool_path(const struct tasks_store *s, const struct task *t,
                                char out[TASKS_STORE_PATH_BYTES])
{
    snprintf(out, TASKS_STORE_PATH_BYTES, "%s/%s" SPOOL_ENDING, s->path, t->id);
}

bool tasks_store_put(struct tasks_store *s, const struct task *t, struct error *err)
{
    char name[NAME_BYTES];
    struct buffer text;
    put_name(t, RECORD_ENDING, name);
    buffer_init(&text, TASK_RECORD_MAX_BYTES);
    bool ok =
        task_put_record(t, &text, err) && file_replace(s->dir, name, buffer_slice(&text), err);
    buffer_free(&text);
    return ok;
}

static bool remove_spool(struct tasks_store *s, const struct task *t, struct error *err)
{
    char name[NAME_BYTES];
    put_name(t, SPOOL_ENDING, name);
    return file_remove_directory(s->dir, name, err);
}

bool tasks_store_clear_spool(struct tasks_store *s, const struct task *t, struct error *err)
{
    bool is_over = t->state == TASK_DONE || t->state == TASK_STOPPED;
    return !is_over || remove_spool(s, t, err);
}

bool tasks_store_remove(struct tasks_store *s, const struct task *t, struct error *err)
{
    char name[NAME_BYTES];
    put_name(t, RECORD_ENDING, name);
    return remove_spool(s, t, err) && file_remove(s->dir, name, err);
}

/* --- loading --- */

struct loading {
    struct tasks_store *store;
    bool (*see)(void *context, const struct task *task, struct error *err);
    void *context;
};

static bool read_record(struct tasks_store *s, const char *name, struct task *t, struct error *err)
{
    uint64_t size;
    size_t got;
    int fd;
    struct buffer text;
    buffer_init(&text, TASK_RECORD_MAX_BYTES);
    if (!file_open(&fd, s->dir, name, false, err))
        return false;
    bool ok = file_size(fd, name, &size, err);
    if (ok && (size > TASK_RECORD_MAX_BYTES || !buffer_reserve(&text, (size_t)size)))
        ok = error_set(err, ERROR_DAMAGED, "it is too large");
    ok = ok && file_read_at(fd, name, 0, text.data, (size_t)size, &got, err) &&
         task_read_record(t, (struct slice){text.data, got}, err);
    file_close(&fd);
    buffer_free(&text);
    if (ok && strncmp(t->id, name, TASK_ID_BYTES - 1) != 0)
        ok = error_set(err, ERROR_DAMAGED, "it is of another task");
    return ok;
}

static bool is_record(const char *name)
{
    char id[TASK_ID_BYTES];
    snprintf(id, sizeof id, "%s", name);
    return task_is_id(id) && strcmp(name + TASK_ID_BYTES - 1, RECORD_ENDING) == 0;
}

static bool see_entry(const char *name, void *context, struct error *err)
{
    struct loading *loading = context;
    struct error why = {.kind = ERROR_NONE};
    struct task task;
    if (!is_record(name))
        return true;
    if (!read_record(loading->store, name, &task, &why)) {
        log_message(LOG_WARNING, "%s/%s can't be read, and is left alone: %s", loading->store->path,
                    name, why.message);
        return true;
    }
    return tasks_store_clear_spool(loading->store, &task, err) &&
           loading->see(loading->context, &task, err);
}

bool tasks_store_load(struct tasks_store *s,
                      bool (*see)(void *context, const struct task *task, struct error *err),
                      void *context, struct error *err)
{
    struct loading loading = {s, see, context};
    return file_list(s->dir, see_entry, &loading, err);
}
