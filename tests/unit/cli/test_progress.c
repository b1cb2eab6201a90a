/* test_progress.c: numbers as people read them, lines where there is no terminal, bars where there
 * is. */
#include "cli/progress.h"

#include <pty.h>

#include "../spool/spooled.h"
#include "captured.h"

static struct buffer out;
static struct error err;
static struct job_live live;

static void set_up(void)
{
    spooled_set_up();
    buffer_init(&out, 1 << 16);
    live = (struct job_live){.rows = 0};
}

static void tear_down(void)
{
    buffer_free(&out);
    spooled_tear_down();
}

static const struct {
    uint64_t n;
    const char *text;
} counts[] = {
    {0, "0"},
    {7, "7"},
    {999, "999"},
    {1000, "1,000"},
    {12345, "12,345"},
    {999999, "999,999"},
    {1000000, "1,000,000"},
    {UINT64_MAX, "18,446,744,073,709,551,615"},
};

START_TEST(thousands_have_commas_between)
{
    progress_put_count(&out, counts[_i].n);
    unit_assert_slice(buffer_slice(&out), counts[_i].text);
}
END_TEST

static const struct {
    uint64_t n;
    const char *text;
} sizes[] = {
    {0, "0 B"},
    {1023, "1023 B"},
    {1024, "1.0 KiB"},
    {9 << 10, "9.0 KiB"},
    {10 << 10, "10 KiB"},
    {38 << 20, "38 MiB"},
    {(1 << 20) + (1 << 19), "1.5 MiB"},
    {5ull << 30, "5.0 GiB"},
    {700ull << 40, "700 TiB"},
    {4096ull << 40, "4096 TiB"},
};

START_TEST(bytes_have_the_unit_that_fits)
{
    progress_put_bytes(&out, sizes[_i].n);
    unit_assert_slice(buffer_slice(&out), sizes[_i].text);
}
END_TEST

static const struct {
    uint64_t seconds;
    const char *text;
} durations[] = {
    {0, "0:00"},     {9, "0:09"},       {60, "1:00"},        {754, "12:34"},
    {3599, "59:59"}, {3600, "1:00:00"}, {36061, "10:01:01"}, {360000, "100:00:00"},
};

START_TEST(durations_are_clock_times)
{
    progress_put_duration(&out, durations[_i].seconds);
    unit_assert_slice(buffer_slice(&out), durations[_i].text);
}
END_TEST

static const struct {
    unsigned width;
    uint64_t done, total;
    const char *text;
} bars[] = {
    {4, 0, 0, "░░░░"},     {4, 0, 100, "░░░░"},
    {4, 24, 100, "░░░░"},  {4, 25, 100, "█░░░"},
    {4, 99, 100, "███░"},  {4, 100, 100, "████"},
    {4, 200, 100, "████"}, {4, 5, 0, "░░░░"},
    {0, 1, 2, ""},         {3, UINT64_MAX - 1, UINT64_MAX, "███"},
};

START_TEST(a_bar_is_full_to_its_part)
{
    progress_put_bar(&out, bars[_i].width, bars[_i].done, bars[_i].total);
    unit_assert_slice(buffer_slice(&out), bars[_i].text);
}
END_TEST

/* --- the display --- */

static void observe(struct progress *p, struct spool *s)
{
    progress_observe(p, s, &live);
}

START_TEST(elsewhere_nothing_is_said_before_ten_seconds)
{
    struct progress *p;
    struct spool *s = spooled_new();
    captured_begin();
    bool ok = progress_new(&p, SPOOL_DUMP | SPOOL_REPLAY, "dump", _i == 1, &err);
    for (int i = 0; ok && i < 3; i++)
        observe(p, s);
    progress_end(p);
    captured_end();
    unit_assert_ok(ok, err);
    ck_assert_str_eq(captured_out, "");
    ck_assert_str_eq(captured_err, "");
    spool_close(s);
}
END_TEST

/* Read what stands on the terminal MASTER until TEXT has come. */
static char *read_terminal(int master, const char *text)
{
    static char screen[1 << 16];
    size_t size = 0;
    screen[0] = '\0';
    while (strstr(screen, text) == NULL) {
        ssize_t n = read(master, screen + size, sizeof screen - 1 - size);
        ck_assert_msg(n > 0, "no \"%s\" in: %s", text, screen);
        screen[size += (size_t)n] = '\0';
    }
    return screen;
}

static const struct {
    unsigned roles;
    const char *lines[2];
} displays[] = {
    {SPOOL_DUMP | SPOOL_REPLAY,
     {"dump   ████████████████████ 100%  8 rows", "replay ██████████░░░░░░░░░░  50%  4 documents"}},
    {SPOOL_DUMP, {"dump   ████████████████████ 100%  8 rows", NULL}},
    {SPOOL_REPLAY, {"replay ██████████░░░░░░░░░░  50%  4 documents", NULL}},
};

START_TEST(a_terminal_shows_a_bar_for_each_stage)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 120};
    struct progress *p;
    int master, slave;
    struct spool *s = spooled_new();
    spooled_append(s, 1, 4);
    spooled_append(s, 5, 4);
    spooled_commit(s);
    spooled_acknowledge(s, 1, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    live.in_flight = 3;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
    int saved = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    bool ok = progress_new(&p, displays[_i].roles, "dump", false, &err);
    observe(p, s);
    observe(p, s);
    progress_end(p);
    fputs("the end\n", stderr);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    unit_assert_ok(ok, err);
    const char *screen = read_terminal(master, "the end");
    for (size_t i = 0; i < 2 && displays[_i].lines[i] != NULL; i++)
        ck_assert_msg(strstr(screen, displays[_i].lines[i]) != NULL, "%s", screen);
    ck_assert_int_eq(strstr(screen, "3 in flight") != NULL,
                     (displays[_i].roles & SPOOL_REPLAY) != 0);
    ck_assert_int_eq(strstr(screen, "rows") != NULL, (displays[_i].roles & SPOOL_DUMP) != 0);
    close(master);
    close(slave);
    close(saved);
    spool_close(s);
}
END_TEST

START_TEST(a_narrow_terminal_cuts_the_lines)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 40};
    struct progress *p;
    int master, slave;
    struct spool *s = spooled_new();
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, &size), 0);
    int saved = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    bool ok = progress_new(&p, SPOOL_REPLAY, "dump", false, &err);
    observe(p, s);
    progress_end(p);
    fputs("the end\n", stderr);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    unit_assert_ok(ok, err);
    const char *screen = read_terminal(master, "the end");
    ck_assert_ptr_nonnull(strstr(screen, "replay ░░░░░░░░░░░░░░░░░░░░   0%  0 doc\r\n"));
    close(master);
    close(slave);
    close(saved);
    spool_close(s);
}
END_TEST

UNIT_MAIN_WITH("cli/progress", set_up, tear_down, UNIT_EACH(thousands_have_commas_between, counts),
               UNIT_EACH(bytes_have_the_unit_that_fits, sizes),
               UNIT_EACH(durations_are_clock_times, durations),
               UNIT_EACH(a_bar_is_full_to_its_part, bars),
               UNIT_LOOP(elsewhere_nothing_is_said_before_ten_seconds, 2),
               UNIT_EACH(a_terminal_shows_a_bar_for_each_stage, displays),
               UNIT_TEST(a_narrow_terminal_cuts_the_lines))
