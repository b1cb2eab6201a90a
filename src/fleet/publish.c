/* publish.c: see publish.h. */
#include "fleet/publish.h"

/* Ours or another's: who came first has made it. */
static bool make(struct store *s, const char *name, const struct job_options *o, size_t shards,
                 enum plan_bounds bounds, struct fleet_job **out, struct error *err)
{
    struct plan *plan;
    if (!plan_make(&plan, o, shards, bounds, err))
        return false;
    bool ok = fleet_make_job(s, name, o, plan, out, err);
    plan_free(plan);
    return ok;
}

static bool find_or_make(struct store *s, const char *name, const struct job_options *o,
                         size_t shards, enum plan_bounds bounds, struct fleet_job **out,
                         bool *is_new, struct error *err)
{
    if (!fleet_get_job(s, name, out, err))
        return false;
    *is_new = *out == NULL;
    if (*is_new && !make(s, name, o, shards, bounds, out, err))
        return false;
    if (fleet_check_job(*out, o, err))
        return true;
    fleet_free_job(*out);
    *out = NULL;
    return false;
}

bool publish_plan(const struct store_options *store, const char *name, size_t shards,
                  enum plan_bounds bounds, struct fleet_job **out, bool *is_new, struct error *err)
{
    struct store *s = NULL;
    *out = NULL;
    if (!fleet_check_name(name, err) || !store_open(&s, store, err))
        return false;
    bool ok = find_or_make(s, name, store->job, shards, bounds, out, is_new, err);
    store_close(s);
    return ok;
}
