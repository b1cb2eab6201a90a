/* cluster.c: see cluster.h. */
#include "cluster.h"

#include <stdlib.h>
#include <string.h>

/* --- reading --- */

/* The line at *AT as JSON; *AT goes behind its newline. NULL: no line, or no JSON. */
static json_t *next_line(const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (newline == NULL)
        return NULL;
    json_t *line = json_loadb(*at, (size_t)(newline - *at), 0, NULL);
    *at = newline + 1;
    return line;
}

json_t *cluster_read_bulk(const char *body, size_t size)
{
    json_t *operations = json_array();
    const char *end = body + size;
    while (body < end) {
        json_t *action = next_line(&body, end);
        const char *name = json_object_iter_key(json_object_iter(action));
        const json_t *id = json_object_get(json_object_get(action, name), "_id");
        bool is_delete = name != NULL && strcmp(name, "delete") == 0;
        json_t *source = is_delete ? json_null() : next_line(&body, end);
        json_t *operation =
            json_pack("{s:s*, s:O*, s:o*}", "operation", name, "id", id, "source", source);
        json_decref(action);
        if (json_object_size(operation) != 3) {
            json_decref(operation);
            json_decref(operations);
            return NULL;
        }
        json_array_append_new(operations, operation);
    }
    return operations;
}

/* --- doing --- */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Do one operation; its status. */
static unsigned apply(json_t *documents, const json_t *operation)
{
    const char *id = text_of(operation, "id");
    const char *name = text_of(operation, "operation");
    const json_t *old = json_object_get(documents, id);
    if (strcmp(name, "delete") == 0)
        return json_object_del(documents, id) == 0 ? 200 : 404;
    if (old != NULL && strcmp(name, "create") == 0)
        return 409;
    json_int_t writes = json_integer_value(json_object_get(old, "writes")) + 1;
    json_object_set_new(documents, id,
                        json_pack("{s:s, s:I, s:O}", "operation", name, "writes", writes, "source",
                                  json_object_get(operation, "source")));
    return writes > 1 ? 200 : 201;
}

json_t *cluster_error(const char *type, size_t padding)
{
    static const char reason[] = "as the script says";
    char *text = calloc(1, sizeof reason + padding);
    if (text == NULL)
        abort();
    memcpy(text, reason, sizeof reason);
    memset(text + strlen(text), 'x', padding);
    json_t *error = json_pack("{s:s, s:s}", "type", type, "reason", text);
    free(text);
    return error;
}

static json_t *do_operation(json_t *documents, const json_t *operation, size_t place,
                            const struct rule *rule)
{
    json_t *item = json_object();
    unsigned status;
    if (rule_names_document(rule, text_of(operation, "id"), place)) {
        status = rule->document_status;
        json_object_set_new(item, "error", cluster_error(rule->document_error, rule->padding));
    } else {
        status = apply(documents, operation);
        if (status == 409)
            json_object_set_new(item, "error",
                                cluster_error("version_conflict_engine_exception", 0));
    }
    json_object_set_new(item, "status", json_integer(status));
    return json_pack("{s:o}", text_of(operation, "operation"), item);
}

json_t *cluster_do_bulk(json_t *documents, const json_t *operations, const struct rule *rule)
{
    json_t *items = json_array();
    size_t place;
    const json_t *operation;
    bool has_errors = false;
    json_array_foreach(operations, place, operation)
    {
        json_t *item = do_operation(documents, operation, place, rule);
        json_array_append_new(items, item);
        has_errors = has_errors || json_object_get(json_object_iter_value(json_object_iter(item)),
                                                   "error") != NULL;
    }
    while (rule->items >= 0 && json_array_size(items) > (size_t)rule->items)
        json_array_remove(items, json_array_size(items) - 1);
    while (rule->items >= 0 && json_array_size(items) < (size_t)rule->items)
        json_array_append_new(items, json_pack("{s:{s:i}}", "index", "status", 201));
    return json_pack("{s:i, s:b, s:o}", "took", 1, "errors", (int)has_errors, "items", items);
}

json_t *cluster_look_up(const char *index)
{
    return json_pack("{s:{s:{s:{s:s}}}}", index, "settings", "index", "uuid", "Kq3");
}

json_t *cluster_create(const char *index)
{
    return json_pack("{s:b, s:b, s:s}", "acknowledged", 1, "shards_acknowledged", 1, "index",
                     index);
}
