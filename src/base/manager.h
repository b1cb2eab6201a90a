/* manager.h: the service manager that has started this process (systemd, or what speaks as it does): the socket that it
 * opened for us, and what it wants to hear. Without one nothing here does anything. The protocols are sd_listen_fds(3)'s and
 * sd_notify(3)'s. */
#ifndef BOBBIN_BASE_MANAGER_H
#define BOBBIN_BASE_MANAGER_H

#include <stdint.h>

#include "base/error.h"

/* The listening socket that was handed to this process, from now on non-blocking and not for its children; -1: none.
 * ERROR_CONFIG when there are several, or it is none that listens. */
MUST_CHECK bool manager_take_socket(int *fd, struct error *err);

/* Say STATE: "READY=1", "STOPPING=1", "WATCHDOG=1". Who doesn't hear it has no need to. */
void manager_notify(const char *state);

/* How often "WATCHDOG=1" is to be said, in milliseconds: twice as often as it must. 0: it isn't wanted. */
int64_t manager_watchdog_ms(void);

#endif
