/* delete.c: delete an index that nobody needs any more. See steps.h. */
#include "base/log.h"
#include "index/look.h"
#include "index/steps.h"

/* Does an alias point to it? Names one. */
static const char *alias_of(const struct look *l)
{
    return json_object_iter_key(json_object_iter(l->aliases));
}

static bool check(const struct look *l, struct error *err)
{
    const char *alias = alias_of(l);
    if (!look_check_is_index(l, err))
        return false;
    if (alias != NULL)
        return error_set(err, ERROR_CONFIG,
                         "alias %s points to index %s: let it point to another first, with bobbin "
                         "index promote",
                         alias, l->name);
    return true;
}

static bool delete_it(struct steps *s, const char *index, bool *is_gone, struct error *err)
{
    struct question_answer a;
    const struct ask ask = {
        .method = "DELETE", .index = index, .answers = {404}, .privilege = "delete_index"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(&s->hosts, &ask, &a, err);
    *is_gone = ok && a.status == 404;
    if (ok && json_is_false(json_object_get(a.json, "acknowledged")))
        ok = error_set(
            err, ERROR_UNAVAILABLE,
            "index %s: not all nodes know that it is deleted: run the same command again", index);
    question_answer_free(&a);
    return ok;
}

bool step_delete(struct steps *s, const char *index, struct error *err)
{
    struct look l;
    bool is_gone;
    if (!look_check_name(index, err))
        return false;
    if (index[0] == '.')
        return error_set(err, ERROR_CONFIG,
                         "index %s: names that begin with \".\" are the cluster's own: it stays",
                         index);
    bool ok = look_at(&s->hosts, index, &l, err);
    is_gone = ok && look_is_missing(&l);
    ok = ok && (is_gone || (check(&l, err) && delete_it(s, index, &is_gone, err)));
    look_free(&l);
    if (ok)
        log_message(LOG_INFO, is_gone ? "index %s is gone already" : "deleted index %s", index);
    return ok;
}

static bool delete_each(struct steps *s, json_t *names, step_after_delete *after, void *context,
                        struct error *err)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        const char *index = json_string_value(name);
        if (!step_delete(s, index, err) || (after != NULL && !after(context, index, err)))
            return false;
    }
    return true;
}

bool step_delete_replaced(struct steps *s, const char *index, step_after_delete *after,
                          void *context, struct error *err)
{
    struct look l;
    const char *alias;
    json_t *names;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    json_t *note = ok ? look_note(&l, REPLACED_NOTE) : NULL;
    json_object_foreach(note, alias, names) ok = ok && delete_each(s, names, after, context, err);
    if (ok && note == NULL)
        log_message(LOG_INFO, "index %s has taken no other's place", index);
    ok = ok && (note == NULL || look_put_note(&s->hosts, &l, REPLACED_NOTE, NULL, err));
    look_free(&l);
    return ok;
}
