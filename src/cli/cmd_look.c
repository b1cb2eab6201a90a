/* cmd_look.c: status and inspect: they look at a spool and change nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "spool/compress.h"
#include "spool/segment.h"

enum { TEXT_MAX_BYTES = 16 << 20, WATCH_MS = 1000 };

bool command_open_spool(const struct options *o, unsigned roles, struct spool **s,
                        struct error *err)
{
    struct spool_options options = {.path = o->job.spool, .roles = roles};
    *s = NULL;
    if (o->job.spool == NULL)
        return error_set(err, ERROR_USAGE, "name the spool: bobbin COMMAND SPOOL");
    if (!spool_open(s, &options, NULL, err))
        return false;
    if (!spool_is_new(*s))
        return true;
    spool_close(*s);
    *s = NULL;
    return error_set(err, ERROR_CONFIG, "spool %s: there is none", o->job.spool);
}

void command_print_json(json_t *json, size_t flags)
{
    char *text = json_dumps(json, flags);
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(json);
}

/* --- status --- */

struct parts {
    uint64_t total, finished;
};

static bool count_part(const struct index_part *part, void *context, struct error *err)
{
    struct parts *parts = context;
    (void)err;
    parts->total++;
    parts->finished += part->is_finished;
    return true;
}

struct standing {
    struct index_job job;
    struct parts parts;
    bool is_dumping, is_replaying;
    json_t *description;
};

static const char *state_of(const struct standing *st)
{
    if (st->is_dumping && st->is_replaying)
        return "running";
    if (st->is_dumping)
        return "dumping";
    if (st->is_replaying)
        return "replaying";
    if (st->job.finished_ms != 0)
        return "finished";
    return st->job.dumped_ms != 0 ? "dumped" : "stopped";
}

static bool read_standing(struct spool *s, struct standing *st, struct error *err)
{
    struct buffer text;
    *st = (struct standing){.is_dumping = spool_is_held(s, SPOOL_DUMP),
                            .is_replaying = spool_is_held(s, SPOOL_REPLAY)};
    buffer_init(&text, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = spool_get_job(s, &st->job, err) && spool_each_part(s, count_part, &st->parts, err) &&
              spool_get_description(s, &text, err);
    if (!st->is_dumping)
        st->job.snapshot_ms = 0; // it went with the dump that held it
    st->description = ok ? json_loadb(text.data, text.size, 0, NULL) : NULL;
    buffer_free(&text);
    return ok;
}

static json_t *json_time(uint64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_ms == 0)
        return json_null();
    clock_format((int64_t)wall_ms, text);
    return json_string(text);
}

static json_int_t snapshot_age_s(const struct index_job *job)
{
    return ((json_int_t)clock_wall_ms() - (json_int_t)job->snapshot_ms) / 1000;
}

static void set_count(json_t *out, const char *name, uint64_t value)
{
    json_object_set_new(out, name, json_integer((json_int_t)value));
}

static void set_ledger(json_t *out, const struct index_job *job)
{
    set_count(out, "rows_read", job->rows);
    set_count(out, "acknowledged", job->acknowledged);
    set_count(out, "dead", job->dead);
    set_count(out, "dropped", job->dropped);
    set_count(out, "pending", job->pending);
}

