/* lost.c: see lost.h. */
#include "job/lost.h"

#include <inttypes.h>

#include "base/log.h"

enum { NAMED = 3, TEXT_MAX_BYTES = 1 << 20, KEY_SHOWN_BYTES = 60 };

static void put_key(struct buffer *out, const char *before, struct slice key)
{
    bool is_long = key.size > KEY_SHOWN_BYTES;
    buffer_append_string(out, before);
    buffer_append(out, key.data, is_long ? KEY_SHOWN_BYTES : key.size);
    if (is_long)
        buffer_append_string(out, "...");
}

void lost_log_frame(const struct index_frame *frame, const char *why)
{
    struct buffer keys;
    if (frame->part == FRAME_OF_REPAIR) {
        log_message(LOG_WARNING,
                    "segment %u, frame %" PRIu64 ": %s: its %u documents are to be repaired again",
                    frame->segment, frame->number, why, frame->documents);
        return;
    }
    buffer_init(&keys, TEXT_MAX_BYTES);
    put_key(&keys, "", frame->first_key);
    put_key(&keys, " to ", frame->last_key);
    log_message(LOG_WARNING,
                "segment %u, frame %" PRIu64 ": %s: its %u documents (keys %s) are to be dumped "
                "again",
                frame->segment, frame->number, why, frame->documents, buffer_string(&keys));
    buffer_free(&keys);
}

void lost_put_range(struct buffer *out, const struct index_part *part)
{
    const struct key_range *range = &part->range;
    bool has_start = part->has_last || range->has_from;
    if (!has_start && !range->has_to)
        buffer_append_string(out, "all");
    if (part->has_last)
        put_key(out, "after ", part->last);
    else if (range->has_from)
        put_key(out, range->is_from_inclusive ? "" : "after ", range->from);
    if (has_start)
        buffer_append_string(out, range->has_to ? " " : " on");
    if (range->has_to)
        put_key(out, range->is_to_exclusive ? "before " : has_start ? "to " : "up to ", range->to);
}

struct lost {
    uint64_t count;
    struct buffer first; // the first ones, in words
};

static bool see_part(const struct index_part *part, void *context, struct error *err)
{
    struct lost *lost = context;
    struct buffer text;
    (void)err;
    if (part->is_finished || part->number < FRAME_LATER_PARTS)
        return true;
    buffer_init(&text, TEXT_MAX_BYTES);
    lost_put_range(&text, part);
    log_message(LOG_WARNING, "lost, and not dumped again: keys %s", buffer_string(&text));
    if (lost->count++ < NAMED)
        buffer_append_format(&lost->first, "%s%s", lost->count > 1 ? ", " : "",
                             buffer_string(&text));
    buffer_free(&text);
    return true;
}

bool lost_explain(struct spool *s, struct error *err)
{
    struct lost lost = {.count = 0};
    struct error ignored = {.kind = ERROR_NONE}; // ERR is what counts
    buffer_init(&lost.first, TEXT_MAX_BYTES);
    if (spool_each_part(s, see_part, &lost, &ignored) && lost.count > 0) {
        err->kind = ERROR_DAMAGED;
        error_wrap(err, "the disk has lost %" PRIu64 " key range%s (%s%s), not dumped again yet",
                   lost.count, lost.count == 1 ? "" : "s", buffer_string(&lost.first),
                   lost.count > NAMED ? ", ..." : "");
    }
    buffer_free(&lost.first);
    return false;
}
