/* gauges.c: see gauges.h. */
#include "job/gauges.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/file.h"
#include "base/log.h"

#define LAST_SUCCESS "bobbin_job_last_success_timestamp_seconds"

enum {
    WRITE_EVERY_MS = 10000, // node_exporter is asked four times a minute by default
    FILE_MAX_BYTES = 64 << 10,
    NAME_BYTES = 4096,
    LABEL_BYTES = 256, // as long as an index's name may be
};

struct gauges {
    int dir;
    char name[NAME_BYTES], beside[NAME_BYTES]; // in it
    char index[LABEL_BYTES], shard[LABEL_BYTES];
    struct index_job job;
    bool has_job;
    int status; // the exit status; -1: it runs
    uint64_t succeeded_s;
    int64_t written_ms;
    bool is_failing; // and the log says so
};

static uint64_t total_of(const struct index_job *job)
{
    return job->dumped_ms != 0 || job->estimated_rows < job->rows ? job->rows : job->estimated_rows;
}

static uint64_t read_of(const struct index_job *job)
{
    return job->rows;
}

static uint64_t acknowledged_of(const struct index_job *job)
{
    return job->acknowledged;
}

static uint64_t dead_of(const struct index_job *job)
{
    return job->dead;
}

static uint64_t retries_of(const struct index_job *job)
{
    return job->retries;
}

static uint64_t pending_of(const struct index_job *job)
{
    return job->pending;
}

static uint64_t spool_of(const struct index_job *job)
{
    return job->spool_bytes;
}

const struct gauge job_gauges[GAUGES] = {
    {"rows", "The rows there are, or the best guess; 0: not known yet.", total_of},
    {"rows_read", "Rows that are in the spool or were.", read_of},
    {"documents_acknowledged", "Documents that the cluster has.", acknowledged_of},
    {"documents_refused", "Documents that the cluster refused for good.", dead_of},
    {"retries", "Requests and documents that were sent again.", retries_of},
    {"documents_pending", "Documents in the spool that are still to be sent.", pending_of},
    {"spool_bytes", "The size of the spool's segments.", spool_of},
};

/* --- the text --- */

static void put(struct buffer *out, const struct gauges *g, const char *name, const char *help,
                uint64_t value)
{
    const struct exposition_label labels[] = {{"index", g->index}, {"shard", g->shard}};
    exposition_put_head(out, name, help);
    exposition_put(out, name, labels, sizeof labels / sizeof *labels, value);
}

/* All states, so that none vanishes: one of them is 1. */
static void put_states(struct buffer *out, const struct gauges *g)
{
    static const char *const states[] = {"running", "done", "stopped", "failed"};
    bool is_stopped = g->status == error_exit_status(ERROR_STOPPED);
    size_t is = g->status < 0 ? 0 : g->status == 0 ? 1 : is_stopped ? 2 : 3;
    exposition_put_head(
        out, "bobbin_job_state",
        "1: the job is running, done, stopped (exit status 75) or failed (any other).");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        const struct exposition_label labels[] = {
            {"index", g->index}, {"shard", g->shard}, {"state", states[i]}};
        exposition_put(out, "bobbin_job_state", labels, sizeof labels / sizeof *labels, i == is);
    }
}

static void put_all(struct buffer *out, const struct gauges *g)
{
    char name[LABEL_BYTES];
    for (size_t i = 0; g->has_job && i < GAUGES; i++) {
        snprintf(name, sizeof name, "bobbin_job_%s", job_gauges[i].name);
        put(out, g, name, job_gauges[i].help, job_gauges[i].value(&g->job));
    }
    put_states(out, g);
    if (g->status >= 0)
        put(out, g, "bobbin_job_exit_status", "How the last run ended; absent while one runs.",
            (uint64_t)g->status);
    if (g->succeeded_s > 0)
        put(out, g, LAST_SUCCESS, "When a run ended with exit status 0 last.", g->succeeded_s);
    put(out, g, "bobbin_job_updated_timestamp_seconds", "When this was written.",
        (uint64_t)clock_wall_ms() / 1000);
}

/* --- the file --- */

