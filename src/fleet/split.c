/* split.c: see split.h. */
#include "fleet/split.h"

#include <stdlib.h>

#include "base/log.h"
#include "source/sample.h"
#include "source/window.h"

/* The split first: its owner only knows that. */
struct splitting {
    struct split split;
    struct pg *pg;
    struct query *query;
    struct key_range range;
    struct buffer select;
    struct buffer keys; // the shards' bounds
};

static bool describe(struct splitting *s, const struct job_options *o, struct error *err)
{
    if (!job_read_query(o, &s->select, err) ||
        !job_hash_query(o, buffer_string(&s->select), s->split.query, err) ||
        !pg_connect(&s->pg, o->dsn, o->statement_timeout_ms, err) || !pg_begin(s->pg, NULL, err) ||
        !query_describe(&s->query, s->pg, buffer_string(&s->select), o->key, err) ||
        !window_check_range(s->pg, s->query, &s->range, err))
        return false;
    s->split.key_type = query_key_type(s->query);
    return true;
}

static bool split_by_sample(struct splitting *s, enum plan_bounds bounds, bool *is_done,
                            struct error *err)
{
    struct split *split = &s->split;
    const char *why;
    if (!sample_split(s->pg, s->query, &s->range, split->wanted, split->shards, &split->count,
                      &s->keys, is_done, &why, err))
        return error_wrap(err, "the sample");
    if (*is_done)
        return window_estimate_rows(s->pg, s->query, &s->range, &split->rows, err);
    if (bounds == PLAN_BOUNDS_ESTIMATE)
        return error_set(err, ERROR_CONFIG, "%s: without --estimate all keys are read", why);
    log_message(LOG_INFO, "%s: all keys are read", why);
    return true;
}

static bool find_bounds(struct splitting *s, enum plan_bounds bounds, struct error *err)
{
    struct split *split = &s->split;
    bool is_done = false;
    if (bounds != PLAN_BOUNDS_EXACT && !split_by_sample(s, bounds, &is_done, err))
        return false;
    split->is_exact = !is_done;
    return is_done || window_split(s->pg, s->query, &s->range, split->wanted, split->shards,
                                   &split->count, &s->keys, &split->rows, err);
}

bool split_make(struct split **out, const struct job_options *o, size_t shards,
                enum plan_bounds bounds, struct error *err)
{
    struct splitting *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    s->split.wanted = shards;
    s->range = job_range(o->from, o->after, o->to);
    buffer_init(&s->keys, PLAN_MAX_BYTES);
    buffer_init(&s->select, QUERY_MAX_BYTES);
    bool ok = describe(s, o, err) && find_bounds(s, bounds, err);
    if (ok)
        *out = &s->split;
    else
        split_free(&s->split);
    return ok;
}

void split_free(struct split *split)
{
    struct splitting *s = (struct splitting *)split;
    query_free(s->query);
    pg_close(s->pg);
    buffer_free(&s->select);
    buffer_free(&s->keys);
    free(s);
}
