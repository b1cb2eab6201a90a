/* exposition.c: see exposition.h. */
#include "base/exposition.h"

#include <inttypes.h>

void exposition_put_head(struct buffer *out, const char *name, const char *help)
{
    buffer_append_format(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text == '\n' ? 'n' : *text);
    }
}

void exposition_put(struct buffer *out, const char *name, const struct exposition_label *labels,
                    size_t count, uint64_t value)
{
    buffer_append_string(out, name);
    for (size_t i = 0; i < count; i++) {
        buffer_append_format(out, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
        put_escaped(out, labels[i].value);
        buffer_append_byte(out, '"');
    }
    buffer_append_format(out, "%s %" PRIu64 "\n", count > 0 ? "}" : "", value);
}
