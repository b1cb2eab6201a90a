/* serve.h: a server of the benchmarks: a thread for each connection, whole reads and whole writes. */
#ifndef BOBBIN_BENCH_SERVE_H
#define BOBBIN_BENCH_SERVE_H

#include <stdbool.h>
#include <stddef.h>

/* Read exactly SIZE bytes. False: the other side has gone. */
bool serve_receive(int fd, void *out, size_t size);

/* Write exactly SIZE bytes. False: the other side has gone. */
bool serve_send(int fd, const void *data, size_t size);

/* Talk to whoever is on FD until one of the two has had enough; FD is the caller's. */
typedef void serve_session(int fd);

/* A thread with SESSION for each connection to LISTENER, for ever. */
void serve(int listener, serve_session *session);

/* Say on standard error why not, and exit with 1. */
void serve_fail(const char *what) __attribute__((noreturn));

#endif
