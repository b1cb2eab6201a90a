/* stop.c: see stop.h. */
#include "base/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_bool is_requested;
static atomic_bool has_signal;
static int event_fd = -1;

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (atomic_exchange(&has_signal, true))
        _exit(error_exit_status(ERROR_STOPPED));
    int before = errno; // of the code that was interrupted
    stop_request();
    errno = before;
}

bool stop_install(struct error *err)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return error_set_errno(err, ERROR_MEMORY, "eventfd");
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return true;
}

void stop_request(void)
{
    atomic_store(&is_requested, true);
    uint64_t one = 1;
    if (event_fd >= 0 && write(event_fd, &one, sizeof one) < 0)
        return; // the counter is full: it is readable already
}

bool stop_is_requested(void)
{
    return atomic_load(&is_requested);
}

void stop_forget(void)
{
    uint64_t count;
    atomic_store(&is_requested, false);
    if (event_fd >= 0 && read(event_fd, &count, sizeof count) < 0)
        return; // nothing was in it
}

int stop_fd(void)
{
    return event_fd;
}

bool stop_wait(int ms)
{
    struct pollfd wait = {.fd = event_fd, .events = POLLIN};
    if (!stop_is_requested())
        (void)poll(&wait, 1, ms);
    return stop_is_requested();
}
