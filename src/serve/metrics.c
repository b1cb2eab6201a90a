/* metrics.c: see metrics.h. */
#include "serve/metrics.h"

#include <inttypes.h>

static uint64_t total_of(const struct task *t)
{
    return t->counts.total;
}

static uint64_t read_of(const struct task *t)
{
    return t->counts.read;
}

static uint64_t acknowledged_of(const struct task *t)
{
    return t->counts.acknowledged;
}

static uint64_t dead_of(const struct task *t)
{
    return t->counts.dead;
}

static uint64_t retries_of(const struct task *t)
{
    return t->counts.retries;
}

static const struct metric {
    const char *name;
    const char *help;
    uint64_t (*value)(const struct task *t);
} metrics[] = {
    {"bobbin_task_rows", "The rows there are; 0: not counted yet.", total_of},
    {"bobbin_task_rows_read", "Rows that are in the spool or were.", read_of},
    {"bobbin_task_documents_acknowledged", "Documents that the cluster has.", acknowledged_of},
    {"bobbin_task_documents_refused", "Documents that the cluster refused for good.", dead_of},
    {"bobbin_task_retries", "Requests and documents that were sent again.", retries_of},
};

static void put_head(struct buffer *out, const char *name, const char *help)
{
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

static void put_labels(struct buffer *out, const struct task *t)
{
    buffer_append_format(out, "{task_id=\"%s\",model=\"%s\",target_index=\"", t->id, t->wish.model);
    put_escaped(out, t->wish.index);
    buffer_append_string(out, "\"} ");
}

static void put_states(struct buffer *out, const struct task *tasks, size_t count)
{
    static const char *const names[] = {"waiting", "running", "done", "failed", "stopped"};
    enum { NAMES = sizeof names / sizeof *names };
    size_t counts[NAMES] = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_active = tasks[i].state == TASK_ACTIVE;
        counts[is_active ? (size_t)tasks[i].is_running : 1 + (size_t)tasks[i].state]++;
    }
    put_head(out, "bobbin_tasks", "Tasks that the server knows.");
    for (size_t i = 0; i < NAMES; i++)
        buffer_append_format(out, "bobbin_tasks{state=\"%s\"} %zu\n", names[i], counts[i]);
}

static void put_metric(struct buffer *out, const struct metric *metric, const struct task *tasks,
                       size_t count)
{
    put_head(out, metric->name, metric->help);
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].state != TASK_ACTIVE)
            continue;
        buffer_append_string(out, metric->name);
        put_labels(out, &tasks[i]);
        buffer_append_format(out, "%" PRIu64 "\n", metric->value(&tasks[i]));
    }
}

void metrics_put(struct buffer *out, const struct task *tasks, size_t count)
{
    put_states(out, tasks, count);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        put_metric(out, &metrics[i], tasks, count);
}
