/* store.h: where the workers of a job meet: documents that one of them may change only if nobody else did since it
 * looked. The index bobbin-jobs of the target cluster (store_cluster.c), or a table in PostgreSQL
 * (store_postgres.c).
 *
 * What was written is seen by every later read. An answer can be lost on its way though the document was
 * written: so what a document says must tell its writer that it is his. */
#ifndef BOBBIN_FLEET_STORE_H
#define BOBBIN_FLEET_STORE_H

#include <jansson.h>

#include "job/job.h"

#define STORE_NAME "bobbin-jobs"
enum { STORE_DOCUMENT_MAX_BYTES = 128 << 20 }; // a plan and its frame

struct store;

/* Of a document; another one after each change. number 0: there is no document. */
struct store_version {
    int64_t number;
    int64_t term;
};

/* Which store, and how long one call may wait for an answer. Strings and JOB are borrowed. */
struct store_options {
    const struct job_options *job; // whose cluster it is in
    const char *coordinator; // or a conninfo string or URI: in a table of that database; or NULL
    int64_t timeout_ms;
    bool makes; // the index or table, when it is missing
};

/* Open the store. Errors of all here: ERROR_UNAVAILABLE (no answer), ERROR_DENIED, ERROR_CONFIG,
 * ERROR_STOPPED. */
MUST_CHECK bool store_open(struct store **out, const struct store_options *options,
                           struct error *err);
void store_close(struct store *s);

/* Where it is, for messages. */
const char *store_place(const struct store *s);

/* Read document ID; IS_BRIEF: without its "plan". *BODY is the caller's to decref; NULL when there is none. */
MUST_CHECK bool store_get(struct store *s, const char *id, bool is_brief, json_t **body,
                          struct store_version *version, struct error *err);

/* Write document ID if it still has *VERSION (number 0: if there is none). *IS_DONE false: it has another one. *VERSION
 * becomes the new one. */
MUST_CHECK bool store_put(struct store *s, const char *id, const json_t *body,
                          struct store_version *version, bool *is_done, struct error *err);

/* Remove document ID; one that is absent is success. */
MUST_CHECK bool store_remove(struct store *s, const char *id, struct error *err);

/* Call SEE for each document whose "kind" is KIND, STORE_LIST_MAX at most. */
enum { STORE_LIST_MAX = 1000 };
typedef bool store_see(void *context, json_t *body, struct error *err);
MUST_CHECK bool store_list(struct store *s, const char *kind, store_see *see, void *context,
                           struct error *err);

/* --- implementations --- */

struct store_calls {
    bool (*get)(void *self, const char *id, bool is_brief, json_t **body,
                struct store_version *version, struct error *err);
    bool (*put)(void *self, const char *id, const char *text, struct store_version *version,
                bool *is_done, struct error *err);
    bool (*remove)(void *self, const char *id, struct error *err);
    bool (*list)(void *self, const char *kind, store_see *see, void *context, struct error *err);
    const char *(*place)(const void *self);
    void (*close)(void *self);
};

/* SELF is closed with the store, or at once when there is no memory. */
MUST_CHECK bool store_new(struct store **out, const struct store_calls *calls, void *self,
                          struct error *err);

MUST_CHECK bool store_open_cluster(struct store **out, const struct store_options *options,
                                   struct error *err);
MUST_CHECK bool store_open_postgres(struct store **out, const struct store_options *options,
                                    struct error *err);

#endif
