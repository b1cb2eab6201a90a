/* store.c: see store.h. */
#include "fleet/store.h"

#include <stdlib.h>

struct store {
    const struct store_calls *calls;
    void *self;
};

bool store_new(struct store **out, const struct store_calls *calls, void *self, struct error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        calls->close(self);
        return error_set_memory(err);
    }
    **out = (struct store){calls, self};
    return true;
}

bool store_open(struct store **out, const struct store_options *options, struct error *err)
{
    *out = NULL;
    return options->coordinator != NULL ? store_open_postgres(out, options, err)
                                        : store_open_cluster(out, options, err);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    s->calls->close(s->self);
    free(s);
}

const char *store_place(const struct store *s)
{
    return s->calls->place(s->self);
}

bool store_get(struct store *s, const char *id, bool is_brief, json_t **body,
               struct store_version *version, struct error *err)
{
    *body = NULL;
    *version = (struct store_version){0, 0};
    return s->calls->get(s->self, id, is_brief, body, version, err);
}

bool store_put(struct store *s, const char *id, const json_t *body, struct store_version *version,
               bool *is_done, struct error *err)
{
    *is_done = false;
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL)
        return error_set_memory(err);
    bool ok = s->calls->put(s->self, id, text, version, is_done, err);
    free(text);
    return ok;
}

bool store_remove(struct store *s, const char *id, struct error *err)
{
    return s->calls->remove(s->self, id, err);
}

bool store_list(struct store *s, const char *kind, store_see *see, void *context, struct error *err)
{
    return s->calls->list(s->self, kind, see, context, err);
}
