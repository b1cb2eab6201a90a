/* test_crash_job.c: a whole run, from a database into a cluster, killed by SIGKILL at every named crash
 * point: the same command again ends it, with every row once in the ledger and every dead letter once in
 * its file. */
#include "base/fault.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "../unit/job/dumped.h"
#include "../unit/job/replayed.h"

#ifdef ENABLE_FAULT_POINTS

static const char *const points[] = {
    "frame-written", "segment-synced",        "directory-synced", "index-committed",
    "dead-synced",   "acknowledge-committed", "delete-intended",  "segment-unlinked",
};

enum { ROWS = 24, IN_A_FRAME = 4, IN_FLIGHT = 2, PASSES_MAX = 100 };

static const struct canned_rule rules[] = {DUMPED_COPY, DUMPED_RULES};

/* Every frame has one document that the cluster refuses. */
static const struct canned_answer answers[] = {
    INDEX_FOUND, {.status = 200, .body = ITEMS(DONE "," BAD "," DONE "," DONE)}};

static struct index_job last;
static bool has_last;

static void set_options(void)
{
    dumped_set_options();
    dumped_options.to = "24";
    dumped_options.window_rows = 10;
    dumped_options.frame_bytes = 200; // four documents
    dumped_options.segment_bytes = 400;
    dumped_options.in_flight = IN_FLIGHT;
    dumped_options.request_timeout_ms = 20000;
}

static void set_up(void)
{
    replayed_forget_proxies();
    dumped_set_up();
    canned_postgres_start(&dumped_server, rules, COUNT_OF(rules));
}

static void observe(void *context, struct spool *spool, const struct job_live *live)
{
    (void)context;
    (void)spool;
    (void)live;
}

/* The whole job; ARGV as start_job gives it. Status 0 when it is done but for the dead letters. */
static int run_job(char **argv)
{
    snprintf(dumped_server.dsn, sizeof dumped_server.dsn, "%s", argv[1]);
    snprintf(spooled_path, sizeof spooled_path, "%s", argv[2]);
    set_options();
    dumped_options.urls[0] = argv[3];
    bool ok = job_run(&dumped_options, SPOOL_DUMP | SPOOL_REPLAY, observe, NULL, &last, &has_last,
                      &dumped_err);
    if (!ok && dumped_err.kind == ERROR_DEAD_LETTERS)
        return 0;
    fprintf(stderr, "%s\n", ok ? "no dead letters" : dumped_err.message);
    return 1;
}

/* This program once more, as the job's process. Not fork alone: a server's thread may hold a lock of the
 * sanitizer's allocator, which the child would wait for for ever. */
static pid_t start_job(void)
{
    char program[] = "/proc/self/exe";
    char *argv[] = {program, dumped_server.dsn, spooled_path, replayed_server.host, NULL};
    pid_t child;
    ck_assert_int_eq(posix_spawn(&child, program, NULL, NULL, argv, environ), 0);
    return child;
}

/* Note what the cluster was sent. */
static void count_documents(void)
{
    for (int i = 1; i < replayed_server.request_count; i++) {
        const struct canned_request *q = &replayed_server.requests[i];
        const char *end = q->body + q->body_size;
        for (const char *at = q->body;
             (at = memmem(at, (size_t)(end - at), "_id\":\"", 6)) != NULL;)
            spooled_sent[strtoul(at += 6, NULL, 10)]++;
    }
}

/* The whole job in a process of its own, killed at its N-th pass of POINT. True when it was. */
static bool run_and_die(const char *point, int n)
{
    char where[64];
    int status;
    snprintf(where, sizeof where, "%s:%d", point, n);
    replayed_start_cluster(answers, COUNT_OF(answers));
    setenv("BOBBIN_CRASH_AT", where, 1);
    pid_t child = start_job();
    unsetenv("BOBBIN_CRASH_AT");
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    count_documents();
    canned_stop(&replayed_server);
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert_msg(is_killed || status == 0, "%s: status %d", where, status);
    return is_killed;
}

static size_t count_dead_letters(void)
{
    static char text[1 << 16];
    FILE *file = fopen(spooled_file("dead.ndjson"), "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (int row = 2; row <= ROWS; row += IN_A_FRAME) {
        char id[32];
        snprintf(id, sizeof id, "\"id\":\"%d\"", row);
        const char *letter = strstr(text, id);
        ck_assert_msg(letter != NULL, "row %d has no letter", row);
        ck_assert_msg(strstr(letter + 1, id) == NULL, "row %d has two letters", row);
    }
    return replayed_count_lines(text);
}

static void finish_and_check(unsigned deaths)
{
    unsigned again = 0;
    ck_assert(!run_and_die("nowhere", 1));
    struct spool *s = NULL;
    unit_assert_ok(spool_open(&s, &spooled, NULL, &dumped_err), dumped_err);
    spooled_assert_ledger(s, ROWS, ROWS - ROWS / IN_A_FRAME, ROWS / IN_A_FRAME, 0);
    ck_assert_uint_ne(spooled_read_job(s).finished_ms, 0);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
    spool_close(s);
    ck_assert_uint_eq(count_dead_letters(), ROWS / IN_A_FRAME);
    for (int i = 1; i <= ROWS; i++) {
        ck_assert_msg(spooled_sent[i] > 0, "row %d was never sent", i);
        again += spooled_sent[i] - 1;
    }
    ck_assert_uint_le(again, deaths * IN_FLIGHT * IN_A_FRAME);
}

START_TEST(a_run_killed_at_a_point_is_ended_by_the_same_command)
{
    int n = 1;
    for (; n < PASSES_MAX && run_and_die(points[_i], n); n++) {
        finish_and_check(1);
        dumped_tear_down();
        set_up();
    }
    ck_assert_int_gt(n, 1); // the point was passed
    ck_assert_int_lt(n, PASSES_MAX);
}
END_TEST

START_TEST(a_run_killed_again_and_again_gets_there)
{
    uint64_t random = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    unsigned deaths = 0;
    while (deaths < 15 && run_and_die(points[unit_random(&random) % COUNT_OF(points)],
                                      1 + (int)(unit_random(&random) % 2)))
        deaths++;
    finish_and_check(deaths);
}
END_TEST

int main(int argc, char **argv)
{
    const struct unit_test tests[] = {
        UNIT_EACH(a_run_killed_at_a_point_is_ended_by_the_same_command, points),
        UNIT_LOOP(a_run_killed_again_and_again_gets_there, 10)};
    if (argc > 1)
        return run_job(argv);
    return unit_run("fault/crash_job", tests, COUNT_OF(tests), set_up, dumped_tear_down);
}

#else

START_TEST(a_release_has_no_crash_points)
{
    setenv("BOBBIN_CRASH_AT", "index-committed", 1);
    fault_point("index-committed");
}
END_TEST

UNIT_MAIN("fault/crash_job", UNIT_TEST(a_release_has_no_crash_points))

#endif
