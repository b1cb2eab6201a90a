/* listen.c: see listen.h. */
#include "serve/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT "8003"

enum { WAITING = 1024, HOST_BYTES = 64, PORT_BYTES = 16 }; // connections not accepted yet

/* Take WHERE apart. An address of IPv6 without brackets has no port. */
static bool split(const char *where, char host[HOST_BYTES], char port[PORT_BYTES])
{
    bool has_brackets = where[0] == '[';
    const char *begin = where + has_brackets;
    const char *colon = strrchr(where, ':');
    const char *end = has_brackets ? strchr(where, ']') : colon;
    if (!has_brackets && (colon == NULL || strchr(where, ':') != colon))
        end = where + strlen(where);
    if (end == NULL)
        return false;
    const char *rest = end + (has_brackets && *end == ']');
    bool is_good = end > begin && end - begin < HOST_BYTES && (*rest == ':' || *rest == '\0') &&
                   strlen(rest) <= PORT_BYTES && strcmp(rest, ":") != 0;
    if (!is_good)
        return false;
    snprintf(host, HOST_BYTES, "%.*s", (int)(end - begin), begin);
    snprintf(port, PORT_BYTES, "%s", *rest == ':' ? rest + 1 : PORT);
    return true;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool is_loopback(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return ntohl(a->v4.sin_addr.s_addr) / 0x1000000 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

bool listen_describe(int fd, char address[LISTEN_ADDRESS_BYTES], bool *is_local, struct error *err)
{
    union address own;
    socklen_t size = sizeof own;
    char host[HOST_BYTES], port[PORT_BYTES];
    memset(&own, 0, sizeof own);
    if (getsockname(fd, &own.any, &size) != 0 ||
        (own.any.sa_family != AF_INET && own.any.sa_family != AF_INET6) ||
        getnameinfo(&own.any, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return error_set(err, ERROR_CONFIG, "its address can't be told");
    bool is_v6 = own.any.sa_family == AF_INET6;
    snprintf(address, LISTEN_ADDRESS_BYTES, "%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
             port);
    *is_local = is_loopback(&own);
    return true;
}

static bool listen_at(int *fd, const struct addrinfo *place, struct error *err)
{
    const int yes = 1;
    *fd = socket(place->ai_family, place->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(*fd, place->ai_addr, place->ai_addrlen) == 0 && listen(*fd, WAITING) == 0)
        return true;
    return error_set_errno(err, errno == EADDRINUSE ? ERROR_BUSY : ERROR_CONFIG,
                           "it can't be listened at");
}

static bool open_at(int *fd, const struct addrinfo *place, char address[LISTEN_ADDRESS_BYTES],
                    bool *is_local, struct error *err)
{
    if (listen_at(fd, place, err) && listen_describe(*fd, address, is_local, err))
        return true;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return false;
}

bool listen_open(int *fd, const char *where, char address[LISTEN_ADDRESS_BYTES], bool *is_local,
                 struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *places;
    char host[HOST_BYTES], port[PORT_BYTES];
    *fd = -1;
    if (!split(where, host, port))
        return error_set(err, ERROR_USAGE, "--listen %s: it is not ADDRESS[:PORT]", where);
    int why = getaddrinfo(host, port, &hints, &places);
    if (why != 0)
        return error_set(err, ERROR_USAGE, "--listen %s: %s", where, gai_strerror(why));
    bool ok = open_at(fd, places, address, is_local, err);
    freeaddrinfo(places);
    return ok || error_wrap(err, "--listen %s", where);
}
