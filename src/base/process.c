/* process.c: see process.h. */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
    pid_t pid;
    int errors; // our end of the pipe; -1 when the child has closed its end
    bool has_ended;
    int status;
    size_t size; // of what was read into `bytes`
    size_t used; // of that: the line that was given out last
    char bytes[PROCESS_LINE_BYTES];
};

/* --- in the child, between fork and exec: only what is safe there (signal-safety(7)) --- */

static void reset_signals(void)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL); // fails for SIGKILL and SIGSTOP, which have no other
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void become(const char *path, char *const argv[], int errors, pid_t parent)
{
    static const char words[] = "the program can't be run\n";
    int null = open("/dev/null", O_RDWR);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(errors, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0u, 0) == 0 &&
        setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0) {
        if (getppid() != parent) // it ended before it could be watched
            _exit(PROCESS_NOT_RUN);
        reset_signals();
        execv(path, argv);
    }
    ssize_t ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored; // nothing is left to be done about it
    _exit(PROCESS_NOT_RUN);
}

/* --- in ours --- */

/* No signal reaches the child before its handlers are its own: ours would act on what we share. */
static pid_t fork_unsignalled(const char *path, char *const argv[], int errors)
{
    sigset_t all, before;
    pid_t parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(path, argv, errors, parent);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

bool process_start(struct process **out, const char *path, char *const argv[], struct error *err)
{
    int ends[2];
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set_memory(err);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(p);
        return error_set_errno(err, ERROR_MEMORY, "no pipe to a child process");
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK); // can't fail: it is a pipe, and open
    p->pid = fork_unsignalled(path, argv, ends[1]);
    close(ends[1]);
    p->errors = ends[0];
    *out = p;
    if (p->pid > 0)
        return true;
    error_set_errno(err, ERROR_MEMORY, "no further process");
    p->has_ended = true;
    process_free(p);
    *out = NULL;
    return false;
}

int process_fd(const struct process *p)
{
    return p->errors;
}

static void close_errors(struct process *p)
{
    close(p->errors);
    p->errors = -1;
}

/* Is there more in `bytes` than before? */
static bool read_more(struct process *p)
{
    ssize_t n;
    if (p->errors < 0)
        return false;
    do {
        n = read(p->errors, p->bytes + p->size, sizeof p->bytes - p->size);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        p->size += (size_t)n;
    else if (n == 0 || errno != EAGAIN)
        close_errors(p);
    return n > 0;
}

static void drop_used(struct process *p)
{
    p->size -= p->used;
    memmove(p->bytes, p->bytes + p->used, p->size);
    p->used = 0;
}

bool process_read_line(struct process *p, struct slice *line)
{
    const char *end;
    drop_used(p);
    while ((end = memchr(p->bytes, '\n', p->size)) == NULL && p->size < sizeof p->bytes)
        if (!read_more(p))
            break;
    if (end == NULL && p->size < sizeof p->bytes && (p->errors >= 0 || p->size == 0))
        return false;
    *line = (struct slice){p->bytes, end != NULL ? (size_t)(end - p->bytes) : p->size};
    p->used = line->size + (end != NULL);
    return true;
}

int process_status_of(int raw)
{
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : PROCESS_BY_SIGNAL + WTERMSIG(raw);
}

static void reap(struct process *p, int flags)
{
    int raw = 0;
    pid_t pid;
    do {
        pid = waitpid(p->pid, &raw, flags);
    } while (pid < 0 && errno == EINTR);
    p->has_ended = pid != 0;
    p->status = pid == p->pid ? process_status_of(raw) : PROCESS_NOT_RUN; // somebody else reaped it
}

bool process_has_ended(struct process *p, int *status)
{
    if (!p->has_ended)
        reap(p, WNOHANG);
    *status = p->status;
    return p->has_ended;
}

void process_signal(struct process *p, int signal_number)
{
    int status;
    if (!process_has_ended(p, &status)) // the number is ours until it is reaped
        kill(p->pid, signal_number);
}

void process_free(struct process *p)
{
    if (p == NULL)
        return;
    process_signal(p, SIGKILL);
    if (!p->has_ended)
        reap(p, 0);
    if (p->errors >= 0)
        close_errors(p);
    free(p);
}
