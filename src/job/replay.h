/* replay.h: stage two: frames in the spool -> bulk requests -> acknowledgements. */
#ifndef BOBBIN_JOB_REPLAY_H
#define BOBBIN_JOB_REPLAY_H

#include "job/job.h"

struct replay;

/* Make ready to send to INDEX and make sure that it is there (or create it): nothing is read yet.
 * OPTIONS and LIVE are borrowed. Errors: those of sink/admin.h; ERROR_CONFIG for a file that can't be
 * read. */
MUST_CHECK bool replay_open(struct replay **out, const struct job_options *o, const char *index,
                            struct job_live *live, struct error *err);
void replay_close(struct replay *r);

/* For other questions to the cluster: the client, and the base URL of host number I, NULL when there are fewer. */
struct http *replay_http(struct replay *r);
const char *replay_host(const struct replay *r, size_t i);

/* Send what is pending in S until nothing is, and no dump is at work on S. What is acknowledged when
 * an error comes stays so. ERROR_UNAVAILABLE after --give-up-after without progress; ERROR_DENIED;
 * ERROR_CONFIG when the index is gone; ERROR_DISK. Frames that can't be read become parts to dump again,
 * and are logged. */
MUST_CHECK bool replay_run(struct replay *r, struct spool *s, struct error *err);

#endif
