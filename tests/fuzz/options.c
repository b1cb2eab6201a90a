/* options.c: fuzzes the option parser. The first byte chooses the command, the rest is its arguments, one a
 * line. Nothing is opened but files in the working directory. */
#include "cli/options.h"
#include "fuzz.h"

enum { ARGUMENTS_MAX = 64 };

extern char **environ;

/* Options that open a file must not reach a device or a pipe. */
static void stay_here(char *argument)
{
    if (strstr(argument, "config") == NULL && strstr(argument, "file") == NULL)
        return;
    for (char *at = argument; (at = strchr(at, '/')) != NULL;)
        *at = '_';
}

static char *copy_argument(struct slice text)
{
    char *argument = malloc(text.size + 1);
    fuzz_require(argument != NULL);
    memcpy(argument, text.data, text.size);
    argument[text.size] = '\0';
    stay_here(argument);
    return argument;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "bobbin", *nothing[] = {NULL};
    char *argv[ARGUMENTS_MAX + 2] = {name}, *copies[ARGUMENTS_MAX];
    int argc = 1;
    struct slice input = fuzz_slice(data, size);
    unsigned command = fuzz_take_byte(&input) % COMMANDS;
    struct options options;
    struct error err = {.kind = ERROR_NONE};
    environ = nothing;
    for (; input.size > 0 && argc <= ARGUMENTS_MAX; argc++)
        argv[argc] = copies[argc - 1] = copy_argument(fuzz_take_until(&input, '\n'));
    int count = argc - 1;
    bool ok = options_read(&options, (enum command)command, argc, argv, &err);
    fuzz_require(ok || err.kind == ERROR_USAGE || err.kind == ERROR_CONFIG);
    options_free(&options);
    for (int i = 0; i < count; i++)
        free(copies[i]);
    return 0;
}
