/* count.c: refresh, and the numbers of the query's documents and of the index's. See steps.h. */
#include <inttypes.h>

#include "base/log.h"
#include "index/filter_note.h"
#include "index/look.h"
#include "index/steps.h"
#include "job/rows.h"
#include "sink/search.h"

/* --- the index --- */

struct counting {
    const char *index;
    bool is_done;
    uint64_t count;
};

/* Two question_trys. */
static bool refresh_once(void *context, struct http *h, const char *host, struct error *err)
{
    struct counting *c = context;
    return search_refresh(h, host, c->index, &c->is_done, err);
}

static bool count_once(void *context, struct http *h, const char *host, struct error *err)
{
    struct counting *c = context;
    return search_count(h, host, c->index, &c->count, err);
}

bool step_refresh(struct steps *s, const char *index, struct error *err)
{
    struct counting c = {.index = index};
    if (!question_persist(&s->hosts, refresh_once, &c, err))
        return false;
    if (!c.is_done)
        log_message(LOG_WARNING,
                    "index %s can't be refreshed (privilege \"maintenance\"): documents that were "
                    "written lately may seem to be missing",
                    index);
    return true;
}

/* The note of the filter that made INDEX, or an empty one. */
static bool read_note(struct steps *s, const char *index, struct filter_note *note,
                      struct error *err)
{
    struct look l;
    bool ok = look_at(&s->hosts, index, &l, err);
    if (ok && look_is_missing(&l))
        ok = error_set(err, ERROR_CONFIG, "index %s does not exist", index);
    filter_read_note(&l, note);
    look_free(&l);
    return ok;
}

static bool count_documents(struct steps *s, const char *index, uint64_t *count, struct error *err)
{
    struct counting c = {.index = index};
    bool ok = question_persist(&s->hosts, count_once, &c, err);
    *count = c.count;
    return ok;
}

bool step_count_documents(struct steps *s, const char *index, struct step_counts *counts,
                          struct error *err)
{
    struct filter_note note;
    *counts = (struct step_counts){.rows = 0};
    if (!read_note(s, index, &note, err))
        return false;
    counts->left_out = note.left_out;
    return count_documents(s, index, &counts->documents, err);
}

/* --- the query --- */

static bool count_with(struct dump *d, const char *index, uint64_t *count, struct error *err)
{
    struct rows *rows;
    if (!rows_new(&rows, d, err))
        return false;
    bool ok = rows_count(rows, index, count, err);
    rows_free(rows);
    return ok;
}

static bool count_rows(const struct job_options *o, const char *index, uint64_t *count,
                       struct error *err)
{
    struct buffer select;
    struct dump *d = NULL;
    struct job_live live = {.rows = 0};
    buffer_init(&select, QUERY_MAX_BYTES);
    bool ok = job_read_query(o, &select, err) &&
              dump_open(&d, o, buffer_string(&select), &live, err) &&
              count_with(d, index, count, err);
    if (d != NULL)
        dump_close(d);
    buffer_free(&select);
    return ok;
}

bool step_count(struct steps *s, const char *index, struct step_counts *counts, struct error *err)
{
    struct filter_note note;
    *counts = (struct step_counts){.rows = 0};
    if (!read_note(s, index, &note, err) ||
        !count_rows(s->job, note.is_made ? note.source : index, &counts->rows, err))
        return false;
    counts->left_out = note.left_out;
    return (s->options->skips_refresh || step_refresh(s, index, err)) &&
           count_documents(s, index, &counts->documents, err);
}

bool step_check_counts(const struct step_counts *c, const char *index, struct error *err)
{
    if (c->rows == c->documents + c->left_out)
        return true;
    error_set(err, ERROR_DIFFERENT,
              "the query gives %" PRIu64 " documents, and index %s has %" PRIu64, c->rows, index,
              c->documents);
    if (c->left_out > 0)
        error_hint(err, "its filter left %" PRIu64 " out", c->left_out);
    return error_hint(err, "bobbin verify --deep says which differ");
}
