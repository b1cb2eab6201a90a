/* canned_server.h: a small HTTP/1.1 server inside a test: on the loopback, one thread a connection,
 * that gives scripted answers, well-behaved or not, and keeps what it was asked. Not for anything
 * else. */
#ifndef BOBBIN_TESTS_CANNED_SERVER_H
#define BOBBIN_TESTS_CANNED_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "unit.h"

enum { CANNED_MAX_REQUESTS = 128, CANNED_MAX_CONNECTIONS = 32, CANNED_HEAD_BYTES = 4096 };

/* The answer to the n-th request, counted over all connections; the last one also to all later
 * ones. */
struct canned_answer {
    int status;          // 0: none, the connection is closed when the request was read
    const char *headers; // "Name: value\r\n", each; or NULL
    const char *body;    // or NULL
    size_t filler;       // so many "x" behind the body
    size_t missing;      // Content-Length promises so many bytes more
    int wait_for;        // answer when so many requests have arrived
    int delay_ms;        // then answer only after so long
    bool stalls;         // no answer until canned_stop
    bool is_early;     // answer before the request's body is read, which is then thrown away; close
    bool closes;       // close after the answer, without having said so
    bool answers_head; // no body is sent, though Content-Length tells of one
};

struct canned_request {
    char head[CANNED_HEAD_BYTES]; // request line and headers
    char *body;
    size_t body_size;
    int connection; // counted from 0
};

struct canned_server {
    char address[24]; // "127.0.0.1:PORT"
    char host[32];    // the base URL
    char url[256];    // of canned_url
    const struct canned_answer *answers;
    size_t answer_count;
    bool
        repeats_look; // a GET for what is behind the index gets the first answer always; but for the first it isn't kept
    atomic_bool is_deaf; // reads nothing: a connection stays silent until canned_stop
    int listener;
    pthread_t acceptor;
    pthread_mutex_t lock;   // guards all below
    pthread_cond_t changed; // another request, or stopping
    bool is_stopping;
    size_t begun_count; // requests whose answer was chosen
    int request_count;
    struct canned_request requests[CANNED_MAX_REQUESTS];
    int connection_count;
    int connections[CANNED_MAX_CONNECTIONS];
    pthread_t workers[CANNED_MAX_CONNECTIONS];
};

struct canned_worker {
    struct canned_server *server;
    int fd;
    int connection;
};

