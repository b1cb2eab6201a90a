/* progress.c: see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    LOG_EVERY_MS = 10000,
    RATE_OVER_MS = 5000, // rates are of about the last five seconds
    BAR_WIDTH = 20,
    LINE_BYTES = 1024,
};

/* How many rows or documents at some moment. */
struct sample {
    int64_t at_ms;
    uint64_t rows, documents;
};

struct progress {
    unsigned roles;
    const char *first; // the name of the stage that fills the spool
    bool is_quiet;
    bool is_terminal;
    int64_t logged_ms;
    struct sample old, recent; // rates: from `old` to now; `recent` becomes old in its turn
    struct buffer lines;       // of the terminal, as last drawn
    bool is_drawn;
};

/* --- pieces --- */

void progress_put_count(struct buffer *out, uint64_t n)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer_append_byte(out, ',');
        buffer_append_byte(out, digits[i]);
    }
}

void progress_put_bytes(struct buffer *out, uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    buffer_append_format(out, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void progress_put_duration(struct buffer *out, uint64_t seconds)
{
    if (seconds >= 3600)
        buffer_append_format(out, "%llu:%02u:%02u", (unsigned long long)(seconds / 3600),
                             (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
    else
        buffer_append_format(out, "%u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

void progress_put_bar(struct buffer *out, unsigned width, uint64_t done, uint64_t total)
{
    unsigned full = total == 0 ? 0 : (unsigned)((double)done / (double)total * width);
    if (done >= total && total > 0)
        full = width;
    for (unsigned i = 0; i < width; i++)
        buffer_append_string(out, i < full ? "█" : "░");
}

/* --- a line for each stage --- */

struct view {
    struct index_job job;
    uint64_t rows;    // read, committed or not
    uint64_t total;   // the best guess of all rows
    uint64_t settled; // acknowledged, dead or dropped
    double rows_per_s, documents_per_s;
    uint64_t in_flight, retries;
    bool is_dumping, is_waiting;
};

static double rate(uint64_t now, uint64_t before, int64_t ms)
{
    return ms > 0 && now > before ? (double)(now - before) * 1000.0 / (double)ms : 0;
}

static void take_view(struct progress *p, const struct index_job *job, const struct job_live *live,
                      struct view *v)
{
    int64_t now = clock_monotonic_ms();
    uint64_t live_rows = atomic_load(&live->rows);
    v->job = *job;
    v->is_dumping = atomic_load(&live->is_dumping);
    v->is_waiting = atomic_load(&live->is_waiting_for_room);
    v->in_flight = atomic_load(&live->in_flight);
    v->retries = atomic_load(&live->retries);
    v->rows = job->rows;
    v->settled = job->acknowledged + job->dead + job->dropped;
    v->total =
        job->dumped_ms != 0 || job->estimated_rows < job->rows ? job->rows : job->estimated_rows;
    v->rows_per_s = rate(live_rows, p->old.rows, now - p->old.at_ms);
    v->documents_per_s = rate(v->settled, p->old.documents, now - p->old.at_ms);
    if (now - p->recent.at_ms >= RATE_OVER_MS) {
        p->old = p->recent;
        p->recent = (struct sample){now, live_rows, v->settled};
    }
}

static void put_eta(struct buffer *out, uint64_t left, double per_s)
{
    if (left == 0 || per_s < 0.01)
        return;
    buffer_append_string(out, "  eta ");
    progress_put_duration(out, (uint64_t)((double)left / per_s));
}

/* Nothing is whole while more may come: TOTAL is a guess until the dump is done. */
static unsigned percent(uint64_t done, uint64_t total, bool is_guess)
{
    if (total == 0)
        return is_guess ? 0 : 100;
    unsigned value = (unsigned)((double)done / (double)total * 100);
    return is_guess && value > 99 ? 99 : value;
}

static void put_stage(struct buffer *out, bool is_terminal, const char *name, const char *what,
                      uint64_t done, const struct view *v, double per_s)
{
    bool is_guess = v->job.dumped_ms == 0;
    buffer_append_format(out, is_terminal ? "%-7s" : "%s: ", name);
    if (is_terminal) {
        unsigned part = percent(done, v->total, is_guess);
        progress_put_bar(out, BAR_WIDTH, part, 100);
        buffer_append_format(out, " %3u%%  ", part);
    }
    progress_put_count(out, done);
    buffer_append_format(out, " %s  ", what);
    progress_put_count(out, (uint64_t)per_s);
    buffer_append_string(out, "/s");
}

static void put_dump(struct buffer *out, bool is_terminal, const char *name, const struct view *v)
{
    put_stage(out, is_terminal, name, "rows", v->rows, v, v->rows_per_s);
    buffer_append_string(out, "  spool ");
    progress_put_bytes(out, v->job.spool_bytes);
    if (v->is_waiting)
        buffer_append_string(out, "  waiting for room");
    else if (v->is_dumping)
        put_eta(out, v->total - v->rows, v->rows_per_s);
    else
        buffer_append_string(out, "  done");
}

static void put_replay(struct buffer *out, bool is_terminal, const struct view *v)
{
    put_stage(out, is_terminal, "replay", "documents", v->settled, v, v->documents_per_s);
    buffer_append_format(out, "  %llu in flight  %llu retries  %llu dead",
                         (unsigned long long)v->in_flight, (unsigned long long)v->retries,
                         (unsigned long long)v->job.dead);
    put_eta(out, v->total - v->settled, v->documents_per_s);
}

/* --- terminal --- */

/* The one display: the logger's hooks have no context. */
static struct progress *shown;

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

static unsigned count_lines(const struct progress *p)
{
    return (p->roles & SPOOL_DUMP ? 1u : 0u) + (p->roles & SPOOL_REPLAY ? 1u : 0u);
}

/* Move up and clear what was drawn (ECMA-48: CUU, ED). */
static void hide_lines(void)
{
    if (shown == NULL || !shown->is_drawn)
        return;
    fprintf(stderr, "\033[%uA\r\033[J", count_lines(shown));
    shown->is_drawn = false;
}

static void show_lines(void)
{
    if (shown == NULL || shown->lines.size == 0)
        return;
    fputs(buffer_string(&shown->lines), stderr);
    fflush(stderr);
    shown->is_drawn = true;
}

/* Append LINE, cut to the terminal's width (a UTF-8 sequence counts as one cell). */
static void put_cut(struct buffer *out, const struct buffer *line, unsigned width)
{
    unsigned cells = 0;
    for (size_t i = 0; i < line->size; i++) {
        bool starts_cell = ((unsigned char)line->data[i] & 0xC0) != 0x80;
        if (starts_cell && ++cells >= width)
            break;
        buffer_append_byte(out, line->data[i]);
    }
    buffer_append_byte(out, '\n');
}

struct drawing {
    struct progress *progress;
    const struct view *view;
};

/* Write the lines anew; the logger hides and shows them around it. */
static void draw(void *context)
{
    const struct drawing *drawing = context;
    struct progress *p = drawing->progress;
    const struct view *v = drawing->view;
    struct buffer line;
    unsigned width = terminal_width();
    buffer_init(&line, LINE_BYTES);
    buffer_clear(&p->lines);
    if (p->roles & SPOOL_DUMP) {
        put_dump(&line, true, p->first, v);
        put_cut(&p->lines, &line, width);
        buffer_clear(&line);
    }
    if (p->roles & SPOOL_REPLAY) {
        put_replay(&line, true, v);
        put_cut(&p->lines, &line, width);
    }
    buffer_free(&line);
}

static void log_line(struct progress *p, const struct view *v)
{
    struct buffer line;
    int64_t now = clock_monotonic_ms();
    if (now - p->logged_ms < LOG_EVERY_MS)
        return;
    p->logged_ms = now;
    buffer_init(&line, LINE_BYTES);
    if (p->roles & SPOOL_DUMP)
        put_dump(&line, false, p->first, v);
    if (p->roles == (SPOOL_DUMP | SPOOL_REPLAY))
        buffer_append_string(&line, "; ");
    if (p->roles & SPOOL_REPLAY)
        put_replay(&line, false, v);
    log_message(LOG_INFO, "%s", buffer_string(&line));
    buffer_free(&line);
}

/* --- the display --- */

bool progress_new(struct progress **out, unsigned roles, const char *first, bool is_quiet,
                  struct error *err)
{
    struct progress *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set_memory(err);
    p->roles = roles;
    p->first = first;
    p->is_quiet = is_quiet;
    p->is_terminal = !is_quiet && isatty(STDERR_FILENO);
    p->logged_ms = clock_monotonic_ms();
    buffer_init(&p->lines, 4 * LINE_BYTES);
    if (p->is_terminal) {
        shown = p;
        log_set_display(hide_lines, show_lines);
    }
    *out = p;
    return true;
}

void progress_observe(void *context, struct spool *spool, const struct job_live *live)
{
    struct progress *p = context;
    struct index_job job;
    struct view view;
    struct error ignored = {.kind = ERROR_NONE};
    if (p->is_quiet || !spool_get_job(spool, &job, &ignored))
        return;
    if (p->old.at_ms == 0)
        p->old = p->recent =
            (struct sample){clock_monotonic_ms(), 0, job.acknowledged + job.dead + job.dropped};
    take_view(p, &job, live, &view);
    if (p->is_terminal) {
        struct drawing drawing = {p, &view};
        log_update_display(draw, &drawing);
    } else {
        log_line(p, &view);
    }
}

void progress_end(struct progress *p)
{
    if (p->is_terminal)
        log_set_display(NULL, NULL);
    shown = NULL;
    buffer_free(&p->lines);
    free(p);
}
