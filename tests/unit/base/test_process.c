/* test_process.c: a child starts clean, is heard line by line, and is gone when it was let go. */
#include "base/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "unit.h"

static struct process *start(const char *path, char *const argv[])
{
    struct process *p;
    struct error err;
    unit_assert_ok(process_start(&p, path, argv, &err), err);
    return p;
}

/* A child that is the shell with SCRIPT. */
static struct process *start_shell(const char *script)
{
    char *copy = strdup(script);
    char name[] = "sh", option[] = "-c", *argv[] = {name, option, copy, NULL};
    struct process *p = start("/bin/sh", argv);
    free(copy);
    return p;
}

/* The next line that P writes, or NULL at the end of all. */
static const char *next_line(struct process *p)
{
    static char text[PROCESS_LINE_BYTES + 1];
    struct slice line;
    while (!process_read_line(p, &line)) {
        struct pollfd wait = {.fd = process_fd(p), .events = POLLIN};
        if (process_fd(p) < 0)
            return NULL;
        poll(&wait, 1, -1);
    }
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    return text;
}

static int await_end(struct process *p)
{
    int status;
    while (!process_has_ended(p, &status))
        usleep(1000);
    return status;
}

static void assert_says(const char *script, const char *words, int status)
{
    struct process *p = start_shell(script);
    ck_assert_str_eq(next_line(p), words);
    ck_assert_int_eq(await_end(p), status);
    process_free(p);
}

START_TEST(lines_come_as_they_are_written_and_the_last_without_a_newline)
{
    struct process *p = start_shell("printf 'one\\n\\nthree\\nand a half' >&2");
    ck_assert_str_eq(next_line(p), "one");
    ck_assert_str_eq(next_line(p), "");
    ck_assert_str_eq(next_line(p), "three");
    ck_assert_str_eq(next_line(p), "and a half");
    ck_assert_ptr_null(next_line(p));
    ck_assert_int_eq(process_fd(p), -1);
    process_free(p);
}
END_TEST

START_TEST(half_a_line_is_waited_for)
{
    struct process *p = start_shell("printf half >&2; kill -STOP $$; printf ' and half\\n' >&2");
    struct pollfd wait = {.fd = process_fd(p), .events = POLLIN};
    struct slice line = {NULL, 0};
    int status;
    ck_assert_int_eq(poll(&wait, 1, -1), 1);
    ck_assert(!process_read_line(p, &line));
    ck_assert(!process_has_ended(p, &status));
    while (process_fd(p) >= 0 && !process_read_line(p, &line)) {
        process_signal(p, SIGCONT);
        usleep(1000);
    }
    unit_assert_slice(line, "half and half");
    process_free(p);
}
END_TEST

START_TEST(a_line_that_is_too_long_comes_in_pieces)
{
    struct process *p = start_shell("printf '%010000d\\nshort\\n' 7 >&2");
    ck_assert_uint_eq(strlen(next_line(p)), PROCESS_LINE_BYTES);
    ck_assert_uint_eq(strlen(next_line(p)), 10000 - PROCESS_LINE_BYTES);
    ck_assert_str_eq(next_line(p), "short");
    process_free(p);
}
END_TEST

START_TEST(its_status_tells_how_it_ended)
{
    assert_says("echo bad >&2; exit 75", "bad", 75);
    assert_says("echo good >&2", "good", 0);
    assert_says("echo killed >&2; kill -KILL $$", "killed", PROCESS_BY_SIGNAL + SIGKILL);
}
END_TEST

START_TEST(a_program_that_can_not_be_run_says_so)
{
    char name[] = "none", *argv[] = {name, NULL};
    struct process *p = start("/nonexistent/program", argv);
    ck_assert_str_eq(next_line(p), "the program can't be run");
    ck_assert_int_eq(await_end(p), PROCESS_NOT_RUN);
    process_free(p);
}
END_TEST

START_TEST(its_input_is_empty_and_its_output_goes_nowhere)
{
    assert_says("echo hidden; read line || echo nothing >&2", "nothing", 0);
}
END_TEST