static inline bool canned_send(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static inline bool canned_send_answer(int fd, const struct canned_answer *a)
{
    char head[1024], filler[4096];
    const char *body = a->body ? a->body : "";
    memset(filler, 'x', sizeof filler);
    snprintf(head, sizeof head, "HTTP/1.1 %d Canned\r\nContent-Length: %zu\r\n%s\r\n", a->status,
             strlen(body) + a->filler + a->missing, a->headers ? a->headers : "");
    bool ok = canned_send(fd, head, strlen(head));
    if (a->answers_head)
        return ok;
    ok = ok && canned_send(fd, body, strlen(body));
    for (size_t left = a->filler; ok && left > 0;) {
        size_t n = left < sizeof filler ? left : sizeof filler;
        ok = canned_send(fd, filler, n);
        left -= n;
    }
    return ok && a->missing == 0;
}

static inline bool canned_read_head(int fd, char head[CANNED_HEAD_BYTES])
{
    size_t size = 0;
    while (size < CANNED_HEAD_BYTES - 1 && recv(fd, head + size, 1, 0) == 1) {
        head[++size] = '\0';
        if (head[0] < 'A' || head[0] > 'Z')
            return false; // no HTTP, but perhaps TLS
        if (size >= 4 && strcmp(head + size - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

/* A body in chunks (RFC 9112, 7.1), without trailers. */
static inline bool canned_read_chunks(int fd, struct canned_request *r)
{
    char line[32];
    for (size_t left = 1; left > 0;) {
        size_t size = 0;
        while (size < 2 || line[size - 2] != '\r' || line[size - 1] != '\n')
            if (size == sizeof line || recv(fd, line + size++, 1, 0) != 1)
                return false;
        left = strtoul(line, NULL, 16);
        r->body = realloc(r->body, r->body_size + left + 2);
        ssize_t wanted = (ssize_t)left + 2; // with its line's end
        if (recv(fd, r->body + r->body_size, (size_t)wanted, MSG_WAITALL) != wanted)
            return false;
        r->body_size += left;
    }
    return true;
}

static inline bool canned_read_body(int fd, struct canned_request *r)
{
    if (strcasestr(r->head, "\r\nTransfer-Encoding: chunked\r\n") != NULL)
        return canned_read_chunks(fd, r);
    const char *length = strcasestr(r->head, "\r\nContent-Length:");
    r->body_size = length ? strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10) : 0;
    r->body = malloc(r->body_size + 1);
    for (size_t got = 0; got < r->body_size;) {
        ssize_t n = recv(fd, r->body + got, r->body_size - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

/* Keep the request; returns its answer, when it is time to give it, or NULL when stopping. */
static inline const struct canned_answer *
canned_keep(struct canned_server *s, const struct canned_request *r, const struct canned_answer *a)
{
    pthread_mutex_lock(&s->lock);
    if (s->request_count < CANNED_MAX_REQUESTS)
        s->requests[s->request_count++] = *r;
    pthread_cond_broadcast(&s->changed);
    while (!s->is_stopping && (a->stalls || s->request_count < a->wait_for))
        pthread_cond_wait(&s->changed, &s->lock);
    bool is_stopping = s->is_stopping;
    pthread_mutex_unlock(&s->lock);
    return is_stopping ? NULL : a;
}

static inline const struct canned_answer *canned_next_answer(struct canned_server *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->begun_count++;
    pthread_mutex_unlock(&s->lock);
    return &s->answers[n < s->answer_count ? n : s->answer_count - 1];
}

/* As servers do that want their answer to be read: end, but take what still comes. */
static inline void canned_drain(int fd)
{
    char waste[65536];
    shutdown(fd, SHUT_WR);
    while (recv(fd, waste, sizeof waste, 0) > 0)
        continue;
}

/* The second question after what stands behind the index's name, or a later one. */
static inline bool canned_is_repeated(struct canned_server *s, const struct canned_request *r)
{
    pthread_mutex_lock(&s->lock);
    bool is_repeated = s->repeats_look && s->begun_count > 0 && strncmp(r->head, "GET ", 4) == 0 &&
                       strstr(r->head, "?filter_path=") != NULL;
    pthread_mutex_unlock(&s->lock);
    return is_repeated;
}

static inline bool canned_serve_one(const struct canned_worker *w)
{
    struct canned_request r = {.connection = w->connection};
    if (!canned_read_head(w->fd, r.head))
        return false;
    if (canned_is_repeated(w->server, &r))
        return canned_send_answer(w->fd, &w->server->answers[0]);
    const struct canned_answer *a = canned_next_answer(w->server);
    if (!a->is_early && !canned_read_body(w->fd, &r)) {
        free(r.body);
        return false;
    }
    a = canned_keep(w->server, &r, a);
    if (a != NULL && a->delay_ms > 0)
        usleep((unsigned)a->delay_ms * 1000);
    if (a == NULL || a->status == 0 || !canned_send_answer(w->fd, a))
        return false;
    if (a->is_early)
        canned_drain(w->fd);
    return !a->is_early && !a->closes;
}

static inline void *canned_work(void *argument)
{
    struct canned_worker *w = argument;
    if (w->server->is_deaf)
        canned_keep(w->server, &(struct canned_request){0},
                    &(struct canned_answer){.stalls = true});
    while (canned_serve_one(w))
        continue;
    pthread_mutex_lock(&w->server->lock);
    close(w->fd);
    w->server->connections[w->connection] = -1;
    pthread_mutex_unlock(&w->server->lock);
    free(w);
    return NULL;
}

static inline void *canned_accept(void *argument)
{
    struct canned_server *s = argument;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        const int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct canned_worker *w = malloc(sizeof *w);
        pthread_mutex_lock(&s->lock);
        ck_assert_int_lt(s->connection_count, CANNED_MAX_CONNECTIONS);
        *w = (struct canned_worker){s, fd, s->connection_count++};
        s->connections[w->connection] = fd;
        pthread_create(&s->workers[w->connection], NULL, canned_work, w);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static inline void canned_start(struct canned_server *s, const struct canned_answer *answers,
                                size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(s, 0, sizeof *s);
    s->answers = answers;
    s->answer_count = count;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(s->listener, CANNED_MAX_CONNECTIONS), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    snprintf(s->host, sizeof s->host, "http://%.23s", s->address);
    ck_assert_int_eq(pthread_create(&s->acceptor, NULL, canned_accept, s), 0);
}

/* A URL of this server: BEFORE ("http://", perhaps with a user) + its address + PATH. Good until the next. */
static inline const char *canned_url(struct canned_server *s, const char *before, const char *path)
{
    snprintf(s->url, sizeof s->url, "%s%.23s%s", before, s->address, path);
    return s->url;
}

/* Wait until COUNT requests have arrived. */
static inline void canned_wait(struct canned_server *s, int count)
{
    pthread_mutex_lock(&s->lock);
    while (s->request_count < count)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* How many requests have arrived. */
static inline int canned_count(struct canned_server *s)
{
    pthread_mutex_lock(&s->lock);
    int count = s->request_count;
    pthread_mutex_unlock(&s->lock);
    return count;
}

/* Has request number REQUEST this text in its head? Only after it was answered. */
static inline bool canned_was_asked(const struct canned_server *s, int request, const char *text)
{
    return strstr(s->requests[request].head, text) != NULL;
}

static inline void canned_stop(struct canned_server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->listener);
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_cond_broadcast(&s->changed);
    for (int i = 0; i < s->connection_count; i++)
        if (s->connections[i] >= 0)
            shutdown(s->connections[i], SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->connection_count; i++)
        pthread_join(s->workers[i], NULL);
    for (int i = 0; i < s->request_count; i++)
        free(s->requests[i].body);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

#endif
