/* ini_file.c: see ini_file.h. inih itself cuts lines at INI_MAX_LINE (200 bytes) and takes the rest
 * for another line, and takes an indented line for more of the value before it. */
#include "base/ini_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

struct ini_file {
    FILE *file;
    char *line;
    size_t capacity;
    char *long_value; // of the current line, when inih has no room for it; or NULL
    bool (*each)(void *context, const char *section, const char *name, const char *value,
                 struct error *err);
    void *context;
    struct error *err;
};

/* What inih does to a value: the comment behind it and the spaces around it go. */
static char *trim(char *value)
{
    static const char spaces[] = " \t\r\n";
    for (char *c = value; *c != '\0'; c++)
        if (*c == ';' && c > value && strchr(spaces, c[-1]) != NULL)
            *c = '\0';
    value += strspn(value, spaces);
    size_t size = strlen(value);
    while (size > 0 && strchr(spaces, value[size - 1]) != NULL)
        value[--size] = '\0';
    return value;
}

/* Put a line that is too long for inih into OUT: a comment, or the name with the value kept aside. */
static void put_long_line(struct ini_file *f, char *line, char *out, size_t size)
{
    size_t name = strcspn(line, "=:");
    bool is_pair = strchr(";#[", line[0]) == NULL && line[name] != '\0' && name + 3 < size;
    snprintf(out, size, is_pair ? "%.*s=\n" : "%.*s", is_pair ? (int)name : 1, line);
    if (is_pair)
        f->long_value = trim(line + name + 1);
    else if (strchr(";#", line[0]) == NULL)
        snprintf(out, size, "?\n"); // an error, for inih to count
}

static char *read_line(char *out, int size, void *stream)
{
    struct ini_file *f = stream;
    f->long_value = NULL;
    if (getline(&f->line, &f->capacity, f->file) < 0)
        return NULL;
    char *line = f->line + strspn(f->line, " \t");
    if (strlen(line) < (size_t)size)
        memcpy(out, line, strlen(line) + 1);
    else
        put_long_line(f, line, out, (size_t)size);
    return out;
}

static int on_line(void *context, const char *section, const char *name, const char *value)
{
    struct ini_file *f = context;
    return f->err->kind == ERROR_NONE &&
           f->each(f->context, section, name, f->long_value != NULL ? f->long_value : value,
                   f->err);
}

bool ini_file_read(const char *path,
                   bool (*each)(void *context, const char *section, const char *name,
                                const char *value, struct error *err),
                   void *context, struct error *err)
{
    struct ini_file f = {.file = fopen(path, "re"), .each = each, .context = context, .err = err};
    if (f.file == NULL)
        return error_set_errno(err, ERROR_CONFIG, "config file %s can't be read", path);
    err->kind = ERROR_NONE;
    int line = ini_parse_stream(read_line, &f, on_line, &f);
    if (err->kind == ERROR_NONE && ferror(f.file))
        error_set_errno(err, ERROR_CONFIG, "config file %s can't be read", path);
    else if (err->kind == ERROR_NONE && line != 0)
        error_set(err, ERROR_CONFIG, "config file %s: line %d is no \"name = value\"", path, line);
    free(f.line);
    fclose(f.file);
    return err->kind == ERROR_NONE;
}
