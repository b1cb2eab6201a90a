/* stop.h: the one way in which work is asked to end early: a flag, and a descriptor to wait on.
 *
 * SIGTERM and SIGINT ask once; the second signal leaves the process at once with status 75, since
 * what is on disk is good at every moment. A stage that fails asks too, so that the other ends. */
#ifndef BOBBIN_BASE_STOP_H
#define BOBBIN_BASE_STOP_H

#include <stdbool.h>

#include "base/error.h"

/* Make the descriptor and catch SIGTERM and SIGINT; SIGPIPE is ignored. Once, before threads start; and
 * once more in a forked child, which would share its parent's descriptor.
 */
MUST_CHECK bool stop_install(struct error *err);

/* Ask. Safe in a signal handler and from any thread. */
void stop_request(void);

bool stop_is_requested(void);

/* Readable from the moment of the request on; -1 before stop_install. Only to poll, never to read.
 */
int stop_fd(void);

/* The request was seen: from now on waits last again, for what has to be done before the end. A second signal leaves at once
 * all the same. While no other thread runs. */
void stop_forget(void);

/* Wait up to MS milliseconds; true at once when asked to stop. */
bool stop_wait(int ms);

#endif
