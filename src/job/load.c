/* load.c: see load.h. */
#include "job/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/stop.h"
#include "encode/ndjson.h"
#include "job/feed.h"
#include "job/frames.h"
#include "source/input.h"

enum {
    IDLE_MS = 250,
    STATE_MAX_BYTES = 256,
    PLACE_BYTES = 24, // a place's digits
    PART_KEYS_MAX_BYTES = 4 * FRAME_KEY_MAX_BYTES,
    LINES_MAX_BYTES = 1 << 30,
    DOCUMENTS_SHOWN = 3,
};

struct load {
    const struct job_options *options;
    struct job_live *live;
    struct input *input;
    struct ndjson_shape shape;
    struct ndjson_encoder *encoder;
    struct frames *frames; // while it runs
    struct spool *spool;

    struct buffer first; // of an action and its source: the action's line
    struct buffer lines; // of the operation at hand
    struct buffer row;   // a dead one's lines
    char key[PLACE_BYTES];
};

/* --- lines --- */

/* The next line that isn't blank; INPUT_IDLE as input_read_line. */
static bool read_line(struct load *l, enum input_read *what, struct slice *line, uint64_t *place,
                      struct error *err)
{
    do {
        if (!input_read_line(l->input, IDLE_MS, what, line, place, err))
            return false;
    } while (*what == INPUT_LINE && ndjson_is_blank(*line));
    return true;
}

/* The same, waiting as long as it takes: what was read meanwhile must not wait for it. */
static bool wait_for_line(struct load *l, enum input_read *what, struct slice *line,
                          uint64_t *place, struct error *err)
{
    do {
        if (!read_line(l, what, line, place, err))
            return false;
        if (*what == INPUT_IDLE && l->frames != NULL && !frames_tick(l->frames, err))
            return false;
    } while (*what == INPUT_IDLE);
    return true;
}

/* --- opening --- */

static bool cannot_tell(const struct load *l, struct error *err)
{
    error_set(
        err, ERROR_INPUT,
        "%s: its first line is neither an action of a bulk request nor a hit with \"_id\" and "
        "\"_source\"",
        input_name(l->input));
    return error_hint(err, "for documents name the field that holds their id: --id FIELD");
}

/* Look at the first line that isn't blank. A file without one is good, too. */
static bool find_format(struct load *l, struct error *err)
{
    enum input_read what;
    struct slice line;
    uint64_t place;
    if (!wait_for_line(l, &what, &line, &place, err))
        return false;
    if (what == INPUT_END)
        return true;
    l->shape.format = ndjson_detect(line);
    return (l->shape.format != NDJSON_AUTO || cannot_tell(l, err)) &&
           input_seek(l->input, place, err); // a pipe may have given the blank ones up
}

static bool prepare(struct load *l, struct error *err)
{
    const struct job_options *o = l->options;
    l->shape = (struct ndjson_shape){
        .format = o->id_field != NULL ? NDJSON_DOCUMENTS : (enum ndjson_format)o->format,
        .id_field = o->id_field,
        .op = (enum bulk_op)o->op,
    };
    return input_open(&l->input, o->input, err) &&
           (l->shape.format != NDJSON_AUTO || find_format(l, err)) &&
           ndjson_encoder_new(&l->encoder, &l->shape, err);
}

bool load_open(struct load **out, const struct job_options *o, struct job_live *live,
               struct error *err)
{
    struct load *l = calloc(1, sizeof *l);
    if (l == NULL)
        return error_set_memory(err);
    l->options = o;
    l->live = live;
    buffer_init(&l->first, INPUT_LINE_MAX_BYTES);
    buffer_init(&l->lines, LINES_MAX_BYTES);
    buffer_init(&l->row, LINES_MAX_BYTES);
    if (!prepare(l, err)) {
        load_close(l);
        return false;
    }
    *out = l;
    return true;
}

void load_close(struct load *l)
{
    if (l == NULL)
        return;
    ndjson_encoder_free(l->encoder);
    input_close(l->input);
    buffer_free(&l->first);
    buffer_free(&l->lines);
    buffer_free(&l->row);
    free(l);
}

/* --- operations --- */

/* The lines of one operation. */
struct operation {
    struct slice line;
    struct slice source; // data NULL: none
    uint64_t place;
};

