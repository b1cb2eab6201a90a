/* killed.h: for the tests of crash points: work in a process of its own, which a crash point ends. */
#ifndef BOBBIN_TESTS_KILLED_H
#define BOBBIN_TESTS_KILLED_H

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/error.h"
#include "unit.h"

/* Do WORK to the end, in a process of its own that is killed at its N-th pass of POINT. True when it was,
 * false when it came to the end before. */
static inline bool killed_at(const char *point, int n, bool (*work)(struct error *err))
{
    char where[64];
    int status;
    snprintf(where, sizeof where, "%s:%d", point, n);
    pid_t child = fork();
    if (child == 0) {
        struct error err;
        setenv("BOBBIN_CRASH_AT", where, 1);
        bool ok = work(&err);
        if (!ok)
            fprintf(stderr, "%s: %s\n", where, err.message);
        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert_msg(is_killed || status == 0, "%s: status %d", where, status);
    return is_killed;
}

#endif
