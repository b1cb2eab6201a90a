/* identity.c: what makes two commands the same job. See job.h. */
#include <stdlib.h>

#include <jansson.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "base/file.h"
#include "encode/ndjson.h"
#include "job/job.h"
#include "source/query.h"

/* Keys sorted and no spaces: the same job gives the same bytes. */
enum { TEXT_FLAGS = JSON_COMPACT | JSON_SORT_KEYS };

static const char *op_name(int op)
{
    static const char *const names[] = {"index", "create", "update", "delete"};
    return names[op];
}

/* The query of --query, which says {table} where --table's name is to stand. */
static bool read_query_of_table(const struct job_options *o, struct buffer *out, struct error *err)
{
    static const char place[] = "{table}";
    struct buffer text;
    size_t places = 0;
    buffer_init(&text, QUERY_MAX_BYTES);
    bool ok = file_read_whole(o->query_file, &text, err);
    const char *left = buffer_string(&text);
    for (const char *at; ok && (at = strstr(left, place)) != NULL; places++) {
        buffer_append(out, left, (size_t)(at - left));
        buffer_append_string(out, o->table);
        left = at + sizeof place - 1;
    }
    buffer_append_string(out, ok ? left : "");
    buffer_free(&text);
    if (ok && places == 0)
        return error_set(
            err, ERROR_USAGE,
            "--table and --query %s: give one of them, or write {table} into the query",
            o->query_file);
    return ok && buffer_check(out, "the query", err);
}

bool job_read_query(const struct job_options *o, struct buffer *out, struct error *err)
{
    if (o->table == NULL && o->query_file == NULL)
        return error_set(err, ERROR_USAGE, "give either --table NAME or --query FILE");
    bool ok = true;
    if (o->condition != NULL)
        buffer_append_string(out, "SELECT * FROM (");
    if (o->table == NULL)
        ok = file_read_whole(o->query_file, out, err);
    else if (o->query_file != NULL)
        ok = read_query_of_table(o, out, err);
    else
        buffer_append_format(out, "SELECT * FROM %s", o->table);
    if (!ok)
        return false;
    if (o->condition != NULL)
        buffer_append_format(out, "\n) AS q WHERE %s", o->condition);
    return buffer_check(out, "the query", err);
}

static json_t *query_description(const struct job_options *o, const char *query)
{
    return json_pack("{s:s, s:s, s:s?, s:s*, s:s?, s:s?, s:s, s:b}", "query", query, "key", o->key,
                     "from", o->from, "after", o->after, "to", o->to, "index", o->index, "op",
                     op_name(o->op), "keeps_nulls", o->keeps_nulls != 0);
}

static json_t *load_description(const struct job_options *o, const char *input)
{
    return json_pack("{s:s, s:s, s:s?, s:s, s:s}", "input", input, "format",
                     ndjson_format_name((enum ndjson_format)o->format), "id", o->id_field, "index",
                     o->index, "op", op_name(o->op));
}

static void set_id(struct slice text, struct job_id *id)
{
    XXH128_hash_t hash = XXH3_128bits(text.data, text.size);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(id->bytes, canonical.digest, sizeof id->bytes);
}

/* Take JSON (its reference), NULL when WHAT is no UTF-8. */
static bool take_description(json_t *json, const char *what, struct buffer *text, struct job_id *id,
                             struct error *err)
{
    char *description = json != NULL ? json_dumps(json, TEXT_FLAGS) : NULL;
    json_decref(json);
    if (description == NULL)
        return error_set(err, ERROR_CONFIG, "%s is not valid UTF-8", what);
    set_id(slice_of(description), id);
    buffer_append_string(text, description);
    free(description);
    return buffer_check(text, "the job's description", err);
}

bool job_describe(const struct job_options *o, const char *query, struct buffer *text,
                  struct job_id *id, struct error *err)
{
    return take_description(query_description(o, query), "the query, the key or the index", text,
                            id, err);
}

bool job_describe_load(const struct job_options *o, struct buffer *text, struct job_id *id,
                       struct error *err)
{
    char *path = strcmp(o->input, "-") != 0 ? realpath(o->input, NULL) : NULL;
    const char *input = path != NULL ? path : o->input; // what is not there, its opening says
    bool ok = take_description(load_description(o, input),
                               "the file's name, the field or the index", text, id, err);
    free(path);
    return ok;
}

bool job_hash_query(const struct job_options *o, const char *query, char hash[JOB_HASH_BYTES],
                    struct error *err)
{
    struct job_id id;
    struct buffer text;
    buffer_init(&text, SPOOL_DESCRIPTION_MAX_BYTES);
    bool ok = take_description(json_pack("{s:s, s:s}", "query", query, "key", o->key),
                               "the query or the key", &text, &id, err);
    buffer_free(&text);
    if (ok)
        store_hexadecimal(hash, id.bytes, sizeof id.bytes);
    return ok;
}

void job_hash_text(struct slice text, char hash[JOB_HASH_BYTES])
{
    struct job_id id;
    set_id(text, &id);
    store_hexadecimal(hash, id.bytes, sizeof id.bytes);
}

/* --- the range --- */

struct key_range job_range(const char *from, const char *after, const char *to)
{
    const char *first = from != NULL ? from : after;
    return (struct key_range){
        .has_from = first != NULL,
        .is_from_inclusive = from != NULL,
        .from = slice_of(first != NULL ? first : ""),
        .has_to = to != NULL,
        .to = slice_of(to != NULL ? to : ""),
    };
}

bool job_is_part(const struct job_options *o)
{
    return o->from != NULL || o->after != NULL || o->to != NULL;
}

/* --- reading a description --- */

static char *copy_string(json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    return value != NULL ? strdup(value) : NULL;
}

bool job_read_description(struct slice text, struct job_description *out, struct error *err)
{
    json_t *json = json_loadb(text.data, text.size, 0, NULL);
    *out = (struct job_description){.text = NULL};
    if (json_string_value(json_object_get(json, "index")) != NULL)
        out->text = json_dumps(json, TEXT_FLAGS);
    if (out->text == NULL)
        error_set(err, ERROR_DAMAGED, SPOOL_JOB_FILE " does not describe a job");
    else
        set_id(slice_of(out->text), &out->id);
    out->from = copy_string(json, "from");
    out->after = copy_string(json, "after");
    out->to = copy_string(json, "to");
    json_decref(json);
    return out->text != NULL;
}

void job_free_description(struct job_description *d)
{
    free(d->text);
    free(d->from);
    free(d->after);
    free(d->to);
}

char *job_index_of(const char *description, const char *otherwise)
{
    json_t *json = json_loads(description, 0, NULL);
    char *index = copy_string(json, "index");
    json_decref(json);
    return index != NULL ? index : strdup(otherwise);
}
