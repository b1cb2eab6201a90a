/* steps.h: the steps by which an index is made anew beside the one that is searched, and takes its place: create (or
 * tune), load, count, restore, filter, promote, delete. Each alone; loading is job.h's.
 *
 * Each step may be killed at any moment and done again: what it needs to know for that stands in the cluster, in the
 * index itself (look.h). A step that finds its work done says so and succeeds. What it does is logged.
 *
 * Errors of all: those of sink/question.h (ERROR_UNAVAILABLE after --give-up-after without an answer, ERROR_DENIED that names
 * the privilege, ERROR_STOPPED); ERROR_CONFIG when INDEX is no index, unless said otherwise. */
#ifndef BOBBIN_INDEX_STEPS_H
#define BOBBIN_INDEX_STEPS_H

#include "job/cluster.h"
#include "sink/question.h"

enum { STEP_FIELDS_MAX = JOB_URLS_MAX };

enum step_health { STEP_GREEN, STEP_YELLOW, STEP_ANY };

/* What the user wants, beside what the job_options have: the option table fills it. Strings are borrowed. */
struct step_options {
    bool is_async;           // --async-translog: create, tune, filter
    int wait_for;            // enum step_health: restore, promote
    bool skips_refresh;      // --no-refresh: count
    const char *alias;       // promote
    bool takes_incomplete;   // --even-if-incomplete: promote
    bool takes_empty;        // --even-if-empty: promote
    const char *into;        // filter
    const char *replaced_by; // delete: by which index those to delete were replaced
    const char *fields[STEP_FIELDS_MAX + 1];
    const char *terms;            // a file, or an http or https URL
    uint64_t requests_per_second; // documents a second, in the cluster's words; 0: no bound
};

/* The way to the cluster. */
struct steps {
    const struct job_options
        *job; // how the cluster is reached; the query, for counts; the spool, for promote
    const struct step_options *options;
    struct cluster cluster;
    struct question_hosts hosts;
};

/* Connects to nobody yet. What is borrowed must stay where it is, and S too. S can be closed after an error. */
MUST_CHECK bool steps_open(struct steps *s, const struct job_options *job,
                           const struct step_options *options, struct error *err);
void steps_close(struct steps *s);

/* --- loading.c --- */

/* Create INDEX from --create-index with the settings for loading over the body's; what they replace (the body's, else an
 * index template's, else the default) is noted in the new index, all by one request. One that is there is
 * success when it is noted so in it, else ERROR_CONFIG. */
MUST_CHECK bool step_create(struct steps *s, const char *index, struct error *err);

/* The same, with the further note NAME (look.h) in the new index from its first moment on. VALUE is borrowed. */
MUST_CHECK bool step_create_noted(struct steps *s, const char *index, const char *name,
                                  json_t *value, struct error *err);

/* Note the settings that INDEX has, then set those for loading. What was noted before stays noted. */
MUST_CHECK bool step_tune(struct steps *s, const char *index, struct error *err);

/* Set what is noted in INDEX, wait until it is as healthy as --wait-for says, forget the note. Without a note only
 * wait. ERROR_UNAVAILABLE when it is not after --give-up-after. */
MUST_CHECK bool step_restore(struct steps *s, const char *index, struct error *err);

/* Has INDEX got settings for loading, which step_restore would replace? */
MUST_CHECK bool step_is_tuned(struct steps *s, const char *index, bool *is_tuned,
                              struct error *err);

/* --- health.c --- */

/* Wait until INDEX is as healthy as --wait-for says. ERROR_UNAVAILABLE after --give-up-after: says what it lacks. */
MUST_CHECK bool step_wait(struct steps *s, const char *index, struct error *err);

/* --- count.c --- */

/* Make searches see all that was written to INDEX, which may be an alias. */
MUST_CHECK bool step_refresh(struct steps *s, const char *index, struct error *err);

struct step_counts {
    uint64_t rows;      // documents that the query gives to the index, within the range
    uint64_t documents; // that the index has
    uint64_t left_out;  // by the filter that made the index
};

/* Count the documents that INDEX, which may be an alias, has: all of COUNTS but the rows, which are 0. */
MUST_CHECK bool step_count_documents(struct steps *s, const char *index, struct step_counts *counts,
                                     struct error *err);

/* Count both, after a refresh unless --no-refresh. They agree when rows = documents + left_out. Errors: those of pg.h and query.h, too. */
MUST_CHECK bool step_count(struct steps *s, const char *index, struct step_counts *counts,
                           struct error *err);

/* ERROR_DIFFERENT unless COUNTS agree. */
MUST_CHECK bool step_check_counts(const struct step_counts *counts, const char *index,
                                  struct error *err);

/* --- filter.c --- */

struct step_filtered {
    uint64_t source;    // documents of the source
    uint64_t left_out;  // those of them that a term was found in
    uint64_t documents; // of the new index
};

/* Copy INDEX, as it is now, into --into, without the documents of which a field of --fields holds a term of --terms,
 * by a reindex task of the cluster, which goes on when this process doesn't. --into is created with INDEX's mappings
 * and settings and with those for loading over them, as step_create does. Errors: ERROR_STOPPED: the task goes
 * on; ERROR_UNAVAILABLE: the task was lost or cancelled, or met a state of the cluster that passes; ERROR_DIFFERENT: documents are missing;
 * ERROR_CONFIG: the terms, the fields, --into is something else, or the cluster has no reindex. */
MUST_CHECK bool step_filter(struct steps *s, const char *index, struct step_filtered *filtered,
                            struct error *err);

/* --- promote.c --- */

#define REPLACED_NOTE "replaced" // alias: names of the indices that it stood for before

/* Let --alias stand for INDEX and for nothing else, by one atomic request. What the alias was (filter, routing, write
 * index) it stays. Before that, unless it already is so:
 *   - INDEX has documents (--even-if-empty) and is as healthy as --wait-for says;
 *   - it is shown to be complete (--even-if-incomplete): its numbers agree with the query's when --table or --query is given,
 *     the job of --spool is finished without dead letters when that is, one of both is given or INDEX is made by a filter; and it has
 *     not its settings for loading any more.
 * Which indices lose the alias is noted in INDEX, for step_delete_replaced.
 * ERROR_DIFFERENT or ERROR_DEAD_LETTERS when it is not; ERROR_CONFIG when the alias is an index. */
MUST_CHECK bool step_promote(struct steps *s, const char *index, struct error *err);

/* --- delete.c --- */

/* Delete INDEX. One that is gone is success. ERROR_CONFIG for an alias, an index that an alias points to, one of a data stream, or
 * one whose name begins with ".", which are the cluster's own. */
MUST_CHECK bool step_delete(struct steps *s, const char *index, struct error *err);

/* What else goes when INDEX is deleted. */
typedef bool step_after_delete(void *context, const char *index, struct error *err);

/* Delete the indices whose place INDEX has taken behind an alias, each as step_delete does, with AFTER (or NULL) behind it, and
 * then forget them. */
MUST_CHECK bool step_delete_replaced(struct steps *s, const char *index, step_after_delete *after,
                                     void *context, struct error *err);

#endif