static void print_status_json(const struct options *o, const struct standing *st)
{
    const struct index_job *job = &st->job;
    json_t *out = json_pack("{s:s, s:s, s:O?}", "spool", o->job.spool, "state", state_of(st), "job",
                            st->description);
    set_ledger(out, job);
    set_count(out, "estimated_rows", job->estimated_rows);
    set_count(out, "parts", st->parts.total);
    set_count(out, "parts_finished", st->parts.finished);
    set_count(out, "frames", job->frames);
    set_count(out, "raw_bytes", job->raw_bytes);
    set_count(out, "compressed_bytes", job->compressed_bytes);
    set_count(out, "spool_bytes", job->spool_bytes);
    set_count(out, "requests", job->requests);
    set_count(out, "retries", job->retries);
    set_count(out, "in_flight", st->is_replaying ? job->in_flight : 0);
    set_count(out, "nulled_values", job->nulled);
    if (job->snapshot_ms != 0)
        json_object_set_new(out, "snapshot_age_s", json_integer(snapshot_age_s(job)));
    json_object_set_new(out, "started", json_time(job->started_ms));
    json_object_set_new(out, "dumped", json_time(job->dumped_ms));
    json_object_set_new(out, "finished", json_time(job->finished_ms));
    json_object_set_new(out, "updated", json_time(job->updated_ms));
    command_print_json(out, JSON_INDENT(2));
}

static void put_time(struct buffer *out, const char *name, uint64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];
    if (wall_ms == 0)
        return;
    clock_format((int64_t)wall_ms, text);
    buffer_append_format(out, "%-9s %s\n", name, text);
}

static void print_status_text(const struct options *o, const struct standing *st)
{
    const struct index_job *job = &st->job;
    const char *index = json_string_value(json_object_get(st->description, "index"));
    struct buffer out;
    buffer_init(&out, TEXT_MAX_BYTES);
    buffer_append_format(&out, "spool     %s\nstate     %s\nindex     %s\n", o->job.spool,
                         state_of(st), index != NULL ? index : "?");
    buffer_append_format(&out, "parts     %" PRIu64 " of %" PRIu64 " dumped\nspool     ",
                         st->parts.finished, st->parts.total);
    progress_put_bytes(&out, job->spool_bytes);
    buffer_append_string(&out, " on disk; in all ");
    progress_put_bytes(&out, job->raw_bytes);
    buffer_append_string(&out, " of documents in ");
    progress_put_bytes(&out, job->compressed_bytes);
    buffer_append_format(&out, "\nrequests  %" PRIu64 ", retries %" PRIu64 "\n", job->requests,
                         job->retries);
    if (job->snapshot_ms != 0)
        buffer_append_format(&out, "snapshot  held for %" JSON_INTEGER_FORMAT " s\n",
                             snapshot_age_s(job));
    put_time(&out, "started", job->started_ms);
    put_time(&out, "dumped", job->dumped_ms);
    put_time(&out, "finished", job->finished_ms);
    put_time(&out, "updated", job->updated_ms);
    fputs(buffer_string(&out), stdout);
    buffer_free(&out);
    command_print_ledger(job);
}

static bool print_status(struct options *o, struct spool *s, bool *is_active, struct error *err)
{
    struct standing st;
    if (!read_standing(s, &st, err))
        return false;
    if (o->json)
        print_status_json(o, &st);
    else
        print_status_text(o, &st);
    *is_active = st.is_dumping || st.is_replaying;
    json_decref(st.description);
    fflush(stdout);
    return true;
}

int command_status(struct options *o)
{
    struct spool *s = NULL;
    struct error err = {.kind = ERROR_NONE};
    bool is_active = true;
    bool ok = command_open_spool(o, SPOOL_READER, &s, &err);
    while (ok && is_active) {
        ok = print_status(o, s, &is_active, &err);
        if (!o->watch || (is_active && stop_wait(WATCH_MS)))
            break;
    }
    spool_close(s);
    return ok ? 0 : command_failed(&err);
}

/* --- inspect --- */

static bool print_segment(const struct index_segment *segment, void *context, struct error *err)
{
    static const char *const states[] = {"open", "sealed", "deleting"};
    json_t *list = context;
    char name[SEGMENT_NAME_BYTES];
    (void)err;
    segment_name(segment->number, name);
    if (list != NULL)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", name, "state",
                                        states[segment->state], "bytes", (json_int_t)segment->size,
                                        "frames", (json_int_t)segment->frames, "pending_frames",
                                        (json_int_t)segment->pending));
    else
        printf("%-20s %-8s %12" PRIu64 " bytes %8" PRIu64 " frames %8" PRIu64 " pending\n", name,
               states[segment->state], segment->size, segment->frames, segment->pending);
    return true;
}

