/* filter_note.c: see filter_note.h. */
#include "index/filter_note.h"

#include <stdio.h>

static void copy_text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(out, size, "%s", text != NULL ? text : "");
}

void filter_read_note(const struct look *l, struct filter_note *note)
{
    json_t *json = look_note(l, FILTER_NOTE);
    *note = (struct filter_note){.is_made = json != NULL};
    copy_text(json, "source", note->source, sizeof note->source);
    copy_text(json, "source_uuid", note->source_uuid, sizeof note->source_uuid);
    copy_text(json, "query", note->query, sizeof note->query);
    copy_text(json, "task", note->task, sizeof note->task);
    note->is_done = json_is_true(json_object_get(json, "done"));
    note->documents = (uint64_t)json_integer_value(json_object_get(json, "documents"));
    note->left_out = (uint64_t)json_integer_value(json_object_get(json, "left_out"));
}

json_t *filter_json_of_note(const struct filter_note *n)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I}", "source", n->source, "source_uuid",
                     n->source_uuid, "query", n->query, "task", n->task, "done", n->is_done,
                     "documents", (json_int_t)n->documents, "left_out", (json_int_t)n->left_out);
}
