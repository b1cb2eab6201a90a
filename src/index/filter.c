/* filter.c: an index copied into another one, without the documents that hold one of many terms. See steps.h.
 *
 * The new index is created with a note of what it is copied from and what is left out, and the task that copies is
 * noted before it is waited for. Whatever dies, the same command goes on: the task is found by the note, or
 * among those that run; one that is lost (its node was started anew) is followed by another. Documents are
 * only created, never overwritten or deleted, so what a lost task has copied stays, and a second task beside the
 * first does no harm. That all is there is counted in the end, not believed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/stop.h"
#include "index/fields.h"
#include "index/filter_note.h"
#include "index/loading.h"
#include "index/reindex.h"
#include "index/settings.h"
#include "index/steps.h"
#include "index/terms.h"

enum { POLL_MIN_MS = 100, POLL_MAX_MS = 5000, REPORT_MS = 10000 };

struct filter {
    struct steps *steps;
    const char *source, *into;
    struct look from, to;
    json_t *clauses; // for documents that are left out
    struct reindex reindex;
    struct filter_note note; // of `to`, as it should be
};

static bool write_note(struct filter *f, struct error *err)
{
    return look_put_note(&f->steps->hosts, &f->to, FILTER_NOTE, filter_json_of_note(&f->note), err);
}

/* --- what is left out --- */

static bool hash_query(struct filter *f, struct error *err)
{
    char *text = json_dumps(f->reindex.query, JSON_COMPACT);
    if (text == NULL)
        return error_set_memory(err);
    snprintf(f->note.query, sizeof f->note.query, "%016" PRIx64,
             (uint64_t)XXH3_64bits(text, strlen(text)));
    free(text);
    return true;
}

/* How many terms a clause may have: the source's own setting counts. */
static size_t terms_of_a_clause(const struct filter *f)
{
    json_t *set = json_object_get(f->from.settings, "index.max_terms_count");
    const char *text = json_string_value(set);
    unsigned long most = text != NULL ? strtoul(text, NULL, 10) : 0;
    return most > 0 ? most : TERMS_CLAUSE_MAX;
}

static bool read_terms(struct filter *f, struct error *err)
{
    const struct step_options *o = f->steps->options;
    json_t *terms;
    if (!terms_read(o->terms, f->steps->job, &terms, err))
        return false;
    bool ok = fields_check(&f->steps->hosts, f->source, o->fields, terms_count_odd(terms), err);
    f->clauses = ok ? terms_clauses(terms, o->fields, terms_of_a_clause(f)) : NULL;
    json_decref(terms);
    if (!ok)
        return false;
    f->reindex.query = json_pack("{s:{s:O}}", "bool", "must_not", f->clauses);
    return f->reindex.query != NULL ? hash_query(f, err) : error_set_memory(err);
}

/* --- the new index --- */

/* The source's settings as they are when it isn't loaded. */
static json_t *own_settings(const struct filter *f)
{
    json_t *settings = settings_to_copy(f->from.settings);
    json_t *replaced = look_note(&f->from, LOADING_NOTE);
    const char *name;
    json_t *value;
    json_object_foreach(replaced, name, value)
    {
        if (json_is_null(value))
            json_object_del(settings, name);
        else
            json_object_set(settings, name, value);
    }
    return settings;
}

static json_t *make_body(const struct filter *f)
{
    json_t *mappings = f->from.mappings != NULL ? json_deep_copy(f->from.mappings) : json_object();
    json_object_del(json_object_get(mappings, "_meta"), "bobbin");
    if (!look_put_first_note(mappings, FILTER_NOTE, filter_json_of_note(&f->note))) {
        json_decref(mappings);
        return NULL;
    }
    return json_pack("{s:o, s:o}", "settings", own_settings(f), "mappings", mappings);
}

static bool create_into(struct filter *f, struct error *err)
{
    struct question_hosts *hosts = &f->steps->hosts;
    bool is_created = false;
    json_t *body = make_body(f);
    bool ok = body != NULL
                  ? loading_tune_body(hosts, f->into, body, f->steps->options->is_async, err)
                  : error_set_memory(err);
    ok = ok && loading_create(hosts, f->into, body, &is_created, err);
    json_decref(body);
    if (ok && is_created)
        log_message(LOG_INFO, "created index %s, as %s, with settings for loading", f->into,
                    f->source);
    fault_point("filter-created");
    look_free(&f->to);
    return ok && look_at_index(hosts, f->into, &f->to, err);
}

