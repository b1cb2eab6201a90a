/* replay_dead.c: what the replay does with documents that are refused for good: letters, and an end when
 * there are too many. */
#include <stdlib.h>

#include "base/log.h"
#include "job/letters.h"
#include "job/replay_internal.h"
#include "spool/compress.h"

enum { LINES_BYTES = 256 << 10 }; // more than this is not gathered, but written

/* --- how many --- */

/* What is wrong, in this process's experience or else in the file's. */
static bool explain_dead(struct replay *r, struct dead_summary *summary, struct error *err)
{
    *summary = r->refusals;
    return summary->count > 0 || letters_summarize(r->spool, summary, err);
}

static bool too_many_dead(struct replay *r, struct error *err)
{
    struct dead_summary *summary = malloc(sizeof *summary);
    if (summary == NULL)
        return error_set_memory(err);
    if (explain_dead(r, summary, err)) {
        letters_log_summary(summary);
        error_set(
            err, ERROR_DEAD_LETTERS,
            "stopped, since %llu documents were refused and --max-dead allows %llu: most were "
            "%s; repair the mapping, pipeline or query and send them again with bobbin dead "
            "retry, or allow more with --max-dead",
            (unsigned long long)r->dead_count, (unsigned long long)r->options->max_dead,
            summary->group_count > 0 ? summary->groups[0].words : "of unknown types");
    }
    free(summary);
    return false;
}

bool replay_check_dead(struct replay *r, struct error *err)
{
    return r->dead_count <= r->options->max_dead || too_many_dead(r, err);
}

bool replay_count_refusals(struct replay *r, const struct slot *slot, size_t count,
                           struct error *err)
{
    for (size_t i = slot->dead - count; i < slot->dead; i++)
        dead_summary_add(&r->refusals, delivery_refusal(slot->delivery, i), (struct slice){"", 0});
    r->dead_count += count;
    return count == 0 || replay_check_dead(r, err);
}

/* --- letters --- */

/* LETTERS are lines as document_dead_letter made them. */
static void put_ready_letters(struct replay *r, const struct slot *slot, struct slice letters)
{
    const struct slice keys[2] = {slot->frame.first_key, slot->frame.last_key};
    while (letters.size > 0) {
        const char *end = memchr(letters.data, '\n', letters.size);
        size_t size = end != NULL ? (size_t)(end - letters.data) + 1 : letters.size;
        size_t start = r->dead_lines.size;
        buffer_append(&r->dead_lines, letters.data, size);
        dead_seal(&r->dead_lines, start, keys);
        letters.data += size;
        letters.size -= size;
    }
}

static void append_piece(void *out, struct slice piece)
{
    buffer_append(out, piece.data, piece.size);
}

bool replay_take_dead_rows(struct replay *r, struct slot *slot, struct slice body,
                           struct error *err)
{
    struct buffer letters;
    buffer_init(&letters, r->dead_lines.maximum);
    bool ok = decompress_all(body, append_piece, &letters, err) &&
              buffer_check(&letters, "dead rows", err);
    put_ready_letters(r, slot, buffer_slice(&letters));
    buffer_free(&letters);
    r->has_more_now = true;
    slot->state = SLOT_COMPLETE;
    slot->done = 0;
    slot->dead = slot->frame.documents;
    r->dead_count += slot->dead;
    return ok && buffer_check(&r->dead_lines, "dead letters", err) && replay_check_dead(r, err);
}

bool replay_put_dead_letters(struct replay *r, const struct slot *slot, struct error *err)
{
    struct slice keys[2] = {slot->frame.first_key, slot->frame.last_key};
    bool found = slot->dead > 0;
    if (found)
        delivery_open_dead_letters(slot->delivery);
    while (found)
        if (!delivery_next_dead_letter(slot->delivery, keys, &r->dead_lines, &found, err) ||
            (r->dead_lines.size >= LINES_BYTES && !replay_sync_dead_letters(r, err)))
            return false;
    return true;
}

bool replay_sync_dead_letters(struct replay *r, struct error *err)
{
    if (r->dead_lines.size == 0 && !r->dead_lines.has_failed)
        return true;
    if (!buffer_check(&r->dead_lines, "dead letters", err) ||
        !dead_append(r->dead, buffer_slice(&r->dead_lines), &r->dead_bytes, err))
        return false; // and at each later call: what they are of must not be acknowledged
    buffer_free(&r->dead_lines);
    return true;
}
