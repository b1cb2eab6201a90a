/* job.h: a job: what the user wants, and the stages that do it. Knows the four rooms of the data
 * (source, encode, spool, sink); cli knows it. */
#ifndef BOBBIN_JOB_JOB_H
#define BOBBIN_JOB_JOB_H

#include <stdatomic.h>
#include <stdint.h>

#include "encode/document.h"
#include "spool/spool.h"

enum { JOB_URLS_MAX = 64, JOB_HEADERS_MAX = 64, JOB_PARTS_MAX = 64, JOB_IN_FLIGHT_MAX = 256 };

enum job_snapshot { JOB_SNAPSHOT_WINDOW, JOB_SNAPSHOT_DUMP };

/* Says whether the job may send and acknowledge now. Asked by the replay's thread. */
struct job_gate {
    bool (*is_open)(void *context);
    void *context;
};

/* What the user wants: the option table (cli/options.def) fills it. Strings are borrowed. */
struct job_options {
    /* source */
    const char *dsn;
    const char *table;
    const char *query_file;
    const char *condition; // only the query's rows q for which this is true; NULL: all
    const char *key;
    const char *from;
    const char *after; // instead of from: exclusive
    const char *to;
    uint64_t jobs;
    bool counts_rows; // else they are estimated
    int snapshot;     // enum job_snapshot
    uint64_t window_rows;
    int64_t statement_timeout_ms;
    /* or a file */
    const char *input; // "-": standard input
    int format;        // enum ndjson_format
    const char *id_field;
    /* documents */
    int op;          // enum bulk_op
    int keeps_nulls; // --nulls: 0 omit, 1 keep
    /* spool */
    const char *spool;
    uint64_t spool_max;
    uint64_t segment_bytes;
    uint64_t frame_bytes;
    uint64_t level;
    bool keep;
    bool again;
    /* sink */
    const char *urls[JOB_URLS_MAX + 1];
    const char *index;
    const char *create_index;
    const char *pipeline;
    const char *headers[JOB_HEADERS_MAX + 1];
    const char *user;
    const char *password;
    const char *api_key;
    const char *bearer;
    const char *aws_region; // NULL: requests are not signed
    int aws_service;        // --aws-service: 0 es, 1 aoss
    const char *ca_file;
    const char *ca_fingerprint;
    const char *cert_file;
    const char *cert_key_file;
    const char *cert_password;
    const char *proxy;
    const char *proxy_user;
    const char *proxy_password;
    bool insecure;
    bool gzip;
    uint64_t in_flight;
    uint64_t max_rate;      // documents a second; 0: any
    uint64_t max_bandwidth; // bytes of bulk requests a second; 0: any
    int64_t request_timeout_ms;
    int64_t give_up_after_ms;
    uint64_t max_dead;
    bool retries_dead;           // dead retry: dead letters are sent again first
    const struct job_gate *gate; // or NULL: it always may
    struct gauges *gauges;       // or NULL: nobody reads the job's numbers from a file
    /* plan */
    bool dry_run;
};

/* What happens now, beyond what the index says: for the display. Written by the stages' threads. */
struct job_live {
    atomic_ullong rows;      // read by this process, committed or not
    atomic_ullong in_flight; // requests
    atomic_ullong retries;
    atomic_bool is_waiting_for_room; // --spool-max is reached
    atomic_bool is_dumping;          // the dump's stage has not ended
};

/* --- identity (identity.c) --- */

/* What the job is: JSON for job.json and the index, and its hash. QUERY: the SELECT's text. The same
 * query, key, range, index, operation and null handling are the same job. */
MUST_CHECK bool job_describe(const struct job_options *o, const char *query, struct buffer *text,
                             struct job_id *id, struct error *err);

/* The same of a job that reads a file: its path, how its lines are read, the index. */
MUST_CHECK bool job_describe_load(const struct job_options *o, struct buffer *text,
                                  struct job_id *id, struct error *err);

/* The index that a description names, OTHERWISE when it names none; the caller frees it. NULL: no memory. */
char *job_index_of(const char *description, const char *otherwise);

enum { JOB_HASH_BYTES = 2 * JOB_ID_BYTES + 1 };

/* The hash of the query and its key alone, in hexadecimal: the bounds of shards hold for these. QUERY as for
 * job_describe. */
MUST_CHECK bool job_hash_query(const struct job_options *o, const char *query,
                               char hash[JOB_HASH_BYTES], struct error *err);

/* The hash of any text, the same way. */
void job_hash_text(struct slice text, char hash[JOB_HASH_BYTES]);

/* The range that --from or --after, and --to name (NULL: not given); borrows them. */
struct key_range job_range(const char *from, const char *after, const char *to);

/* Is it only a part of the query's rows? */
bool job_is_part(const struct job_options *o);

/* What job.json says, taken apart. */
struct job_description {
    char *text; // as job_describe writes it, whatever spaces somebody has put into the file
    struct job_id id;
    char *from, *after, *to; // NULL: none
};

/* Take TEXT apart; to be freed. ERROR_DAMAGED when it is no description. */
MUST_CHECK bool job_read_description(struct slice text, struct job_description *out,
                                     struct error *err);
void job_free_description(struct job_description *d);

/* The SELECT that --table or --query asks for, appended to OUT; with both, the table's name stands for each {table}
 * in the query. ERROR_USAGE when there is neither, or the query has no {table}. */
MUST_CHECK bool job_read_query(const struct job_options *o, struct buffer *out, struct error *err);

/* --- stages --- */

/* Called by the main thread some times a second while stages run. */
typedef void job_observer(void *context, struct spool *spool, const struct job_live *live);

/* Do ROLES' stages of the job to the end: SPOOL_DUMP, SPOOL_REPLAY or both. All inputs are checked
 * before anything is written. With retries_dead the dead letters are made pending first; rows that could
 * not become documents are then read again when SPOOL_DUMP is among ROLES, and stay dead letters when not. *LAST: the job's record at the end, when *HAS_LAST. What ended it early is
 * the error: ERROR_DEAD_LETTERS when all is done but documents were refused, or
 * when more than --max-dead were: what kinds of errors there are is then logged. */
MUST_CHECK bool job_run(const struct job_options *o, unsigned roles, job_observer *observe,
                        void *context, struct index_job *last, bool *has_last, struct error *err);

/* --dry-run: append to OUT the plan, how columns become fields, and three documents. Sends nothing, writes
 * nothing. */
MUST_CHECK bool job_describe_plan(const struct job_options *o, struct buffer *out,
                                  struct error *err);

#endif
