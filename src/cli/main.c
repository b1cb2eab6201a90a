/* main.c: bobbin's entry: which subcommand, its options, its exit status. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stop.h"
#include "cli/commands.h"
#include "config.h"

static const struct command_row {
    const char *name;
    enum command command;
    const char *arguments;
    const char *help;
} commands[] = {
    {"run", COMMAND_RUN, "[OPTION]...", "dump and replay at the same time, to the end"},
    {"dump", COMMAND_DUMP, "[OPTION]...", "read the rows into the spool"},
    {"replay", COMMAND_REPLAY, "[OPTION]...", "send what the spool holds"},
    {"load", COMMAND_LOAD, "[OPTION]... FILE", "send an NDJSON file's documents the same way"},
    {"plan", COMMAND_PLAN, "[OPTION]...", "divide the rows into shards, for several workers"},
    {"status", COMMAND_STATUS, "[OPTION]... SPOOL", "what has become of a job"},
    {"verify", COMMAND_VERIFY, "[OPTION]... SPOOL",
     "read every frame back and compare it with the index"},
    {"inspect", COMMAND_INSPECT, "[OPTION]... SPOOL",
     "list segments and frames, or print a frame's documents"},
    {"dead list", COMMAND_DEAD_LIST, "[OPTION]... SPOOL",
     "list the documents that were refused, and sum them up by error"},
    {"dead show", COMMAND_DEAD_SHOW, "[OPTION]... SPOOL ID",
     "print the dead letters of one id whole"},
    {"dead retry", COMMAND_DEAD_RETRY, "[OPTION]... SPOOL",
     "send the refused documents again, and go on with the job"},
    {"dead drop", COMMAND_DEAD_DROP, "[OPTION]... SPOOL", "give the refused documents up"},
    {"serve", COMMAND_SERVE, "[OPTION]...", "take tasks by HTTP, and do each as run does"},
};

enum { COMMAND_ROWS = sizeof commands / sizeof *commands };

static void print_usage(FILE *out)
{
    fputs(
        "bobbin moves PostgreSQL rows into Elasticsearch or OpenSearch through a spool on disk.\n\n"
        "usage: bobbin COMMAND [OPTION]...\n\n",
        out);
    for (int i = 0; i < COMMAND_ROWS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\nbobbin COMMAND --help lists a command's options; bobbin(1) has it all.\n", out);
}

static int print_help(const struct command_row *row)
{
    struct buffer help;
    buffer_init(&help, 1 << 20);
    options_put_help(row->command, &help);
    printf("usage: bobbin %s %s\n%s.\n\noptions (also as BOBBIN_* variables, or in a --config "
           "file):\n%s",
           row->name, row->arguments, row->help, buffer_string(&help));
    buffer_free(&help);
    return 0;
}

static int dispatch(enum command command, struct options *o)
{
    switch (command) {
    case COMMAND_RUN:
        return command_run(o, SPOOL_DUMP | SPOOL_REPLAY);
    case COMMAND_DUMP:
        return command_run(o, SPOOL_DUMP);
    case COMMAND_REPLAY:
        return command_run(o, SPOOL_REPLAY);
    case COMMAND_LOAD:
        return command_load(o);
    case COMMAND_PLAN:
        return command_plan(o);
    case COMMAND_STATUS:
        return command_status(o);
    case COMMAND_VERIFY:
        return command_verify(o);
    case COMMAND_INSPECT:
        return command_inspect(o);
    case COMMAND_DEAD_LIST:
        return command_dead_list(o);
    case COMMAND_DEAD_SHOW:
        return command_dead_show(o);
    case COMMAND_DEAD_RETRY:
        return command_dead_retry(o);
    case COMMAND_DEAD_DROP:
        return command_dead_drop(o);
    case COMMAND_SERVE:
        return command_serve(o);
    case COMMANDS:
        break;
    }
    return error_exit_status(ERROR_USAGE);
}

static void warn_of_exposure(const struct options *o)
{
    if (o->exposed_file != NULL)
        log_message(LOG_WARNING, "file %s holds a secret and can be read by everybody: chmod o= %s",
                    o->exposed_file, o->exposed_file);
}

static int run_command(const struct command_row *row, int argc, char **argv)
{
    struct options options;
    struct error err = {.kind = ERROR_NONE};
    int status;
    if (!options_read(&options, row->command, argc, argv, &err))
        status = command_failed(&err);
    else if (options.wants_help)
        status = print_help(row);
    else if (log_configure((enum log_format)options.log_format,
                           options.quiet ? LOG_WARNING : LOG_INFO),
             !stop_install(&err))
        status = command_failed(&err);
    else {
        warn_of_exposure(&options);
        status = dispatch(row->command, &options);
    }
    options_free(&options);
    return status;
}

/* Large blocks go back to the system when freed: the resident memory is what is in use. Without this
 * glibc raises the threshold with each such block (mallopt(3)). */
static void bound_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    mallopt(M_ARENA_MAX, 2);
}

/* Only the index is mapped into memory (lmdb.h): the kernel can't bring a page of it. */
static void on_bus_error(int signal_number)
{
    static const char words[] =
        "error: index.mdb can't be read or written: the file was cut, or its disk "
        "is full or failing\n";
    (void)signal_number;
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored; // nothing is left to be done about it
    _exit(error_exit_status(ERROR_DAMAGED));
}

/* Memory holds passwords: no core is written, not even to a pipe (core(5)), and no other process of
 * the user can read it. Started under a debugger, that debugger still can. */
static void keep_memory_private(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0); // fails for no argument but a wrong one
}

/* How many of the first WORDS name the command of ROW? 0: they don't. */
static int count_words(const struct command_row *row, int count, char **words)
{
    const char *name = row->name;
    for (int i = 0; i < count; i++) {
        size_t length = strlen(words[i]);
        if (length == 0 || strncmp(name, words[i], length) != 0)
            return 0;
        if (name[length] == '\0')
            return i + 1;
        if (name[length] != ' ')
            return 0;
        name += length + 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    keep_memory_private();
    bound_memory();
    signal(SIGBUS, on_bus_error);
    const char *name = argc > 1 ? argv[1] : "";
    for (int i = 0; i < COMMAND_ROWS; i++) {
        int words = count_words(&commands[i], argc - 1, argv + 1);
        if (words > 0)
            return run_command(&commands[i], argc - words, argv + words);
    }
    if (strcmp(name, "--version") == 0) {
        puts(PACKAGE_STRING);
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(name, "dead") == 0)
        fputs("bobbin: dead what? list, show, retry or drop\n", stderr);
    else if (argc > 1)
        fprintf(stderr, "bobbin: there is no command \"%s\"\n", name);
    print_usage(stderr);
    return error_exit_status(ERROR_USAGE);
}
