/* commands.h: the subcommands. Each takes its options, prints, and returns the exit status; what they do
 * is in job/. */
#ifndef BOBBIN_CLI_COMMANDS_H
#define BOBBIN_CLI_COMMANDS_H

#include "cli/options.h"
#include "fleet/store.h"

/* run, dump, replay: ROLES are the stages. The last line on standard output is the ledger. */
int command_run(struct options *o, unsigned roles);

/* The same, of a file. */
int command_load(struct options *o);

int command_plan(struct options *o);

int command_work(struct options *o);
int command_job_list(struct options *o);
int command_job_show(struct options *o);
int command_job_watch(struct options *o);
int command_job_cancel(struct options *o);
int command_job_delete(struct options *o);
int command_job_retry_dead(struct options *o);
/* A new index takes the old one's place; with --since newer rows go into it. */
int command_refresh(struct options *o);

/* Run the SQL files of one step of a refresh. */
int command_refresh_sql(struct options *o);
int command_serve(struct options *o);

int command_status(struct options *o);
int command_verify(struct options *o);

/* The index against the query alone, without the spool of a job. */
int command_index_verify(struct options *o);
int command_inspect(struct options *o);

int command_dead_list(struct options *o);
int command_dead_show(struct options *o);
int command_dead_retry(struct options *o);
int command_dead_drop(struct options *o);

/* index create, tune, refresh, count, restore, filter, promote, delete: COMMAND says which. */
int command_index(enum command command, struct options *o);

/* Open the spool that O names, of a job, with ROLES. ERROR_USAGE when it names none; ERROR_CONFIG when there
 * is none. */
MUST_CHECK bool command_open_spool(const struct options *o, unsigned roles, struct spool **s,
                                   struct error *err);

/* Are the options that say which rows to read within their bounds? */
MUST_CHECK bool command_check_query(const struct job_options *o, struct error *err);

/* Are there --urls, and are they http or https? */
MUST_CHECK bool command_check_urls(const struct job_options *o, struct error *err);

/* Are the options that ROLES' stages need given, and within their bounds? */
MUST_CHECK bool command_check_options(struct job_options *o, unsigned roles, struct error *err);

/* With --shard: give O the range that --plan has for it. *HAS_ROWS false: there is no such shard, as there were fewer
 * rows; it has been said, and nothing is to be done. */
MUST_CHECK bool command_take_shard(struct options *o, bool *has_rows, struct error *err);

/* Which store O means, for the jobs that several workers do; MAKES: it is made when it is missing. */
struct store_options command_store_options(const struct options *o, bool makes);

/* Is VALUE of --OPTION within LEAST and MOST? Is it given at all? ERROR_USAGE. */
MUST_CHECK bool command_in_range(const char *option, uint64_t value, uint64_t least, uint64_t most,
                                 struct error *err);
MUST_CHECK bool command_is_given(const char *option, const char *value, struct error *err);

/* Print JSON (jansson's json_t, whose reference is taken) with its FLAGS for json_dumps, and a newline. */
struct json_t;
void command_print_json(struct json_t *json, size_t flags);

/* Print ERR as the one line that a failed command says, and return its exit status. */
int command_failed(const struct error *err);

/* Print the ledger: "rows read N = acknowledged N + dead N + pending N". */
void command_print_ledger(const struct index_job *job);

#endif
