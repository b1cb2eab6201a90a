/* optioned.h: for the tests of options: command lines as one text, an empty environment, a config
 * file. */
#ifndef BOBBIN_TESTS_OPTIONED_H
#define BOBBIN_TESTS_OPTIONED_H

#include "cli/options.h"
#include "unit.h"

extern char **environ;

static struct options options;
static struct error err;
static char *directory;
static char config[4096];

static inline void set_up(void)
{
    static char *nothing[] = {NULL};
    environ = nothing;
    directory = unit_make_directory();
    snprintf(config, sizeof config, "%s/bobbin.conf", directory);
}

static inline void tear_down(void)
{
    options_free(&options);
    unit_remove_directory(directory);
}

static inline void put_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    fclose(file);
}

/* LINE: the command's words with blanks between, but none within. "@" stands for the config file. */
static char words[64][256];
static char *argv[65];

static inline bool read_line(enum command command, const char *line)
{
    int argc = 0;
    options_free(&options);
    for (; *(line += strspn(line, " ")) != '\0'; line += strcspn(line, " ")) {
        snprintf(words[argc], sizeof words[argc], "%.*s", (int)strcspn(line, " "), line);
        if (strcmp(words[argc], "@") == 0)
            snprintf(words[argc], sizeof words[argc], "%.250s", config);
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    err = (struct error){.kind = ERROR_NONE};
    return options_read(&options, command, argc, argv, &err);
}

static inline void assert_read(enum command command, const char *line)
{
    unit_assert_ok(read_line(command, line), err);
}

#endif
