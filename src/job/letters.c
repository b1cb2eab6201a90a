/* letters.c: see letters.h; letters_retry.c sends them again. */
#include "job/letters.h"

#include "base/log.h"
#include "sink/dead.h"

struct reading {
    bool (*see)(const struct dead_letter *letter, void *context, struct error *err);
    void *context;
    uint64_t count;
};

static bool read_letters(struct spool *s, const struct index_job *job, struct reading *reading,
                         struct error *err)
{
    struct dead_reader *r;
    struct dead_letter letter;
    bool found = true;
    if (!dead_reader_open(&r, spool_directory(s), 0, job->dead_bytes, err))
        return false;
    bool ok = true;
    while (ok && found) {
        ok = dead_reader_next(r, &letter, &found, err);
        reading->count += ok && found;
        if (ok && found)
            ok = reading->see(&letter, reading->context, err);
    }
    dead_reader_close(r);
    return ok && (reading->count == job->dead ||
                  error_set(err, ERROR_DAMAGED,
                            "file %s holds %llu dead letters, and the index says %llu", DEAD_FILE,
                            (unsigned long long)reading->count, (unsigned long long)job->dead));
}

bool letters_each(struct spool *s,
                  bool (*see)(const struct dead_letter *letter, void *context, struct error *err),
                  void *context, struct error *err)
{
    struct index_job job, now;
    struct error ignored = {.kind = ERROR_NONE};
    struct reading reading = {see, context, 0};
    if (!spool_get_job(s, &job, err))
        return false;
    if (read_letters(s, &job, &reading, err))
        return true;
    if (err->kind != ERROR_DAMAGED)
        return false;
    if (spool_get_job(s, &now, &ignored) && now.dead_bytes != job.dead_bytes)
        return error_set(err, ERROR_BUSY, "the dead letters have changed meanwhile: ask again");
    return error_hint(err, "bring the file back, or give the letters up with bobbin dead drop");
}

static bool add_to_summary(const struct dead_letter *letter, void *context, struct error *err)
{
    (void)err;
    dead_summary_add(context, letter->error, letter->id);
    return true;
}

bool letters_summarize(struct spool *s, struct dead_summary *summary, struct error *err)
{
    *summary = (struct dead_summary){.count = 0};
    bool ok = letters_each(s, add_to_summary, summary, err);
    dead_summary_sort(summary);
    return ok;
}

void letters_log_summary(struct dead_summary *summary)
{
    struct buffer line;
    buffer_init(&line, sizeof(struct dead_group));
    dead_summary_sort(summary);
    for (size_t i = 0; i < summary->group_count; i++) {
        buffer_clear(&line);
        dead_group_put(&summary->groups[i], &line);
        log_message(LOG_WARNING, "  %s", buffer_string(&line));
    }
    if (summary->others > 0)
        log_message(LOG_WARNING, "  %llu of other types", (unsigned long long)summary->others);
    buffer_free(&line);
}

bool letters_drop(struct spool *s, uint64_t *dropped, struct error *err)
{
    struct dead_file *file;
    if (!spool_drop_letters(s, dropped, err) || !dead_open(&file, spool_directory(s), 0, err))
        return false;
    dead_close(file);
    return true;
}
