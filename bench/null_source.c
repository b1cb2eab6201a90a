/* null_source.c: a PostgreSQL that has nothing to do: it gives bobbin rows as fast as it takes them. Of the
 * protocol (manual, "Frontend/Backend Protocol") and of SQL it knows just what bobbin's dump asks.
 *
 *   null_source DIRECTORY ROWS BYTES
 *
 * A table "big" with ROWS rows: id, of ten digits, and title, words of BYTES bytes. Listens on a socket in
 * DIRECTORY, and prints the conninfo when it does. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buffer.h"
#include "null_rows.h"
#include "serve.h"

enum {
    BLOCK_BYTES = 256 << 10,
    MESSAGE_MAX_BYTES = 1 << 20,
    FIRST_ID = 1000000001, // so that all ids are as long
    SSL_REQUEST = 80877103,
    GSS_REQUEST = 80877104,
};

struct session {
    int fd;
    struct buffer in;  // the body of the latest message
    struct buffer sql; // of the latest Parse
    struct buffer out;
    size_t message_at; // where the length of the current message stands in OUT
};

/* Of a statement, both inclusive. */
struct keys {
    uint64_t first, last;
};

static uint64_t rows;
static size_t title_bytes;

/* --- messages --- */

static void put_int(struct buffer *out, uint32_t value, size_t bytes)
{
    uint32_t network = htonl(value);
    buffer_append(out, (const char *)&network + 4 - bytes, bytes);
}

static void put_text(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text) + 1);
}

static struct buffer *begin(struct session *s, char type)
{
    buffer_append_byte(&s->out, type);
    s->message_at = s->out.size;
    put_int(&s->out, 0, 4);
    return &s->out;
}

static void end(struct session *s)
{
    uint32_t network = htonl((uint32_t)(s->out.size - s->message_at));
    memcpy(s->out.data + s->message_at, &network, 4);
}

static void put_message(struct session *s, char type, const char *body, size_t size)
{
    buffer_append(begin(s, type), body, size);
    end(s);
}

static bool flush(struct session *s)
{
    bool ok = serve_send(s->fd, s->out.data, s->out.size);
    buffer_clear(&s->out);
    return ok;
}

/* *TYPE stays for the first message of a session, which has none. */
static bool read_message(struct session *s, char *type)
{
    uint32_t network;
    if ((type != NULL && !serve_receive(s->fd, type, 1)) || !serve_receive(s->fd, &network, 4))
        return false;
    size_t size = ntohl(network) - 4;
    buffer_clear(&s->in);
    if (size >= MESSAGE_MAX_BYTES || !buffer_reserve(&s->in, size + 1))
        return false;
    s->in.size = size;
    s->in.data[size] = '\0';
    return serve_receive(s->fd, s->in.data, size);
}

static void put_column(struct buffer *out, const char *name, uint32_t oid, uint32_t attribute)
{
    put_text(out, name);
    put_int(out, 16385, 4); // the table
    put_int(out, attribute, 2);
    put_int(out, oid, 4);
    put_int(out, 0xffff, 2);     // of any length
    put_int(out, 0xffffffff, 4); // no modifier
    put_int(out, 0, 2);          // text
}

/* A result with one row of COUNT values; none with COUNT 0. */
static void put_row(struct session *s, const char *const values[], size_t count)
{
    struct buffer *out = begin(s, 'T');
    put_int(out, (uint32_t)(count == 0 ? 1 : count), 2);
    for (size_t i = 0; i < (count == 0 ? 1 : count); i++)
        put_column(out, "value", 25, 0);
    end(s);
    if (count == 0)
        return;
    out = begin(s, 'D');
    put_int(out, (uint32_t)count, 2);
    for (size_t i = 0; i < count; i++) {
        put_int(out, (uint32_t)strlen(values[i]), 4);
        buffer_append_string(out, values[i]);
    }
    end(s);
}

static void put_number(struct session *s, const char *before, uint64_t number, const char *after)
{
    char text[64];
    const char *values[] = {text};
    snprintf(text, sizeof text, "%s%" PRIu64 "%s", before, number, after);
    put_row(s, values, 1);
}

/* --- statements --- */

/* The range that SQL's conditions leave of the table. */
static struct keys read_keys(const char *sql)
{
    static const char key[] = "q.\"id\" ";
    struct keys k = {FIRST_ID, FIRST_ID + rows - 1};
    for (const char *at = strstr(sql, key); at != NULL; at = strstr(at, key)) {
        at += sizeof key - 1;
        const char *quote = strchr(at, '\'');
        if ((*at != '<' && *at != '>') || quote == NULL)
            continue;
        uint64_t bound = strtoull(quote + 1, NULL, 10);
        bool is_inclusive = at[1] == '=';
        if (*at == '>')
            k.first = MAX(k.first, bound + !is_inclusive);
        else
            k.last = MIN(k.last, bound - !is_inclusive);
    }
    return k;
}

static void answer_description(struct session *s, const char *sql)
{
    (void)sql;
    struct buffer *out = begin(s, 'T');
    put_int(out, 2, 2);
    put_column(out, "id", 20, 1);
    put_column(out, "title", 25, 2);
    end(s);
}

static void answer_types(struct session *s, const char *sql)
{
    static const char *const types[] = {"bigint", "text"};
    (void)sql;
    put_row(s, types, 2);
}

static void answer_yes(struct session *s, const char *sql)
{
    static const char *const yes[] = {"1"};
    (void)sql;
    put_row(s, yes, 1);
}

