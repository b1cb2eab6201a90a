/* route.h: a request -> a response: what each path and method of the API does. Knows nothing of sockets; a pure
 * function of the tasks. docs/serve.md has the API for its users. */
#ifndef BOBBIN_SERVE_ROUTE_H
#define BOBBIN_SERVE_ROUTE_H

#include "serve/tasks.h"

/* What is the same for all requests; borrowed. */
struct route_context {
    struct tasks *tasks;
    const char *models;  // the directory
    const char *token;   // NULL: no request needs one
    const char *address; // that the server listens on, "127.0.0.1:8003"
};

/* Borrowed; NULL for a header that is absent. */
struct request {
    const char *method;
    const char *path;
    const char *type;       // Content-Type
    const char *host;       // Host
    const char *origin;     // Origin: a browser names the page that sends the request
    const char *credential; // the bearer token or password that came along
    struct slice body;
    bool is_too_large; // the body is longer than WISH_BODY_MAX_BYTES, and not here
};

enum { RESPONSE_MAX_BYTES = 16 << 20 };

struct response {
    unsigned status;
    const char *type;    // Content-Type; static
    const char *allow;   // Allow: the methods that the path has; or NULL
    bool asks_for_token; // WWW-Authenticate is to be sent
    struct buffer body;
};

/* Fill OUT; its body is for buffer_free. */
void route(const struct route_context *context, const struct request *r, struct response *out);

#endif
