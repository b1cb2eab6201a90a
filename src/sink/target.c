/* target.c: see target.h. */
#include "sink/target.h"

#include <stdlib.h>

enum { UUIDS_MAX_BYTES = 1 << 20 };

void target_init(struct target *t)
{
    buffer_init(&t->uuids, UUIDS_MAX_BYTES);
    buffer_init(&t->write, UUIDS_MAX_BYTES);
}

void target_free(struct target *t)
{
    buffer_free(&t->uuids);
    buffer_free(&t->write);
}

static const char *uuid_of(const json_t *index)
{
    const json_t *settings = json_object_get(json_object_get(index, "settings"), "index");
    const char *uuid = json_string_value(json_object_get(settings, "uuid"));
    return uuid != NULL && uuid[0] != '\0' && strchr(uuid, '\n') == NULL ? uuid : NULL;
}

static void put_uuid(struct buffer *out, const char *uuid)
{
    buffer_append_string(out, uuid);
    buffer_append_byte(out, '\n');
}

/* The number at the end of a backing index's name: .ds-NAME-000007, .ds-NAME-2026.01.31-000007. */
static unsigned long generation_of(const char *index_name)
{
    const char *dash = strrchr(index_name, '-');
    return dash != NULL ? strtoul(dash + 1, NULL, 10) : 0;
}

/* How good a place for new documents is the index? 0: none. */
static unsigned long rank_of(const char *name, const char *index_name, const json_t *index,
                             bool is_only)
{
    const json_t *alias = json_object_get(json_object_get(index, "aliases"), name);
    const json_t *is_write = json_object_get(alias, "is_write_index");
    if (json_object_get(index, "data_stream") != NULL)
        return 1 + generation_of(index_name);
    if (strcmp(name, index_name) == 0 || json_is_true(is_write))
        return 1;
    return is_only && !json_is_false(is_write) ? 1 : 0;
}

bool target_read(struct target *t, const char *name, json_t *answer)
{
    unsigned long best = 0;
    const char *index_name;
    json_t *index;
    buffer_clear(&t->uuids);
    buffer_clear(&t->write);
    json_object_foreach(answer, index_name, index)
    {
        const char *uuid = uuid_of(index);
        if (uuid == NULL) {
            buffer_clear(&t->uuids);
            buffer_clear(&t->write);
            return false;
        }
        put_uuid(&t->uuids, uuid);
        unsigned long rank = rank_of(name, index_name, index, json_object_size(answer) == 1);
        if (rank <= best)
            continue;
        best = rank;
        buffer_clear(&t->write);
        put_uuid(&t->write, uuid);
    }
    return t->uuids.size > 0;
}

bool target_is_missing(const struct target *t)
{
    return t->uuids.size == 0;
}

/* Take the first line, with its newline, off *TEXT. False at the end. */
static bool next_line(struct slice *text, struct slice *line)
{
    if (text->size == 0)
        return false;
    const char *newline = memchr(text->data, '\n', text->size);
    *line = (struct slice){text->data, newline ? (size_t)(newline - text->data) + 1 : text->size};
    text->data += line->size;
    text->size -= line->size;
    return true;
}

static bool has_line(struct slice text, struct slice wanted)
{
    struct slice line;
    while (next_line(&text, &line))
        if (slice_equal(line, wanted))
            return true;
    return false;
}

bool target_covers(const struct target *t, struct slice uuids)
{
    struct slice uuid;
    while (next_line(&uuids, &uuid))
        if (!has_line(buffer_slice(&t->uuids), uuid))
            return false;
    return true;
}

void target_add_write(const struct target *t, struct buffer *uuids, bool *added)
{
    *added = t->write.size > 0 && !has_line(buffer_slice(uuids), buffer_slice(&t->write));
    if (*added)
        buffer_append(uuids, t->write.data, t->write.size);
}
