/* acted.h: for the tests of children: a child is this test program again, and acts as its model's file says, which is
 * a shell script here; it gets bobbin run's arguments. */
#ifndef BOBBIN_TESTS_ACTED_H
#define BOBBIN_TESTS_ACTED_H

#include "tasked.h"

static char acted_models[2048];

/* Model image is SCRIPT from now on. Its $0 is its own path. */
static inline void acted_write(const char *script)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/image.conf", acted_models);
    tasked_write(path, script);
}

static inline void acted_set_up(void)
{
    tasked_set_up();
    snprintf(acted_models, sizeof acted_models, "%s", tasked_directory);
    acted_write("exit 0");
}

/* Has a script made the file $0.NAME? */
static inline bool acted_has_made(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/image.conf.%s", acted_models, name);
    return access(path, F_OK) == 0;
}

/* The child. Does not return but on an error. */
static inline int acted_run(int argc, char **argv)
{
    static char shell[] = "sh", config[] = "--config=";
    char *words[64] = {shell};
    int count = 1;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], config, sizeof config - 1) == 0)
            words[count++] = argv[i] + sizeof config - 1;
    for (int i = 0; i < argc && count < 63; i++)
        words[count++] = argv[i];
    execv("/bin/sh", words);
    return 127;
}

#define ACTED_MAIN(suite, ...)                                                                     \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        const struct unit_test tests[] = {__VA_ARGS__};                                            \
        if (argc > 1 && strcmp(argv[1], "run") == 0)                                               \
            return acted_run(argc, argv);                                                          \
        return unit_run(suite, tests, COUNT_OF(tests), acted_set_up, tasked_tear_down);            \
    }

#endif
