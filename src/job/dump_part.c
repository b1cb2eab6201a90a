/* dump_part.c: one thread of the dump: windows of one part after the other, over a connection of its
 * own, which is made again when it breaks. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "job/dump_internal.h"
#include "job/pace.h"

enum {
    IDLE_MS = 250,
    STATEMENT_MAX_BYTES = 4 << 20,
    PART_KEYS_MAX_BYTES = 4 * FRAME_KEY_MAX_BYTES,
    DOCUMENT_MAX_BYTES = 1 << 30, // PostgreSQL's own limit of a value
};

struct part_dump {
    struct dump *dump;
    struct pg *pg; // NULL while there is no connection
    struct document_encoder *encoder;
    struct buffer lines; // of the current document
    struct frames *frames;
    struct key_range left; // of the part
    struct buffer after;   // left.from's bytes
    bool is_cut; // reading ended within a window: rows may be left that have the last key too
    bool has_lost_snapshot;
    struct pace pace;
};

/* --- a window --- */

/* The next window is long in coming: what was read must not wait for it. */
static bool on_idle(void *context, struct error *err)
{
    struct part_dump *p = context;
    return frames_tick(p->frames, err);
}

static bool need_connection(struct part_dump *p, struct error *err)
{
    const struct job_options *o = p->dump->options;
    if (p->pg != NULL && pg_is_connected(p->pg))
        return true;
    pg_close(p->pg);
    p->pg = NULL;
    if (!pg_connect(&p->pg, o->dsn, o->statement_timeout_ms, err))
        return false;
    pg_set_idle(p->pg, on_idle, p);
    return true;
}

static bool lose_snapshot(struct part_dump *p, struct error *err)
{
    p->has_lost_snapshot = true;
    err->kind = ERROR_UNAVAILABLE;
    error_wrap(err, "the dump's snapshot is gone");
    return error_hint(err, "run the same command again to read the rest from a new one, or choose "
                           "--snapshot window, which needs none");
}

/* A standby that removes rows ends the sessions whose snapshots may see them, as it finds them: one that
 * takes over the snapshot just then is passed over, and would miss the rows. But none is removed before
 * the snapshot's holder is ended. So what was read while it was there is good. */
static bool check_rows(void *context, struct error *err)
{
    struct part_dump *p = context;
    if (dump_check_snapshot(p->dump, err))
        return true;
    return err->kind != ERROR_STOPPED && lose_snapshot(p, err);
}

static bool begin_window(struct part_dump *p, struct error *err)
{
    const char *snapshot = p->dump->snapshot_id;
    if (pg_begin(p->pg, snapshot, err))
        return true;
    if (snapshot == NULL || err->kind != ERROR_CONFIG)
        return false;
    struct error why = {.kind = ERROR_NONE};
    if (!dump_check_snapshot(p->dump, &why)) // "invalid snapshot identifier" says less
        *err = why;
    return err->kind != ERROR_STOPPED && lose_snapshot(p, err);
}

static bool add_row(struct part_dump *p, struct slice row, struct error *err)
{
    struct document_result result;
    buffer_clear(&p->lines);
    return document_encode(p->encoder, row, &p->lines, &result, err) &&
           frames_add(p->frames, &result, buffer_slice(&p->lines), row, err);
}

/* *IS_WHOLE false: the spool has no room for the rest. */
static bool read_rows(struct part_dump *p, bool *is_whole, struct error *err)
{
    enum pg_copy what = PG_COPY_IDLE;
    struct slice row;
    while (what != PG_COPY_END && !frames_lack_room(p->frames)) {
        if (!pg_copy_read(p->pg, IDLE_MS, &what, &row, err))
            return false;
        if (what == PG_COPY_ROW && !add_row(p, row, err))
            return false;
        if (what == PG_COPY_IDLE && !frames_tick(p->frames, err))
            return false;
    }
    *is_whole = what == PG_COPY_END;
    return true;
}

static bool copy_window(struct part_dump *p, const struct key_range *window, bool *is_whole,
                        struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = query_put_copy(p->dump->query, p->pg, window, &sql, err) &&
              pg_copy_begin(p->pg, buffer_string(&sql), err);
    buffer_free(&sql);
    frames_skip_last(p->frames, p->is_cut);
    return ok && read_rows(p, is_whole, err);
}

/* The next window of what is left, within a transaction. It may begin with the last row once more. */
static bool find_and_copy(struct part_dump *p, bool *is_last, bool *is_whole, struct error *err)
{
    struct buffer upto;
    bool found;
    struct slice last;
    bool has_last_again = p->is_cut && frames_last_key(p->frames, &last);
    uint64_t rows = p->pace.window_rows + (has_last_again ? 1 : 0);
    buffer_init(&upto, FRAME_KEY_MAX_BYTES);
    bool ok = window_find_end(p->pg, p->dump->query, &p->left, rows, &upto, &found, err);
    if (ok) {
        struct key_range window = p->left;
        if (found) {
            window.has_to = true;
            window.is_to_exclusive = false;
            window.to = buffer_slice(&upto);
        }
        ok = copy_window(p, &window, is_whole, err);
        *is_last = !found && *is_whole;
    }
    buffer_free(&upto);
    return ok;
}

