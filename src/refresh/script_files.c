/* script_files.c: see script_files.h. */
#include "refresh/script_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "refresh/variables.h"

const char *const scripts_steps[SCRIPTS_STEPS] = {SCRIPTS_BEFORE, SCRIPTS_AFTER, SCRIPTS_PROMOTE};

static bool is_step(const char *name)
{
    for (size_t i = 0; i < SCRIPTS_STEPS; i++)
        if (strcmp(name, scripts_steps[i]) == 0)
            return true;
    return false;
}

bool scripts_check_step(const char *step, struct error *err)
{
    return is_step(step) ||
           error_set(err, ERROR_USAGE, "\"%s\" is no step: before, after or promote", step);
}

static bool is_sql(const char *name)
{
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".sql") == 0;
}

static char *join(const char *a, const char *b)
{
    char *path;
    return asprintf(&path, "%s/%s", a, b) < 0 ? NULL : path;
}

static bool list(const char *path, bool (*each)(const char *name, void *context, struct error *err),
                 void *context, struct error *err)
{
    int fd;
    if (!file_open_path(&fd, path, err))
        return false;
    bool ok = file_list(fd, each, context, err) || error_wrap(err, "%s", path);
    file_close(&fd);
    return ok;
}

/* --- which files --- */

struct search {
    const char *step;
    bool is_found;
};

static bool look_for_step(const char *name, void *context, struct error *err)
{
    struct search *s = context;
    s->is_found |= strcmp(name, s->step) == 0;
    return !is_sql(name) ||
           error_set(err, ERROR_CONFIG, "%s is of no step: put it into before, after or promote",
                     name);
}

static bool add_file(const char *name, void *context, struct error *err)
{
    struct script_files *f = context;
    if (!is_sql(name))
        return true;
    if (f->count == SCRIPT_FILES_MAX)
        return error_set(err, ERROR_CONFIG, "more than %d files", SCRIPT_FILES_MAX);
    struct script_file *file = &f->files[f->count++];
    buffer_init(&file->sql, 2 * SCRIPT_FILE_MAX_BYTES);
    file->name = strdup(name);
    return file->name != NULL || error_set_memory(err);
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct script_file *)a)->name, ((const struct script_file *)b)->name);
}

/* --- their text --- */

static bool read_file(struct script_file *file, const char *const *variables, struct error *err)
{
    struct buffer text;
    buffer_init(&text, SCRIPT_FILE_MAX_BYTES);
    bool ok = file_read_whole(file->path, &text, err);
    if (ok && text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        ok = error_set(err, ERROR_CONFIG, "%s: a zero byte is no SQL", file->path);
    ok = ok && variables_put(buffer_slice(&text), file->path, variables, &file->sql, err);
    buffer_free(&text);
    return ok;
}

static bool read_files(struct script_files *f, const char *path, const char *const *variables,
                       struct error *err)
{
    if (!list(path, add_file, f, err))
        return false;
    qsort(f->files, f->count, sizeof *f->files, compare_files);
    for (size_t i = 0; i < f->count; i++) {
        f->files[i].path = join(path, f->files[i].name);
        if (f->files[i].path == NULL)
            return error_set_memory(err);
        if (!read_file(&f->files[i], variables, err))
            return false;
    }
    return true;
}

bool script_files_read(struct script_files **out, const char *directory, const char *step,
                       const char *const *variables, struct error *err)
{
    struct search search = {.step = step};
    *out = NULL;
    if (!variables_check(variables, err) || !list(directory, look_for_step, &search, err))
        return false;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return error_set_memory(err);
    char *path = join(directory, step);
    bool ok = path != NULL || error_set_memory(err);
    ok = ok && (!search.is_found || read_files(*out, path, variables, err));
    free(path);
    return ok;
}

void script_files_free(struct script_files *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++) {
        free(f->files[i].path);
        free(f->files[i].name);
        buffer_free(&f->files[i].sql);
    }
    free(f);
}
