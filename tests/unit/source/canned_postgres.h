/* canned_postgres.h: a PostgreSQL server inside a test, of a few messages of its protocol (manual,
 * "Frontend/Backend Protocol"): on a unix socket, one thread a connection, with answers from a table
 * of rules. It knows no SQL. Not for anything else. */
#ifndef BOBBIN_TESTS_CANNED_POSTGRES_H
#define BOBBIN_TESTS_CANNED_POSTGRES_H

#include <pthread.h>
#include <sys/un.h>

#include "canned_messages.h"

enum {
    CANNED_STATEMENTS = 1024,
    CANNED_SESSIONS = 64,
    CANNED_MESSAGE_BYTES = 4 << 20,
    CANNED_CANCEL = 80877102,
    CANNED_SSL = 80877103,
    CANNED_GSS = 80877104,
};

struct canned_postgres {
    char *directory;
    char dsn[256];
    const struct canned_rule *rules;
    size_t rule_count;
    const char *password;      // it asks for this one; NULL: for none
    const char *refusal_state; // it refuses every session with this error
    const char *refusal;
    const char *version; // NULL: 15.0
    bool is_mute;        // it accepts connections and says nothing
    int listener;
    pthread_t acceptor;
    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    bool is_stopping;
    int used[64]; // of each rule
    int cancel_count;
    size_t statement_count;
    char *statements[CANNED_STATEMENTS];
    int session_count;
    int sessions[CANNED_SESSIONS];
    pthread_t workers[CANNED_SESSIONS];
};

/* Keep SQL; the rule that answers it, or NULL. */
static inline const struct canned_rule *canned_find_rule(struct canned_postgres *s, const char *sql)
{
    const struct canned_rule *found = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->statement_count < CANNED_STATEMENTS)
        s->statements[s->statement_count++] = strdup(sql);
    for (size_t i = 0; found == NULL && i < s->rule_count; i++) {
        bool is_used_up = s->rules[i].times > 0 && s->used[i] == s->rules[i].times;
        if (is_used_up || strstr(sql, s->rules[i].sql) == NULL)
            continue;
        s->used[i]++;
        found = &s->rules[i];
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return found;
}

