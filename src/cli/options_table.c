/* options_table.c: see options_table.h; and --help, which lists them. */
#include "cli/options_table.h"

#include <assert.h>
#include <stdio.h>

/* Sets of commands; packaging/completions/read.awk reads them, too. */
#define RUN COMMAND_BIT(COMMAND_RUN)
#define DUMP COMMAND_BIT(COMMAND_DUMP)
#define REPLAY COMMAND_BIT(COMMAND_REPLAY)
#define STATUS COMMAND_BIT(COMMAND_STATUS)
#define INSPECT COMMAND_BIT(COMMAND_INSPECT)
#define VERIFY COMMAND_BIT(COMMAND_VERIFY)
#define RETRY COMMAND_BIT(COMMAND_DEAD_RETRY)
#define LOAD COMMAND_BIT(COMMAND_LOAD)
#define PLAN COMMAND_BIT(COMMAND_PLAN)
#define WORK COMMAND_BIT(COMMAND_WORK)
#define JOB_LIST COMMAND_BIT(COMMAND_JOB_LIST)
#define JOB_LOOKING (JOB_LIST | COMMAND_BIT(COMMAND_JOB_SHOW) | COMMAND_BIT(COMMAND_JOB_WATCH))
#define JOBS                                                                                       \
    (JOB_LOOKING | COMMAND_BIT(COMMAND_JOB_CANCEL) | COMMAND_BIT(COMMAND_JOB_DELETE) |             \
     COMMAND_BIT(COMMAND_JOB_RETRY_DEAD))
#define FLEET (PLAN | WORK | JOBS)
#define REFRESH COMMAND_BIT(COMMAND_REFRESH)
#define REFRESH_SQL COMMAND_BIT(COMMAND_REFRESH_SQL)
#define CREATE COMMAND_BIT(COMMAND_INDEX_CREATE)
#define TUNE COMMAND_BIT(COMMAND_INDEX_TUNE)
#define COUNT_INDEX COMMAND_BIT(COMMAND_INDEX_COUNT)
#define VERIFY_INDEX COMMAND_BIT(COMMAND_INDEX_VERIFY)
#define RESTORE COMMAND_BIT(COMMAND_INDEX_RESTORE)
#define FILTER COMMAND_BIT(COMMAND_INDEX_FILTER)
#define PROMOTE COMMAND_BIT(COMMAND_INDEX_PROMOTE)
#define DELETE COMMAND_BIT(COMMAND_INDEX_DELETE)
#define COUNTING (COUNT_INDEX | VERIFY_INDEX | PROMOTE)
#define INDEX                                                                                      \
    (CREATE | TUNE | COMMAND_BIT(COMMAND_INDEX_REFRESH) | COUNTING | RESTORE | FILTER | DELETE)
#define SERVE COMMAND_BIT(COMMAND_SERVE)
#define QUERY (RUN | DUMP | VERIFY | RETRY)
#define READING (QUERY | PLAN | WORK | COUNTING | REFRESH)
#define SOURCE (QUERY | LOAD | WORK | REFRESH)
#define SENDING (RUN | REPLAY | VERIFY | RETRY | LOAD | WORK | REFRESH)
#define RUNNING (SOURCE | SENDING)
#define CLUSTER (SENDING | FLEET | INDEX)
#define LOOKING (JOB_LOOKING | STATUS | INSPECT | VERIFY | PLAN | COMMAND_BIT(COMMAND_DEAD_LIST))
#define EVERY (COMMAND_BIT(COMMANDS) - 1)
#define SPOOLED (EVERY & ~(JOBS | VERIFY_INDEX | SERVE))
static_assert(COMMANDS < 64, "a set of commands has a bit for each");

enum { LEFT_BYTES = 64 };

const struct option_row option_rows[OPTION_ROWS] = {
#define OPTION(name, type, field, standard, commands, argument, help)                              \
    {name, type, offsetof(struct options, field), standard, commands, argument, help},
#include "cli/options.def"
#undef OPTION
};

const struct option_row *option_find(const char *name, bool *is_file)
{
    for (int i = 0; i < OPTION_ROWS; i++) {
        size_t length = strlen(option_rows[i].name);
        *is_file = option_rows[i].type == SECRET &&
                   strncmp(name, option_rows[i].name, length) == 0 &&
                   strcmp(name + length, "-file") == 0;
        if (*is_file || strcmp(name, option_rows[i].name) == 0)
            return &option_rows[i];
    }
    return NULL;
}

const char *option_of_operand(enum command command)
{
    if (command == COMMAND_LOAD)
        return "input";
    if (command == COMMAND_REFRESH_SQL)
        return "step";
    if (command == COMMAND_REFRESH)
        return "config";
    if (INDEX & COMMAND_BIT(command))
        return "index";
    if ((FLEET & ~JOB_LIST) & COMMAND_BIT(command))
        return "job";
    return (RUN | DUMP | REPLAY | JOB_LIST | SERVE) & COMMAND_BIT(command) ? NULL : "spool";
}

const char *option_form(const struct option_row *row)
{
    switch (row->type) {
    case COUNT:
        return "a whole number";
    case SIZE:
        return "a size such as 64M";
    case DURATION:
        return "a time such as 30s, 10m or 1h";
    case CHOICE:
        return row->argument;
    case FLAG:
        return "yes or no";
    case STRING:
    case LIST:
    case SECRET:
        break;
    }
    return "a text";
}

void options_put_help(enum command command, struct buffer *out)
{
    for (int i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *row = &option_rows[i];
        char left[LEFT_BYTES];
        if (!(row->commands & COMMAND_BIT(command)))
            continue;
        snprintf(left, sizeof left, "--%s%s%s%s", row->name, row->type == SECRET ? "-file" : "",
                 row->type == FLAG ? "" : " ", row->type == SECRET ? "FILE" : row->argument);
        buffer_append_format(out, "  %-32s %s", left, row->help);
        if (row->standard[0] != '\0')
            buffer_append_format(out, " (%s)", row->standard);
        buffer_append_byte(out, '\n');
    }
}
