/* child.c: see child.h. */
#include "fleet/child.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/stop.h"

/* Both processes have it. */
struct shared {
    _Atomic int64_t allowed_until_ms;
    atomic_bool should_stop;
};

struct child {
    pid_t pid; // 0: it has ended
    int status;
    struct shared *shared;
};

static bool is_allowed(void *context)
{
    struct shared *shared = context;
    return clock_boot_ms() < atomic_load(&shared->allowed_until_ms);
}

/* A job_observer. */
static void observe(void *context, struct spool *spool, const struct job_live *live)
{
    struct shared *shared = context;
    (void)spool;
    (void)live;
    if (atomic_load(&shared->should_stop) && !stop_is_requested())
        stop_request();
}

static int run(const struct job_options *o, struct shared *shared)
{
    const struct job_gate gate = {is_allowed, shared};
    struct job_options options = *o;
    struct index_job last;
    bool has_last;
    struct error err = {.kind = ERROR_NONE};
    options.gate = &gate;
    if (stop_install(&err) &&
        job_run(&options, SPOOL_DUMP | SPOOL_REPLAY, observe, shared, &last, &has_last, &err))
        return 0;
    if (err.kind != ERROR_STOPPED)
        log_message(err.kind == ERROR_DEAD_LETTERS ? LOG_WARNING : LOG_ERROR, "%s", err.message);
    return error_exit_status(err.kind);
}

/* The parent may have died before its death was asked to be told. */
static void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(error_exit_status(ERROR_STOPPED));
}

bool child_start(struct child **out, const struct job_options *o, struct error *err)
{
    pid_t parent = getpid();
    struct child *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set_memory(err);
    c->shared =
        mmap(NULL, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->shared == MAP_FAILED) {
        free(c);
        return error_set_memory(err);
    }
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        die_with(parent);
        _exit(run(o, c->shared));
    }
    *out = c;
    if (c->pid > 0)
        return true;
    c->pid = 0;
    child_end(c);
    return error_set_errno(err, ERROR_MEMORY, "fork");
}

void child_allow(struct child *c, int64_t until_ms)
{
    atomic_store(&c->shared->allowed_until_ms, until_ms);
}

void child_ask_to_stop(struct child *c)
{
    atomic_store(&c->shared->should_stop, true);
}

static bool reap(struct child *c, int options)
{
    int status;
    pid_t got;
    if (c->pid == 0)
        return true;
    do {
        got = waitpid(c->pid, &status, options);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    c->pid = 0;
    c->status = process_status_of(status);
    return true;
}

bool child_has_ended(struct child *c, int *status)
{
    bool has_ended = reap(c, WNOHANG);
    *status = c->status;
    return has_ended;
}

void child_end(struct child *c)
{
    if (c == NULL)
        return;
    if (!reap(c, WNOHANG)) {
        kill(c->pid, SIGKILL);
        reap(c, 0);
    }
    munmap(c->shared, sizeof *c->shared);
    free(c);
}
