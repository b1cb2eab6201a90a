/* look.c: see look.h. */
#include "index/look.h"

#define OWNER "bobbin"

bool look_check_name(const char *name, struct error *err)
{
    if (name[0] == '\0' || name[0] == '_' || name[0] == '-' || strpbrk(name, "*?,") != NULL)
        return error_set(err, ERROR_CONFIG, "index \"%s\" is a pattern or a list: name one index",
                         name);
    return true;
}

/* What belongs to the index comes into L's fields. */
static void take_index(struct look *l)
{
    void *only = json_object_iter(l->json);
    if (json_object_size(l->json) != 1)
        return;
    l->name = json_object_iter_key(only);
    l->index = json_object_iter_value(only);
    l->settings = json_object_get(l->index, "settings");
    l->mappings = json_object_get(l->index, "mappings");
    l->aliases = json_object_get(l->index, "aliases");
}

bool look_at(struct question_hosts *hosts, const char *name, struct look *l, struct error *err)
{
    struct question_answer a;
    const struct ask ask = {.method = "GET",
                            .index = name,
                            .after = "?flat_settings=true",
                            .answers = {404},
                            .privilege = "view_index_metadata"};
    *l = (struct look){.asked = name};
    if (!look_check_name(name, err))
        return false;
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(hosts, &ask, &a, err);
    bool is_missing = a.status == 404 && question_has_error(&a, "index_not_found_exception");
    if (ok && !is_missing && (a.status != 200 || !json_is_object(a.json)))
        ok = error_set(err, ERROR_CONFIG,
                       "index %s: the cluster answers %d, as no search engine does: check --url",
                       name, a.status);
    if (ok)
        l->json = is_missing ? json_object() : json_incref(a.json);
    question_answer_free(&a);
    take_index(l);
    return ok;
}

bool look_check_is_index(const struct look *l, struct error *err)
{
    if (look_is_missing(l))
        return error_set(err, ERROR_CONFIG, "index %s does not exist", l->asked);
    if (look_is_other_name(l))
        return error_set(err, ERROR_CONFIG,
                         "%s is the name of an alias or a data stream, such as of %s: name the "
                         "index itself",
                         l->asked, json_object_iter_key(json_object_iter(l->json)));
    return json_object_get(l->index, "data_stream") == NULL ||
           error_set(err, ERROR_CONFIG, "index %s belongs to data stream %s: it stays alone",
                     l->asked, json_string_value(json_object_get(l->index, "data_stream")));
}

bool look_at_index(struct question_hosts *hosts, const char *name, struct look *l,
                   struct error *err)
{
    return look_at(hosts, name, l, err) && look_check_is_index(l, err);
}

void look_free(struct look *l)
{
    json_decref(l->json);
    *l = (struct look){.json = NULL};
}

bool look_is_missing(const struct look *l)
{
    return json_object_size(l->json) == 0;
}

bool look_is_other_name(const struct look *l)
{
    return !look_is_missing(l) && (l->name == NULL || strcmp(l->name, l->asked) != 0);
}

const char *look_uuid(const struct look *l)
{
    const char *uuid = json_string_value(json_object_get(l->settings, "index.uuid"));
    return uuid != NULL ? uuid : "";
}

/* --- notes --- */

static json_t *notes_of(const json_t *mappings)
{
    return json_object_get(json_object_get(mappings, "_meta"), OWNER);
}

json_t *look_note(const struct look *l, const char *name)
{
    return json_object_get(notes_of(l->mappings), name);
}

/* The object that OBJECT's member NAME is; one that is missing, or something else, is made. */
static json_t *object_in(json_t *object, const char *name)
{
    json_t *member = json_object_get(object, name);
    if (json_is_object(member))
        return member;
    return json_object_set_new(object, name, json_object()) == 0 ? json_object_get(object, name)
                                                                 : NULL;
}

bool look_put_first_note(json_t *mappings, const char *name, json_t *value)
{
    json_t *notes = object_in(object_in(mappings, "_meta"), OWNER);
    return json_object_set_new(notes, name, value) == 0;
}

/* META with the note, or without it: a new reference. */
static json_t *change_meta(const json_t *meta, const char *name, json_t *value)
{
    json_t *changed = meta != NULL ? json_deep_copy(meta) : json_object();
    json_t *notes = object_in(changed, OWNER);
    if (value != NULL && json_object_set(notes, name, value) != 0) {
        json_decref(changed);
        return NULL;
    }
    if (value == NULL)
        json_object_del(notes, name);
    if (json_object_size(notes) == 0)
        json_object_del(changed, OWNER);
    return changed;
}

bool look_put_note(struct question_hosts *hosts, struct look *l, const char *name, json_t *value,
                   struct error *err)
{
    json_t *meta = change_meta(json_object_get(l->mappings, "_meta"), name, value);
    json_t *body = json_pack("{s:O}", "_meta", meta);
    const struct ask ask = {.method = "PUT",
                            .index = l->name,
                            .after = "/_mapping",
                            .body = body,
                            .privilege = "manage"};
    bool ok = body != NULL ? ask_for_change(hosts, &ask, err) : error_set_memory(err);
    if (ok && json_object_set(object_in(l->index, "mappings"), "_meta", meta) != 0)
        ok = error_set_memory(err);
    take_index(l);
    json_decref(body);
    json_decref(meta);
    json_decref(value);
    return ok;
}
