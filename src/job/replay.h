/* replay.h: stage two: frames in the spool -> bulk requests -> acknowledgements. */
#ifndef BOBBIN_JOB_REPLAY_H
#define BOBBIN_JOB_REPLAY_H

#include "job/job.h"

struct replay;

/* Make ready to send to INDEX, look whether it is there, and whether the pipeline is: nothing is
 * read or written yet. OPTIONS and LIVE are borrowed. Errors: those of sink/admin.h. */
MUST_CHECK bool replay_open(struct replay **out, const struct job_options *o, const char *index,
                            struct job_live *live, struct error *err);
void replay_close(struct replay *r);

/* Does what stood behind the index's name at the last look hold what of S is acknowledged? *IS_SAME
 * false: it was deleted, replaced, or the alias moved. */
MUST_CHECK bool replay_find_target(struct replay *r, struct spool *s, bool *is_same,
                                   struct error *err);

/* Fill ERR (ERROR_CONFIG): the index holds no longer what is acknowledged. Returns false. */
bool replay_refuse_target(const struct replay *r, struct error *err);

/* Create the index with --create-index when it is missing. ERROR_CONFIG without one, or for a file
 * that can't be read; those of sink/admin.h. */
MUST_CHECK bool replay_ensure_index(struct replay *r, struct error *err);

/* For other questions to the cluster: the client, and the base URL of host number I, NULL when there are fewer. */
struct http *replay_http(struct replay *r);
const char *replay_host(const struct replay *r, size_t i);

/* Send what is pending in S until nothing is, and no dump is at work on S. What is acknowledged when
 * an error comes stays so. ERROR_UNAVAILABLE after --give-up-after without progress; ERROR_DENIED;
 * ERROR_CONFIG when the index is gone, or was replaced, at any moment up to the end; ERROR_DISK. Frames that can't be read become parts to dump again,
 * and are logged. */
MUST_CHECK bool replay_run(struct replay *r, struct spool *s, struct error *err);

#endif
