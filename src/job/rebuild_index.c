/* rebuild_index.c: see rebuild_index.h. */
#include "job/rebuild_index.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/log.h"
#include "job/job.h"

static void count_contradiction(void *context, const char *problem)
{
    uint64_t *count = context;
    (void)problem;
    ++*count;
}

/* False with ERROR_DAMAGED when the index must be made anew. */
static bool look_at_index(const char *path, struct error *err)
{
    struct spool_options options = {.path = path, .roles = SPOOL_READER};
    struct spool *s = NULL;
    uint64_t contradictions = 0;
    bool ok = spool_open(&s, &options, NULL, err);
    if (ok && spool_is_new(s))
        ok = error_set(err, ERROR_CONFIG,
                       "spool %s: there is none, or nothing in it: bobbin run begins it", path);
    ok = ok && spool_check_index(s, count_contradiction, &contradictions, err);
    if (ok && contradictions > 0)
        ok = error_set(err, ERROR_DAMAGED, "spool %s: the index contradicts itself", path);
    spool_close(s);
    return ok;
}

static bool read_description(const char *path, struct job_description *description,
                             struct error *err)
{
    struct buffer text;
    bool is_there = false;
    int dir;
    buffer_init(&text, SPOOL_DESCRIPTION_MAX_BYTES);
    *description = (struct job_description){.text = NULL};
    bool ok = file_open_directory(&dir, path, false, err) &&
              spool_read_description_file(dir, &text, &is_there, err) &&
              (is_there || error_set(err, ERROR_DAMAGED, SPOOL_JOB_FILE " is absent")) &&
              job_read_description(buffer_slice(&text), description, err);
    buffer_free(&text);
    file_close(&dir);
    return ok || error_wrap(err, "spool %s: its index is lost and can't be made anew", path);
}

static bool rebuild(const char *path, const struct job_description *description, struct error *err)
{
    struct rebuild_report report;
    struct rebuild_job job = {
        .id = description->id,
        .description = slice_of(description->text),
        .range = job_range(description->from, description->after, description->to),
    };
    if (!spool_rebuild(path, &job, &report, err))
        return false;
    log_message(LOG_INFO,
                "spool %s: a new index from %" PRIu64 " segments: %" PRIu64 " documents in %" PRIu64
                " frames are to be sent, %" PRIu64
                " key ranges are to be dumped: bobbin run does both",
                path, report.segments, report.documents, report.frames, report.parts);
    return true;
}

bool job_rebuild_index(const char *path, bool *is_sound, struct error *err)
{
    struct job_description description;
    *is_sound = look_at_index(path, err);
    if (*is_sound)
        return true;
    if (err->kind != ERROR_DAMAGED)
        return false;
    log_message(LOG_WARNING, "%s", err->message);
    *err = (struct error){.kind = ERROR_NONE};
    bool ok = read_description(path, &description, err) && rebuild(path, &description, err);
    job_free_description(&description);
    return ok;
}
