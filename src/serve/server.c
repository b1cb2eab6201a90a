/* server.c: see server.h. */
#include "serve/server.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/stop.h"

enum {
    CONNECTION_BYTES = 16 << 10, // of one's heads, and of what is read at a time
    OTHER_FILES = 256,           // that the process needs open besides connections
    BODY_MOST_BYTES = 64 << 20,  // that is read only to answer that it is too long
};

struct server {
    struct MHD_Daemon *daemon;
    const struct route_context *context;
};

/* A request while it comes in. */
struct incoming {
    struct buffer body;
    uint64_t size; // of the body, whether it is kept or not
    int64_t begun_ms;
};

/* --- the answer --- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* A browser asks for a name and a password: the password is the token. */
static char *read_credential(struct MHD_Connection *connection)
{
    static const char scheme[] = "Bearer ";
    const char *value = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    char *password = NULL;
    if (value != NULL && strncasecmp(value, scheme, sizeof scheme - 1) == 0)
        return strdup(value + sizeof scheme - 1);
    char *user = MHD_basic_auth_get_username_password(connection, &password);
    char *copy = password != NULL ? strdup(password) : NULL;
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    MHD_free(user);
    MHD_free(password);
    return copy;
}

static void add_headers(struct MHD_Response *r, const struct response *response)
{
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, response->type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                            "frame-ancestors 'none'");
    if (response->allow != NULL)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, response->allow);
    if (response->asks_for_token)
        MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"bobbin\"");
}

static enum MHD_Result send_response(struct MHD_Connection *connection, struct response *response)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        response->body.size, response->body.data, MHD_RESPMEM_MUST_COPY);
    if (r == NULL)
        return MHD_NO; // closes the connection
    add_headers(r, response);
    enum MHD_Result result = MHD_queue_response(connection, response->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result respond(const struct server *s, struct MHD_Connection *connection,
                               const char *method, const char *path, const struct incoming *in)
{
    char *credential = read_credential(connection);
    struct request request = {
        .method = method,
        .path = path,
        .type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
        .host = header(connection, MHD_HTTP_HEADER_HOST),
        .origin = header(connection, MHD_HTTP_HEADER_ORIGIN),
        .credential = credential,
        .body = buffer_slice(&in->body),
        .is_too_large = in->size > WISH_BODY_MAX_BYTES,
    };
    struct response response;
    route(s->context, &request, &response);
    enum MHD_Result result = send_response(connection, &response);
    buffer_free(&response.body);
    if (credential != NULL)
        explicit_bzero(credential, strlen(credential));
    free(credential);
    return result;
}

/* --- libmicrohttpd's view: called when the head is there, for each piece of the body, and at its end --- */

static enum MHD_Result begin(void **request)
{
    struct incoming *in = malloc(sizeof *in);
    if (in == NULL)
        return MHD_NO;
    *in = (struct incoming){.begun_ms = clock_monotonic_ms()};
    buffer_init(&in->body, WISH_BODY_MAX_BYTES);
    *request = in;
    return MHD_YES;
}

/* What is too long is read to its end: a client that still sends would not see the answer. */
static enum MHD_Result take_piece(struct incoming *in, const char *bytes, size_t *size)
{
    in->size += *size;
    if (in->size <= WISH_BODY_MAX_BYTES)
        buffer_append(&in->body, bytes, *size);
    *size = 0;
    bool is_slow = clock_monotonic_ms() - in->begun_ms > SERVER_REQUEST_MS;
    return is_slow || in->size > BODY_MOST_BYTES || in->body.has_failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *server, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *size, void **request)
{
    (void)version;
    if (*request == NULL)
        return begin(request);
    if (*size > 0)
        return take_piece(*request, bytes, size);
    return respond(server, connection, method, path, *request);
}

static void on_end(void *server, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode code)
{
    struct incoming *in = *request;
    (void)server;
    (void)connection;
    (void)code;
    if (in != NULL)
        buffer_free(&in->body);
    free(in);
    *request = NULL;
}

static enum MHD_Result may_connect(void *server, const struct sockaddr *address, socklen_t size)
{
    (void)server;
    (void)address;
    (void)size;
    return stop_is_requested() ? MHD_NO : MHD_YES;
}

/* --- beginning and end --- */

/* How many connections there can be, after the limit of open files was raised as far as may be. */
static unsigned allow_connections(void)
{
    struct rlimit limit;
    rlim_t wanted = SERVER_CONNECTIONS + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return OTHER_FILES;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &limit); // can't fail: it is no more than may be
    }
    rlim_t most = limit.rlim_cur < wanted ? limit.rlim_cur : wanted;
    return most > 2 * OTHER_FILES ? (unsigned)most - OTHER_FILES : OTHER_FILES;
}

bool server_open(struct server **out, int fd, const struct route_context *context,
                 struct error *err)
{
    struct server *s = malloc(sizeof *s);
    if (s == NULL) {
        close(fd);
        return error_set_memory(err);
    }
    s->context = context;
    unsigned connections = allow_connections();
    s->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, may_connect, NULL,
                         on_request, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                         connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                         connections < SERVER_CONNECTIONS ? connections / 4 * 3
                                                          : (unsigned)SERVER_CONNECTIONS_OF_ONE,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVER_SILENCE_SECONDS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
                         MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
    if (s->daemon != NULL) {
        *out = s;
        return true;
    }
    close(fd);
    free(s);
    return error_set(err, ERROR_MEMORY, "the HTTP server can't be started");
}

void server_close(struct server *s)
{
    if (s == NULL)
        return;
    MHD_stop_daemon(s->daemon);
    free(s);
}
