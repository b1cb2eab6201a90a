/* gaps.c: see gaps.h. */
#include "spool/gaps.h"

#include <stdlib.h>

/* The frames of one planned part so far. */
struct line {
    bool is_begun;
    uint64_t last_number;
    struct buffer first_key, last_key;
};

struct gaps {
    const struct key_range *range;
    gaps_teller *tell;
    void *context;
    uint64_t last_number;  // of all frames so far
    uint64_t last_missing; // the greatest number below it that no frame has
    struct line *lines;    // one for each planned part
    size_t line_count;
    struct buffer
        first_key; // of the frame that is added: its own keys end with the next call of `tell`
};

bool gaps_new(struct gaps **out, const struct key_range *range, gaps_teller *tell, void *context,
              struct error *err)
{
    struct gaps *g = calloc(1, sizeof *g);
    *out = g;
    if (g == NULL)
        return error_set_memory(err);
    g->range = range;
    g->tell = tell;
    g->context = context;
    buffer_init(&g->first_key, FRAME_KEY_MAX_BYTES);
    return true;
}

void gaps_free(struct gaps *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->line_count; i++) {
        buffer_free(&g->lines[i].first_key);
        buffer_free(&g->lines[i].last_key);
    }
    free(g->lines);
    buffer_free(&g->first_key);
    free(g);
}

static bool need_lines(struct gaps *g, size_t count, struct error *err)
{
    if (count <= g->line_count)
        return true;
    struct line *grown = realloc(g->lines, count * sizeof *grown);
    if (grown == NULL)
        return error_set_memory(err);
    g->lines = grown;
    for (; g->line_count < count; g->line_count++) {
        struct line *line = &g->lines[g->line_count];
        *line = (struct line){.is_begun = false};
        buffer_init(&line->first_key, FRAME_KEY_MAX_BYTES);
        buffer_init(&line->last_key, FRAME_KEY_MAX_BYTES);
    }
    return true;
}

static bool copy_key(struct buffer *to, struct slice key, struct error *err)
{
    buffer_clear(to);
    buffer_append(to, key.data, key.size);
    return buffer_check(to, "a key", err);
}

/* Between the frame that ends with AFTER and the one that begins with BEFORE; NULL: the range's bound. */
static bool tell_gap(struct gaps *g, const struct buffer *after, const struct buffer *before,
                     struct error *err)
{
    struct key_range gap = *g->range;
    if (after != NULL) {
        gap.has_from = true;
        gap.is_from_inclusive = false;
        gap.from = buffer_slice(after);
    }
    if (before != NULL) {
        gap.has_to = gap.is_to_exclusive = true;
        gap.to = buffer_slice(before);
    }
    return g->tell(g->context, &gap, err);
}

bool gaps_add_frame(struct gaps *g, const struct index_frame *frame, struct error *err)
{
    uint64_t number = frame->number;
    if (number != g->last_number + 1)
        g->last_missing = number - 1;
    g->last_number = number;
    if (frame->part >= FRAME_LATER_PARTS)
        return true;
    if (!need_lines(g, frame->part + 1, err))
        return false;
    struct line *line = &g->lines[frame->part];
    struct buffer last_key;
    buffer_init(&last_key, FRAME_KEY_MAX_BYTES);
    bool ok = copy_key(line->is_begun ? &g->first_key : &line->first_key, frame->first_key, err) &&
              copy_key(&last_key, frame->last_key, err);
    if (ok && line->is_begun && g->last_missing > line->last_number)
        ok = tell_gap(g, &line->last_key, &g->first_key, err);
    buffer_free(&line->last_key);
    line->last_key = last_key;
    line->last_number = number;
    line->is_begun = true;
    return ok;
}

bool gaps_finish(struct gaps *g, struct error *err)
{
    const struct buffer *after = NULL;
    for (size_t i = 0; i < g->line_count; i++) {
        const struct line *line = &g->lines[i];
        if (!line->is_begun)
            continue;
        if (!tell_gap(g, after, &line->first_key, err))
            return false;
        after = &line->last_key;
    }
    return tell_gap(g, after, NULL, err);
}