static bool write_file(struct gauges *g, struct error *err)
{
    struct buffer text;
    buffer_init(&text, FILE_MAX_BYTES);
    put_all(&text, g);
    bool ok = buffer_check(&text, "the metrics", err) &&
              file_publish(g->dir, g->name, g->beside, buffer_slice(&text), err);
    buffer_free(&text);
    g->written_ms = clock_monotonic_ms();
    return ok;
}

static void write_or_tell(struct gauges *g)
{
    struct error err = {.kind = ERROR_NONE};
    bool ok = write_file(g, &err);
    if (!ok && !g->is_failing)
        log_message(LOG_WARNING, "metrics: %s; the job goes on", err.message);
    g->is_failing = !ok;
}

/* What an earlier run has left. */
static void read_last_success(struct gauges *g, const char *path)
{
    struct buffer text;
    struct error ignored = {.kind = ERROR_NONE};
    buffer_init(&text, FILE_MAX_BYTES);
    if (file_read_whole(path, &text, &ignored)) {
        const char *line = strstr(buffer_string(&text), "\n" LAST_SUCCESS "{");
        const char *value = line != NULL ? strstr(line, "\"} ") : NULL;
        g->succeeded_s = value != NULL ? strtoull(value + strlen("\"} "), NULL, 10) : 0;
    }
    buffer_free(&text);
}

/* The directory and the name of PATH. */
static bool open_place(struct gauges *g, const char *path, struct error *err)
{
    char directory[NAME_BYTES];
    const char *slash = strrchr(path, '/');
    int length = slash != NULL ? (int)(slash - path) + 1 : 0;
    bool fits = snprintf(directory, sizeof directory, "%.*s", length, path) < NAME_BYTES &&
                snprintf(g->name, sizeof g->name, "%s", path + length) < NAME_BYTES &&
                snprintf(g->beside, sizeof g->beside, "%s.new", path + length) < NAME_BYTES;
    if (!fits || g->name[0] == '\0')
        return error_set(err, ERROR_CONFIG, "--metrics %s: that is no file's name", path);
    if (!file_open_directory(&g->dir, length > 0 ? directory : ".", false, err))
        return error_wrap(err, "--metrics %s", path);
    return g->dir >= 0 ||
           error_set(err, ERROR_CONFIG, "--metrics %s: there is no such directory", path);
}

bool gauges_open(struct gauges **out, const char *path, const char *index, const char *shard,
                 struct error *err)
{
    struct gauges *g = calloc(1, sizeof *g);
    if (g == NULL)
        return error_set_memory(err);
    g->dir = -1;
    g->status = -1;
    snprintf(g->index, sizeof g->index, "%s", index != NULL ? index : "");
    snprintf(g->shard, sizeof g->shard, "%s", shard != NULL ? shard : "");
    read_last_success(g, path);
    *out = g;
    if (open_place(g, path, err) && (write_file(g, err) || error_wrap(err, "--metrics %s", path)))
        return true;
    file_close(&g->dir);
    free(g);
    *out = NULL;
    return false;
}

void gauges_name_index(struct gauges *g, const char *index)
{
    if (g != NULL && g->index[0] == '\0')
        snprintf(g->index, sizeof g->index, "%s", index);
}

void gauges_name_shard(struct gauges *g, size_t number)
{
    if (g != NULL)
        snprintf(g->shard, sizeof g->shard, "%zu", number);
}

bool gauges_are_due(const struct gauges *g)
{
    return g != NULL && clock_monotonic_ms() - g->written_ms >= WRITE_EVERY_MS;
}

void gauges_put(struct gauges *g, const struct index_job *job)
{
    if (g == NULL)
        return;
    g->job = *job;
    g->has_job = true;
    write_or_tell(g);
}

void gauges_rest(struct gauges *g)
{
    if (g == NULL)
        return;
    g->has_job = false;
    write_or_tell(g);
}

void gauges_close(struct gauges *g, int status)
{
    if (g == NULL)
        return;
    g->status = status;
    if (status == 0)
        g->succeeded_s = (uint64_t)clock_wall_ms() / 1000;
    write_or_tell(g);
    file_close(&g->dir);
    free(g);
}
