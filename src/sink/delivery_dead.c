/* delivery_dead.c: a delivery's refused documents as dead letters. See delivery.h. */
#include "sink/dead.h"
#include "sink/delivery_internal.h"

struct slice delivery_refusal(const struct delivery *d, size_t refusal)
{
    const struct refusal *r = &d->refusals[refusal];
    return (struct slice){d->errors.data + r->error_at, r->error_size};
}

static const struct refusal *find_refusal(const struct delivery *d, size_t document)
{
    for (size_t i = 0; i < d->counts[DOCUMENT_DEAD]; i++)
        if (d->refusals[i].document == document)
            return &d->refusals[i];
    return NULL;
}

/* LINES: a document's action line and perhaps its source line, with newlines. */
static void put_dead_letter(struct delivery *d, size_t document, struct slice lines,
                            const struct slice keys[2], struct buffer *out)
{
    size_t start = out->size;
    const struct refusal *r = find_refusal(d, document);
    const char *newline = memchr(lines.data, '\n', lines.size);
    size_t action = newline ? (size_t)(newline - lines.data) : lines.size;
    struct slice source = {lines.data + action, 0};
    if (newline != NULL && action + 1 < lines.size)
        source = (struct slice){newline + 1, lines.size - action - 2};
    dead_format(out, (struct slice){lines.data, action}, source, r->status,
                (struct slice){d->errors.data + r->error_at, r->error_size});
    dead_seal(out, start, keys);
}

void delivery_open_dead_letters(struct delivery *d)
{
    body_open_source(d->body, &d->frame);
}

/* The next refused document's lines, if any. */
static bool next_refused(struct delivery *d, struct buffer *lines, size_t *document, bool *found,
                         struct error *err)
{
    struct body_run run;
    for (;;) {
        if (!body_next(d->body, &run, found, err))
            return false;
        *found = *found && run.document < d->documents;
        if (!*found)
            return true;
        *document = run.document;
        if (d->states[run.document] == DOCUMENT_DEAD)
            buffer_append(lines, run.bytes.data, run.bytes.size);
        if (run.is_last && d->states[run.document] == DOCUMENT_DEAD)
            return buffer_check(lines, "a dead letter", err);
    }
}

bool delivery_next_dead_letter(struct delivery *d, const struct slice keys[2], struct buffer *out,
                               bool *found, struct error *err)
{
    struct buffer lines;
    size_t document;
    buffer_init(&lines, FRAME_BYTES_MAX);
    bool ok = next_refused(d, &lines, &document, found, err);
    if (ok && *found)
        put_dead_letter(d, document, buffer_slice(&lines), keys, out);
    else
        buffer_free(&d->errors); // it may be megabytes
    buffer_free(&lines);
    return ok && buffer_check(out, "dead letters", err);
}
