/* manager.c: see manager.h. */
#include "base/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3, US_IN_MS = 1000 };

/* A whole number in the environment; 0: none. */
static long long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || text[0] == '\0')
        return 0;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' && number > 0 ? number : 0;
}

static bool is_listening(int fd)
{
    int yes = 0;
    socklen_t size = sizeof yes;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

bool manager_take_socket(int *fd, struct error *err)
{
    *fd = -1;
    long long count = number_of("LISTEN_FDS");
    if (count == 0 || number_of("LISTEN_PID") != getpid()) // else they were another's
        return true;
    if (count > 1)
        return error_set(err, ERROR_CONFIG,
                         "the service manager hands over %lld sockets: only one is wanted", count);
    if (!is_listening(FIRST_SOCKET))
        return error_set(err, ERROR_CONFIG,
                         "what the service manager hands over is no socket that listens");
    if (fcntl(FIRST_SOCKET, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(FIRST_SOCKET, F_SETFL, O_NONBLOCK) != 0)
        return error_set_errno(err, ERROR_CONFIG, "the service manager's socket");
    *fd = FIRST_SOCKET;
    return true;
}

/* From the path in NOTIFY_SOCKET; one that begins with "@" has no file. */
static bool address_of(const char *path, struct sockaddr_un *address, socklen_t *size)
{
    size_t length = strlen(path);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length < 2 || length >= sizeof address->sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

void manager_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size;
    if (path == NULL || !address_of(path, &address, &size))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                 (const struct sockaddr *)(const void *)&address, size);
    close(fd);
}

int64_t manager_watchdog_ms(void)
{
    long long us = number_of("WATCHDOG_USEC");
    long long whose = number_of("WATCHDOG_PID");
    if (us == 0 || (whose != 0 && whose != getpid()))
        return 0;
    return us / 2 < US_IN_MS ? 1 : us / 2 / US_IN_MS;
}
