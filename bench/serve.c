/* serve.c: see serve.h. */
#include "serve.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    serve_session *session;
};

void serve_fail(const char *what)
{
    perror(what);
    exit(1);
}

bool serve_receive(int fd, void *out, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = recv(fd, (char *)out + got, size - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

bool serve_send(int fd, const void *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(fd, (const char *)data + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static void *run_session(void *argument)
{
    struct connection *c = argument;
    c->session(c->fd);
    close(c->fd);
    free(c);
    return NULL;
}

static void begin_session(int fd, serve_session *session)
{
    pthread_t thread;
    struct connection *c = malloc(sizeof *c);
    if (c == NULL)
        serve_fail("malloc");
    *c = (struct connection){.fd = fd, .session = session};
    errno = pthread_create(&thread, NULL, run_session, c);
    if (errno != 0)
        serve_fail("pthread_create");
    pthread_detach(thread);
}

void serve(int listener, serve_session *session)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            serve_fail("accept");
        begin_session(fd, session);
    }
}
