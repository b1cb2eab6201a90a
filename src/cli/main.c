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
#include "job/gauges.h"

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
    {"plan", COMMAND_PLAN, "[OPTION]... [JOB]",
     "divide the rows into shards, for several workers; JOB: and make it theirs"},
    {"work", COMMAND_WORK, "[OPTION]... JOB", "do the job's shards, together with other workers"},
    {"job list", COMMAND_JOB_LIST, "[OPTION]...", "list the jobs that several workers do"},
    {"job show", COMMAND_JOB_SHOW, "[OPTION]... JOB", "how far a job is: its shards and workers"},
    {"job watch", COMMAND_JOB_WATCH, "[OPTION]... JOB",
     "the same, again and again until the job ends"},
    {"job cancel", COMMAND_JOB_CANCEL, "[OPTION]... JOB", "make all workers of a job stop"},
    {"job delete", COMMAND_JOB_DELETE, "[OPTION]... JOB",
     "forget a job; its workers stop, and its index stays"},
    {"job retry-dead", COMMAND_JOB_RETRY_DEAD, "[OPTION]... JOB",
     "have the shards that have dead letters done again"},
    {"index create", COMMAND_INDEX_CREATE, "[OPTION]... INDEX",
     "create an index with settings that make loading fast"},
    {"index tune", COMMAND_INDEX_TUNE, "[OPTION]... INDEX",
     "give an index that is there such settings"},
    {"index refresh", COMMAND_INDEX_REFRESH, "[OPTION]... INDEX",
     "make searches see all that was written"},
    {"index count", COMMAND_INDEX_COUNT, "[OPTION]... INDEX",
     "compare the numbers of the query's and the index's documents"},
    {"index verify", COMMAND_INDEX_VERIFY, "[OPTION]... INDEX",
     "compare every document of the query with the index's"},
    {"index restore", COMMAND_INDEX_RESTORE, "[OPTION]... INDEX",
     "give an index its own settings again, and wait until it is whole"},
    {"index filter", COMMAND_INDEX_FILTER, "[OPTION]... INDEX",
     "copy an index without the documents that hold one of many terms"},
    {"index promote", COMMAND_INDEX_PROMOTE, "[OPTION]... INDEX",
     "let an alias stand for an index that is complete"},
    {"index delete", COMMAND_INDEX_DELETE, "[OPTION]... INDEX",
     "delete an index that no alias points to"},
    {"refresh", COMMAND_REFRESH, "[OPTION]... CONFIG",
     "make an index anew, and let it take the old one's place"},
    {"refresh sql", COMMAND_REFRESH_SQL, "[OPTION]... STEP",
     "run the SQL files of a refresh's step: before, after or promote"},
    {"serve", COMMAND_SERVE, "[OPTION]...", "take tasks by HTTP, and do each as run does"},
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
};

enum { COMMAND_ROWS = sizeof commands / sizeof *commands };

/* Is GROUP the first word of a row's two, as "index" of "index create"? */
static bool is_in_group(const struct command_row *row, const char *group)
{
    size_t length = strlen(group);
    return length > 0 && strncmp(row->name, group, length) == 0 && row->name[length] == ' ';
}

static bool is_group(const char *name)
{
    for (int i = 0; i < COMMAND_ROWS; i++)
        if (is_in_group(&commands[i], name))
            return true;
    return false;
}

/* All commands, or those of GROUP. */
static void print_usage(FILE *out, const char *group)
{
    fprintf(
        out,
        "bobbin moves PostgreSQL rows into Elasticsearch or OpenSearch through a spool on disk.\n\n"
        "usage: bobbin %s%sCOMMAND [OPTION]...\n\n",
        group != NULL ? group : "", group != NULL ? " " : "");
    for (int i = 0; i < COMMAND_ROWS; i++)
        if (group == NULL || is_in_group(&commands[i], group))
            fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].help);
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
    case COMMAND_WORK:
        return command_work(o);
    case COMMAND_JOB_LIST:
        return command_job_list(o);
    case COMMAND_JOB_SHOW:
        return command_job_show(o);
    case COMMAND_JOB_WATCH:
        return command_job_watch(o);
    case COMMAND_JOB_CANCEL:
        return command_job_cancel(o);
    case COMMAND_JOB_DELETE:
        return command_job_delete(o);
    case COMMAND_JOB_RETRY_DEAD:
        return command_job_retry_dead(o);
    case COMMAND_REFRESH:
        return command_refresh(o);
    case COMMAND_REFRESH_SQL:
        return command_refresh_sql(o);
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
    case COMMAND_INDEX_VERIFY:
        return command_index_verify(o);
    case COMMAND_INDEX_CREATE:
    case COMMAND_INDEX_TUNE:
    case COMMAND_INDEX_REFRESH:
    case COMMAND_INDEX_COUNT:
    case COMMAND_INDEX_RESTORE:
    case COMMAND_INDEX_FILTER:
    case COMMAND_INDEX_PROMOTE:
    case COMMAND_INDEX_DELETE:
        return command_index(command, o);
    case COMMAND_SERVE:
        return command_serve(o);
    case COMMANDS:
        break;
    }
    return error_exit_status(ERROR_USAGE);
}

/* What --metrics names says so too, from the beginning to the exit status. */
static int dispatch_with_gauges(enum command command, struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    if (o->metrics == NULL || o->job.dry_run)
        return dispatch(command, o);
    const char *index = command == COMMAND_REFRESH ? o->step.alias : o->job.index;
    if (index == NULL && command == COMMAND_WORK)
        index = o->job_name;
    if (!gauges_open(&o->job.gauges, o->metrics, index, o->shard, &err))
        return command_failed(&err);
    int status = dispatch(command, o);
    gauges_close(o->job.gauges, status);
    return status;
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
        status = dispatch_with_gauges(row->command, &options);
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

/* The row that the most of WORDS name, as "refresh sql" before "refresh"; NULL: none. *NAMING: how many they are. */
static const struct command_row *find_command(int count, char **words, int *naming)
{
    const struct command_row *found = NULL;
    *naming = 0;
    for (int i = 0; i < COMMAND_ROWS; i++) {
        int here = count_words(&commands[i], count, words);
        if (here > *naming) {
            found = &commands[i];
            *naming = here;
        }
    }
    return found;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* WORDS name no command. */
static int explain(int count, char **words)
{
    const char *first = count > 0 ? words[0] : "", *second = count > 1 ? words[1] : "";
    const char *group = is_group(first) ? first : NULL;
    if (asks_for_help(group != NULL ? second : first)) {
        print_usage(stdout, group);
        return 0;
    }
    if (group != NULL && *second == '\0')
        fprintf(stderr, "bobbin: %s what?\n", first);
    else if (count > 0)
        fprintf(stderr, "bobbin: there is no command \"%s%s%s\"\n", first, group ? " " : "",
                group ? second : "");
    print_usage(stderr, group);
    return error_exit_status(ERROR_USAGE);
}

int main(int argc, char **argv)
{
    keep_memory_private();
    bound_memory();
    signal(SIGBUS, on_bus_error);
    int words;
    const struct command_row *row = find_command(argc - 1, argv + 1, &words);
    if (row != NULL)
        return run_command(row, argc - words, argv + words);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts(PACKAGE_STRING);
        return 0;
    }
    return explain(argc - 1, argv + 1);
}
