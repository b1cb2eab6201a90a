/* exposition.h: numbers as Prometheus reads them (Prometheus, "Exposition formats", text format 0.0.4). Pure. */
#ifndef BOBBIN_BASE_EXPOSITION_H
#define BOBBIN_BASE_EXPOSITION_H

#include <stdint.h>

#include "base/buffer.h"

struct exposition_label {
    const char *name, *value;
};

/* Append what stands above the samples of the gauge NAME. */
void exposition_put_head(struct buffer *out, const char *name, const char *help);

/* Append a sample of it. */
void exposition_put(struct buffer *out, const char *name, const struct exposition_label *labels,
                    size_t count, uint64_t value);

#endif
