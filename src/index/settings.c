/* settings.c: see settings.h. */
#include "index/settings.h"

#include <string.h>

#include "base/buffer.h"

#define REFRESH "index.refresh_interval"
#define REPLICAS "index.number_of_replicas"
#define EXPANSION "index.auto_expand_replicas"
#define DURABILITY "index.translog.durability"

enum { NAME_MAX_BYTES = 1 << 16 };

/* --- flat --- */

static bool flatten_into(json_t *out, struct buffer *name, json_t *settings)
{
    const char *key;
    json_t *value;
    bool ok = true;
    json_object_foreach(settings, key, value)
    {
        size_t size = name->size;
        buffer_append_string(name, size > 0 ? "." : "");
        buffer_append_string(name, key);
        if (name->has_failed)
            return false;
        ok = json_is_object(value) ? flatten_into(out, name, value)
                                   : json_object_set(out, buffer_string(name), value) == 0;
        name->size = size;
        if (!ok)
            break;
    }
    return ok;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool put_prefixed(json_t *out, const char *name, json_t *value)
{
    struct buffer full;
    buffer_init(&full, NAME_MAX_BYTES);
    if (!has_prefix(name, "index.") && !has_prefix(name, "archived."))
        buffer_append_string(&full, "index.");
    buffer_append_string(&full, name);
    bool ok = !full.has_failed && json_object_set(out, buffer_string(&full), value) == 0;
    buffer_free(&full);
    return ok;
}

/* Take NARROW: its members' names all begin with "index." then. */
static json_t *with_prefixes(json_t *narrow)
{
    const char *name;
    json_t *value;
    json_t *out = json_object();
    bool ok = out != NULL;
    json_object_foreach(narrow, name, value)
    {
        ok = ok && put_prefixed(out, name, value);
    }
    json_decref(narrow);
    if (!ok) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *settings_flatten(json_t *settings)
{
    struct buffer name;
    json_t *narrow = json_object();
    buffer_init(&name, NAME_MAX_BYTES);
    bool ok = narrow != NULL && flatten_into(narrow, &name, settings);
    buffer_free(&name);
    if (!ok) {
        json_decref(narrow);
        return NULL;
    }
    return with_prefixes(narrow);
}

/* --- loading --- */

static bool expands(json_t *flat)
{
    const json_t *value = json_object_get(flat, EXPANSION);
    const char *text = json_string_value(value);
    return value != NULL && !json_is_null(value) && !json_is_false(value) &&
           (text == NULL || strcmp(text, "false") != 0);
}

json_t *settings_for_loading(json_t *flat, bool is_async)
{
    // auto_expand_replicas would set the number of replicas again
    return json_pack("{s:s, s:i, s:s*, s:s*}", REFRESH, "-1", REPLICAS, 0, EXPANSION,
                     expands(flat) ? "false" : NULL, DURABILITY, is_async ? "async" : NULL);
}

json_t *settings_to_restore(json_t *loading, json_t *flat, json_t *otherwise)
{
    const char *name;
    json_t *value;
    json_t *out = json_object();
    json_object_foreach(loading, name, value)
    {
        json_t *old = json_object_get(flat, name);
        if (old == NULL)
            old = json_object_get(otherwise, name);
        if (json_object_set_new(out, name, old != NULL ? json_incref(old) : json_null()) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

bool settings_need_flush(json_t *replaced)
{
    return json_object_get(replaced, DURABILITY) != NULL;
}

/* --- copying --- */

/* Noted by the cluster, or of one index alone. Those that end with "." are groups. */
static const char *const own_settings[] = {
    "archived.",           "index.blocks.",
    "index.creation_date", "index.creation_date_string",
    "index.history.uuid",  "index.provided_name",
    "index.resize.",       "index.routing.allocation.initial_recovery.",
    "index.shrink.",       "index.store.snapshot.",
    "index.uuid",          "index.verified_before_close",
    "index.version.",
};

static bool is_own(const char *name)
{
    for (size_t i = 0; i < sizeof own_settings / sizeof *own_settings; i++) {
        const char *own = own_settings[i];
        bool is_group = own[strlen(own) - 1] == '.';
        if (is_group ? has_prefix(name, own) : strcmp(name, own) == 0)
            return true;
    }
    return false;
}

json_t *settings_to_copy(json_t *flat)
{
    const char *name;
    json_t *value;
    json_t *out = json_object();
    json_object_foreach(flat, name, value)
    {
        if (!is_own(name) && json_object_set(out, name, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}