static void answer_nothing(struct session *s, const char *sql)
{
    (void)sql;
    put_row(s, NULL, 0);
}

static void answer_estimate(struct session *s, const char *sql)
{
    (void)sql;
    put_number(s, "[{\"Plan\":{\"Plan Rows\":", rows, "}}]");
}

static void answer_count(struct session *s, const char *sql)
{
    struct keys k = read_keys(sql);
    put_number(s, "", k.first <= k.last ? k.last - k.first + 1 : 0, "");
}

static void answer_bound(struct session *s, const char *sql)
{
    struct keys k = read_keys(sql);
    k.first += strtoull(strstr(sql, "OFFSET ") + 7, NULL, 10);
    if (k.first <= k.last)
        put_number(s, "", k.first, "");
    else
        put_row(s, NULL, 0);
}

static const struct {
    const char *sql; // a part of the statement
    void (*answer)(struct session *s, const char *sql);
} statements[] = {
    {"OFFSET ", answer_bound},
    {"LIMIT 0", answer_description},
    {"format_type", answer_types},
    {"pg_index", answer_yes},
    {"q.\"id\" IS NULL", answer_nothing},
    {"SELECT '", answer_yes},
    {"EXPLAIN", answer_estimate},
    {"count(*)", answer_count},
};

static void answer(struct session *s, const char *sql)
{
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (strstr(sql, statements[i].sql) != NULL) {
            statements[i].answer(s, sql);
            return;
        }
    }
    put_message(s, 'n', NULL, 0); // BEGIN, SET and the like have no rows
}

/* --- COPY --- */

static bool copy(struct session *s, const char *sql)
{
    static const char header[] = {0, 0, 2, 0, 0, 0, 0}; // text, of two columns
    struct keys k = read_keys(sql);
    char *block = malloc(BLOCK_BYTES + title_bytes + NULL_ROW_BYTES);
    size_t size = 0;
    put_message(s, 'H', header, sizeof header);
    bool ok = block != NULL && flush(s);
    for (uint64_t id = k.first; ok && id <= k.last; id++) {
        size += null_rows_put(block + size, id, title_bytes);
        if (size >= BLOCK_BYTES) {
            ok = serve_send(s->fd, block, size);
            size = 0;
        }
    }
    ok = ok && serve_send(s->fd, block, size);
    free(block);
    put_message(s, 'c', NULL, 0);
    return ok;
}

static bool execute(struct session *s)
{
    const char *sql = buffer_string(&s->sql);
    bool is_copy = strncmp(sql, "COPY (", 6) == 0;
    put_message(s, '1', NULL, 0);
    put_message(s, '2', NULL, 0);
    if (is_copy) {
        put_message(s, 'n', NULL, 0);
        if (!copy(s, sql))
            return false;
    } else {
        answer(s, sql);
    }
    put_text(begin(s, 'C'), is_copy ? "COPY 1" : "SELECT 1");
    end(s);
    put_message(s, 'Z', "I", 1);
    return flush(s);
}

/* --- sessions --- */

static void put_parameter(struct session *s, const char *name, const char *value)
{
    struct buffer *out = begin(s, 'S');
    put_text(out, name);
    put_text(out, value);
    end(s);
}

static bool greet(struct session *s)
{
    uint32_t code = 0;
    do {
        if (!read_message(s, NULL) || s->in.size < sizeof code)
            return false;
        memcpy(&code, s->in.data, sizeof code);
        code = ntohl(code);
        if ((code == SSL_REQUEST || code == GSS_REQUEST) && !serve_send(s->fd, "N", 1))
            return false;
    } while (code == SSL_REQUEST || code == GSS_REQUEST);
    put_message(s, 'R', "\0\0\0\0", 4);
    put_parameter(s, "server_version", "15.0");
    put_parameter(s, "client_encoding", "UTF8");
    put_parameter(s, "standard_conforming_strings", "on");
    put_message(s, 'K', "\0\0\0\1\0\0\0\1", 8);
    put_message(s, 'Z', "I", 1);
    return flush(s);
}

static void keep_statement(struct session *s)
{
    buffer_clear(&s->sql);
    buffer_append_string(&s->sql, s->in.data + strlen(s->in.data) + 1); // behind its name
}

static void talk(int fd)
{
    struct session s = {.fd = fd};
    char type = 0;
    buffer_init(&s.in, MESSAGE_MAX_BYTES);
    buffer_init(&s.sql, MESSAGE_MAX_BYTES);
    buffer_init(&s.out, MESSAGE_MAX_BYTES);
    bool ok = greet(&s);
    while (ok && read_message(&s, &type) && type != 'X') {
        if (type == 'P')
            keep_statement(&s);
        else if (type == 'S')
            ok = execute(&s);
    }
    buffer_free(&s.in);
    buffer_free(&s.sql);
    buffer_free(&s.out);
}

static int listen_in(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0)
        serve_fail(directory);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4 || (rows = strtoull(argv[2], NULL, 10)) == 0 ||
        (title_bytes = strtoull(argv[3], NULL, 10)) > NULL_TITLE_MAX_BYTES) {
        fprintf(stderr, "usage: null_source DIRECTORY ROWS BYTES\n");
        return 64;
    }
    null_rows_begin();
    int listener = listen_in(argv[1]);
    printf("host=%s port=5432 user=bench dbname=null\n", argv[1]);
    fflush(stdout);
    serve(listener, talk);
}
