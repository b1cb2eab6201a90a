/* test_listen.c: --listen becomes a socket, or a line that says why not. */
#include "serve/listen.h"

#include <fcntl.h>

#include "unit.h"

static int fd = -1;
static char address[LISTEN_ADDRESS_BYTES];
static bool is_local;
static struct error err;

static void tear_down(void)
{
    if (fd >= 0)
        close(fd);
}

static const struct {
    const char *where, *begin;
    bool is_local;
} good[] = {
    {"127.0.0.1:0", "127.0.0.1:", true},
    {"127.1.2.3:0", "127.1.2.3:", true},
    {"localhost:0", "", true},
    {"0.0.0.0:0", "0.0.0.0:", false},
};

START_TEST(an_address_is_listened_at)
{
    unit_assert_ok(listen_open(&fd, good[_i].where, address, &is_local, &err), err);
    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_eq(strstr(address, good[_i].begin), address);
    ck_assert_str_ne(strrchr(address, ':'), ":0");
    ck_assert(is_local == good[_i].is_local);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}
END_TEST

static const char *const v6[] = {"[::1]:0", "[::1]", "::1"};

START_TEST(an_address_of_ipv6_may_stand_in_brackets)
{
    if (!listen_open(&fd, v6[_i], address, &is_local,
                     &err)) { // the machine may have no IPv6, or 8003 be taken
        ck_assert_int_ne(err.kind, ERROR_USAGE);
        return;
    }
    ck_assert_ptr_eq(strstr(address, "[::1]:"), address);
    ck_assert(is_local);
}
END_TEST

START_TEST(the_port_is_8003_when_none_is_named)
{
    if (listen_open(&fd, "127.0.0.1", address, &is_local, &err))
        ck_assert_str_eq(address, "127.0.0.1:8003");
    else
        ck_assert_int_eq(err.kind, ERROR_BUSY); // somebody else listens there
}
END_TEST

static const char *const bad[] = {"",
                                  ":8003",
                                  "127.0.0.1:",
                                  "[::1]8003",
                                  "[::1",
                                  "[]:8003",
                                  "127.0.0.1:x",
                                  "a b",
                                  "127.0.0.1:-1",
                                  "256.1.1.1",
                                  "127.0.0.1:1234567890123456"};

START_TEST(what_is_no_address_is_named)
{
    unit_assert_error(listen_open(&fd, bad[_i], address, &is_local, &err), err, ERROR_USAGE,
                      "--listen ");
    ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(an_address_that_is_taken_may_be_free_later)
{
    int other;
    unit_assert_ok(listen_open(&fd, "127.0.0.1:0", address, &is_local, &err), err);
    unit_assert_error(listen_open(&other, address, address, &is_local, &err), err, ERROR_BUSY,
                      "it can't be listened at");
    ck_assert_int_eq(other, -1);
}
END_TEST

START_TEST(an_address_of_another_machine_is_refused)
{
    unit_assert_error(listen_open(&fd, "192.0.2.1:0", address, &is_local, &err), err, ERROR_CONFIG,
                      "--listen 192.0.2.1:0");
}
END_TEST

UNIT_MAIN_WITH("serve/listen", NULL, tear_down, UNIT_EACH(an_address_is_listened_at, good),
               UNIT_EACH(an_address_of_ipv6_may_stand_in_brackets, v6),
               UNIT_TEST(the_port_is_8003_when_none_is_named),
               UNIT_EACH(what_is_no_address_is_named, bad),
               UNIT_TEST(an_address_that_is_taken_may_be_free_later),
               UNIT_TEST(an_address_of_another_machine_is_refused))