/* The time that a full spool takes is not the source's. */
static bool wait_for_room(struct part_dump *p, struct error *err)
{
    int64_t begun_ms = clock_monotonic_ms();
    bool ok = frames_wait_for_room(p->frames, err);
    pace_forgive(&p->pace, clock_monotonic_ms() - begun_ms);
    return ok;
}

/* Read the next window of what is left; *IS_LAST: nothing is left behind it. While the spool is full no
 * transaction stays open: the rest of the window is another one. */
static bool dump_window(struct part_dump *p, bool *is_last, struct error *err)
{
    bool is_whole = false;
    bool ok = wait_for_room(p, err) && need_connection(p, err) && begin_window(p, err);
    if (ok) {
        ok = find_and_copy(p, is_last, &is_whole, err);
        if (ok && !is_whole) {
            pg_abandon(p->pg);
            p->pg = NULL;
        } else {
            pg_end(p->pg);
        }
    }
    p->is_cut = !is_whole;
    return ok;
}

/* --- errors --- */

/* After a failed window: keep what was read, then wait and go on, or give up. */
static bool survive(struct part_dump *p, struct error *err)
{
    if (err->kind != ERROR_UNAVAILABLE && err->kind != ERROR_STOPPED)
        return false;
    if (!frames_keep(p->frames, err))
        return false;
    if (err->kind == ERROR_STOPPED || p->has_lost_snapshot)
        return false;
    return pace_survive(&p->pace, p->pg, err);
}

/* --- a part --- */

/* What is left of the part begins behind the last row taken, or with it after a cut. */
static bool advance(struct part_dump *p, struct error *err)
{
    struct slice last;
    if (!frames_last_key(p->frames, &last))
        return true;
    buffer_clear(&p->after);
    buffer_append(&p->after, last.data, last.size);
    p->left.has_from = true;
    p->left.is_from_inclusive = p->is_cut;
    p->left.from = buffer_slice(&p->after);
    return buffer_check(&p->after, "a key", err);
}

/* On a standby no row behind the last frame may be missing either. */
static bool end_part(struct part_dump *p, const struct index_part *part, struct error *err)
{
    return frames_flush(p->frames, err) && (!p->dump->is_standby || check_rows(p, err)) &&
           spool_finish_part(p->dump->spool, part->number, err);
}

static bool dump_part(struct part_dump *p, const struct index_part *part, struct error *err)
{
    bool is_last = false;
    p->left = part->range;
    pace_progress(&p->pace);
    p->is_cut = part->has_last;
    frames_begin_part(p->frames, part->number, part->has_last, part->last);
    while (!is_last) {
        if (!advance(p, err))
            return false;
        uint64_t rows = frames_rows(p->frames);
        bool must_stop = stop_is_requested() || atomic_load(&p->dump->has_failed);
        bool ok = must_stop ? error_set(err, ERROR_STOPPED, "asked to stop")
                            : dump_window(p, &is_last, err);
        if (frames_rows(p->frames) > rows)
            pace_progress(&p->pace);
        if (!ok && !survive(p, err))
            return false;
        if (!p->is_cut)
            pace_grow(&p->pace);
    }
    return end_part(p, part, err);
}

static bool dump_all(struct part_dump *p, struct error *err)
{
    struct index_part part;
    struct buffer keys;
    bool found = true;
    bool ok = true;
    buffer_init(&keys, PART_KEYS_MAX_BYTES);
    while (ok && found) {
        ok = dump_take_part(p->dump, &part, &keys, &found, err);
        if (ok && found)
            ok = dump_part(p, &part, err);
    }
    buffer_free(&keys);
    return ok;
}

bool dump_parts(struct dump *d, struct error *err)
{
    struct part_dump p = {.dump = d};
    struct document_shape shape = dump_shape(d);
    pace_begin(&p.pace, d->options);
    buffer_init(&p.after, FRAME_KEY_MAX_BYTES);
    buffer_init(&p.lines, DOCUMENT_MAX_BYTES);
    bool ok = document_encoder_new(&p.encoder, &shape, err) &&
              frames_new(&p.frames, d->options, d->spool, d->live, err);
    if (ok && d->is_standby)
        frames_set_check(p.frames, check_rows, &p);
    ok = ok && dump_all(&p, err);
    pg_close(p.pg);
    frames_free(p.frames);
    document_encoder_free(p.encoder);
    buffer_free(&p.lines);
    buffer_free(&p.after);
    return ok;
}
