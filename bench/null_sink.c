/* null_sink.c: a search engine that has nothing to do: it counts what bulk requests bring, and says that all
 * of it is in. Of HTTP it knows just what bobbin sends.
 *
 *   null_sink
 *
 * Listens on loopback, and prints its URL when it does. GET /null/count: documents and bytes so far, as
 * JSON. An operation is two lines, as of all but deletes. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "serve.h"

enum { HEAD_MAX_BYTES = 64 << 10, BLOCK_BYTES = 256 << 10, ANSWER_MAX_BYTES = 64 << 20 };

#define ITEM "{\"index\":{\"status\":201}},"

static atomic_uint_fast64_t documents, bytes;

/* A request is read to the end of its head; BODY is what came with it of the body. */
struct request {
    char head[HEAD_MAX_BYTES + 1];
    size_t head_size, body_size; // of the bytes read
    uint64_t length;             // of the whole body
};

static bool find_end_of_head(struct request *r, size_t size)
{
    char *end = memmem(r->head, size, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    end[2] = '\0';
    r->head_size = (size_t)(end - r->head) + 4;
    r->body_size = size - r->head_size;
    return true;
}

static uint64_t content_length(const char *head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *at = strcasestr(head, name);
    return at == NULL ? 0 : strtoull(at + sizeof name - 1, NULL, 10);
}

static bool read_head(int fd, struct request *r)
{
    for (size_t size = 0; size < HEAD_MAX_BYTES;) {
        ssize_t n = recv(fd, r->head + size, HEAD_MAX_BYTES - size, 0);
        if (n <= 0)
            return false;
        size += (size_t)n;
        if (find_end_of_head(r, size)) {
            r->length = content_length(r->head);
            return r->body_size <= r->length; // requests come one after the other's answer
        }
    }
    return false;
}

static uint64_t count_lines(const char *data, size_t size)
{
    uint64_t lines = 0;
    for (const char *at = data, *end = data + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

/* The rest of the body; *LINES of all of it. */
static bool read_body(int fd, const struct request *r, char *block, uint64_t *lines)
{
    *lines = count_lines(r->head + r->head_size, r->body_size);
    for (uint64_t left = r->length - r->body_size; left > 0;) {
        ssize_t n = recv(fd, block, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES, 0);
        if (n <= 0)
            return false;
        *lines += count_lines(block, (size_t)n);
        left -= (uint64_t)n;
    }
    return true;
}

static bool send_answer(int fd, struct slice body)
{
    char head[128];
    int size =
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 body.size);
    return serve_send(fd, head, (size_t)size) && serve_send(fd, body.data, body.size);
}

static void put_items(struct buffer *out, uint64_t count)
{
    buffer_append_string(out, "{\"took\":1,\"errors\":false,\"items\":[");
    for (uint64_t i = 0; i < count; i++)
        buffer_append(out, ITEM, sizeof ITEM - 1);
    if (count > 0)
        out->size--; // the last comma
    buffer_append_string(out, "]}");
}

static void put_answer(struct buffer *out, const struct request *r, uint64_t lines)
{
    buffer_clear(out);
    if (strstr(r->head, "/_bulk") != NULL) {
        documents += lines / 2;
        bytes += r->length;
        put_items(out, lines / 2);
    } else if (strncmp(r->head, "GET /null/count", 15) == 0) {
        buffer_append_format(out, "{\"documents\":%" PRIuFAST64 ",\"bytes\":%" PRIuFAST64 "}",
                             documents, bytes);
    } else {
        buffer_append_string(out, "{\"null\":{\"settings\":{\"index\":{\"uuid\":\"1\"}}}}");
    }
}

static void talk(int fd)
{
    struct request *r = malloc(sizeof *r);
    char *block = malloc(BLOCK_BYTES);
    struct buffer answer;
    uint64_t lines;
    buffer_init(&answer, ANSWER_MAX_BYTES);
    if (r == NULL || block == NULL)
        serve_fail("malloc");
    while (read_head(fd, r) && read_body(fd, r, block, &lines)) {
        put_answer(&answer, r, lines);
        if (answer.has_failed || !send_answer(fd, buffer_slice(&answer)))
            break;
    }
    buffer_free(&answer);
    free(block);
    free(r);
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        serve_fail("listen on loopback");
    printf("http://127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    serve(fd, talk);
}
