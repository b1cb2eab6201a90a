/* page.c: see page.h. */
#include "serve/page.h"

#include <inttypes.h>

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"refresh\" content=\"5\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>bobbin</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 16px/1.4 system-ui, sans-serif; max-width: 48em; margin: 0 auto; padding: 1em; "
    "}\n"
    "h1 { font-size: 1.2em; }\n"
    "ul { list-style: none; padding: 0; }\n"
    "li { border-top: 1px solid #8888; padding: .7em 0; overflow-wrap: anywhere; }\n"
    "progress { width: 100%; height: 1.2em; accent-color: #2a7de1; }\n"
    "li.done progress { accent-color: #2e8b57; }\n"
    "li.failed progress, li.stopped progress { accent-color: #c0392b; }\n"
    "p { margin: .2em 0; }\n"
    ".numbers { font-variant-numeric: tabular-nums; }\n"
    ".small { font-size: .85em; opacity: .8; }\n"
    ".error { color: #c0392b; }\n"
    "</style>\n</head>\n<body>\n";

static void put_escaped(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buffer_append_string(out, "&amp;");
            break;
        case '<':
            buffer_append_string(out, "&lt;");
            break;
        case '>':
            buffer_append_string(out, "&gt;");
            break;
        case '"':
            buffer_append_string(out, "&quot;");
            break;
        case '\'':
            buffer_append_string(out, "&#39;");
            break;
        default:
            buffer_append_byte(out, *text);
        }
    }
}

static const char *word_for(const struct task *t)
{
    if (t->state != TASK_ACTIVE)
        return task_state_name(t->state);
    if (t->wants_stop)
        return "stopping";
    return t->is_running ? "running" : "waiting";
}

static void put_times(struct buffer *out, const struct task *t)
{
    char text[TASK_TIME_BYTES];
    task_format_time(t->started_ms, text);
    buffer_append_format(out, "<p class=\"small\">%.19s UTC", text);
    if (t->finished_ms != 0) {
        task_format_time(t->finished_ms, text);
        buffer_append_format(out, " to %.19s UTC", text);
    }
    buffer_append_string(out, "</p>\n");
}

static void put_counts(struct buffer *out, const struct task *t)
{
    const struct task_counts *c = &t->counts;
    double percent = task_progress(t);
    buffer_append_format(out,
                         "<progress max=\"100\" value=\"%.2f\">%.2f %%</progress>\n"
                         "<p class=\"numbers\">%s, %.2f %%: %" PRIu64 " documents",
                         percent, percent, word_for(t), percent, c->acknowledged);
    if (c->total > 0)
        buffer_append_format(out, " of %" PRIu64 " rows", c->total);
    if (c->dead > 0)
        buffer_append_format(out, ", %" PRIu64 " refused", c->dead);
    buffer_append_string(out, "</p>\n");
}

static void put_task(struct buffer *out, const struct task *t)
{
    buffer_append_format(out, "<li class=\"%s\" id=\"%s\">\n<p><strong>", task_state_name(t->state),
                         t->id);
    put_escaped(out, t->wish.index);
    buffer_append_string(out, "</strong> from ");
    put_escaped(out, t->wish.table);
    buffer_append_string(out, " (");
    put_escaped(out, t->wish.model);
    buffer_append_format(out, "), ids %" PRId64 " to %" PRId64 "</p>\n", t->wish.start_id,
                         t->wish.end_id);
    put_counts(out, t);
    if (t->error[0] != '\0') {
        buffer_append_string(out, "<p class=\"error\">");
        put_escaped(out, t->error);
        buffer_append_string(out, "</p>\n");
    }
    put_times(out, t);
    buffer_append_format(out, "<p class=\"small\">%s</p>\n</li>\n", t->id);
}

void page_put(struct buffer *out, const struct task *tasks, size_t count)
{
    size_t active = 0;
    for (size_t i = 0; i < count; i++)
        active += tasks[i].state == TASK_ACTIVE;
    buffer_append_string(out, head);
    buffer_append_format(out, "<h1>bobbin: %zu active of %zu tasks</h1>\n<ul>\n", active, count);
    for (size_t i = 0; i < count; i++)
        put_task(out, &tasks[i]);
    buffer_append_string(out, "</ul>\n</body>\n</html>\n");
}