START_TEST(it_inherits_no_open_file)
{
    enum { ANY = 20 };
    ck_assert_int_eq(dup2(STDERR_FILENO, ANY), ANY);
    assert_says("test -e /proc/self/fd/20 && echo open >&2 || echo closed >&2", "closed", 0);
    close(ANY);
}
END_TEST

START_TEST(what_this_process_ignores_or_blocks_ends_it_all_the_same)
{
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    signal(SIGTERM, SIG_IGN);
    sigprocmask(SIG_BLOCK, &terminate, NULL);
    assert_says("echo now >&2; kill -TERM $$; exit 1", "now", PROCESS_BY_SIGNAL + SIGTERM);
}
END_TEST

START_TEST(it_has_a_process_group_of_its_own)
{
    struct process *p = start_shell("ps -o pgid= -p $$ | tr -d ' ' >&2; echo $$ >&2");
    char group[32];
    snprintf(group, sizeof group, "%s", next_line(p));
    ck_assert_str_eq(group, next_line(p));
    process_free(p);
}
END_TEST

START_TEST(a_signal_reaches_it_and_nothing_when_it_has_ended)
{
    struct process *p =
        start_shell("trap 'exit 3' TERM; echo ready >&2; while :; do sleep 0.01; done");
    ck_assert_str_eq(next_line(p), "ready");
    process_signal(p, SIGTERM);
    ck_assert_int_eq(await_end(p), 3);
    process_signal(p, SIGTERM);
    ck_assert_int_eq(await_end(p), 3);
    process_free(p);
}
END_TEST

START_TEST(letting_it_go_ends_it)
{
    struct process *p = start_shell("echo $$ >&2; exec sleep 1000");
    pid_t pid = (pid_t)strtol(next_line(p), NULL, 10);
    ck_assert_int_eq(kill(pid, 0), 0);
    process_free(p);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    process_free(NULL);
}
END_TEST

/* In a process between us and the child: start it, tell its number, and end without letting it go. */
static void start_and_end(int out)
{
    struct process *p = start_shell("echo $$ >&2; exec sleep 1000");
    pid_t pid = (pid_t)strtol(next_line(p), NULL, 10);
    _exit(write(out, &pid, sizeof pid) == sizeof pid ? 0 : 1);
}

START_TEST(it_is_asked_to_end_when_we_die)
{
    int ends[2], raw;
    pid_t child;
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); // so that we may wait for the orphan
    ck_assert_int_eq(pipe(ends), 0);
    pid_t between = fork();
    if (between == 0)
        start_and_end(ends[1]);
    ck_assert_int_eq(read(ends[0], &child, sizeof child), sizeof child);
    ck_assert_int_eq(waitpid(between, &raw, 0), between);
    ck_assert_int_eq(waitpid(child, &raw, 0), child);
    ck_assert(WIFSIGNALED(raw) && WTERMSIG(raw) == SIGTERM);
}
END_TEST

UNIT_MAIN("base/process", UNIT_TEST(lines_come_as_they_are_written_and_the_last_without_a_newline),
          UNIT_TEST(half_a_line_is_waited_for), UNIT_TEST(a_line_that_is_too_long_comes_in_pieces),
          UNIT_TEST(its_status_tells_how_it_ended),
          UNIT_TEST(a_program_that_can_not_be_run_says_so),
          UNIT_TEST(its_input_is_empty_and_its_output_goes_nowhere),
          UNIT_TEST(it_inherits_no_open_file), UNIT_TEST(it_has_a_process_group_of_its_own),
          UNIT_TEST(a_signal_reaches_it_and_nothing_when_it_has_ended),
          UNIT_TEST(letting_it_go_ends_it),
          UNIT_OWN_PROCESS(what_this_process_ignores_or_blocks_ends_it_all_the_same, 1),
          UNIT_OWN_PROCESS(it_is_asked_to_end_when_we_die, 1))
