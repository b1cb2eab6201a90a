/* cmd_plan.c: plan, which divides the rows into shards; and --shard, which takes one of them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "fleet/publish.h"

static bool check(const struct options *o, struct error *err)
{
    if (o->estimates && o->is_exact)
        return error_set(err, ERROR_USAGE, "--estimate and --exact: only one of them");
    return command_check_query(&o->job, err) &&
           command_in_range("shards", o->shards, 1, PLAN_SHARDS_MAX, err) &&
           (o->job_name == NULL ||
            (command_is_given("index", o->job.index, err) && command_check_urls(&o->job, err)));
}

static enum plan_bounds bounds_of(const struct options *o)
{
    if (o->is_exact)
        return PLAN_BOUNDS_EXACT;
    return o->estimates ? PLAN_BOUNDS_ESTIMATE : PLAN_BOUNDS_ANY;
}

static void print_bound(const char *name, const char *key)
{
    if (key != NULL)
        printf(" %s %s", name, key);
}

static void print_shard(const struct plan *p, size_t number)
{
    const char *from, *after, *to;
    plan_shard_bounds(p, number, &from, &after, &to);
    printf("%5zu %12" PRIu64 " ", number, plan_shard_rows(p, number));
    print_bound("from", from);
    print_bound("after", after);
    print_bound("to", to);
    puts(from == NULL && after == NULL && to == NULL ? " all keys" : "");
}

static void print_plan(const struct plan *p)
{
    printf("%zu shards of %s%" PRIu64 " rows\n\nshard         rows  keys\n", plan_count(p),
           plan_is_exact(p) ? "" : "about ", plan_rows(p));
    for (size_t i = 0; i < plan_count(p); i++)
        print_shard(p, i);
}

static bool print_json(const struct plan *p, struct error *err)
{
    struct buffer text;
    buffer_init(&text, 2 * PLAN_MAX_BYTES);
    bool ok = plan_put_json(p, &text, err);
    if (ok)
        fwrite(text.data, 1, text.size, stdout);
    buffer_free(&text);
    return ok;
}

static bool print(const struct options *o, const struct plan *p, struct error *err)
{
    bool ok = true;
    if (plan_count(p) < o->shards)
        log_message(LOG_WARNING, "there are only rows for %zu shards", plan_count(p));
    if (o->json)
        ok = print_json(p, err);
    else
        print_plan(p);
    return ok && ((fflush(stdout) == 0 && !ferror(stdout)) ||
                  error_set(err, ERROR_DISK, "standard output can't be written"));
}

/* For workers that find it by the job's name. */
static bool publish(const struct options *o, struct error *err)
{
    const struct store_options store = command_store_options(o, true);
    struct fleet_job *job;
    bool is_new;
    if (!publish_plan(&store, o->job_name, o->shards, bounds_of(o), &job, &is_new, err))
        return false;
    log_message(LOG_INFO, is_new ? "job %s is made" : "job %s is there already", job->name);
    bool ok = print(o, job->plan, err);
    fleet_free_job(job);
    return ok;
}

static bool make(struct options *o, struct error *err)
{
    return plan_make(&o->plan, &o->job, o->shards, bounds_of(o), err) && print(o, o->plan, err);
}

int command_plan(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    bool ok = check(o, &err) && (o->job_name != NULL ? publish(o, &err) : make(o, &err));
    return ok ? 0 : command_failed(&err);
}

bool command_take_shard(struct options *o, bool *has_rows, struct error *err)
{
    bool is_empty = false;
    *has_rows = true;
    if ((o->shard == NULL) != (o->plan_file == NULL))
        return error_set(err, ERROR_USAGE, "--shard and --plan go together: K/N of the plan's N");
    if (o->shard == NULL)
        return true;
    if (!plan_read(&o->plan, o->plan_file, err) ||
        !plan_take_shard(o->plan, o->shard, &o->job, &is_empty, err))
        return false;
    *has_rows = !is_empty;
    if (is_empty)
        log_message(LOG_INFO, "shard %s: the plan found only rows for %zu shards: nothing to do",
                    o->shard, plan_count(o->plan));
    return true;
}
