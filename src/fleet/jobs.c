/* jobs.c: see jobs.h. */
#include "fleet/jobs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "config.h"

enum { FORMAT = 1 };

bool fleet_check_name(const char *name, struct error *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = name != NULL ? strlen(name) : 0;
    if (length == 0)
        return error_set(err, ERROR_USAGE, "name the job");
    return (length <= FLEET_NAME_MAX && strspn(name, letters) == length &&
            isalnum((unsigned char)name[0])) ||
           error_set(err, ERROR_USAGE,
                     "job \"%.*s\": a name is 1 to %d letters, digits, \"-\", \"_\" and \".\", a "
                     "letter or "
                     "digit first",
                     FLEET_NAME_MAX, name, (int)FLEET_NAME_MAX);
}

void fleet_free_job(struct fleet_job *job)
{
    if (job == NULL)
        return;
    json_decref(job->body);
    plan_free(job->plan);
    free(job);
}

static const char *text_of(const struct fleet_job *job, const char *name)
{
    const char *text = json_string_value(json_object_get(job->body, name));
    return text != NULL ? text : "";
}

/* --- reading --- */

static bool is_job(json_t *body)
{
    const char *kind, *id, *version, *index, *state;
    json_t *settings, *plan;
    json_int_t format;
    return json_unpack(body, "{s:s, s:I, s:s, s:s, s:s, s:s, s:o, s:o}", "kind", &kind, "format",
                       &format, "id", &id, "version", &version, "index", &index, "state", &state,
                       "settings", &settings, "plan", &plan) == 0 &&
           strcmp(kind, "job") == 0 && format == FORMAT && json_is_object(settings) &&
           strlen(id) == FLEET_ID_BYTES - 1;
}

/* Take BODY (its reference). */
static bool take_body(struct fleet_job **out, const char *name, json_t *body,
                      struct store_version version, struct error *err)
{
    struct fleet_job *job = *out = calloc(1, sizeof *job);
    if (job == NULL) {
        json_decref(body);
        return error_set_memory(err);
    }
    job->body = body;
    job->version = version;
    snprintf(job->name, sizeof job->name, "%s", name);
    bool ok = true;
    if (is_job(body)) {
        snprintf(job->id, sizeof job->id, "%s", text_of(job, "id"));
        ok = plan_from_json(&job->plan, json_incref(json_object_get(body, "plan")), err);
        json_object_del(body, "plan");
    }
    if (ok && job->plan == NULL)
        ok =
            error_set(err, ERROR_CONFIG,
                      "document %s of " STORE_NAME " is no job's, or that of a later bobbin", name);
    if (ok)
        return true;
    fleet_free_job(job);
    *out = NULL;
    return false;
}

bool fleet_get_job(struct store *s, const char *name, struct fleet_job **out, struct error *err)
{
    json_t *body;
    struct store_version version;
    *out = NULL;
    if (!store_get(s, name, false, &body, &version, err))
        return false;
    return body == NULL || take_body(out, name, body, version, err);
}

bool fleet_need_job(struct store *s, const char *name, struct fleet_job **out, struct error *err)
{
    return fleet_get_job(s, name, out, err) &&
           (*out != NULL ||
            error_set(err, ERROR_CONFIG, "there is no job %s in %s: bobbin plan %s makes it", name,
                      store_place(s), name));
}

/* --- making --- */

static json_t *settings_of(const struct job_options *o)
{
    static const char *const ops[] = {"index", "create", "update", "delete"};
    return json_pack("{s:s, s:b, s:s?}", "op", ops[o->op], "keeps_nulls", o->keeps_nulls,
                     "pipeline", o->pipeline);
}

static void make_id(char id[FLEET_ID_BYTES])
{
    for (int i = 0; i < (FLEET_ID_BYTES - 1) / 8; i++)
        snprintf(id + 8 * i, 9, "%08x", clock_random());
}

static json_t *body_of(const char *name, const struct job_options *o, const struct plan *plan)
{
    char id[FLEET_ID_BYTES], now[CLOCK_TEXT_BYTES];
    make_id(id);
    clock_format(clock_wall_ms(), now);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:O}", "kind", "job", "job",
                     name, "format", FORMAT, "id", id, "version", PACKAGE_VERSION, "index",
                     o->index, "state", "open", "created", now, "settings", settings_of(o), "plan",
                     plan_json(plan));
}

bool fleet_make_job(struct store *s, const char *name, const struct job_options *o,
                    const struct plan *plan, struct fleet_job **out, struct error *err)
{
    struct store_version version = {0, 0};
    bool is_done;
    json_t *body = body_of(name, o, plan);
    *out = NULL;
    if (body == NULL)
        return error_set(err, ERROR_CONFIG,
                         "the index's or the pipeline's name is not valid UTF-8");
    bool ok = store_put(s, name, body, &version, &is_done, err);
    json_decref(body);
    return ok && fleet_need_job(s, name, out, err); // ours, or whose was first
}

