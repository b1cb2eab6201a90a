/* options_table.c: see options_table.h; and --help, which lists them. */
#include "cli/options_table.h"

#include <stdio.h>

enum {
    RUN = 1 << COMMAND_RUN,
    DUMP = 1 << COMMAND_DUMP,
    REPLAY = 1 << COMMAND_REPLAY,
    STATUS = 1 << COMMAND_STATUS,
    INSPECT = 1 << COMMAND_INSPECT,
    VERIFY = 1 << COMMAND_VERIFY,
    RETRY = 1 << COMMAND_DEAD_RETRY,
    LOAD = 1 << COMMAND_LOAD,
    PLAN = 1 << COMMAND_PLAN,
    WORK = 1 << COMMAND_WORK,
    JOB_LIST = 1 << COMMAND_JOB_LIST,
    JOB_LOOKING = JOB_LIST | 1 << COMMAND_JOB_SHOW | 1 << COMMAND_JOB_WATCH,
    JOBS = JOB_LOOKING | 1 << COMMAND_JOB_CANCEL | 1 << COMMAND_JOB_DELETE |
           1 << COMMAND_JOB_RETRY_DEAD,
    FLEET = PLAN | WORK | JOBS,
    REFRESH = 1 << COMMAND_REFRESH,
    REFRESH_SQL = 1 << COMMAND_REFRESH_SQL,
    CREATE = 1 << COMMAND_INDEX_CREATE,
    TUNE = 1 << COMMAND_INDEX_TUNE,
    COUNT_INDEX = 1 << COMMAND_INDEX_COUNT,
    RESTORE = 1 << COMMAND_INDEX_RESTORE,
    FILTER = 1 << COMMAND_INDEX_FILTER,
    PROMOTE = 1 << COMMAND_INDEX_PROMOTE,
    DELETE = 1 << COMMAND_INDEX_DELETE,
    COUNTING = COUNT_INDEX | PROMOTE,
    INDEX = CREATE | TUNE | 1 << COMMAND_INDEX_REFRESH | COUNTING | RESTORE | FILTER | DELETE,
    SERVE = 1 << COMMAND_SERVE,
    QUERY = RUN | DUMP | VERIFY | RETRY,
    READING = QUERY | PLAN | WORK | COUNTING | REFRESH,
    SOURCE = QUERY | LOAD | WORK | REFRESH,
    SENDING = RUN | REPLAY | VERIFY | RETRY | LOAD | WORK | REFRESH,
    RUNNING = SOURCE | SENDING,
    CLUSTER = SENDING | FLEET | INDEX,
    LOOKING = JOB_LOOKING | STATUS | INSPECT | VERIFY | PLAN | 1 << COMMAND_DEAD_LIST,
    EVERY = (1 << COMMANDS) - 1,
    SPOOLED = EVERY & ~(JOBS | SERVE),
};

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
    if (INDEX & 1u << command)
        return "index";
    if ((FLEET & ~JOB_LIST) & 1u << command)
        return "job";
    return (RUN | DUMP | REPLAY | JOB_LIST | SERVE) & 1u << command ? NULL : "spool";
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
        if (!(row->commands & 1u << command))
            continue;
        snprintf(left, sizeof left, "--%s%s%s%s", row->name, row->type == SECRET ? "-file" : "",
                 row->type == FLAG ? "" : " ", row->type == SECRET ? "FILE" : row->argument);
        buffer_append_format(out, "  %-32s %s", left, row->help);
        if (row->standard[0] != '\0')
            buffer_append_format(out, " (%s)", row->standard);
        buffer_append_byte(out, '\n');
    }
}
