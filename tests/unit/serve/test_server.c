/* test_server.c: requests over real connections. What they mean, test_route.c says. */
#include "serve/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/stop.h"
#include "serve/listen.h"

#include "tasked.h"

#define BODY                                                                                       \
    "{\"model_name\":\"image\",\"table_name\":\"t\",\"target_index\":\"i\",\"start_id\":1,"        \
    "\"end_id\":9}"

static struct server *server;
static struct route_context context;
static char address[LISTEN_ADDRESS_BYTES];
static char answer[1 << 16];

static void set_up(void)
{
    bool is_local;
    int fd;
    char path[4096];
    tasked_set_up();
    snprintf(path, sizeof path, "%s/image.conf", tasked_directory);
    tasked_write(path, "");
    unit_assert_ok(listen_open(&fd, "127.0.0.1:0", address, &is_local, &tasked_err), tasked_err);
    context = (struct route_context){tasked, tasked_directory, NULL, address};
    unit_assert_ok(server_open(&server, fd, &context, &tasked_err), tasked_err);
}

static void tear_down(void)
{
    server_close(server);
    tasked_tear_down();
}

static int connect_to_it(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)(void *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Read what is answered, up to the connection's end. */
static void hear(int fd)
{
    size_t size = 0;
    ssize_t n;
    while ((n = recv(fd, answer + size, sizeof answer - 1 - size, 0)) > 0)
        size += (size_t)n;
    answer[size] = '\0';
    close(fd);
}

static void ask(const char *line, const char *headers, const char *body)
{
    char head[1024];
    int fd = connect_to_it();
    snprintf(head, sizeof head,
             "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", line,
             strlen(body), headers);
    say(fd, head);
    say(fd, body);
    hear(fd);
}

static void assert_answer(const char *status, const char *text)
{
    ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0 && strncmp(answer + 9, status, 3) == 0 &&
                      strstr(answer, text) != NULL,
                  "not %s with \"%s\": %s", status, text, answer);
}

START_TEST(a_request_is_answered)
{
    ask("GET /healthcheck", "", "");
    assert_answer("200", "\r\n\r\n{\"status\":\"200 OK\"}\n");
    assert_answer("200", "Content-Type: application/json\r\n");
    ask("GET /", "", "");
    assert_answer("200", "</html>");
    assert_answer("200", "Content-Security-Policy: default-src 'none'");
    ask("PATCH /task", "", "");
    assert_answer("405", "Allow: GET, HEAD, POST\r\n");
}
END_TEST

START_TEST(a_head_has_no_body)
{
    ask("HEAD /", "", "");
    assert_answer("200", "Content-Length: ");
    ck_assert_ptr_null(strstr(answer, "<html"));
}
END_TEST

START_TEST(a_body_may_come_in_pieces)
{
    int fd = connect_to_it();
    char head[256];
    snprintf(head, sizeof head, "POST /task HTTP/1.1\r\nHost: me\r\nContent-Length: %zu\r\n\r\n{",
             sizeof BODY - 1);
    say(fd, head);
    usleep(20000);
    say(fd, &BODY[1]);
    shutdown(fd, SHUT_WR);
    hear(fd);
    assert_answer("202", "\"status_check\":\"http://me/task/");
}
END_TEST

static const struct {
    size_t size;
    const char *status;
} sizes[] = {{WISH_BODY_MAX_BYTES, "202"}, {WISH_BODY_MAX_BYTES + 1, "413"}, {1 << 20, "413"}};

START_TEST(a_body_of_more_than_64_kib_is_refused_when_it_was_read)
{
    size_t size = sizes[_i].size;
    char *body = malloc(size + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, ' ', size);
    memcpy(body, BODY, sizeof BODY - 1);
    body[size] = '\0';
    ask("POST /task", "", body);
    assert_answer(sizes[_i].status, "message");
    free(body);
}
END_TEST

static const struct {
    const char *headers, *status;
} tokens[] = {
    {"", "401"},
    {"Authorization: Bearer secret\r\n", "200"},
    {"authorization: bearer secret\r\n", "200"},
    {"Authorization: Bearer other\r\n", "401"},
    {"Authorization: secret\r\n", "401"},
    {"Authorization: Basic YW55OnNlY3JldA==\r\n", "200"}, // any:secret
    {"Authorization: Basic c2VjcmV0Og==\r\n", "401"},     // secret:
    {"Authorization: Basic %%%\r\n", "401"},
};

START_TEST(a_token_comes_as_a_bearer_or_as_a_password)
{
    context.token = "secret";
    ask("GET /task", tokens[_i].headers, "");
    assert_answer(tokens[_i].status,
                  tokens[_i].status[0] == '4' ? "WWW-Authenticate: Basic realm=\"bobbin\"" : "[]");
}
END_TEST

START_TEST(an_origin_is_heard_of)
{
    ask("POST /task", "Origin: http://evil.example\r\n", BODY);
    assert_answer("403", "another site");
    ask("POST /task", "Origin: http://h\r\n", BODY);
    assert_answer("202", "task_id");
}
END_TEST

START_TEST(many_that_say_nothing_keep_nobody_out)
{
    enum { MANY = 400 }; // the test and the server share one process's open files
    int silent[MANY];
    for (int i = 0; i < MANY; i++) {
        silent[i] = connect_to_it();
        if (i % 2 == 0)
            say(silent[i], "GET /healthcheck HT");
    }
    ask("GET /healthcheck", "", "");
    assert_answer("200", "200 OK");
    for (int i = 0; i < MANY; i++)
        close(silent[i]);
}
END_TEST

static const char *const nonsense[] = {
    "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
    "POST /task HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "\x16\x03\x01\x02"};

START_TEST(nonsense_harms_nobody)
{
    int fd = connect_to_it();
    say(fd, nonsense[_i]);
    shutdown(fd, SHUT_WR);
    hear(fd);
    ask("GET /healthcheck", "", "");
    assert_answer("200", "200 OK");
}
END_TEST

START_TEST(a_stop_refuses_new_connections)
{
    unit_assert_ok(stop_install(&tasked_err), tasked_err);
    stop_request();
    int fd = connect_to_it(); // by the kernel
    send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    hear(fd);
    ck_assert_str_eq(answer, "");
}
END_TEST

UNIT_MAIN_WITH("serve/server", set_up, tear_down, UNIT_TEST(a_request_is_answered),
               UNIT_TEST(a_head_has_no_body), UNIT_TEST(a_body_may_come_in_pieces),
               UNIT_EACH(a_body_of_more_than_64_kib_is_refused_when_it_was_read, sizes),
               UNIT_EACH(a_token_comes_as_a_bearer_or_as_a_password, tokens),
               UNIT_TEST(an_origin_is_heard_of), UNIT_TEST(many_that_say_nothing_keep_nobody_out),
               UNIT_EACH(nonsense_harms_nobody, nonsense),
               UNIT_OWN_PROCESS(a_stop_refuses_new_connections, 1))
