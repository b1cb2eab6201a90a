/* listen.h: --listen: from its text to a socket that listens. */
#ifndef BOBBIN_SERVE_LISTEN_H
#define BOBBIN_SERVE_LISTEN_H

#include "base/error.h"

enum { LISTEN_ADDRESS_BYTES = 128 };

/* A listening, non-blocking socket at WHERE: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; the port is 8003 when there is
 * none, and any free one when it is 0. *ADDRESS: where it listens, as a URL has it; *IS_LOCAL: only this machine
 * reaches it. ERROR_USAGE when WHERE is no address, ERROR_BUSY when another listens there, ERROR_CONFIG. */
MUST_CHECK bool listen_open(int *fd, const char *where, char address[LISTEN_ADDRESS_BYTES],
                            bool *is_local, struct error *err);

/* The same of FD, a socket that listens already; it stays the caller's. ERROR_CONFIG when it has no address of IPv4 or 6. */
MUST_CHECK bool listen_describe(int fd, char address[LISTEN_ADDRESS_BYTES], bool *is_local,
                                struct error *err);

#endif
