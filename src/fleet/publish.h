/* publish.h: make a plan that workers find by a job's name. */
#ifndef BOBBIN_FLEET_PUBLISH_H
#define BOBBIN_FLEET_PUBLISH_H

#include "fleet/jobs.h"

/* Plan job NAME into SHARDS shards, with the settings of STORE->job; or find it, made by whom ever at whatever moment: *IS_NEW
 * says. *OUT is to be freed. ERROR_CONFIG when there is one of that name that differs; the errors of plan_make and
 * store_open. */
MUST_CHECK bool publish_plan(const struct store_options *store, const char *name, size_t shards,
                             enum plan_bounds bounds, struct fleet_job **out, bool *is_new,
                             struct error *err);

#endif