/* The source behind the action O->line, which is kept, as the next line takes its place. */
static bool read_source(struct load *l, struct operation *o, struct error *err)
{
    enum input_read what;
    uint64_t place;
    buffer_clear(&l->first);
    buffer_append(&l->first, o->line.data, o->line.size);
    o->line = buffer_slice(&l->first);
    if (!wait_for_line(l, &what, &o->source, &place, err))
        return false;
    if (what == INPUT_END)
        o->source = (struct slice){NULL, 0};
    return buffer_check(&l->first, "an action", err);
}

static bool read_operation(struct load *l, enum input_read *what, struct operation *o,
                           struct error *err)
{
    *o = (struct operation){.place = 0};
    if (!read_line(l, what, &o->line, &o->place, err))
        return false;
    bool has_source =
        *what == INPUT_LINE && l->shape.format == NDJSON_BULK && ndjson_takes_source(o->line);
    return !has_source || read_source(l, o, err);
}

static bool encode(struct load *l, const struct operation *o, struct document_result *result,
                   struct error *err)
{
    buffer_clear(&l->lines);
    if (!ndjson_encode(l->encoder, o->line, o->source, &l->lines, result, err))
        return false;
    snprintf(l->key, sizeof l->key, "%" PRIu64, o->place);
    result->key = slice_of(l->key);
    return true;
}

static bool add(struct load *l, const struct operation *o, struct error *err)
{
    struct document_result result;
    if (!encode(l, o, &result, err))
        return false;
    buffer_clear(&l->row);
    if (result.is_dead) {
        buffer_append(&l->row, o->line.data, o->line.size);
        buffer_append(&l->row, o->source.data, o->source.size);
    }
    return buffer_check(&l->row, "a line", err) &&
           frames_add(l->frames, &result, buffer_slice(&l->lines), buffer_slice(&l->row), err);
}

/* --- parts --- */

static bool read_place(struct slice key, uint64_t *place, struct error *err)
{
    char text[PLACE_BYTES], *end;
    snprintf(text, sizeof text, "%.*s", (int)(key.size < PLACE_BYTES ? key.size : 0), key.data);
    *place = strtoull(text, &end, 10);
    return (end > text && *end == '\0') ||
           error_set(err, ERROR_DAMAGED,
                     "a part of the spool begins or ends at no place of a file");
}

/* Where the part begins; *SKIPS: behind the operation that stands there. */
static bool find_start(const struct index_part *part, uint64_t *place, bool *skips,
                       struct error *err)
{
    const struct key_range *range = &part->range;
    *place = 0;
    *skips = part->has_last || (range->has_from && !range->is_from_inclusive);
    if (!part->has_last && !range->has_from)
        return true;
    return read_place(part->has_last ? part->last : range->from, place, err);
}

/* The place behind the part; UINT64_MAX when it ends with the file. An operation at UPTO is the first that isn't of it,
 * or (the end is inclusive) the last that is. */
static bool find_end(const struct index_part *part, uint64_t *upto, struct error *err)
{
    *upto = UINT64_MAX;
    if (!part->range.has_to)
        return true;
    if (!read_place(part->range.to, upto, err))
        return false;
    *upto += part->range.is_to_exclusive ? 0 : 1;
    return true;
}

/* A stop request counts between two operations, as a file never makes one wait. */
static bool read_on(struct load *l, uint64_t upto, bool *is_over, struct error *err)
{
    struct operation o;
    enum input_read what;
    if (stop_is_requested())
        return error_set(err, ERROR_STOPPED, "asked to stop");
    if (!read_operation(l, &what, &o, err))
        return false;
    *is_over = what == INPUT_END || (what == INPUT_LINE && o.place >= upto);
    if (*is_over)
        return true;
    if (what == INPUT_IDLE)
        return frames_tick(l->frames, err);
    return add(l, &o, err) &&
           (!frames_lack_room(l->frames) || frames_wait_for_room(l->frames, err));
}

static bool skip_operation(struct load *l, struct error *err)
{
    struct operation o;
    enum input_read what;
    return read_operation(l, &what, &o, err);
}

static bool load_part(struct load *l, const struct index_part *part, struct error *err)
{
    uint64_t place, upto;
    bool skips, is_over = false;
    if (part->number >= FRAME_LATER_PARTS && !input_is_file(l->input))
        return load_refuse(l, err); // the disk has lost what a pipe gave once
    frames_begin_part(l->frames, part->number, part->has_last, part->last);
    if (!find_start(part, &place, &skips, err) || !find_end(part, &upto, err) ||
        !input_seek(l->input, place, err) || (skips && !skip_operation(l, err)))
        return false;
    while (!is_over)
        if (!read_on(l, upto, &is_over, err))
            return false;
    return frames_flush(l->frames, err) && spool_finish_part(l->spool, part->number, err);
}

