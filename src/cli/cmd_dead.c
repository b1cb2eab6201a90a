/* cmd_dead.c: dead list, show, retry and drop: what the cluster refused for good. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/json_scan.h"
#include "base/log.h"
#include "cli/commands.h"
#include "encode/json.h"
#include "job/letters.h"
#include "sink/bulk.h"

/* --- list --- */

enum { LINE_MAX_BYTES = 4 << 10, ID_SHOWN_BYTES = 512 };

struct listing {
    bool is_json;
    uint64_t count;
    struct dead_summary *summary;
};

static void print_slice(struct slice text)
{
    fwrite(text.data, 1, text.size, stdout);
}

/* ID, as JSON has it between the quotes, status, and the error in words. */
static void print_letter(const struct dead_letter *letter)
{
    struct buffer words;
    struct slice id = json_scan_string(letter->id);
    buffer_init(&words, LINE_MAX_BYTES);
    bulk_describe_error(letter->error, &words);
    print_slice(id.data != NULL ? id : letter->id);
    printf("\t%.*s\t%s\n", (int)letter->status.size,
           letter->status.size > 0 ? letter->status.data : "", buffer_string(&words));
    buffer_free(&words);
}

static void print_letter_json(const struct dead_letter *letter, bool is_first)
{
    fputs(is_first ? "\n  {\"id\": " : ",\n  {\"id\": ", stdout);
    print_slice(letter->id);
    fputs(", \"status\": ", stdout);
    print_slice(letter->status.size > 0 ? letter->status : slice_of("null"));
    fputs(", \"error\": ", stdout);
    print_slice(letter->error);
    putchar('}');
}

static bool list_letter(const struct dead_letter *letter, void *context, struct error *err)
{
    struct listing *listing = context;
    if (listing->is_json)
        print_letter_json(letter, listing->count == 0);
    else
        print_letter(letter);
    listing->count++;
    dead_summary_add(listing->summary, letter->error, letter->id);
    return !ferror(stdout) || error_set(err, ERROR_DISK, "standard output can't be written");
}

static void print_group(const struct dead_group *group)
{
    struct buffer line;
    buffer_init(&line, sizeof *group + 64);
    dead_group_put(group, &line);
    printf("%s\n", buffer_string(&line));
    buffer_free(&line);
}

static void print_summary(const struct dead_summary *summary)
{
    printf("%s%llu dead letters\n", summary->count > 0 ? "\n" : "",
           (unsigned long long)summary->count);
    for (size_t i = 0; i < summary->group_count; i++)
        print_group(&summary->groups[i]);
    if (summary->others > 0)
        printf("%llu of other types\n", (unsigned long long)summary->others);
}

static json_t *json_group(const struct dead_group *group)
{
    return json_pack("{s:I, s:s, s:s, s:s}", "count", (json_int_t)group->count, "type", group->type,
                     "example", group->words, "id", group->id);
}

static void print_summary_json(const struct dead_summary *summary)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < summary->group_count; i++)
        json_array_append_new(groups, json_group(&summary->groups[i]));
    char *text = json_dumps(groups, 0);
    printf("%s], \"count\": %llu, \"others\": %llu, \"groups\": %s}\n",
           summary->count > 0 ? "\n" : "", (unsigned long long)summary->count,
           (unsigned long long)summary->others, text != NULL ? text : "[]");
    free(text);
    json_decref(groups);
}

static bool list_letters(const struct options *o, struct spool *s, struct dead_summary *summary,
                         struct error *err)
{
    struct listing listing = {o->json, 0, summary};
    *summary = (struct dead_summary){.count = 0};
    if (o->json)
        fputs("{\"letters\": [", stdout);
    if (!letters_each(s, list_letter, &listing, err))
        return false;
    dead_summary_sort(summary);
    if (o->json)
        print_summary_json(summary);
    else
        print_summary(summary);
    return true;
}

int command_dead_list(struct options *o)
{
    struct spool *s = NULL;
    struct error err = {.kind = ERROR_NONE};
    struct dead_summary *summary = malloc(sizeof *summary);
    bool ok = summary != NULL ? command_open_spool(o, SPOOL_READER, &s, &err) &&
                                    list_letters(o, s, summary, &err)
                              : error_set_memory(&err);
    fflush(stdout);
    spool_close(s);
    free(summary);
    return ok ? 0 : command_failed(&err);
}

/* --- show --- */

struct search {
    struct buffer id; // as JSON
    uint64_t found;
};

static void print_line_start(unsigned depth)
{
    printf("\n%*s", (int)(2 * depth), "");
}

/* Print JSON, a line for each value; its bytes stay as they are, so no digit changes. */
static void print_indented(struct slice json)
{
    unsigned depth = 0;
    bool is_in_string = false, is_escaped = false;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.data[i];
        bool is_mark = !is_in_string && strchr("{}[],:", c) != NULL;
        if (c == '"' && !is_escaped)
            is_in_string = !is_in_string;
        is_escaped = is_in_string && c == '\\' && !is_escaped;
        if (is_mark && strchr("}]", c) != NULL)
            print_line_start(--depth);
        putchar(c);
        if (is_mark && strchr("{[", c) != NULL)
            print_line_start(++depth);
        else if (is_mark && c == ',')
            print_line_start(depth);
        else if (is_mark && c == ':')
            putchar(' ');
    }
    putchar('\n');
}

static bool show_letter(const struct dead_letter *letter, void *context, struct error *err)
{
    struct search *search = context;
    if (!slice_equal(letter->id, buffer_slice(&search->id)))
        return true;
    print_indented(letter->line);
    search->found++;
    return !ferror(stdout) || error_set(err, ERROR_DISK, "standard output can't be written");
}

int command_dead_show(struct options *o)
{
    struct spool *s = NULL;
    struct error err = {.kind = ERROR_NONE};
    struct search search = {.found = 0};
    buffer_init(&search.id, SIZE_MAX);
    bool is_asked = o->id != NULL && o->job.spool != NULL;
    bool ok = is_asked ? command_open_spool(o, SPOOL_READER, &s, &err)
                       : error_set(&err, ERROR_USAGE, "say which: bobbin dead show SPOOL ID");
    if (ok && json_append_string(&search.id, slice_of(o->id)) != NULL)
        ok = error_set(&err, ERROR_USAGE, "the id is no UTF-8");
    ok = ok && letters_each(s, show_letter, &search, &err);
    if (ok && search.found == 0)
        ok = error_set(&err, ERROR_USAGE, "spool %s has no dead letter of id %s", o->job.spool,
                       o->id);
    fflush(stdout);
    spool_close(s);
    buffer_free(&search.id);
    return ok ? 0 : command_failed(&err);
}

/* --- retry and drop --- */

int command_dead_retry(struct options *o)
{
    bool has_source = o->job.table != NULL || o->job.query_file != NULL;
    o->job.retries_dead = true;
    return command_run(o, has_source ? SPOOL_DUMP | SPOOL_REPLAY : SPOOL_REPLAY);
}

int command_dead_drop(struct options *o)
{
    struct spool *s = NULL;
    struct index_job job;
    struct error err = {.kind = ERROR_NONE};
    uint64_t dropped;
    bool ok = command_open_spool(o, SPOOL_REPLAY, &s, &err) && letters_drop(s, &dropped, &err) &&
              spool_get_job(s, &job, &err);
    spool_close(s);
    if (!ok)
        return command_failed(&err);
    log_message(LOG_INFO, "%llu dead letters are given up", (unsigned long long)dropped);
    command_print_ledger(&job);
    return 0;
}
