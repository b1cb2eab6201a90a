/* canned_messages.h: messages of PostgreSQL's protocol (manual, "Frontend/Backend Protocol") as a
 * server sends them; for canned_postgres.h. */
#ifndef BOBBIN_TESTS_CANNED_MESSAGES_H
#define BOBBIN_TESTS_CANNED_MESSAGES_H

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "unit.h"

/* The answer to a statement that has SQL in it: the first rule that fits counts. Without a rule
 * BEGIN, COMMIT, ROLLBACK, SET, RESET and set_config succeed, and all else is a syntax error. */
struct canned_rule {
    const char *sql;
    int times;           // it answers so often only; 0: always
    const char *columns; // "name:type oid:table oid:attribute ...", the last two may be left out
    const char *rows;    // a line for each, with tabs between values; \N is NULL
    bool is_copy;        // the lines are COPY data

    /* More lines, made for the statement. */
    void (*answer)(const char *sql, struct buffer *rows);

    const char *state; // then an error with this SQLSTATE
    const char *message;
    const char *position; // in the statement, of the character at fault; or NULL
    bool closes;          // then the connection is closed
    bool stalls;          // then nothing comes until a cancel request
};

/* A connection to the server. */
struct canned_session {
    struct canned_postgres *server;
    int fd;
    int number;
    struct buffer out; // messages to send
    size_t message_at; // where the length of the current one stands
    char *sql;         // of the latest Parse
};

/* --- messages --- */

static inline void canned_put_int(struct buffer *out, uint32_t value, size_t bytes)
{
    uint32_t network = htonl(value);
    buffer_append(out, (const char *)&network + 4 - bytes, bytes);
}

static inline void canned_put_text(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text) + 1);
}

static inline struct buffer *canned_begin(struct canned_session *c, char type)
{
    buffer_append_byte(&c->out, type);
    c->message_at = c->out.size;
    canned_put_int(&c->out, 0, 4);
    return &c->out;
}

static inline void canned_end(struct canned_session *c)
{
    uint32_t network = htonl((uint32_t)(c->out.size - c->message_at));
    memcpy(c->out.data + c->message_at, &network, 4);
}

static inline void canned_put_empty(struct canned_session *c, char type)
{
    canned_begin(c, type);
    canned_end(c);
}

static inline bool canned_flush(struct canned_session *c)
{
    size_t done = 0;
    while (done < c->out.size) {
        ssize_t n = send(c->fd, c->out.data + done, c->out.size - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    buffer_clear(&c->out);
    return true;
}

static inline bool canned_receive(int fd, void *out, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = recv(fd, (char *)out + got, size - got, 0);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static inline void canned_put_error_at(struct canned_session *c, const char *severity,
                                       const char *state, const char *message, const char *position)
{
    struct buffer *out = canned_begin(c, 'E');
    buffer_append_format(out, "S%s", severity);
    buffer_append_byte(out, '\0');
    buffer_append_format(out, "V%s", severity);
    buffer_append_byte(out, '\0');
    buffer_append_format(out, "C%s", state);
    buffer_append_byte(out, '\0');
    buffer_append_format(out, "M%s", message);
    buffer_append_byte(out, '\0');
    if (position != NULL)
        buffer_append_format(out, "P%s%c", position, '\0');
    buffer_append_byte(out, '\0');
    canned_end(c);
}

static inline void canned_put_error(struct canned_session *c, const char *severity,
                                    const char *state, const char *message)
{
    canned_put_error_at(c, severity, state, message, NULL);
}

/* --- answers --- */

static inline void canned_put_columns(struct canned_session *c, const char *columns)
{
    char name[128];
    unsigned oid, table, attribute;
    int count = 0, used;
    struct buffer *out = canned_begin(c, 'T');
    size_t count_at = out->size;
    canned_put_int(out, 0, 2);
    for (; *(columns += strspn(columns, " ")) != '\0'; columns += strcspn(columns, " "), count++) {
        oid = 25;
        table = attribute = 0;
        used = sscanf(columns, "%127[^: ]:%u:%u:%u", name, &oid, &table, &attribute);
        ck_assert_int_ge(used, 1);
        canned_put_text(out, name);
        canned_put_int(out, table, 4);
        canned_put_int(out, attribute, 2);
        canned_put_int(out, oid, 4);
        canned_put_int(out, 0xffff, 2);     // of any length
        canned_put_int(out, 0xffffffff, 4); // no modifier
        canned_put_int(out, 0, 2);          // text
    }
    out->data[count_at + 1] = (char)count;
    canned_end(c);
}

static inline void canned_put_row(struct canned_session *c, struct slice line)
{
    struct buffer *out = canned_begin(c, 'D');
    size_t count_at = out->size;
    int count = 0;
    canned_put_int(out, 0, 2);
    for (size_t at = 0; at <= line.size; count++) {
        const char *tab = memchr(line.data + at, '\t', line.size - at);
        size_t size = tab ? (size_t)(tab - line.data) - at : line.size - at;
        bool is_null = size == 2 && memcmp(line.data + at, "\\N", 2) == 0;
        canned_put_int(out, is_null ? 0xffffffff : (uint32_t)size, 4);
        buffer_append(out, line.data + at, is_null ? 0 : size);
        at += size + 1;
    }
    out->data[count_at + 1] = (char)count;
    canned_end(c);
}

static inline void canned_put_rows(struct canned_session *c, const struct canned_rule *rule,
                                   struct slice rows)
{
    if (rule->is_copy) {
        struct buffer *out = canned_begin(c, 'H');
        canned_put_int(out, 0, 1);
        canned_put_int(out, 0, 2);
        canned_end(c);
    }
    while (rows.size > 0) {
        const char *newline = memchr(rows.data, '\n', rows.size);
        ck_assert_ptr_nonnull(newline);
        size_t size = (size_t)(newline - rows.data);
        if (rule->is_copy) {
            buffer_append(canned_begin(c, 'd'), rows.data, size + 1);
            canned_end(c);
        } else {
            canned_put_row(c, (struct slice){rows.data, size});
        }
        rows = (struct slice){newline + 1, rows.size - size - 1};
    }
}

#endif
