/* promote.c: let an alias stand for the new index, when that is complete. See steps.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "index/filter_note.h"
#include "index/loading.h"
#include "index/look.h"
#include "index/steps.h"

struct promotion {
    struct steps *steps;
    const char *index;
    const char *alias;
    struct look now; // what stands behind the alias
    struct look new; // the index
};

/* --- is it complete? --- */

static bool has_query(const struct steps *s)
{
    return s->job->table != NULL || s->job->query_file != NULL;
}

static bool judge_job(struct spool *s, const char *path, const char *index, struct error *err)
{
    struct index_job job;
    struct buffer text;
    buffer_init(&text, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = spool_get_description(s, &text, err) && spool_get_job(s, &job, err);
    char *name = ok ? job_index_of(buffer_string(&text), "") : NULL;
    buffer_free(&text);
    if (ok && name == NULL)
        ok = error_set_memory(err);
    else if (ok && strcmp(name, index) != 0)
        ok = error_set(err, ERROR_CONFIG, "spool %s: its job is for index %s, not %s", path, name,
                       index);
    else if (ok && job.finished_ms == 0)
        ok = error_set(err, ERROR_DIFFERENT,
                       "spool %s: its job is not finished: %" PRIu64
                       " documents are pending%s; bobbin run goes on with it",
                       path, job.pending, job.dumped_ms == 0 ? ", and rows are to be read" : "");
    else if (ok && job.dead + job.dropped > 0)
        ok = error_set(err, ERROR_DEAD_LETTERS,
                       "spool %s: %" PRIu64 " documents of index %s were refused%s; bobbin dead "
                       "list shows them",
                       path, job.dead + job.dropped, index, job.dead == 0 ? " and given up" : "");
    free(name);
    return ok;
}

static bool check_spool(const struct promotion *p, const char *index, struct error *err)
{
    const char *path = p->steps->job->spool;
    struct spool_options options = {.path = path, .roles = SPOOL_READER};
    struct spool *s = NULL;
    if (path == NULL)
        return true;
    bool ok = spool_open(&s, &options, NULL, err);
    if (ok && spool_is_new(s))
        ok = error_set(err, ERROR_CONFIG, "spool %s: there is none", path);
    ok = ok && judge_job(s, path, index, err);
    spool_close(s);
    return ok;
}

static bool check_filter(const struct promotion *p, const struct filter_note *note,
                         uint64_t documents, struct error *err)
{
    if (!note->is_done)
        return error_set(err, ERROR_DIFFERENT,
                         "index %s is not filtered to its end: bobbin index filter goes on with it",
                         p->index);
    return documents == note->documents ||
           error_set(err, ERROR_DIFFERENT,
                     "index %s has %" PRIu64 " documents; its filter left %" PRIu64 " there",
                     p->index, documents, note->documents);
}

static bool check_counts(const struct promotion *p, const struct filter_note *note,
                         struct error *err)
{
    struct step_counts counts;
    if (!has_query(p->steps))
        return (note->is_made || p->steps->job->spool != NULL) ||
               error_set(err, ERROR_USAGE,
                         "is index %s complete? Give --dsn with --table or --query, or --spool, to "
                         "show it; or --even-if-incomplete",
                         p->index);
    return step_count(p->steps, p->index, &counts, err) &&
           step_check_counts(&counts, p->index, err);
}

static bool check_is_restored(const struct promotion *p, struct error *err)
{
    return look_note(&p->new, LOADING_NOTE) == NULL ||
           error_set(err, ERROR_DIFFERENT,
                     "index %s has still its settings for loading, such as no replicas: bobbin "
                     "index restore",
                     p->index);
}

static bool check_complete(const struct promotion *p, uint64_t documents, struct error *err)
{
    struct filter_note note;
    if (p->steps->options->takes_incomplete)
        return true;
    filter_read_note(&p->new, &note);
    bool ok =
        check_is_restored(p, err) && (!note.is_made || check_filter(p, &note, documents, err)) &&
        check_counts(p, &note, err) && check_spool(p, note.is_made ? note.source : p->index, err);
    if (!ok && (err->kind == ERROR_DIFFERENT || err->kind == ERROR_DEAD_LETTERS))
        error_hint(err, "--even-if-incomplete promotes it nevertheless");
    return ok;
}

static bool check_index(const struct promotion *p, struct error *err)
{
    struct step_counts counts;
    if (!step_refresh(p->steps, p->index, err) ||
        !step_count_documents(p->steps, p->index, &counts, err))
        return false;
    if (counts.documents == 0 && !p->steps->options->takes_empty)
        return error_set(err, ERROR_DIFFERENT,
                         "index %s has no documents; --even-if-empty promotes it nevertheless",
                         p->index);
    return check_complete(p, counts.documents, err) && step_wait(p->steps, p->index, err);
}

/* --- the alias --- */

static bool check_alias(const struct promotion *p, struct error *err)
{
    const char *name;
    json_t *index;
    if (json_object_get(p->now.json, p->alias) != NULL)
        return error_set(err, ERROR_CONFIG,
                         "%s is an index, and no alias: an alias can take its name only when it is "
                         "deleted: until then choose another --alias",
                         p->alias);
    json_object_foreach(p->now.json, name, index)
    {
        if (json_object_get(index, "data_stream") != NULL)
            return error_set(err, ERROR_CONFIG, "%s is a data stream, and no alias", p->alias);
    }
    return true;
}

static json_t *alias_in(json_t *index, const char *alias)
{
    return json_object_get(json_object_get(index, "aliases"), alias);
}

/* What the alias is: as its write index has it, else as any has it; NULL: there is none. */
static json_t *find_properties(const struct promotion *p)
{
    const char *name;
    json_t *index, *found = NULL;
    json_object_foreach(p->now.json, name, index)
    {
        json_t *properties = alias_in(index, p->alias);
        if (found == NULL || json_is_true(json_object_get(properties, "is_write_index")))
            found = properties;
    }
    return found;
}

static bool is_promoted(const struct promotion *p)
{
    return json_object_size(p->now.json) == 1 && json_object_get(p->now.json, p->index) != NULL;
}

static json_t *make_actions(const struct promotion *p)
{
    const char *name;
    json_t *index;
    json_t *actions = json_array();
    json_t *add = json_pack("{s:s, s:s}", "index", p->index, "alias", p->alias);
    bool ok =
        json_object_update(add, find_properties(p)) == 0 || json_object_size(p->now.json) == 0;
    json_object_foreach(p->now.json, name, index)
    {
        if (strcmp(name, p->index) != 0)
            ok &= json_array_append_new(actions, json_pack("{s:{s:s, s:s}}", "remove", "index",
                                                           name, "alias", p->alias)) == 0;
    }
    ok &= json_array_append_new(actions, json_pack("{s:o}", "add", add)) == 0;
    if (!ok) {
        json_decref(actions);
        return NULL;
    }
    return json_pack("{s:o}", "actions", actions);
}

static bool move_alias(const struct promotion *p, struct error *err)
{
    json_t *body = make_actions(p);
    const struct ask ask = {.method = "POST",
                            .path = "/_aliases",
                            .index = p->index,
                            .body = body,
                            .privilege = "manage"};
    bool ok = body != NULL ? ask_for_change(&p->steps->hosts, &ask, err) : error_set_memory(err);
    json_decref(body);
    return ok || error_wrap(err, "alias %s", p->alias);
}

/* The indices that lose the alias: afterwards nothing else would tell which of them nobody needs any more. */
static bool note_replaced(struct promotion *p, struct error *err)
{
    const char *name;
    json_t *ignored;
    json_t *names = json_array();
    json_t *old = look_note(&p->new, REPLACED_NOTE);
    json_t *note = old != NULL ? json_deep_copy(old) : json_object();
    bool ok = true;
    json_object_foreach(p->now.json, name, ignored)
    {
        if (strcmp(name, p->index) != 0)
            ok &= json_array_append_new(names, json_string(name)) == 0;
    }
    bool has_none = json_array_size(names) == 0;
    ok &= json_object_set_new(note, p->alias, names) == 0;
    if (!ok || has_none) {
        json_decref(note);
        return ok || error_set_memory(err);
    }
    return look_put_note(&p->steps->hosts, &p->new, REPLACED_NOTE, note, err);
}

static bool promote(struct promotion *p, struct error *err)
{
    struct question_hosts *hosts = &p->steps->hosts;
    if (!look_at(hosts, p->alias, &p->now, err) || !check_alias(p, err) ||
        !look_at_index(hosts, p->index, &p->new, err))
        return false;
    if (is_promoted(p)) {
        log_message(LOG_INFO, "alias %s stands for index %s already", p->alias, p->index);
        return true;
    }
    if (!check_index(p, err) || !note_replaced(p, err) || !move_alias(p, err))
        return false;
    fault_point("step-promoted");
    log_message(LOG_INFO, "alias %s stands for index %s now", p->alias, p->index);
    return true;
}

bool step_promote(struct steps *s, const char *index, struct error *err)
{
    struct promotion p = {.steps = s, .index = index, .alias = s->options->alias};
    if (p.alias == NULL)
        return error_set(err, ERROR_USAGE, "--alias is missing");
    bool ok = promote(&p, err);
    look_free(&p.now);
    look_free(&p.new);
    return ok;
}
