/* plan.c: a plan, which is its JSON: see plan.h. */
#include "fleet/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/file.h"
#include "fleet/split.h"
#include "source/query.h"

enum { FORMAT = 1 };

struct plan {
    json_t *json;
    json_t *shards; // borrowed from it
};

/* --- its JSON --- */

static json_t *json_of_key(bool has, struct slice key)
{
    return has ? json_stringn(key.data, key.size) : NULL;
}

static json_t *json_of_shard(const struct key_range *range, uint64_t rows)
{
    json_t *from = json_of_key(range->has_from && range->is_from_inclusive, range->from);
    json_t *after = json_of_key(range->has_from && !range->is_from_inclusive, range->from);
    json_t *to = json_of_key(range->has_to, range->to);
    return json_pack("{s:o*, s:o*, s:o*, s:I}", "from", from, "after", after, "to", to, "rows",
                     (json_int_t)rows);
}

/* As window_split divides them: the last shard has what is left over. */
static uint64_t rows_of(const struct split *split, size_t number)
{
    uint64_t each = split->rows / (split->is_exact ? split->wanted : split->count);
    return number + 1 < split->count ? each : split->rows - each * (split->count - 1);
}

static json_t *json_of_split(const struct split *split, const char *key)
{
    json_t *shards = json_array();
    for (size_t i = 0; i < split->count; i++)
        json_array_append_new(shards, json_of_shard(&split->shards[i], rows_of(split, i)));
    return json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:b, s:o}", "bobbin_plan", FORMAT, "query",
                     split->query, "key", key, "key_type", split->key_type, "of",
                     (json_int_t)split->wanted, "rows", (json_int_t)split->rows, "exact",
                     split->is_exact, "shards", shards);
}

/* Is each bound a text, and does each shard begin where the one before it ends? */
static bool are_joined(json_t *shards)
{
    size_t i;
    json_t *shard;
    const char *end = NULL;
    json_array_foreach(shards, i, shard)
    {
        const char *from = NULL, *after = NULL, *to = NULL;
        if (json_unpack(shard, "{s?:s, s?:s, s?:s}", "from", &from, "after", &after, "to", &to))
            return false;
        if (i > 0 && (end == NULL || after == NULL || from != NULL || strcmp(end, after) != 0))
            return false;
        end = to;
    }
    return json_array_size(shards) > 0;
}

struct json_t *plan_json(const struct plan *p)
{
    return p->json;
}

bool plan_from_json(struct plan **out, json_t *json, struct error *err)
{
    const char *query, *key;
    json_int_t of = 0, rows;
    int format = 0, is_exact;
    json_t *shards;
    *out = NULL;
    bool is_plan = json != NULL &&
                   json_unpack(json, "{s:i, s:s, s:s, s:I, s:I, s:b, s:o}", "bobbin_plan", &format,
                               "query", &query, "key", &key, "of", &of, "rows", &rows, "exact",
                               &is_exact, "shards", &shards) == 0 &&
                   format == FORMAT && are_joined(shards) &&
                   of >= (json_int_t)json_array_size(shards);
    if (is_plan && (*out = calloc(1, sizeof **out)) == NULL) {
        json_decref(json);
        return error_set_memory(err);
    }
    if (is_plan)
        **out = (struct plan){json, shards};
    else
        json_decref(json);
    return true;
}

bool plan_make(struct plan **out, const struct job_options *o, size_t shards,
               enum plan_bounds bounds, struct error *err)
{
    struct split *split;
    if (!split_make(&split, o, shards, bounds, err))
        return false;
    bool ok = plan_from_json(out, json_of_split(split, o->key), err);
    split_free(split);
    if (ok && *out == NULL)
        ok = error_set_memory(
            err); // all of it is UTF-8: the server or job_hash_query refuses what isn't
    return ok;
}