static bool load_parts(struct load *l, struct error *err)
{
    struct index_part part = {.number = 0};
    struct buffer keys;
    bool found = true, ok = true;
    buffer_init(&keys, PART_KEYS_MAX_BYTES);
    for (uint32_t number = 0; ok && found; number = part.number + 1) {
        ok = spool_next_part(l->spool, number, &part, &keys, &found, err);
        if (ok && found)
            ok = load_part(l, &part, err);
    }
    buffer_free(&keys);
    return ok;
}

/* --- as feed.h says --- */

bool load_is_same(const struct load *l, struct spool *s, bool *is_same, struct error *err)
{
    struct buffer then, now;
    buffer_init(&then, STATE_MAX_BYTES);
    buffer_init(&now, STATE_MAX_BYTES);
    input_put_state(l->input, &now);
    bool ok = spool_get_input(s, &then, err);
    bool is_known = then.size > 0; // an index that was made anew doesn't know
    *is_same = input_is_file(l->input) &&
               (!is_known || slice_equal(buffer_slice(&then), buffer_slice(&now)));
    buffer_free(&then);
    buffer_free(&now);
    return ok;
}

bool load_refuse(const struct load *l, struct error *err)
{
    error_set(err, ERROR_INPUT,
              input_is_file(l->input) ? "%s has changed since the job began"
                                      : "%s is no file that can be read once more",
              input_name(l->input));
    return error_hint(err, "bobbin replay sends what is spooled, --again begins anew");
}

bool load_begin_spool(struct load *l, struct spool *s, const struct job_id *id,
                      struct slice description, struct error *err)
{
    const struct key_range whole = {.has_from = false};
    struct buffer state;
    uint64_t lines = input_estimate_lines(l->input);
    buffer_init(&state, STATE_MAX_BYTES);
    input_put_state(l->input, &state);
    bool ok = spool_begin(s, id, description, &whole, 1,
                          l->shape.format == NDJSON_BULK ? lines / 2 : lines, err) &&
              spool_put_input(s, buffer_slice(&state), err);
    buffer_free(&state);
    return ok;
}

bool load_run(struct load *l, struct spool *s, struct error *err)
{
    l->spool = s;
    if (!frames_new(&l->frames, l->options, s, l->live, err))
        return false;
    bool ok = load_parts(l, err);
    if (!ok && err->kind != ERROR_DISK && err->kind != ERROR_DAMAGED)
        (void)!frames_keep(l->frames, err);
    frames_free(l->frames);
    l->frames = NULL;
    return feed_end(s, ok, err);
}

static void put_plan(const struct load *l, struct buffer *out)
{
    uint64_t lines = input_estimate_lines(l->input);
    buffer_append_format(out, "input:     %s, %s\n", input_name(l->input),
                         unpack_kind_name(input_kind(l->input)));
    buffer_append_format(out, "lines:     %s", ndjson_format_name(l->shape.format));
    if (l->shape.id_field != NULL)
        buffer_append_format(out, " with their id in \"%s\"", l->shape.id_field);
    if (lines > 0)
        buffer_append_format(out, ", about %" PRIu64, lines);
    buffer_append_byte(out, '\n');
    feed_put_destination(l->options, out);
}

bool load_describe_plan(struct load *l, struct buffer *out, struct error *err)
{
    struct operation o;
    struct document_result result;
    enum input_read what = INPUT_IDLE;
    put_plan(l, out);
    buffer_append_string(out, "its first documents:\n");
    for (int shown = 0; shown < DOCUMENTS_SHOWN && what != INPUT_END;) {
        if (!read_operation(l, &what, &o, err))
            return false;
        if (what != INPUT_LINE)
            continue;
        if (!encode(l, &o, &result, err))
            return false;
        buffer_append(out, l->lines.data, l->lines.size);
        if (result.is_dead)
            buffer_append_format(out, "(a dead letter: byte %s: %s: %s)\n", l->key, result.column,
                                 result.reason);
        shown++;
    }
    return buffer_check(out, "the plan", err);
}
