/* metrics.h: the tasks as Prometheus reads them (Prometheus, "Exposition formats", text format 0.0.4). Pure. */
#ifndef BOBBIN_SERVE_METRICS_H
#define BOBBIN_SERVE_METRICS_H

#include <stddef.h>

#include "serve/task.h"

/* Append the metrics of TASKS to OUT. Those of a single task are of active ones only, as each task is a time series of
 * its own. */
void metrics_put(struct buffer *out, const struct task *tasks, size_t count);

#endif
