/* note.c: see note.h. */
#include "refresh/note.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "";
}

const char *note_done(const struct note *n)
{
    return text_of(n->json, "done");
}

void note_free(struct note *n)
{
    free(n->index);
    json_decref(n->json);
    *n = (struct note){.index = NULL};
}

/* --- finding --- */

/* {"INDEX": {"mappings": {"_meta": {"bobbin": {"refresh": ...}}}}} of all indices of that form. */
static bool ask_for_notes(struct question_hosts *hosts, const char *alias,
                          struct question_answer *a, struct error *err)
{
    struct buffer pattern;
    buffer_init(&pattern, 1024);
    buffer_append_format(&pattern, "%s-*", alias);
    const struct ask ask = {.method = "GET",
                            .index = buffer_string(&pattern),
                            .after = "/_mapping?filter_path=*.mappings._meta.bobbin",
                            .answers = {404},
                            .privilege = "view_index_metadata"};
    bool ok = buffer_check(&pattern, "the alias", err) && ask_cluster(hosts, &ask, a, err);
    buffer_free(&pattern);
    return ok;
}

static json_t *note_in(json_t *index)
{
    json_t *meta = json_object_get(json_object_get(index, "mappings"), "_meta");
    return json_object_get(json_object_get(meta, "bobbin"), REFRESH_NOTE);
}

static bool take(struct note *out, const char *index, json_t *json, struct error *err)
{
    out->index = strdup(index);
    out->json = json_deep_copy(json);
    return (out->index != NULL && out->json != NULL) || error_set_memory(err);
}

static bool choose(json_t *indices, const char *alias, const char *wanted, const char *last,
                   struct note *out, struct error *err)
{
    const char *name;
    json_t *index;
    json_object_foreach(indices, name, index)
    {
        json_t *json = note_in(index);
        bool is_wanted = wanted != NULL && strcmp(name, wanted) == 0;
        if (json == NULL || strcmp(text_of(json, "alias"), alias) != 0)
            continue;
        if (!is_wanted && strcmp(text_of(json, "done"), last) == 0)
            continue;
        if (out->index != NULL || (wanted != NULL && !is_wanted))
            return error_set(
                err, ERROR_CONFIG,
                "a refresh of alias %s into index %s is unfinished: go on with it (--suffix), or "
                "delete that index to give it up",
                alias, name);
        if (!take(out, name, json, err))
            return false;
    }
    return true;
}

bool note_find(struct question_hosts *hosts, const char *alias, const char *index, const char *last,
               struct note *out, struct error *err)
{
    struct question_answer a;
    *out = (struct note){.index = NULL};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_for_notes(hosts, alias, &a, err);
    if (ok && a.status == 200)
        ok = choose(a.json, alias, index, last, out, err);
    question_answer_free(&a);
    return ok;
}

/* --- writing --- */

bool note_write(struct question_hosts *hosts, const struct note *n, struct error *err)
{
    struct look l;
    bool ok = look_at_index(hosts, n->index, &l, err) &&
              look_put_note(hosts, &l, REFRESH_NOTE, json_incref(n->json), err);
    look_free(&l);
    return ok;
}

bool note_put_done(struct question_hosts *hosts, struct note *n, const char *step,
                   struct error *err)
{
    return json_object_set_new(n->json, "done", json_string(step)) == 0 ? note_write(hosts, n, err)
                                                                        : error_set_memory(err);
}
