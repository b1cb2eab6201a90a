/* rebuild_index.h: a new index for a spool whose own is lost or damaged. */
#ifndef BOBBIN_JOB_REBUILD_INDEX_H
#define BOBBIN_JOB_REBUILD_INDEX_H

#include "spool/rebuild.h"

/* Look at the spool at PATH; when its index is lost or damaged make a new one, from its segments and its
 * job.json, and log what it holds. *IS_SOUND: it was neither, and nothing was done. Errors: ERROR_CONFIG
 * when there is no spool; ERROR_DAMAGED when job.json is of no use; those of spool_rebuild. */
MUST_CHECK bool job_rebuild_index(const char *path, bool *is_sound, struct error *err);

#endif