/* Is it made by the same filter? Its task and its end are taken over. */
static bool take_note(struct filter *f, struct error *err)
{
    struct filter_note found;
    struct filter_note *wanted = &f->note;
    filter_read_note(&f->to, &found);
    if (!found.is_made)
        return error_set(err, ERROR_CONFIG,
                         "index %s is there already, and no filter made it: choose another --into, "
                         "or delete it",
                         f->into);
    if (strcmp(found.source, wanted->source) != 0 ||
        strcmp(found.source_uuid, wanted->source_uuid) != 0 ||
        strcmp(found.query, wanted->query) != 0)
        return error_set(err, ERROR_CONFIG,
                         "index %s is filtered from another index, or by other terms or fields: "
                         "delete it, and filter again",
                         f->into);
    *wanted = found;
    return true;
}

static bool ensure_into(struct filter *f, struct error *err)
{
    if (!look_at(&f->steps->hosts, f->into, &f->to, err))
        return false;
    if (look_is_missing(&f->to) && !create_into(f, err))
        return false;
    return look_check_is_index(&f->to, err) && take_note(f, err);
}

/* --- copying --- */

static bool begin_task(struct filter *f, struct error *err)
{
    if (!step_refresh(f->steps, f->source, err) ||
        !reindex_start(&f->steps->hosts, &f->reindex, f->note.task, err))
        return false;
    fault_point("filter-started");
    log_message(LOG_INFO, "the cluster's task %s copies from index %s to %s", f->note.task,
                f->source, f->into);
    return write_note(f, err);
}

/* The task that was noted by an earlier run, or a new one. */
static bool find_task(struct filter *f, struct error *err)
{
    struct reindex_status status = {.is_known = false};
    if (f->note.task[0] != '\0' &&
        !reindex_look(&f->steps->hosts, &f->reindex, f->note.task, &status, err))
        return false;
    if (status.is_known && !status.has_failed)
        return true;
    if (f->note.task[0] != '\0')
        log_message(LOG_WARNING, "task %s %s: another one copies what is missing", f->note.task,
                    status.is_known ? "has failed" : "is lost");
    return begin_task(f, err);
}

static bool judge_end(const struct filter *f, const struct reindex_status *status,
                      struct error *err)
{
    if (!status->is_known)
        return error_set(err, ERROR_UNAVAILABLE,
                         "task %s is lost (was its node started anew?): run the same command again",
                         f->note.task);
    if (!status->has_failed)
        return true;
    error_set(err, status->may_pass ? ERROR_UNAVAILABLE : ERROR_DIFFERENT, "task %s failed: %s",
              f->note.task, status->failure);
    if (status->failures > 1)
        error_hint(err, "and %" PRIu64 " more", status->failures - 1);
    return error_hint(err, "run the same command again: it copies what is missing");
}

static void report(const struct filter *f, const struct reindex_status *status, int64_t *due_ms)
{
    int64_t now = clock_monotonic_ms();
    if (now < *due_ms)
        return;
    *due_ms = now + REPORT_MS;
    log_message(LOG_INFO, "index %s: %" PRIu64 " of %" PRIu64 " documents are copied", f->into,
                status->created + status->there, status->total);
}

static bool wait_for_task(struct filter *f, struct error *err)
{
    struct reindex_status status = {.is_known = true};
    int64_t due_ms = clock_monotonic_ms() + REPORT_MS;
    for (int ms = POLL_MIN_MS; !status.is_completed;
         ms = ms < POLL_MAX_MS / 2 ? 2 * ms : POLL_MAX_MS) {
        if (!reindex_look(&f->steps->hosts, &f->reindex, f->note.task, &status, err))
            return false;
        if (!status.is_known)
            break;
        report(f, &status, &due_ms);
        if (!status.is_completed && stop_wait(ms))
            return error_set(err, ERROR_STOPPED, "stopped while the cluster copies");
    }
    return judge_end(f, &status, err);
}

static bool copy(struct filter *f, struct error *err)
{
    if (find_task(f, err) && wait_for_task(f, err))
        return true;
    if (err->kind == ERROR_STOPPED && f->note.task[0] != '\0')
        error_hint(err, "task %s goes on: the same command waits for it", f->note.task);
    return false;
}

/* --- counting --- */