bool plan_read(struct plan **out, const char *path, struct error *err)
{
    struct buffer text;
    buffer_init(&text, PLAN_MAX_BYTES);
    bool ok = file_read_whole(path, &text, err) &&
              plan_from_json(out, json_loadb(text.data, text.size, 0, NULL), err);
    buffer_free(&text);
    if (ok && *out == NULL)
        ok = error_set(err, ERROR_CONFIG, "%s is no plan: bobbin plan --json makes one", path);
    return ok;
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    json_decref(p->json);
    free(p);
}

bool plan_put_json(const struct plan *p, struct buffer *out, struct error *err)
{
    char *text = json_dumps(p->json, JSON_INDENT(1));
    if (text == NULL)
        return error_set_memory(err);
    buffer_append_string(out, text);
    free(text);
    buffer_append_byte(out, '\n');
    return buffer_check(out, "the plan", err);
}

/* --- looking at one --- */

static uint64_t number_of(json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

size_t plan_wanted(const struct plan *p)
{
    return number_of(p->json, "of");
}

size_t plan_count(const struct plan *p)
{
    return json_array_size(p->shards);
}

uint64_t plan_rows(const struct plan *p)
{
    return number_of(p->json, "rows");
}

bool plan_is_exact(const struct plan *p)
{
    return json_is_true(json_object_get(p->json, "exact"));
}

uint64_t plan_shard_rows(const struct plan *p, size_t number)
{
    return number_of(json_array_get(p->shards, number), "rows");
}

void plan_shard_bounds(const struct plan *p, size_t number, const char **from, const char **after,
                       const char **to)
{
    json_t *shard = json_array_get(p->shards, number);
    *from = text_of(shard, "from");
    *after = text_of(shard, "after");
    *to = text_of(shard, "to");
}

/* --- taking a shard --- */

/* "K/N", whole numbers. */
static bool read_words(const char *words, uint64_t *number, uint64_t *count, struct error *err)
{
    char end;
    bool is_right = strspn(words, "0123456789/") == strlen(words) &&
                    sscanf(words, "%9" SCNu64 "/%9" SCNu64 "%c", number, count, &end) == 2;
    if (!is_right || *number >= *count)
        return error_set(err, ERROR_USAGE,
                         "--shard %s: say which of how many, from 0/N to N-1/N, such as 3/16",
                         words);
    return true;
}

bool plan_is_of(const struct plan *p, const struct job_options *o, bool *is_same, struct error *err)
{
    struct buffer select;
    char query[JOB_HASH_BYTES];
    buffer_init(&select, QUERY_MAX_BYTES);
    bool ok =
        job_read_query(o, &select, err) && job_hash_query(o, buffer_string(&select), query, err);
    buffer_free(&select);
    *is_same = ok && strcmp(query, text_of(p->json, "query")) == 0;
    return ok;
}

static bool check_is_of(const struct plan *p, const struct job_options *o, uint64_t count,
                        struct error *err)
{
    bool is_same;
    if (!plan_is_of(p, o, &is_same, err))
        return false;
    if (!is_same)
        return error_set(err, ERROR_CONFIG,
                         "the plan is of another query or key: make a new one with bobbin plan");
    return count == plan_wanted(p) ||
           error_set(err, ERROR_USAGE, "--shard: the plan has %zu shards, not %" PRIu64,
                     plan_wanted(p), count);
}

bool plan_take_shard(const struct plan *p, const char *words, struct job_options *o, bool *is_empty,
                     struct error *err)
{
    uint64_t number = 0, count = 0;
    if (job_is_part(o))
        return error_set(err, ERROR_USAGE,
                         "--shard goes without --from, --after and --to: these belong to the plan");
    if (!read_words(words, &number, &count, err) || !check_is_of(p, o, count, err))
        return false;
    *is_empty = number >= plan_count(p);
    if (!*is_empty)
        plan_shard_bounds(p, number, &o->from, &o->after, &o->to);
    return true;
}