static inline bool canned_is_setting(const char *sql)
{
    static const char *const starts[] = {"BEGIN", "ROLLBACK", "COMMIT",
                                         "SET ",  "RESET ",   "SELECT set_config("};
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (strncmp(sql, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static inline void canned_wait_for_cancel(struct canned_postgres *s)
{
    pthread_mutex_lock(&s->lock);
    int before = s->cancel_count;
    while (!s->is_stopping && s->cancel_count == before)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* Answer one statement. False: the connection is to be closed. */
static inline bool canned_answer_statement(struct canned_session *c, const char *sql,
                                           bool is_simple)
{
    static const struct canned_rule nothing = {.sql = ""};
    static const struct canned_rule unknown = {.state = "42601", .message = "no rule answers this"};
    struct buffer rows;
    const struct canned_rule *rule = canned_find_rule(c->server, sql);
    if (rule == NULL)
        rule = canned_is_setting(sql) ? &nothing : &unknown;
    buffer_init(&rows, SIZE_MAX);
    if (rule->rows != NULL)
        buffer_append_string(&rows, rule->rows);
    if (rule->answer != NULL)
        rule->answer(sql, &rows);
    bool has_rows = rule->is_copy || rule->columns != NULL;
    if (!is_simple) {
        canned_put_empty(c, '1');
        canned_put_empty(c, '2');
    }
    if (rule->columns != NULL)
        canned_put_columns(c, rule->columns);
    else if (rule->state == NULL && !is_simple)
        canned_put_empty(c, 'n');
    if (has_rows)
        canned_put_rows(c, rule, buffer_slice(&rows));
    buffer_free(&rows);
    if (rule->closes || rule->stalls) {
        bool is_sent = canned_flush(c);
        if (rule->closes || !is_sent)
            return false;
        canned_wait_for_cancel(c->server);
        canned_put_error(c, "ERROR", "57014", "canceling statement due to user request");
    } else if (rule->state != NULL) {
        canned_put_error_at(c, "ERROR", rule->state, rule->message, rule->position);
    } else {
        if (rule->is_copy)
            canned_put_empty(c, 'c');
        canned_put_text(canned_begin(c, 'C'), rule->is_copy ? "COPY 1" : "SELECT 1");
        canned_end(c);
    }
    buffer_append_byte(canned_begin(c, 'Z'), 'I');
    canned_end(c);
    return canned_flush(c);
}

/* --- sessions --- */

static inline void canned_put_parameter(struct canned_session *c, const char *name,
                                        const char *value)
{
    struct buffer *out = canned_begin(c, 'S');
    canned_put_text(out, name);
    canned_put_text(out, value);
    canned_end(c);
}

static inline bool canned_greet(struct canned_session *c)
{
    canned_put_int(canned_begin(c, 'R'), 0, 4);
    canned_end(c);
    canned_put_parameter(c, "server_version",
                         c->server->version != NULL ? c->server->version : "15.0");
    canned_put_parameter(c, "client_encoding", "UTF8");
    canned_put_parameter(c, "standard_conforming_strings", "on");
    canned_put_int(canned_begin(c, 'K'), 1234, 4);
    canned_put_int(&c->out, 5678, 4);
    canned_end(c);
    buffer_append_byte(canned_begin(c, 'Z'), 'I');
    canned_end(c);
    return canned_flush(c);
}

/* One message: its TYPE (0 for the first one) and its body, ended by a zero byte. */
static inline bool canned_read_message(struct canned_session *c, char *type, struct buffer *body)
{
    uint32_t network;
    if ((type != NULL && !canned_receive(c->fd, type, 1)) || !canned_receive(c->fd, &network, 4))
        return false;
    size_t size = ntohl(network) - 4;
    buffer_clear(body);
    ck_assert(buffer_reserve(body, size + 1));
    body->size = size;
    body->data[size] = '\0';
    return canned_receive(c->fd, body->data, size);
}

static inline bool canned_check_password(struct canned_session *c, struct buffer *body)
{
    char type;
    if (c->server->password == NULL)
        return true;
    canned_put_int(canned_begin(c, 'R'), 3, 4); // cleartext
    canned_end(c);
    if (!canned_flush(c) || !canned_read_message(c, &type, body))
        return false;
    if (strcmp(body->data, c->server->password) == 0)
        return true;
    canned_put_error(c, "FATAL", "28P01", "password authentication failed for user \"bobbin\"");
    (void)canned_flush(c);
    return false;
}

static inline void canned_cancel(struct canned_postgres *s)
{
    pthread_mutex_lock(&s->lock);
    s->cancel_count++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Up to the first ReadyForQuery. */
static inline bool canned_start_session(struct canned_session *c, struct buffer *body)
{
    uint32_t code;
    do {
        if (!canned_read_message(c, NULL, body) || body->size < 4)
            return false;
        memcpy(&code, body->data, 4);
        code = ntohl(code);
        if ((code == CANNED_SSL || code == CANNED_GSS) && send(c->fd, "N", 1, MSG_NOSIGNAL) != 1)
            return false;
    } while (code == CANNED_SSL || code == CANNED_GSS);
    if (code == CANNED_CANCEL) {
        canned_cancel(c->server);
        return false;
    }
    if (c->server->refusal != NULL) {
        canned_put_error(c, "FATAL", c->server->refusal_state, c->server->refusal);
        (void)canned_flush(c);
        return false;
    }
    return canned_check_password(c, body) && canned_greet(c);
}

static inline void canned_serve(struct canned_session *c)
{
    struct buffer body;
    char type;
    buffer_init(&body, CANNED_MESSAGE_BYTES);
    bool ok = canned_start_session(c, &body);
    while (ok && canned_read_message(c, &type, &body) && type != 'X') {
        if (type == 'P') {
            free(c->sql);
            c->sql = strdup(body.data + strlen(body.data) + 1);
        } else if (type == 'S') {
            ok = canned_answer_statement(c, c->sql, false);
        } else if (type == 'Q') {
            ok = canned_answer_statement(c, body.data, true);
        }
    }
    buffer_free(&body);
}

static inline void *canned_session_main(void *argument)
{
    struct canned_session *c = argument;
    struct canned_postgres *s = c->server;
    buffer_init(&c->out, SIZE_MAX);
    if (s->is_mute)
        canned_wait_for_cancel(s);
    else
        canned_serve(c);
    pthread_mutex_lock(&s->lock);
    close(c->fd);
    s->sessions[c->number] = -1;
    pthread_mutex_unlock(&s->lock);
    buffer_free(&c->out);
    free(c->sql);
    free(c);
    return NULL;
}

static inline void *canned_accept_sessions(void *argument)
{
    struct canned_postgres *s = argument;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        struct canned_session *c = calloc(1, sizeof *c);
        pthread_mutex_lock(&s->lock);
        ck_assert_int_lt(s->session_count, CANNED_SESSIONS);
        c->server = s;
        c->fd = fd;
        c->number = s->session_count++;
        s->sessions[c->number] = fd;
        pthread_create(&s->workers[c->number], NULL, canned_session_main, c);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

/* --- the server --- */

/* Start with the first COUNT rules; set password, refusal and so on before. */
static inline void canned_postgres_start(struct canned_postgres *s, const struct canned_rule *rules,
                                         size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_le(count, COUNT_OF(s->used));
    s->rules = rules;
    s->rule_count = count;
    s->directory = unit_make_directory();
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", s->directory);
    snprintf(s->dsn, sizeof s->dsn, "host=%s port=5432 user=bobbin dbname=images", s->directory);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(s->listener, CANNED_SESSIONS), 0);
    ck_assert_int_eq(pthread_create(&s->acceptor, NULL, canned_accept_sessions, s), 0);
}

/* How many statements that have SQL in them have come. */
static inline int canned_count_statements(struct canned_postgres *s, const char *sql)
{
    int count = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->statement_count; i++)
        count += strstr(s->statements[i], sql) != NULL;
    pthread_mutex_unlock(&s->lock);
    return count;
}

/* Wait until a statement that has SQL in it has come. */
static inline void canned_wait_for_statement(struct canned_postgres *s, const char *sql)
{
    while (canned_count_statements(s, sql) == 0)
        usleep(1000);
}

static inline void canned_postgres_stop(struct canned_postgres *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->listener);
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_cond_broadcast(&s->changed);
    for (int i = 0; i < s->session_count; i++)
        if (s->sessions[i] >= 0)
            shutdown(s->sessions[i], SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->session_count; i++)
        pthread_join(s->workers[i], NULL);
    for (size_t i = 0; i < s->statement_count; i++)
        free(s->statements[i]);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    unit_remove_directory(s->directory);
}

#endif
