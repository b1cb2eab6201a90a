/* shelf.c: see shelf.h. */
#include "serve/shelf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"

#define LOCK_FILE "lock"
#define RECORD_ENDING ".json"
#define SPOOL_ENDING ".spool"

enum { NAME_BYTES = TASK_ID_BYTES + sizeof SPOOL_ENDING };

struct shelf {
    const char *path;
    int dir;
    int lock_file;
};

static bool take_lock(struct shelf *s, struct error *err)
{
    bool taken;
    if (!file_open(&s->lock_file, s->dir, LOCK_FILE, true, err) ||
        !file_lock(s->lock_file, LOCK_FILE, 0, &taken, err))
        return false;
    return taken || error_set(err, ERROR_BUSY, "another bobbin serve uses it");
}

bool shelf_open(struct shelf **out, const char *path, struct error *err)
{
    if (strlen(path) + NAME_BYTES + 1 >= SHELF_PATH_BYTES)
        return error_set(err, ERROR_USAGE, "--state: the path is too long");
    struct shelf *s = malloc(sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    *s = (struct shelf){.path = path, .dir = -1, .lock_file = -1};
    if (file_open_directory(&s->dir, path, true, err) && take_lock(s, err)) {
        *out = s;
        return true;
    }
    shelf_close(s);
    return error_wrap(err, "--state %s", path);
}

void shelf_close(struct shelf *s)
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

void shelf_put_spool_path(const struct shelf *s, const struct task *t, char out[SHELF_PATH_BYTES])
{
    snprintf(out, SHELF_PATH_BYTES, "%s/%s" SPOOL_ENDING, s->path, t->id);
}

bool shelf_put(struct shelf *s, const struct task *t, struct error *err)
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

static bool remove_spool(struct shelf *s, const struct task *t, struct error *err)
{
    char name[NAME_BYTES];
    put_name(t, SPOOL_ENDING, name);
    return file_remove_directory(s->dir, name, err);
}

bool shelf_clear_spool(struct shelf *s, const struct task *t, struct error *err)
{
    bool is_over = t->state == TASK_DONE || t->state == TASK_STOPPED;
    return !is_over || remove_spool(s, t, err);
}

bool shelf_remove(struct shelf *s, const struct task *t, struct error *err)
{
    char name[NAME_BYTES];
    put_name(t, RECORD_ENDING, name);
    return remove_spool(s, t, err) && file_remove(s->dir, name, err);
}

/* --- loading --- */

struct loading {
    struct shelf *shelf;
    bool (*see)(void *context, const struct task *task, struct error *err);
    void *context;
};

static bool read_record(struct shelf *s, const char *name, struct task *t, struct error *err)
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
    if (!read_record(loading->shelf, name, &task, &why)) {
        log_message(LOG_WARNING, "%s/%s can't be read, and is left alone: %s", loading->shelf->path,
                    name, why.message);
        return true;
    }
    return shelf_clear_spool(loading->shelf, &task, err) &&
           loading->see(loading->context, &task, err);
}

bool shelf_load(struct shelf *s,
                bool (*see)(void *context, const struct task *task, struct error *err),
                void *context, struct error *err)
{
    struct loading loading = {s, see, context};
    return file_list(s->dir, see_entry, &loading, err);
}
