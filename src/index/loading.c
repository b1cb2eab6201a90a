/* loading.c: create, tune and restore: settings that make loading fast, and their end. See steps.h.
 *
 * What is replaced is noted in the index (look.h) before it is, or with it: so no kill can come between. */
#include "index/loading.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "index/settings.h"
#include "index/steps.h"

enum { BODY_MAX_BYTES = 16 << 20 };

/* --- create --- */

static bool read_body(const char *path, json_t **body, struct error *err)
{
    struct buffer text;
    json_error_t where;
    buffer_init(&text, BODY_MAX_BYTES);
    bool ok = file_read_whole(path, &text, err);
    *body = ok ? json_loadb(text.data, text.size, 0, &where) : NULL;
    buffer_free(&text);
    if (ok && *body == NULL)
        return error_set(err, ERROR_CONFIG, "%s is no JSON: line %d: %s", path, where.line,
                         where.text);
    if (ok && !json_is_object(*body)) {
        json_decref(*body);
        *body = NULL;
        return error_set(err, ERROR_CONFIG, "%s is no JSON object", path);
    }
    return ok;
}

/* The flat settings that the cluster's index template for INDEX brings; NULL: none, or the user may not ask. */
static bool ask_template(struct question_hosts *hosts, const char *index, json_t **flat,
                         struct error *err)
{
    struct question_answer a;
    const struct ask ask = {.method = "POST",
                            .before = "/_index_template/_simulate_index/",
                            .index = index,
                            .answers = {400, 403, 404, 405},
                            .privilege = "manage_index_templates"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    json_t *template = json_object_get(a.json, "template");
    json_t *settings = ok ? json_object_get(template, "settings") : NULL;
    *flat = settings != NULL ? settings_flatten(settings) : NULL;
    if (ok && a.status == 403)
        log_message(LOG_WARNING,
                    "index %s: the user may not ask for index templates (manage_index_templates): "
                    "a number of replicas that one has will not be restored",
                    index);
    question_answer_free(&a);
    return ok;
}

/* LOADING over FLAT becomes BODY's settings, and what it replaces its note. */
static bool put_loading(json_t *body, json_t *flat, json_t *otherwise, bool is_async)
{
    json_t *loading = settings_for_loading(flat, is_async);
    json_t *note = settings_to_restore(loading, flat, otherwise);
    json_t *mappings = json_object_get(body, "mappings");
    if (mappings == NULL && json_object_set_new(body, "mappings", json_object()) == 0)
        mappings = json_object_get(body, "mappings");
    bool ok = note != NULL && json_object_update(flat, loading) == 0 &&
              json_object_set(body, "settings", flat) == 0 &&
              look_put_first_note(mappings, LOADING_NOTE, json_incref(note));
    json_decref(loading);
    json_decref(note);
    return ok;
}

bool loading_tune_body(struct question_hosts *hosts, const char *index, json_t *body, bool is_async,
                       struct error *err)
{
    json_t *otherwise = NULL;
    json_t *settings = json_object_get(body, "settings");
    json_t *flat = settings != NULL ? settings_flatten(settings) : json_object();
    bool ok = ask_template(hosts, index, &otherwise, err);
    if (ok && (flat == NULL || !put_loading(body, flat, otherwise, is_async)))
        ok = error_set_memory(err);
    json_decref(flat);
    json_decref(otherwise);
    return ok;
}

bool loading_create(struct question_hosts *hosts, const char *index, const json_t *body,
                    bool *is_created, struct error *err)
{
    struct question_answer a;
    const struct ask ask = {.method = "PUT",
                            .index = index,
                            .body = body,
                            .answers = {400},
                            .privilege = "create_index"};
    const struct question q = {.index = index, .privilege = ask.privilege};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    if (ok && json_is_false(json_object_get(a.json, "acknowledged")))
        ok = error_set(err, ERROR_UNAVAILABLE,
                       "not all nodes know of it yet: run the same command "
                       "again");
    *is_created = ok && a.status != 400;
    if (ok && !*is_created && !question_has_error(&a, "resource_already_exists_exception"))
        ok = question_refused(&q, hosts->urls[hosts->next], &a, err);
    question_answer_free(&a);
    return ok || error_wrap(err, "index %s can't be created", index);
}

/* It was there already: by an earlier try of ours? */
static bool check_is_ours(struct steps *s, const char *index, struct error *err)
{
    struct look l;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    if (ok && look_note(&l, LOADING_NOTE) == NULL)
        ok = error_set(err, ERROR_CONFIG,
                       "index %s is there already, and not for loading: to load into it, bobbin "
                       "index tune; to make it anew, bobbin index delete",
                       index);
    look_free(&l);
    if (ok)
        log_message(LOG_INFO, "index %s is there already, with its settings for loading", index);
    return ok;
}

bool step_create(struct steps *s, const char *index, struct error *err)
{
    return step_create_noted(s, index, NULL, NULL, err);
}

static bool put_note(json_t *body, const char *name, json_t *value, struct error *err)
{
    return name == NULL ||
           look_put_first_note(json_object_get(body, "mappings"), name, json_incref(value)) ||
           error_set_memory(err);
}

bool step_create_noted(struct steps *s, const char *index, const char *name, json_t *value,
                       struct error *err)
{
    json_t *body;
    bool is_created = false;
    if (s->job->create_index == NULL)
        return error_set(err, ERROR_USAGE, "--create-index is missing");
    if (!look_check_name(index, err) || !read_body(s->job->create_index, &body, err))
        return false;
    if (json_object_size(json_object_get(body, "aliases")) > 0)
        log_message(LOG_WARNING,
                    "%s has aliases: searches see index %s from now on, before it has documents",
                    s->job->create_index, index);
    bool ok = loading_tune_body(&s->hosts, index, body, s->options->is_async, err) &&
              put_note(body, name, value, err) &&
              loading_create(&s->hosts, index, body, &is_created, err);
    json_decref(body);
    fault_point("step-created");
    if (ok && is_created)
        log_message(LOG_INFO, "created index %s, with settings for loading", index);
    return ok && (is_created || check_is_ours(s, index, err));
}

/* --- tune --- */

static bool put_settings(struct steps *s, const char *index, const json_t *settings,
                         struct error *err)
{
    const struct ask ask = {.method = "PUT",
                            .index = index,
                            .after = "/_settings",
                            .body = settings,
                            .privilege = "manage"};
    return ask_for_change(&s->hosts, &ask, err);
}

/* What LOADING replaces is noted, unless it is already: then the index has what an earlier LOADING set. */
static bool note_replaced(struct steps *s, struct look *l, json_t *loading, struct error *err)
{
    json_t *old = look_note(l, LOADING_NOTE);
    json_t *note = settings_to_restore(loading, l->settings, NULL);
    if (note == NULL || (old != NULL && json_object_update(note, old) != 0)) {
        json_decref(note);
        return error_set_memory(err);
    }
    if (old == NULL || !json_equal(old, note))
        return look_put_note(&s->hosts, l, LOADING_NOTE, note, err);
    json_decref(note);
    return true;
}

bool step_tune(struct steps *s, const char *index, struct error *err)
{
    struct look l;
    json_t *loading = NULL;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    if (ok && (loading = settings_for_loading(l.settings, s->options->is_async)) == NULL)
        ok = error_set_memory(err);
    ok = ok && note_replaced(s, &l, loading, err);
    fault_point("step-noted");
    ok = ok && put_settings(s, index, loading, err);
    if (ok)
        log_message(LOG_INFO, "index %s has its settings for loading", index);
    json_decref(loading);
    look_free(&l);
    return ok;
}

/* --- restore --- */

static bool bring_back(struct steps *s, const char *index, json_t *note, struct error *err)
{
    if (note == NULL) {
        log_message(LOG_INFO, "index %s has no settings for loading: nothing to restore", index);
        return true;
    }
    // With an asynchronous translog the last seconds may not be on disk.
    return put_settings(s, index, note, err) &&
           (!settings_need_flush(note) || ask_to_flush(&s->hosts, index, err));
}

bool step_restore(struct steps *s, const char *index, struct error *err)
{
    struct look l;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    json_t *note = ok ? look_note(&l, LOADING_NOTE) : NULL;
    ok = ok && bring_back(s, index, note, err);
    fault_point("step-restored");
    ok = ok && step_wait(s, index, err);
    if (ok && note != NULL) {
        ok = look_put_note(&s->hosts, &l, LOADING_NOTE, NULL, err);
        if (ok)
            log_message(LOG_INFO, "index %s has its own settings again", index);
    }
    look_free(&l);
    return ok;
}

bool step_is_tuned(struct steps *s, const char *index, bool *is_tuned, struct error *err)
{
    struct look l;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    *is_tuned = ok && look_note(&l, LOADING_NOTE) != NULL;
    look_free(&l);
    return ok;
}
