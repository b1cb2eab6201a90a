/* cluster.h: a search engine in a nutshell: documents, and what bulk requests do to them. Every index is
 * there. Not thread-safe. */
#ifndef BOBBIN_TESTS_FAULTSERVER_CLUSTER_H
#define BOBBIN_TESTS_FAULTSERVER_CLUSTER_H

#include <jansson.h>

#include "script.h"

/* The operations of a bulk body: [{"operation", "id", "source"}, ...]. NULL when it is malformed. */
json_t *cluster_read_bulk(const char *body, size_t size);

/* Do OPERATIONS but for those that RULE refuses; the answer, as filter_path asks for it. DOCUMENTS: id ->
 * {"operation", "writes", "source"}, where "writes" counts how often it was accepted. */
json_t *cluster_do_bulk(json_t *documents, const json_t *operations, const struct rule *rule);

/* The answer to LOOKUP or CREATE of INDEX. */
json_t *cluster_look_up(const char *index);
json_t *cluster_create(const char *index);

/* {"type": TYPE, "reason": ...} with PADDING more bytes. */
json_t *cluster_error(const char *type, size_t padding);

#endif
