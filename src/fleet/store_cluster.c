/* store_cluster.c: the store in the index bobbin-jobs of the target cluster. See store.h.
 *
 * A version is a document's sequence number and primary term (+ 1, as 0 means none): the cluster refuses a write whose
 * if_seq_no and if_primary_term are not the document's. Documents are read by their ids, which is
 * realtime; only a list of them is searched for. */
#include <inttypes.h>
#include <stdlib.h>

#include "fleet/store.h"
#include "job/cluster.h"
#include "sink/admin.h"
#include "sink/question.h"

enum {
    PATH_BYTES = 1024,
    NOT_FOUND = 404,
    CONFLICT = 409,
    BAD_REQUEST = 400,
    FORBIDDEN = 403,
};

/* One shard, so that a list is of one moment; dynamic false: keys of any kind never become fields. */
static const char index_body[] =
    "{\"settings\":{\"index\":{\"number_of_shards\":1,\"auto_expand_replicas\":\"0-1\","
    "\"translog.durability\":\"request\"}},"
    "\"mappings\":{\"dynamic\":false,\"properties\":{\"kind\":{\"type\":\"keyword\"},"
    "\"job\":{\"type\":\"keyword\"},\"shard\":{\"type\":\"integer\"},\"state\":{\"type\":"
    "\"keyword\"}}}}";

static struct question_answer new_answer(void)
{
    struct question_answer a;
    question_answer_init(&a, STORE_DOCUMENT_MAX_BYTES);
    return a;
}

/* One question about the index; 404 and OTHER (or 0) are answers too. */
static bool ask(struct cluster_questions *c, const char *method, struct buffer *path,
                const char *text, int other, struct question_answer *a, struct error *err)
{
    const struct question q = {
        .method = method,
        .path = buffer_string(path),
        .body = slice_of(text != NULL ? text : ""),
        .answers = {NOT_FOUND, other},
        .index = STORE_NAME,
        .privilege = "read, write, create_index and view_index_metadata",
    };
    return buffer_check(path, "a path", err) && question_ask(&c->hosts, &q, a, err);
}

static void put_path(struct buffer *path, const char *verb, const char *id)
{
    buffer_append_format(path, "/" STORE_NAME "/%s/", verb);
    admin_append_encoded(path, id);
}

static int64_t number_of(json_t *json, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(json, name));
}

static void read_version(json_t *json, struct store_version *version)
{
    version->number = number_of(json, "_seq_no") + 1;
    version->term = number_of(json, "_primary_term");
}

static bool cluster_get(void *self, const char *id, bool is_brief, json_t **body,
                        struct store_version *version, struct error *err)
{
    struct question_answer a = new_answer();
    struct buffer path;
    buffer_init(&path, PATH_BYTES);
    put_path(&path, "_doc", id);
    if (is_brief)
        buffer_append_string(&path, "?_source_excludes=plan");
    bool ok = ask(self, "GET", &path, NULL, 0, &a, err);
    json_t *source = ok ? json_object_get(a.json, "_source") : NULL;
    if (ok && a.status != NOT_FOUND && json_is_object(source)) {
        read_version(a.json, version);
        *body = json_incref(source);
    }
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

static bool cluster_put(void *self, const char *id, const char *text, struct store_version *version,
                        bool *is_done, struct error *err)
{
    struct question_answer a = new_answer();
    struct buffer path;
    buffer_init(&path, PATH_BYTES);
    put_path(&path, version->number == 0 ? "_create" : "_doc", id);
    if (version->number != 0)
        buffer_append_format(&path, "?if_seq_no=%" PRId64 "&if_primary_term=%" PRId64,
                             version->number - 1, version->term);
    bool ok = ask(self, "PUT", &path, text, CONFLICT, &a, err);
    *is_done = ok && a.status < 300;
    if (*is_done)
        read_version(a.json, version);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

static bool cluster_remove(void *self, const char *id, struct error *err)
{
    struct question_answer a = new_answer();
    struct buffer path;
    buffer_init(&path, PATH_BYTES);
    put_path(&path, "_doc", id);
    bool ok = ask(self, "DELETE", &path, NULL, 0, &a, err);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

static bool see_hits(const struct question_answer *a, store_see *see, void *context,
                     struct error *err)
{
    size_t i;
    json_t *hit;
    json_t *hits = json_object_get(json_object_get(a->json, "hits"), "hits");
    bool ok = true;
    json_array_foreach(hits, i, hit)
    {
        ok = ok && see(context, json_object_get(hit, "_source"), err);
    }
    return ok;
}

static bool cluster_list(void *self, const char *kind, store_see *see, void *context,
                         struct error *err)
{
    struct question_answer a = new_answer();
    struct buffer path;
    buffer_init(&path, PATH_BYTES);
    buffer_append_string(&path, "/" STORE_NAME "/_refresh");
    bool ok = ask(self, "POST", &path, NULL, 0, &a, err);
    buffer_clear(&path);
    buffer_append_format(&path, "/" STORE_NAME "/_search?q=kind%%3A%s&size=%d", kind,
                         STORE_LIST_MAX);
    ok = ok && ask(self, "GET", &path, NULL, 0, &a, err) && see_hits(&a, see, context, err);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

static const char *cluster_place(const void *self)
{
    (void)self;
    return "index " STORE_NAME;
}

static void close_store(void *self)
{
    struct cluster_questions *c = self;
    cluster_questions_close(c);
    free(c);
}

static bool create_index(struct cluster_questions *c, struct buffer *path,
                         struct question_answer *a, struct error *err)
{
    buffer_append_string(path, "/" STORE_NAME);
    if (!ask(c, "PUT", path, index_body, BAD_REQUEST, a, err))
        return false;
    if (a->status != BAD_REQUEST || question_has_error(a, "resource_already_exists_exception"))
        return true; // somebody else who makes it at the same moment is welcome
    return question_answered(c->hosts.urls[0], a, ERROR_CONFIG,
                             "index " STORE_NAME " can't be made; --coordinator needs none", err);
}

/* A worker's write at the moment of its deletion makes the cluster invent it: then no more fields are invented. Who may not
 * say so has an index that somebody has made. */
static bool keep_index(struct cluster_questions *c, struct buffer *path, struct question_answer *a,
                       struct error *err)
{
    buffer_append_string(path, "/" STORE_NAME "/_mapping");
    return ask(c, "PUT", path, "{\"dynamic\":false}", FORBIDDEN, a, err);
}

static bool make_index(struct cluster_questions *c, struct error *err)
{
    struct question_answer a = new_answer();
    struct buffer path;
    buffer_init(&path, PATH_BYTES);
    buffer_append_string(&path, "/" STORE_NAME "?filter_path=%2A.settings.index.uuid");
    bool ok = ask(c, "GET", &path, NULL, 0, &a, err);
    buffer_clear(&path);
    if (ok)
        ok =
            a.status == NOT_FOUND ? create_index(c, &path, &a, err) : keep_index(c, &path, &a, err);
    question_answer_free(&a);
    buffer_free(&path);
    return ok;
}

static const struct store_calls cluster_calls = {
    cluster_get, cluster_put, cluster_remove, cluster_list, cluster_place, close_store,
};

bool store_open_cluster(struct store **out, const struct store_options *options, struct error *err)
{
    struct cluster_questions *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_set_memory(err);
    if (!cluster_questions_open(c, options->job, options->timeout_ms, err) ||
        (options->makes && !make_index(c, err))) {
        close_store(c);
        return error_wrap(err, "where the workers of a job meet");
    }
    return store_new(out, &cluster_calls, c, err);
}
