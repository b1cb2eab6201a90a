/* cmd_index.c: index create, tune, refresh, count, restore, filter, promote and delete. */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/commands.h"

static bool count(struct steps *s, const struct options *o, struct error *err)
{
    struct step_counts c;
    const char *index = o->job.index;
    if (!step_count(s, index, &c, err))
        return false;
    if (o->json)
        command_print_json(json_pack("{s:I, s:I, s:I}", "query", (json_int_t)c.rows, "index",
                                     (json_int_t)c.documents, "left_out", (json_int_t)c.left_out),
                           JSON_COMPACT);
    else
        printf("query %" PRIu64 " documents, index %" PRIu64 ", left out %" PRIu64 "\n", c.rows,
               c.documents, c.left_out);
    return step_check_counts(&c, index, err);
}

static bool filter(struct steps *s, const struct options *o, struct error *err)
{
    struct step_filtered f;
    bool ok = step_filter(s, o->job.index, &f, err);
    if (!ok &&
        (err->kind != ERROR_DIFFERENT || f.source == 0)) // 0: the task failed before the counts
        return false;
    if (o->json)
        command_print_json(json_pack("{s:I, s:I, s:I}", "source", (json_int_t)f.source, "left_out",
                                     (json_int_t)f.left_out, "index", (json_int_t)f.documents),
                           JSON_COMPACT);
    else
        printf("source %" PRIu64 " documents, left out %" PRIu64 ", index %" PRIu64 "\n", f.source,
               f.left_out, f.documents);
    return ok;
}

static bool do_step(enum command command, struct steps *s, const struct options *o,
                    struct error *err)
{
    const char *index = o->job.index;
    switch (command) {
    case COMMAND_INDEX_CREATE:
        return step_create(s, index, err);
    case COMMAND_INDEX_TUNE:
        return step_tune(s, index, err);
    case COMMAND_INDEX_REFRESH:
        return step_refresh(s, index, err);
    case COMMAND_INDEX_COUNT:
        return count(s, o, err);
    case COMMAND_INDEX_RESTORE:
        return step_restore(s, index, err);
    case COMMAND_INDEX_FILTER:
        return filter(s, o, err);
    case COMMAND_INDEX_PROMOTE:
        return step_promote(s, index, err);
    default:
        return o->step.replaced_by != NULL
                   ? step_delete_replaced(s, o->step.replaced_by, NULL, NULL, err)
                   : step_delete(s, index, err);
    }
}

/* The index, or those that another has replaced. */
static bool check_index(const struct options *o, struct error *err)
{
    if (o->step.replaced_by == NULL)
        return command_is_given("index", o->job.index, err);
    return o->job.index == NULL ||
           error_set(err, ERROR_USAGE, "give an index to delete, or --replaced-by: one of both");
}

static bool check(enum command command, const struct job_options *o, struct error *err)
{
    bool counts = command == COMMAND_INDEX_COUNT || command == COMMAND_INDEX_PROMOTE;
    return command_check_urls(o, err) && (!counts || command_check_query(o, err));
}

int command_index(enum command command, struct options *o)
{
    struct steps s = {.job = NULL};
    struct error err = {.kind = ERROR_NONE};
    bool ok = check_index(o, &err) && check(command, &o->job, &err) &&
              steps_open(&s, &o->job, &o->step, &err) && do_step(command, &s, o, &err);
    steps_close(&s);
    return ok ? 0 : command_failed(&err);
}
