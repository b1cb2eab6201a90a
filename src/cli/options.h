/* options.h: the one table of options (options.def), read from the command line, the environment and a
 * config file. Knows values and their forms, not what they are for. */
#ifndef BOBBIN_CLI_OPTIONS_H
#define BOBBIN_CLI_OPTIONS_H

#include "fleet/plan.h"
#include "index/steps.h"
#include "job/verify_target.h"
#include "refresh/refresh.h"
#include "refresh/since.h"
#include "serve/serve.h"

enum command {
    COMMAND_RUN,
    COMMAND_DUMP,
    COMMAND_REPLAY,
    COMMAND_LOAD,
    COMMAND_PLAN,
    COMMAND_WORK,
    COMMAND_JOB_LIST,
    COMMAND_JOB_SHOW,
    COMMAND_JOB_WATCH,
    COMMAND_JOB_CANCEL,
    COMMAND_JOB_DELETE,
    COMMAND_JOB_RETRY_DEAD,
    COMMAND_STATUS,
    COMMAND_VERIFY,
    COMMAND_INSPECT,
    COMMAND_DEAD_LIST,
    COMMAND_DEAD_SHOW,
    COMMAND_DEAD_RETRY,
    COMMAND_DEAD_DROP,
    COMMAND_REFRESH,
    COMMAND_REFRESH_SQL,
    COMMAND_INDEX_CREATE,
    COMMAND_INDEX_TUNE,
    COMMAND_INDEX_REFRESH,
    COMMAND_INDEX_COUNT,
    COMMAND_INDEX_VERIFY,
    COMMAND_INDEX_RESTORE,
    COMMAND_INDEX_FILTER,
    COMMAND_INDEX_PROMOTE,
    COMMAND_INDEX_DELETE,
    COMMAND_SERVE,
    COMMANDS
};

enum { OPTIONS_OWNED_MAX = 256 };

struct options {
    struct job_options job;
    const char *config;
    uint64_t frame;
    const char *id; // of dead show: its second operand
    bool json;
    bool watch;
    bool rebuild;
    uint64_t shards; // of plan
    bool estimates;
    bool is_exact;
    const char *shard;
    const char *plan_file;
    struct plan *plan;    // that job's range is borrowed from; or NULL
    const char *job_name; // of plan, work and job
    const char *coordinator;
    int64_t lease_ms;
    bool takes_any_version;
    bool target; // of verify
    struct refresh_options refresh;
    const char *script_step; // of refresh sql
    struct verify_wish wish;
    struct step_options step; // of index
    struct serve_options serve;
    const char *metrics;
    int log_format; // enum log_format
    bool quiet;
    bool wants_help;
    const char *exposed_file; // one that holds a secret and that everybody can read; or NULL

    char *owned[OPTIONS_OWNED_MAX]; // strings to free
    size_t owned_count;
};

/* Read the options of COMMAND from ARGV (of which argv[0] is the command's name), the environment and the
 * config file. One operand is taken for --spool, by load for --input, by plan, work and job for --job, by index COMMAND for
 * --index, by refresh for --config, by refresh sql for --step, by run, dump, replay and serve not at all;
 * dead show takes a second one. Secrets inside argv are refused. Errors: ERROR_USAGE, ERROR_CONFIG (the file); they name the
 * option. */
MUST_CHECK bool options_read(struct options *o, enum command command, int argc, char **argv,
                             struct error *err);
void options_free(struct options *o);

/* Append the help text of COMMAND's options to OUT. */
void options_put_help(enum command command, struct buffer *out);

#endif
