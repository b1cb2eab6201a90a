/* config.c: fuzzes the config file, from its bytes to the options. The file lies in memory. */
#include <sys/mman.h>
#include <unistd.h>

#include "cli/options.h"
#include "fuzz.h"

extern char **environ;

static int write_file(struct slice bytes)
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    fuzz_require(fd >= 0 && write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size);
    return fd;
}

/* A file named in the file must not be a device or a pipe. */
static bool names_a_file(struct slice bytes)
{
    return memmem(bytes.data, bytes.size, "file", 4) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "bobbin", config[] = "--config", *nothing[] = {NULL};
    char path[64];
    struct options options;
    struct error err = {.kind = ERROR_NONE};
    struct slice input = fuzz_slice(data, size);
    unsigned command = fuzz_take_byte(&input) % COMMANDS;
    environ = nothing;
    if (input.size == 0 || names_a_file(input))
        return 0;
    int fd = write_file(input);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *argv[] = {name, config, path, NULL};
    bool ok = options_read(&options, (enum command)command, 3, argv, &err);
    fuzz_require(ok || err.kind == ERROR_USAGE || err.kind == ERROR_CONFIG);
    options_free(&options);
    close(fd);
    return 0;
}