struct frame_listing {
    const char *state;
    json_t *list;
};

static bool print_frame(const struct index_frame *f, void *context, struct error *err)
{
    struct frame_listing *listing = context;
    const char *kind = f->kind == FRAME_DEAD_ROWS ? "dead rows" : "documents";
    (void)err;
    if (listing->list != NULL)
        json_array_append_new(
            listing->list,
            json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s%, s:s%}", "number",
                      (json_int_t)f->number, "state", listing->state, "kind", kind, "part",
                      (json_int_t)f->part, "segment", (json_int_t)f->segment, "offset",
                      (json_int_t)f->offset, "bytes", (json_int_t)f->size, "raw_bytes",
                      (json_int_t)f->raw_size, "documents", (json_int_t)f->documents, "first_key",
                      f->first_key.data, f->first_key.size, "last_key", f->last_key.data,
                      f->last_key.size));
    else
        printf("frame %8" PRIu64 " %-8s segment %u at %" PRIu64 ": %u %s, %" PRIu64
               " bytes from %" PRIu64 ", part %u, keys %.*s .. %.*s\n",
               f->number, listing->state, f->segment, f->offset, f->documents, kind, f->size,
               f->raw_size, f->part, (int)f->first_key.size, f->first_key.data,
               (int)f->last_key.size, f->last_key.data);
    return true;
}

static bool list_spool(struct options *o, struct spool *s, struct error *err)
{
    json_t *segments = o->json ? json_array() : NULL;
    struct frame_listing pending = {"pending", o->json ? json_array() : NULL};
    struct frame_listing done = {"done", pending.list};
    bool ok = spool_each_segment(s, print_segment, segments, err) &&
              spool_each_frame(s, FRAMES_DONE, print_frame, &done, err) &&
              spool_each_frame(s, FRAMES_PENDING, print_frame, &pending, err);
    if (ok && o->json)
        command_print_json(json_pack("{s:O, s:O}", "segments", segments, "frames", pending.list),
                           JSON_INDENT(2));
    json_decref(segments);
    json_decref(pending.list);
    return ok;
}

static void print_piece(void *out, struct slice piece)
{
    fwrite(piece.data, 1, piece.size, out);
}

static bool print_documents(struct options *o, struct spool *s, struct error *err)
{
    struct index_frame frame;
    struct buffer bytes;
    struct slice body;
    const char *why = NULL;
    bool found = false;
    buffer_init(&bytes, SIZE_MAX);
    bool ok = spool_next_frame(s, FRAMES_PENDING, o->frame, &frame, &found, err);
    if (ok && (!found || frame.number != o->frame))
        ok = spool_next_frame(s, FRAMES_DONE, o->frame, &frame, &found, err);
    if (ok && (!found || frame.number != o->frame))
        ok = error_set(err, ERROR_USAGE, "spool %s has no frame %" PRIu64, o->job.spool, o->frame);
    ok = ok && spool_read_frame(s, &frame, &bytes, &body, &why, err);
    if (ok && why != NULL)
        ok = error_set(err, ERROR_DAMAGED, "frame %" PRIu64 ": %s", o->frame, why);
    ok = ok && decompress_all(body, print_piece, stdout, err);
    buffer_free(&bytes);
    return ok;
}

int command_inspect(struct options *o)
{
    struct spool *s = NULL;
    struct error err = {.kind = ERROR_NONE};
    bool ok = command_open_spool(o, SPOOL_READER, &s, &err) &&
              (o->frame != 0 ? print_documents(o, s, &err) : list_spool(o, s, &err));
    spool_close(s);
    return ok ? 0 : command_failed(&err);
}
