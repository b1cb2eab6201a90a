/* plan.h: a query's rows as shards of about equal numbers of rows, made once and read by everybody who runs
 * one of them: were each to make its own of a table that changes, rows would fall between.
 *
 * The shards are the ranges (after, upto] between bounds, the first without a beginning and the last without an end, so
 * that they cover every key there can be, also one that comes later. With --from, --after or --to the
 * first and last have those. */
#ifndef BOBBIN_FLEET_PLAN_H
#define BOBBIN_FLEET_PLAN_H

#include "job/job.h"

enum { PLAN_SHARDS_MAX = 1000, PLAN_MAX_BYTES = 64 << 20 };

enum plan_bounds {
    PLAN_BOUNDS_ANY,      // by a sample, by reading all keys when that can't tell
    PLAN_BOUNDS_ESTIMATE, // by a sample, or not at all
    PLAN_BOUNDS_EXACT,    // by reading all keys
};

struct plan;

/* Ask PostgreSQL where to split what O reads into SHARDS shards (1 to PLAN_SHARDS_MAX), fewer when there are fewer rows. O's
 * strings are borrowed. Errors: those of query.h and window.h; ERROR_CONFIG when only a sample is
 * wanted and none can tell. */
MUST_CHECK bool plan_make(struct plan **out, const struct job_options *o, size_t shards,
                          enum plan_bounds bounds, struct error *err);

/* Read the plan that file PATH holds, as plan_put_json wrote it. ERROR_CONFIG when it holds none. */
MUST_CHECK bool plan_read(struct plan **out, const char *path, struct error *err);
void plan_free(struct plan *p);

/* Append P as JSON to OUT. */
MUST_CHECK bool plan_put_json(const struct plan *p, struct buffer *out, struct error *err);

/* P as JSON, borrowed; and a plan of JSON, whose reference is taken: *OUT is NULL when it is none. */
struct json_t;
struct json_t *plan_json(const struct plan *p);
MUST_CHECK bool plan_from_json(struct plan **out, struct json_t *json, struct error *err);

/* Is P of O's query and key? */
MUST_CHECK bool plan_is_of(const struct plan *p, const struct job_options *o, bool *is_same,
                           struct error *err);

/* How many shards were asked for, and how many there are. */
size_t plan_wanted(const struct plan *p);
size_t plan_count(const struct plan *p);

/* All rows, exactly or about; and those of shard NUMBER, below plan_count. */
uint64_t plan_rows(const struct plan *p);
uint64_t plan_shard_rows(const struct plan *p, size_t number);
bool plan_is_exact(const struct plan *p);

/* Where shard NUMBER, below plan_count, begins (*FROM inclusive, or *AFTER exclusive) and ends (*TO inclusive). NULL: there
 * is no bound. They live as long as P. */
void plan_shard_bounds(const struct plan *p, size_t number, const char **from, const char **after,
                       const char **to);

/* Give O the range of the shard that WORDS, "K/N", name: K counts from 0, and P must have been made for N of O's own
 * query and key. O borrows P's keys. *IS_EMPTY: there were so few rows that P has no such shard. Errors:
 * ERROR_USAGE (the words, or a range in O), ERROR_CONFIG (another plan). */
MUST_CHECK bool plan_take_shard(const struct plan *p, const char *words, struct job_options *o,
                                bool *is_empty, struct error *err);

#endif