/* --- checks --- */

static bool differs(const struct fleet_job *job, const char *what, struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "job %s is of another %s: use another name, or bobbin job delete %s first",
                     job->name, what, job->name);
}

bool fleet_check_job(const struct fleet_job *job, const struct job_options *o, struct error *err)
{
    bool is_same;
    if (!plan_is_of(job->plan, o, &is_same, err))
        return false;
    if (!is_same)
        return differs(job, "query or key", err);
    if (strcmp(o->index, text_of(job, "index")) != 0)
        return differs(job, "index", err);
    json_t *settings = settings_of(o);
    is_same = settings != NULL && json_equal(settings, json_object_get(job->body, "settings"));
    json_decref(settings);
    return is_same || differs(job, "--op, --nulls or --pipeline", err);
}

bool fleet_check_version(const struct fleet_job *job, struct error *err)
{
    const char *version = text_of(job, "version");
    return strcmp(version, PACKAGE_VERSION) == 0 ||
           error_set(
               err, ERROR_CONFIG,
               "job %s was planned by bobbin %s, and this is %s: documents may come out otherwise; "
               "--any-version takes part all the same",
               job->name, version, PACKAGE_VERSION);
}

static bool is_cancelled(json_t *body)
{
    const char *state = json_string_value(json_object_get(body, "state"));
    return state != NULL && strcmp(state, "cancelled") == 0;
}

bool fleet_is_cancelled(const struct fleet_job *job)
{
    return is_cancelled(job->body);
}

bool fleet_is_open(struct store *s, const struct fleet_job *job, struct error *err)
{
    json_t *body;
    struct store_version version;
    if (!store_get(s, job->name, true, &body, &version, err))
        return false;
    const char *id = json_string_value(json_object_get(body, "id"));
    bool ok = true;
    if (id == NULL || strcmp(id, job->id) != 0)
        ok = error_set(
            err, ERROR_CONFIG,
            "job %s is no longer in %s, or was planned anew: its workers stop; what they did is "
            "done again when it is planned and worked on",
            job->name, store_place(s));
    else if (is_cancelled(body))
        ok = error_set(err, ERROR_CONFIG,
                       "job %s was cancelled; bobbin job delete %s makes room for a new plan",
                       job->name, job->name);
    json_decref(body);
    return ok;
}

/* --- shards --- */

struct shard_job fleet_shard_job(const struct fleet_job *job)
{
    return (struct shard_job){job->name, job->id};
}

bool fleet_get_shard(struct store *s, const struct fleet_job *job, size_t number, struct shard *out,
                     struct error *err)
{
    const struct shard_job of = fleet_shard_job(job);
    char id[SHARD_ID_BYTES];
    json_t *body;
    struct store_version version;
    shard_put_id(job->name, number, id);
    if (!store_get(s, id, false, &body, &version, err))
        return false;
    bool ok = shard_read(out, &of, number, body, err);
    out->version = version;
    json_decref(body);
    return ok;
}

bool fleet_put_shard(struct store *s, const struct fleet_job *job, struct shard *shard,
                     bool *is_done, struct error *err)
{
    const struct shard_job of = fleet_shard_job(job);
    char id[SHARD_ID_BYTES];
    json_t *body = shard_json(shard, &of);
    if (body == NULL)
        return error_set_memory(err);
    shard_put_id(job->name, shard->number, id);
    bool ok = store_put(s, id, body, &shard->version, is_done, err);
    json_decref(body);
    return ok;
}

/* --- the end of a job --- */

bool fleet_cancel_job(struct store *s, const struct fleet_job *job, struct error *err)
{
    bool is_done = false;
    while (!is_done) {
        json_t *body;
        struct store_version version;
        if (!store_get(s, job->name, false, &body, &version, err))
            return false;
        bool ok = body != NULL || error_set(err, ERROR_CONFIG, "job %s is gone", job->name);
        if (ok && is_cancelled(body))
            is_done = true;
        else if (ok)
            ok = json_object_set_new(body, "state", json_string("cancelled")) == 0
                     ? store_put(s, job->name, body, &version, &is_done, err)
                     : error_set_memory(err);
        json_decref(body);
        if (!ok)
            return false;
    }
    return true;
}

bool fleet_delete_job(struct store *s, const struct fleet_job *job, struct error *err)
{
    bool ok = store_remove(s, job->name, err);
    for (size_t i = 0; ok && i < plan_count(job->plan); i++) {
        char id[SHARD_ID_BYTES];
        shard_put_id(job->name, i, id);
        ok = store_remove(s, id, err);
    }
    return ok;
}
