/* serve.h: bobbin serve: a server that takes tasks by HTTP and does each as a child process. docs/serve.md has its API,
 * docs/architecture.md how its parts go together. */
#ifndef BOBBIN_SERVE_SERVE_H
#define BOBBIN_SERVE_SERVE_H

#include <stdint.h>

#include "base/error.h"

/* What the user wants: the option table (cli/options.def) fills it. Strings are borrowed. */
struct serve_options {
    const char *listen;
    const char *models;
    const char *state;
    const char *token; // NULL: requests need none
    uint64_t tasks;    // at the same time
    int64_t give_up_after_ms;
};

/* Serve until a stop is requested (base/stop.h). */
MUST_CHECK bool serve_run(const struct serve_options *o, struct error *err);

#endif
