/* scripted.h: for tests of a refresh's SQL files: a directory with some. */
#ifndef BOBBIN_TESTS_SCRIPTED_H
#define BOBBIN_TESTS_SCRIPTED_H

#include <sys/stat.h>

#include "unit.h"

static char *scripted_directory;

static inline void scripted_begin(void)
{
    scripted_directory = unit_make_directory();
}

static inline void scripted_end(void)
{
    unit_remove_directory(scripted_directory);
}

static inline void scripted_path(const char *name, char out[4096])
{
    snprintf(out, 4096, "%s/%s", scripted_directory, name);
}

static inline void scripted_make_step(const char *step)
{
    char path[4096];
    scripted_path(step, path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* NAME: "before/10-copy.sql". */
static inline void scripted_put(const char *name, const void *text, size_t size)
{
    char path[4096];
    scripted_path(name, path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

static inline void scripted_put_text(const char *name, const char *text)
{
    scripted_put(name, text, strlen(text));
}

#endif
