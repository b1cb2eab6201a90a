/* cmd_verify.c: verify: the spool against its index, and the index in the cluster against the query. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/log.h"
#include "cli/commands.h"
#include "encode/json.h"
#include "job/rebuild_index.h"
#include "job/verify.h"
#include "job/verify_target.h"

enum { ID_MAX_BYTES = 1 << 20 };

/* --- the spool --- */

static void print_problem(void *context, const char *problem)
{
    json_t *problems = context;
    if (problems != NULL)
        json_array_append_new(problems, json_string(problem));
    else
        printf("%s\n", problem);
}

/* With --target every JSON object stands on one line, since more follow. */
static bool verify_local(struct options *o, struct spool *s, struct error *err)
{
    struct verify_report report;
    json_t *problems = o->json ? json_array() : NULL;
    bool ok = verify_spool(s, print_problem, problems, &report, err);
    if (ok && o->json)
        command_print_json(json_pack("{s:I, s:I, s:I, s:O}", "segments",
                                     (json_int_t)report.segments, "frames",
                                     (json_int_t)report.frames, "documents",
                                     (json_int_t)report.documents, "problems", problems),
                           o->target ? JSON_COMPACT : JSON_INDENT(2));
    else if (ok)
        printf("%" PRIu64 " segments, %" PRIu64 " frames, %" PRIu64 " documents: %" PRIu64
               " problems\n",
               report.segments, report.frames, report.documents, report.problems);
    json_decref(problems);
    if (ok && report.problems > 0)
        return error_set(err, ERROR_DAMAGED,
                         "spool %s: %" PRIu64 " problems; bobbin run dumps damaged frames again",
                         o->job.spool, report.problems);
    return ok;
}

/* --- the target --- */

/* ID as a JSON string, since it may hold anything; as plain text without the quotes. */
static void print_difference(void *context, const char *name, struct slice id)
{
    const struct options *o = context;
    struct buffer text;
    buffer_init(&text, ID_MAX_BYTES);
    if (json_append_string(&text, id) !=
        NULL) // an index's id is UTF-8, and so is a row's that is none
        buffer_append_string(&text, "\"?\"");
    if (o->json)
        printf("{\"difference\":\"%s\",\"id\":%s}\n", name, buffer_string(&text));
    else
        printf("%s %.*s\n", name, (int)text.size - 2, text.data + 1);
    buffer_free(&text);
}

static void print_report_json(const struct options *o, const struct verify_target_report *r)
{
    json_t *out =
        json_pack("{s:I, s:I}", "query", (json_int_t)r->query, "index", (json_int_t)r->index);
    if (o->job.spool != NULL)
        json_object_set_new(out, "dead", json_integer((json_int_t)r->dead));
    for (int i = 0; o->wish.is_deep && i < JOIN_VERDICTS; i++)
        json_object_set_new(out, verify_difference_name((enum join_verdict)i),
                            json_integer((json_int_t)r->counts.join.verdicts[i]));
    if (o->wish.is_deep) {
        json_object_set_new(out, "partial", json_integer((json_int_t)r->counts.join.partial));
        json_object_set_new(out, "elsewhere", json_integer((json_int_t)r->counts.elsewhere));
    }
    if (o->wish.repairs) {
        json_object_set_new(out, "sent", json_integer((json_int_t)r->sent));
        json_object_set_new(out, "left", json_integer((json_int_t)r->left));
    }
    command_print_json(out, JSON_COMPACT);
}

static void print_report(const struct options *o, const struct verify_target_report *r)
{
    printf("query %" PRIu64 " documents, index %" PRIu64, r->query, r->index);
    if (o->job.spool != NULL)
        printf(", dead letters %" PRIu64, r->dead);
    for (int i = 0; o->wish.is_deep && i < JOIN_VERDICTS; i++)
        printf("%s%" PRIu64 " %s", i == 0 ? ": " : ", ", r->counts.join.verdicts[i],
               verify_difference_name((enum join_verdict)i));
    if (o->wish.repairs)
        printf("; sent %" PRIu64 ", left %" PRIu64, r->sent, r->left);
    putchar('\n');
    if (o->wish.repairs)
        command_print_ledger(&r->job);
}

static bool check_wish(struct options *o, struct error *err)
{
    struct verify_wish *wish = &o->wish;
    if (wish->deletes_extra && !wish->repairs)
        return error_set(err, ERROR_USAGE, "--delete-extra goes with --repair only");
    if (wish->deletes_extra && job_is_part(&o->job))
        return error_set(err, ERROR_USAGE,
                         "--delete-extra goes with all rows only, without --from, --after, --to "
                         "and --shard: the "
                         "index may hold other ranges' documents");
    wish->is_deep |= wish->repairs;
    o->target |= wish->is_deep;
    return !o->target || command_check_options(&o->job, SPOOL_DUMP | SPOOL_REPLAY, err);
}

static bool verify_index(struct options *o, struct spool *s, struct error *err)
{
    struct verify_target_report report;
    bool has_report;
    bool ok = verify_target(&o->job, &o->wish, s, print_difference, o, &report, &has_report, err);
    if (has_report && o->json)
        print_report_json(o, &report);
    else if (has_report)
        print_report(o, &report);
    return ok;
}

static bool rebuild(const struct options *o, struct error *err)
{
    bool is_sound;
    if (!o->rebuild || o->job.spool == NULL)
        return true;
    if (!job_rebuild_index(o->job.spool, &is_sound, err))
        return false;
    if (is_sound)
        log_message(LOG_INFO, "spool %s: the index is sound, and stays", o->job.spool);
    return true;
}

int command_index_verify(struct options *o)
{
    struct error err = {.kind = ERROR_NONE};
    o->wish.is_deep = true;
    bool ok = command_is_given("index", o->job.index, &err) && command_check_urls(&o->job, &err) &&
              command_check_query(&o->job, &err) && verify_index(o, NULL, &err);
    return ok ? 0 : command_failed(&err);
}

int command_verify(struct options *o)
{
    struct spool *s = NULL;
    struct error err = {.kind = ERROR_NONE};
    bool has_rows = true;
    bool ok = command_take_shard(o, &has_rows, &err);
    if (ok && !has_rows)
        return 0;
    ok = ok && check_wish(o, &err) && rebuild(o, &err) &&
         (o->target ? verify_open_spool(&o->job, o->wish.repairs, &s, &err)
                    : command_open_spool(o, SPOOL_READER, &s, &err));
    ok = ok && verify_local(o, s, &err) && (!o->target || verify_index(o, s, &err));
    spool_close(s);
    return ok ? 0 : command_failed(&err);
}
