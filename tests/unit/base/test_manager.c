/* test_manager.c: what systemd hands over is taken, what it wants to hear is said, and nothing of another process's. */
#include "base/manager.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "unit.h"

static struct error err;
static int fd;

static void set_number(const char *name, long long number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    setenv(name, text, 1);
}

enum outcome { NOTHING, TAKEN, TAKEN_WRONGLY, REFUSED = 100 };

/* In a process of its own, as descriptor 3 is Check's here: COUNT sockets are handed over, for that process or for ours. */
static int take(bool listens, int count, bool is_ours)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (s < 0 || (listens && listen(s, 1) != 0) || dup2(s, 3) != 3)
            _exit(TAKEN_WRONGLY);
        set_number("LISTEN_PID", is_ours ? parent : getpid());
        set_number("LISTEN_FDS", count);
        if (!manager_take_socket(&fd, &err))
            _exit(REFUSED + (int)err.kind);
        if (fd < 0)
            _exit(NOTHING);
        bool is_good =
            fd == 3 && fcntl(fd, F_GETFL) & O_NONBLOCK && fcntl(fd, F_GETFD) & FD_CLOEXEC;
        _exit(is_good ? TAKEN : TAKEN_WRONGLY);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(a_socket_that_was_handed_over_is_taken)
{
    ck_assert_int_eq(take(true, 1, false), TAKEN);
}
END_TEST

START_TEST(one_for_another_process_is_not)
{
    ck_assert_int_eq(take(true, 1, true), NOTHING);
    unit_assert_ok(manager_take_socket(&fd, &err), err); // nobody hands anything over
    ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(what_is_no_listening_socket_is_refused)
{
    ck_assert_int_eq(take(false, 1, false), REFUSED + ERROR_CONFIG);
    ck_assert_int_eq(take(true, 2, false), REFUSED + ERROR_CONFIG);
}
END_TEST

/* A socket as the service manager's, at NAME ("@...": without a file). */
static int hear_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(bind(s, (const struct sockaddr *)(const void *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return s;
}

START_TEST(what_is_said_is_heard)
{
    char name[64], heard[64] = "";
    snprintf(name, sizeof name, _i == 0 ? "@bobbin-test-%d" : "/tmp/bobbin-test-%d", (int)getpid());
    int s = hear_at(name);
    manager_notify("READY=1");
    ck_assert_int_eq(recv(s, heard, sizeof heard - 1, 0), 7);
    ck_assert_str_eq(heard, "READY=1");
    close(s);
    if (name[0] == '/')
        unlink(name);
    manager_notify("READY=1"); // nobody hears, and nothing is done about it
}
END_TEST

START_TEST(where_nobody_can_be_nothing_is_said)
{
    char name[200];
    memset(name, 'x', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    const char *const places[] = {"", "/", "relative", name};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        setenv("NOTIFY_SOCKET", places[i], 1);
        manager_notify("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    manager_notify("READY=1");
}
END_TEST

static const struct {
    const char *us, *pid;
    int64_t ms;
} dogs[] = {
    {"30000000", "", 15000}, {"1000", "", 1}, {"30000000", "1", 0}, {"", "", 0},
    {"soon", "", 0},         {"-5", "", 0},
};

START_TEST(a_watchdog_hears_twice_as_often_as_it_must)
{
    setenv("WATCHDOG_USEC", dogs[_i].us, 1);
    setenv("WATCHDOG_PID", dogs[_i].pid, 1);
    ck_assert_int_eq(manager_watchdog_ms(), dogs[_i].ms);
}
END_TEST

UNIT_MAIN("base/manager", UNIT_TEST(a_socket_that_was_handed_over_is_taken),
          UNIT_TEST(one_for_another_process_is_not),
          UNIT_TEST(what_is_no_listening_socket_is_refused),
          {what_is_said_is_heard, 2, 0, 0, false}, UNIT_TEST(where_nobody_can_be_nothing_is_said),
          UNIT_EACH(a_watchdog_hears_twice_as_often_as_it_must, dogs))
