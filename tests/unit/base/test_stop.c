/* test_stop.c: one request, by signal or by call, ends all waits; a second signal ends the process. */
#include "base/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "unit.h"

static void install(void)
{
    struct error err;
    unit_assert_ok(stop_install(&err), err);
}

static bool is_readable(void)
{
    struct pollfd wait = {.fd = stop_fd(), .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

START_TEST(nothing_is_requested_at_first)
{
    ck_assert(!stop_is_requested());
    ck_assert_int_eq(stop_fd(), -1);
    install();
    ck_assert(!stop_is_requested());
    ck_assert(!is_readable());
}
END_TEST

START_TEST(a_wait_lasts_as_long_as_it_should)
{
    install();
    int64_t start = clock_monotonic_ms();
    ck_assert(!stop_wait(50));
    ck_assert_int_ge(clock_monotonic_ms() - start, 50);
}
END_TEST

START_TEST(a_request_ends_waits_at_once_and_stays)
{
    install();
    stop_request();
    stop_request();
    for (int i = 0; i < 2; i++) {
        ck_assert(stop_is_requested());
        ck_assert(is_readable());
        ck_assert(stop_wait(1000000));
    }
}
END_TEST

START_TEST(a_request_that_was_seen_can_be_forgotten)
{
    install();
    stop_request();
    stop_forget();
    ck_assert(!stop_is_requested());
    ck_assert(!is_readable());
    ck_assert(!stop_wait(10));
    stop_request();
    ck_assert(is_readable());
}
END_TEST

/* Exits 75. */
START_TEST(a_second_signal_leaves_at_once_also_when_the_first_is_forgotten)
{
    install();
    raise(SIGTERM);
    stop_forget();
    raise(SIGTERM);
    ck_abort_msg("still here");
}
END_TEST

/* As the descriptor of a child is its own. */
START_TEST(installed_anew_requests_are_of_this_process_alone)
{
    install();
    int before = stop_fd();
    install();
    ck_assert_int_ne(stop_fd(), before);
    stop_request();
    struct pollfd wait = {.fd = before, .events = POLLIN};
    ck_assert_int_eq(poll(&wait, 1, 0), 0);
}
END_TEST

static const int signals[] = {SIGTERM, SIGINT};

START_TEST(a_signal_requests_and_the_process_lives_on)
{
    install();
    errno = ENOENT;
    ck_assert_int_eq(raise(signals[_i]), 0);
    ck_assert_int_eq(errno, ENOENT); // the handler left it alone
    ck_assert(stop_is_requested());
    ck_assert(stop_wait(1000000));
}
END_TEST

START_TEST(a_signal_ends_a_wait_that_goes_on)
{
    install();
    pid_t parent = getpid();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        usleep(50000);
        _exit(kill(parent, SIGTERM) == 0 ? 0 : 1);
    }
    ck_assert(stop_wait(50000));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* Exits 75: see UNIT_EXIT below. */
START_TEST(a_second_signal_leaves_at_once)
{
    install();
    raise(SIGTERM);
    raise(signals[_i]);
    ck_abort_msg("still here");
}
END_TEST

START_TEST(a_request_by_call_does_not_count_as_a_signal)
{
    install();
    stop_request();
    raise(SIGTERM);
    ck_assert(stop_is_requested());
}
END_TEST

START_TEST(writing_to_a_closed_pipe_is_an_error_and_no_end)
{
    install();
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
}
END_TEST

/* In one process (CK_FORK=no) the request of a test would be seen by the next: those that expect none
 * come first, and the signals last. */
UNIT_MAIN("base/stop", UNIT_TEST(nothing_is_requested_at_first),
          UNIT_TEST(a_wait_lasts_as_long_as_it_should),
          UNIT_OWN_PROCESS(a_request_that_was_seen_can_be_forgotten, 1),
          UNIT_OWN_PROCESS(installed_anew_requests_are_of_this_process_alone, 1),
          UNIT_EXIT(a_second_signal_leaves_at_once_also_when_the_first_is_forgotten, 75, 1),
          UNIT_TEST(writing_to_a_closed_pipe_is_an_error_and_no_end),
          UNIT_TEST(a_request_ends_waits_at_once_and_stays),
          UNIT_TEST(a_request_by_call_does_not_count_as_a_signal),
          UNIT_OWN_PROCESS(a_signal_requests_and_the_process_lives_on, COUNT_OF(signals)),
          UNIT_OWN_PROCESS(a_signal_ends_a_wait_that_goes_on, 1),
          UNIT_EXIT(a_second_signal_leaves_at_once, 75, COUNT_OF(signals)))
