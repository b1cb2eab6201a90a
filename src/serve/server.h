/* server.h: the HTTP server: from the socket to route.h and back. The only libmicrohttpd.
 *
 * One thread answers all connections, so that an idle or slow one costs memory only, and little: a connection that says
 * nothing for a while is closed, so is a request that takes too long, and one address can't have all connections. */
#ifndef BOBBIN_SERVE_SERVER_H
#define BOBBIN_SERVE_SERVER_H

#include "serve/route.h"

struct server;

enum {
    SERVER_CONNECTIONS = 2048,
    SERVER_CONNECTIONS_OF_ONE = 1536, // with one address
    SERVER_SILENCE_SECONDS = 15,
    SERVER_REQUEST_MS = 60000, // from a request's head to the end of its body
};

/* Answer requests on FD, a listening socket that is closed with the server; CONTEXT is borrowed. New
 * connections are refused as soon as a stop is requested. ERROR_MEMORY. */
MUST_CHECK bool server_open(struct server **out, int fd, const struct route_context *context,
                            struct error *err);

/* Close all connections. NULL is ignored. */
void server_close(struct server *s);

#endif
