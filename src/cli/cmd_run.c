/* cmd_run.c: run, dump, replay and load. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "encode/ndjson.h"

enum { LEAST_FRAME_BYTES = 4 << 10, MOST_FRAME_BYTES = 64 << 20, DRY_RUN_MAX_BYTES = 1 << 30 };

bool command_in_range(const char *option, uint64_t value, uint64_t least, uint64_t most,
                      struct error *err)
{
    return (value >= least && value <= most) ||
           error_set(err, ERROR_USAGE, "--%s: %llu is not within %llu and %llu", option,
                     (unsigned long long)value, (unsigned long long)least,
                     (unsigned long long)most);
}

bool command_is_given(const char *option, const char *value, struct error *err)
{
    return (value != NULL && value[0] != '\0') ||
           error_set(err, ERROR_USAGE, "--%s is missing", option);
}

bool command_check_urls(const struct job_options *o, struct error *err)
{
    if (o->urls[0] == NULL)
        return error_set(err, ERROR_USAGE, "--url is missing");
    for (size_t i = 0; o->urls[i] != NULL; i++)
        if (strncmp(o->urls[i], "http://", 7) != 0 && strncmp(o->urls[i], "https://", 8) != 0)
            return error_set(err, ERROR_USAGE, "--url %s: it must begin with http:// or https://",
                             o->urls[i]);
    return true;
}

bool command_check_query(const struct job_options *o, struct error *err)
{
    if (o->from != NULL && o->after != NULL)
        return error_set(err, ERROR_USAGE, "--from and --after: only one of them");
    return command_is_given("key", o->key, err) &&
           command_in_range("jobs", o->jobs, 1, JOB_PARTS_MAX, err) &&
           command_in_range("window-rows", o->window_rows, 1, 1u << 30, err);
}

static bool check_input(const struct job_options *o, struct error *err)
{
    enum ndjson_format format = (enum ndjson_format)o->format;
    bool has_id = o->id_field != NULL && o->id_field[0] != '\0';
    if (format == NDJSON_DOCUMENTS && !has_id)
        return error_set(err, ERROR_USAGE, "--format documents: name their id's field: --id FIELD");
    if (has_id && format != NDJSON_AUTO && format != NDJSON_DOCUMENTS)
        return error_set(err, ERROR_USAGE, "--id is for documents: %s have their ids themselves",
                         ndjson_format_name(format));
    return true;
}

static bool check_source(const struct job_options *o, struct error *err)
{
    if (o->input == NULL && o->table == NULL && o->query_file == NULL)
        return error_set(err, ERROR_USAGE, "give either --table NAME or --query FILE");
    return command_is_given("index", o->index, err) &&
           (o->input != NULL ? check_input(o, err) : command_check_query(o, err)) &&
           command_in_range("level", o->level, 1, 19, err) &&
           command_in_range("frame-size", o->frame_bytes, LEAST_FRAME_BYTES, MOST_FRAME_BYTES,
                            err) &&
           command_in_range("segment-size", o->segment_bytes, LEAST_FRAME_BYTES, UINT32_MAX, err) &&
           (o->spool_max == 0 ||
            command_in_range("spool-max", o->spool_max, 4 * LEAST_FRAME_BYTES, UINT64_MAX, err));
}

/* A full spool gets room only when a whole segment is done: several must fit. */
static void fit_segments(struct job_options *o)
{
    if (o->spool_max != 0 && o->segment_bytes > o->spool_max / 4)
        o->segment_bytes = o->spool_max / 4;
}

bool command_check_options(struct job_options *o, unsigned roles, struct error *err)
{
    if (roles & SPOOL_DUMP && !check_source(o, err))
        return false;
    if (o->dry_run)
        return true; // nothing is sent or written
    if (roles & SPOOL_REPLAY &&
        !(command_check_urls(o, err) &&
          command_in_range("in-flight", o->in_flight, 1, JOB_IN_FLIGHT_MAX, err)))
        return false;
    fit_segments(o);
    return command_is_given("spool", o->spool, err);
}

static int dry_run(const struct job_options *o)
{
    struct buffer plan;
    struct error err = {.kind = ERROR_NONE};
    buffer_init(&plan, DRY_RUN_MAX_BYTES);
    bool ok = job_describe_plan(o, &plan, &err);
    if (ok)
        fwrite(plan.data, 1, plan.size, stdout);
    buffer_free(&plan);
    return ok ? 0 : command_failed(&err);
}

void command_print_ledger(const struct index_job *job)
{
    printf("rows read %llu = acknowledged %llu + dead %llu", (unsigned long long)job->rows,
           (unsigned long long)job->acknowledged, (unsigned long long)job->dead);
    if (job->dropped > 0)
        printf(" + dropped %llu", (unsigned long long)job->dropped);
    printf(" + pending %llu\n", (unsigned long long)job->pending);
    fflush(stdout);
}

int command_failed(const struct error *err)
{
    bool is_finding = err->kind == ERROR_DEAD_LETTERS || err->kind == ERROR_DIFFERENT;
    log_message(is_finding ? LOG_WARNING : LOG_ERROR, "%s", err->message);
    return error_exit_status(err->kind);
}

int command_load(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    if (!command_is_given("input", o->job.input, &err))
        return command_failed(&err);
    return command_run(o, SPOOL_DUMP | SPOOL_REPLAY);
}

int command_run(struct options *o, unsigned roles)
{
    struct error err = {.kind = ERROR_NONE};
    struct progress *progress;
    struct index_job last;
    bool has_last, has_rows;
    if (!command_take_shard(o, &has_rows, &err))
        return command_failed(&err);
    if (!has_rows)
        return 0;
    if (!command_check_options(&o->job, roles, &err))
        return command_failed(&err);
    if (o->job.dry_run)
        return dry_run(&o->job);
    if (!progress_new(&progress, roles, o->job.input != NULL ? "load" : "dump", o->quiet, &err))
        return command_failed(&err);
    bool ok = job_run(&o->job, roles, progress_observe, progress, &last, &has_last, &err);
    progress_end(progress);
    int status = ok ? 0 : command_failed(&err);
    if (has_last && last.nulled > 0)
        log_message(LOG_WARNING, "%llu values that JSON can't hold (NaN, infinity) became null",
                    (unsigned long long)last.nulled);
    if (has_last)
        command_print_ledger(&last);
    return status;
}