static bool count_left_out(struct filter *f, uint64_t *count, struct error *err)
{
    struct question_answer a;
    json_t *body = json_pack("{s:{s:{s:O, s:i}}}", "query", "bool", "should", f->clauses,
                             "minimum_should_match", 1);
    const struct ask ask = {.method = "POST",
                            .index = f->source,
                            .after = "/_count",
                            .body = body,
                            .privilege = "read"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = body != NULL ? ask_cluster(&f->steps->hosts, &ask, &a, err) : error_set_memory(err);
    json_t *number = json_object_get(a.json, "count");
    json_t *failed = json_object_get(json_object_get(a.json, "_shards"), "failed");
    if (ok && (!json_is_integer(number) || json_integer_value(failed) != 0))
        ok = error_set(err, ERROR_UNAVAILABLE,
                       "index %s: some of its shards did not answer; run the same command again",
                       f->source);
    *count = (uint64_t)json_integer_value(number);
    question_answer_free(&a);
    json_decref(body);
    return ok;
}

static bool count(struct filter *f, struct step_filtered *out, struct error *err)
{
    struct step_counts source, into;
    if (!step_refresh(f->steps, f->source, err) || !step_refresh(f->steps, f->into, err) ||
        !step_count_documents(f->steps, f->source, &source, err) ||
        !count_left_out(f, &out->left_out, err) ||
        !step_count_documents(f->steps, f->into, &into, err))
        return false;
    out->source = source.documents;
    out->documents = into.documents;
    return true;
}

static bool conclude(struct filter *f, const struct step_filtered *out, struct error *err)
{
    if (out->source == out->left_out + out->documents) {
        f->note.is_done = true;
        f->note.documents = out->documents;
        f->note.left_out = out->left_out;
        return write_note(f, err);
    }
    f->note.is_done = false;
    f->note.task[0] = '\0'; // so that the next run copies again
    return write_note(f, err) &&
           error_set(err, ERROR_DIFFERENT,
                     "index %s has %" PRIu64 " documents, %" PRIu64 " of which are left out, and "
                     "index %s has %" PRIu64
                     ": run the same command again, which copies what is missing; "
                     "when it has too many, delete it first",
                     f->source, out->source, out->left_out, f->into, out->documents);
}

/* --- all of it --- */

static bool check_options(const struct step_options *o, const char *index, struct error *err)
{
    const char *missing = o->into == NULL        ? "into"
                          : o->fields[0] == NULL ? "fields"
                          : o->terms == NULL     ? "terms"
                                                 : NULL;
    if (missing != NULL)
        return error_set(err, ERROR_USAGE, "--%s is missing", missing);
    return strcmp(o->into, index) != 0 ||
           error_set(err, ERROR_USAGE, "--into %s is the index that is filtered", index);
}

/* An alias is the name of the one index that it stands for now. */
static bool look_at_source(struct filter *f, struct error *err)
{
    if (!look_at(&f->steps->hosts, f->source, &f->from, err))
        return false;
    if (look_is_other_name(&f->from) && f->from.aliases != NULL &&
        json_object_get(f->from.aliases, f->source) != NULL)
        f->source = f->from.asked = f->from.name;
    return look_check_is_index(&f->from, err);
}

static bool open_source(struct filter *f, struct error *err)
{
    if (!look_at_source(f, err))
        return false;
    snprintf(f->note.source, sizeof f->note.source, "%s", f->source);
    snprintf(f->note.source_uuid, sizeof f->note.source_uuid, "%s", look_uuid(&f->from));
    f->note.is_made = true;
    f->reindex = (struct reindex){.source = f->source,
                                  .into = f->into,
                                  .requests_per_second = f->steps->options->requests_per_second};
    return reindex_check(&f->steps->hosts, &f->reindex, err) && read_terms(f, err);
}

static bool filter(struct filter *f, struct step_filtered *out, struct error *err)
{
    if (!open_source(f, err) || !ensure_into(f, err))
        return false;
    if (f->note.is_done)
        log_message(LOG_INFO, "index %s is filtered already", f->into);
    return (f->note.is_done || copy(f, err)) && count(f, out, err) && conclude(f, out, err);
}

bool step_filter(struct steps *s, const char *index, struct step_filtered *out, struct error *err)
{
    struct filter f = {.steps = s, .source = index, .into = s->options->into};
    *out = (struct step_filtered){.source = 0};
    bool ok = check_options(s->options, index, err) && filter(&f, out, err);
    json_decref(f.clauses);
    json_decref(f.reindex.query);
    look_free(&f.from);
    look_free(&f.to);
    return ok;
}
