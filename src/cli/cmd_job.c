/* cmd_job.c: job list, show, watch, cancel, delete and retry-dead: jobs that several workers do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/stop.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "fleet/lease.h"
#include "fleet/overview.h"

enum { TEXT_MAX_BYTES = 16 << 20, WATCH_MS = 2000 };

struct store_options command_store_options(const struct options *o, bool makes)
{
    return (struct store_options){.job = &o->job,
                                  .coordinator = o->coordinator,
                                  .timeout_ms = lease_timeout_ms(o->lease_ms),
                                  .makes = makes};
}

static bool open_store(const struct options *o, struct store **out, struct error *err)
{
    const struct store_options options = command_store_options(o, false);
    return (o->coordinator != NULL || command_check_urls(&o->job, err)) &&
           store_open(out, &options, err);
}

/* --- list --- */

static const char *text_of(json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "?";
}

static bool see_job(void *context, json_t *body, struct error *err)
{
    json_t *list = context;
    json_t *plan = json_object_get(body, "plan");
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:O?}", "job", text_of(body, "job"), "index",
                  text_of(body, "index"), "state", text_of(body, "state"), "version",
                  text_of(body, "version"), "created", text_of(body, "created"), "shards",
                  (json_int_t)json_array_size(json_object_get(plan, "shards")), "rows",
                  json_object_get(plan, "rows"));
    return (entry != NULL && json_array_append_new(list, entry) == 0) || error_set_memory(err);
}

static void print_list(json_t *list)
{
    size_t i;
    json_t *entry;
    printf("%-24s %-24s %-10s %6s %14s  %s\n", "job", "index", "state", "shards", "rows",
           "created");
    json_array_foreach(list, i, entry)
    {
        printf("%-24s %-24s %-10s %6" JSON_INTEGER_FORMAT " %14" JSON_INTEGER_FORMAT "  %s\n",
               text_of(entry, "job"), text_of(entry, "index"), text_of(entry, "state"),
               json_integer_value(json_object_get(entry, "shards")),
               json_integer_value(json_object_get(entry, "rows")), text_of(entry, "created"));
    }
}

int command_job_list(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    struct store *s = NULL;
    json_t *list = json_array();
    bool ok = open_store(o, &s, &err) && store_list(s, "job", see_job, list, &err);
    if (ok && o->json)
        command_print_json(json_incref(list), JSON_INDENT(2));
    else if (ok)
        print_list(list);
    json_decref(list);
    store_close(s);
    return ok ? 0 : command_failed(&err);
}

/* --- show and watch --- */

static void put_shard(struct buffer *out, const struct overview *v, size_t i)
{
    const struct shard *shard = &v->shards[i];
    uint64_t rows = plan_shard_rows(v->job->plan, i);
    uint64_t done = shard->state == SHARD_DONE ? rows : shard->acknowledged + shard->dead;
    buffer_append_format(out, "%5zu %-5s ", i, shard_state_name(shard->state));
    progress_put_bar(out, 20, done < rows ? done : rows, rows);
    buffer_append_format(out, " %12" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s\n", shard->acknowledged,
                         shard->dead, shard->rows_per_s,
                         shard->state == SHARD_HELD ? shard->holder : "");
}

static void put_text(struct buffer *out, const struct overview *v)
{
    buffer_append_format(out,
                         "job       %s\nindex     %s\nstate     %s\nshards    %zu done, %zu held, "
                         "of %zu\nrows      ",
                         v->job->name, text_of(v->job->body, "index"),
                         v->done == overview_count(v) ? "done" : text_of(v->job->body, "state"),
                         v->done, v->held, overview_count(v));
    progress_put_count(out, v->acknowledged);
    buffer_append_string(out, " acknowledged, ");
    progress_put_count(out, v->dead);
    buffer_append_format(out, " dead, of %s", plan_is_exact(v->job->plan) ? "" : "about ");
    progress_put_count(out, plan_rows(v->job->plan));
    buffer_append_string(out, "\nrate      ");
    progress_put_count(out, v->rows_per_s);
    buffer_append_string(out, " rows/s");
    if (v->eta_s >= 0) {
        buffer_append_string(out, ", done in ");
        progress_put_duration(out, (uint64_t)v->eta_s);
    }
    buffer_append_format(out, "\n\nshard state %-20s %12s %8s %8s  worker\n", "", "acknowledged",
                         "dead", "rows/s");
    for (size_t i = 0; i < overview_count(v); i++)
        put_shard(out, v, i);
}

