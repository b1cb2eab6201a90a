/* metrics.c: see metrics.h. */
#include "serve/metrics.h"

#include <stdio.h>

#include "base/exposition.h"
#include "job/gauges.h"

enum { NAME_BYTES = 64 };

static void put_states(struct buffer *out, const struct task *tasks, size_t count)
{
    static const char *const names[] = {"waiting", "running", "done", "failed", "stopped"};
    enum { NAMES = sizeof names / sizeof *names };
    size_t counts[NAMES] = {0};
    for (size_t i = 0; i < count; i++) {
        bool is_active = tasks[i].state == TASK_ACTIVE;
        counts[is_active ? (size_t)tasks[i].is_running : 1 + (size_t)tasks[i].state]++;
    }
    exposition_put_head(out, "bobbin_tasks", "Tasks that the server knows.");
    for (size_t i = 0; i < NAMES; i++) {
        const struct exposition_label label = {"state", names[i]};
        exposition_put(out, "bobbin_tasks", &label, 1, counts[i]);
    }
}

static struct index_job job_of(const struct task *t)
{
    const struct task_counts *c = &t->counts;
    return (struct index_job){.estimated_rows = c->total,
                              .rows = c->read,
                              .acknowledged = c->acknowledged,
                              .dead = c->dead,
                              .retries = c->retries};
}

static void put_gauge(struct buffer *out, const struct gauge *gauge, const struct task *tasks,
                      size_t count)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "bobbin_task_%s", gauge->name);
    exposition_put_head(out, name, gauge->help);
    for (size_t i = 0; i < count; i++) {
        const struct task *t = &tasks[i];
        const struct exposition_label labels[] = {
            {"task_id", t->id}, {"model", t->wish.model}, {"target_index", t->wish.index}};
        const struct index_job job = job_of(t);
        if (t->state == TASK_ACTIVE)
            exposition_put(out, name, labels, sizeof labels / sizeof *labels, gauge->value(&job));
    }
}

void metrics_put(struct buffer *out, const struct task *tasks, size_t count)
{
    put_states(out, tasks, count);
    for (size_t i = 0; i < GAUGES_OF_TASKS; i++)
        put_gauge(out, &job_gauges[i], tasks, count);
}
