/* dead_summary.c: see dead_summary.h. */
#include "sink/dead_summary.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "sink/bulk.h"

static struct slice text_of(struct slice json)
{
    struct slice text = json_scan_string(json);
    return text.data != NULL ? text : json;
}

/* An answer to a whole request may have the error inside. */
static struct slice type_of(struct slice error_json)
{
    struct slice type = {"", 0};
    struct slice inner;
    if (json_scan_find(error_json, "error", &inner))
        error_json = inner;
    return json_scan_find(error_json, "type", &type) ? text_of(type) : (struct slice){"", 0};
}

/* At most SIZE - 1 bytes of TEXT. */
static void copy_text(char *out, size_t size, struct slice text)
{
    size_t length = text.size < size - 1 ? text.size : size - 1;
    while (length > 0 && length < text.size && ((unsigned char)text.data[length] & 0xC0) == 0x80)
        length--;
    if (length > 0)
        memcpy(out, text.data, length);
    out[length] = '\0';
}

static void begin_group(struct dead_group *group, struct slice error_json, struct slice id)
{
    struct buffer words;
    buffer_init(&words, DEAD_WORDS_BYTES);
    bulk_describe_error(error_json, &words);
    *group = (struct dead_group){.count = 0};
    copy_text(group->type, sizeof group->type, type_of(error_json));
    copy_text(group->words, sizeof group->words,
              words.size > 0 ? buffer_slice(&words) : slice_of("no error was given"));
    if (id.size > 0)
        copy_text(group->id, sizeof group->id, text_of(id));
    buffer_free(&words);
}

void dead_summary_add(struct dead_summary *s, struct slice error_json, struct slice id)
{
    char type[DEAD_TYPE_BYTES];
    copy_text(type, sizeof type, type_of(error_json));
    s->count++;
    for (size_t i = 0; i < s->group_count; i++) {
        if (strcmp(s->groups[i].type, type) == 0) {
            s->groups[i].count++;
            return;
        }
    }
    if (s->group_count == DEAD_GROUPS_MAX) {
        s->others++;
        return;
    }
    struct dead_group *group = &s->groups[s->group_count++];
    begin_group(group, error_json, id);
    group->count = 1;
}

static int by_count(const void *a, const void *b)
{
    const struct dead_group *left = a, *right = b;
    return left->count < right->count   ? 1
           : left->count > right->count ? -1
                                        : strcmp(left->type, right->type);
}

void dead_summary_sort(struct dead_summary *s)
{
    qsort(s->groups, s->group_count, sizeof *s->groups, by_count);
}

void dead_group_put(const struct dead_group *group, struct buffer *out)
{
    buffer_append_format(out, "%llu %s", (unsigned long long)group->count, group->words);
    if (group->id[0] != '\0')
        buffer_append_format(out, " (first: id %s)", group->id);
}