static void print_text(const struct overview *v, bool is_live)
{
    struct buffer out;
    buffer_init(&out, TEXT_MAX_BYTES);
    if (is_live)
        buffer_append_string(&out, "\033[H\033[J");
    put_text(&out, v);
    fputs(buffer_string(&out), stdout);
    buffer_free(&out);
}

static bool show(const struct options *o, struct store *s, bool is_live, bool *is_over,
                 struct error *err)
{
    struct overview v;
    if (!overview_read(s, o->job_name, &v, err))
        return false;
    if (o->json)
        command_print_json(overview_json(&v), is_live ? JSON_COMPACT : JSON_INDENT(2));
    else
        print_text(&v, is_live && isatty(STDOUT_FILENO));
    fflush(stdout);
    *is_over = overview_is_over(&v);
    overview_free(&v);
    return true;
}

static int show_until(struct options *o, bool watches)
{
    struct error err = {.kind = ERROR_NONE};
    struct store *s = NULL;
    bool is_over = false;
    bool ok = open_store(o, &s, &err);
    while (ok && !is_over) {
        ok = show(o, s, watches, &is_over, &err);
        if (!watches || (ok && !is_over && stop_wait(WATCH_MS)))
            break;
    }
    store_close(s);
    return ok ? 0 : command_failed(&err);
}

int command_job_show(struct options *o)
{
    return show_until(o, false);
}

int command_job_watch(struct options *o)
{
    return show_until(o, true);
}

/* --- what changes a job --- */

static bool cancel(struct store *s, struct overview *v, struct error *err)
{
    if (!fleet_cancel_job(s, v->job, err))
        return false;
    log_message(LOG_INFO, "job %s is cancelled: its workers stop with their next beat",
                v->job->name);
    return true;
}

static bool delete_job(struct store *s, const char *name, struct error *err)
{
    struct fleet_job *job;
    if (!fleet_check_name(name, err) || !fleet_get_job(s, name, &job, err))
        return false;
    bool ok = job == NULL || fleet_delete_job(s, job, err);
    if (ok && job == NULL)
        log_message(LOG_INFO, "job %s is gone already", name);
    else if (ok)
        log_message(LOG_INFO, "job %s is forgotten: what it wrote to the index stays", name);
    fleet_free_job(job);
    return ok;
}

static bool retry_dead(struct store *s, struct overview *v, struct error *err)
{
    size_t count;
    if (!overview_retry_dead(s, v, &count, err))
        return false;
    log_message(LOG_INFO, "%zu shards of job %s are to be done again: start workers", count,
                v->job->name);
    return true;
}

static int change(struct options *o,
                  bool (*change_it)(struct store *s, struct overview *v, struct error *err))
{
    struct error err = {.kind = ERROR_NONE};
    struct store *s = NULL;
    struct overview v;
    bool ok = open_store(o, &s, &err) && overview_read(s, o->job_name, &v, &err);
    if (ok) {
        ok = change_it(s, &v, &err);
        overview_free(&v);
    }
    store_close(s);
    return ok ? 0 : command_failed(&err);
}

int command_job_cancel(struct options *o)
{
    return change(o, cancel);
}

int command_job_delete(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    struct store *s = NULL;
    bool ok = open_store(o, &s, &err) && delete_job(s, o->job_name, &err);
    store_close(s);
    return ok ? 0 : command_failed(&err);
}

int command_job_retry_dead(struct options *o)
{
    return change(o, retry_dead);
}
