/* since.c: see since.h. */
#include "refresh/since.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "index/look.h"
#include "source/pg.h"
#include "source/query.h"

#define SINCE_NOTE "since"

/* --- the greatest value --- */

static bool put_question(struct pg *pg, const struct job_options *job, const char *column,
                         struct buffer *out, struct error *err)
{
    struct buffer query;
    buffer_init(&query, QUERY_MAX_BYTES);
    buffer_append_string(out, "SELECT max(q.");
    bool ok = job_read_query(job, &query, err) && pg_append_identifier(pg, out, column, err);
    if (ok)
        buffer_append_format(out, ")::text FROM (%s\n) AS q", buffer_string(&query));
    buffer_free(&query);
    return ok && buffer_check(out, "a statement", err);
}

/* *VALUE: a string or null; a new reference. */
static bool ask_greatest(struct pg *pg, const char *sql, json_t **value, struct error *err)
{
    struct pg_result *result;
    if (!pg_begin(pg, NULL, err))
        return false;
    bool ok = pg_query(pg, sql, &result, err);
    if (ok) {
        const char *text = pg_result_value(result, 0, 0);
        *value = text != NULL ? json_string(text) : json_null();
        pg_result_free(result);
        ok = *value != NULL || error_set_memory(err);
    }
    pg_end(pg);
    return ok;
}

static bool find_greatest(const struct job_options *job, const char *column, json_t **value,
                          struct error *err)
{
    struct pg *pg = NULL;
    struct buffer sql;
    buffer_init(&sql, 2 * QUERY_MAX_BYTES);
    bool ok = pg_connect(&pg, job->dsn, job->statement_timeout_ms, err) &&
              put_question(pg, job, column, &sql, err) &&
              ask_greatest(pg, buffer_string(&sql), value, err);
    pg_close(pg);
    buffer_free(&sql);
    return ok || error_wrap(err, "the greatest %s", column);
}

/* --- the mark --- */

bool since_mark(struct steps *s, const char *index, const char *column, struct error *err)
{
    struct look l;
    json_t *value = NULL;
    bool ok = look_at_index(&s->hosts, index, &l, err);
    if (ok && look_note(&l, SINCE_NOTE) == NULL)
        ok = find_greatest(s->job, column, &value, err) &&
             look_put_note(&s->hosts, &l, SINCE_NOTE,
                           json_pack("{s:s, s:O}", "column", column, "value", value), err);
    json_decref(value);
    look_free(&l);
    return ok;
}

/* The mark of COLUMN in L, borrowed. */
static bool read_mark(const struct look *l, const char *column, json_t **mark, struct error *err)
{
    *mark = look_note(l, SINCE_NOTE);
    const char *found = json_string_value(json_object_get(*mark, "column"));
    if (found == NULL)
        return error_set(err, ERROR_CONFIG,
                         "index %s has no mark of what it holds: refresh it as a whole first, with "
                         "--mark %s",
                         l->name, column);
    return strcmp(found, column) == 0 ||
           error_set(err, ERROR_CONFIG, "index %s has a mark of column %s, not of %s", l->name,
                     found, column);
}

/* --- newer rows --- */

struct since {
    struct steps steps;
    struct look live;
    const char *column;
    struct buffer condition;
    json_t *mark; // a copy
};

/* A mark for afterwards, from before the first row is read: also when the load is gone on with. */
static bool note_next(struct since *s, struct error *err)
{
    json_t *next = NULL, *begun;
    if (json_object_get(s->mark, "next") != NULL)
        return true;
    if (!find_greatest(s->steps.job, s->column, &next, err))
        return false;
    begun = json_integer(clock_wall_ms());
    bool ok = json_object_set_new(s->mark, "next", next) == 0;
    ok &= json_object_set_new(s->mark, "begun", begun) == 0;
    return ok ? look_put_note(&s->steps.hosts, &s->live, SINCE_NOTE, json_incref(s->mark), err)
              : error_set_memory(err);
}

static bool move_mark(struct since *s, struct error *err)
{
    json_t *moved =
        json_pack("{s:s, s:O}", "column", s->column, "value", json_object_get(s->mark, "next"));
    return look_put_note(&s->steps.hosts, &s->live, SINCE_NOTE, moved, err);
}

/* Without rows at the last time all are new. */
static bool put_bound(struct since *s, const char *value, struct error *err)
{
    struct pg *pg = NULL;
    if (value == NULL) {
        buffer_append_string(&s->condition, "true");
        return true;
    }
    buffer_append_string(&s->condition, "q.");
    bool ok = pg_connect(&pg, s->steps.job->dsn, 0, err) &&
              pg_append_identifier(pg, &s->condition, s->column, err);
    buffer_append_string(&s->condition, " >= ");
    ok = ok && pg_append_literal(pg, &s->condition, slice_of(value), err);
    pg_close(pg);
    return ok;
}

/* Each load is a job of its own, though the mark may be that of the load before: the comment makes it one. */
static bool put_condition(struct since *s, struct error *err)
{
    const char *value = json_string_value(json_object_get(s->mark, "value"));
    if (!put_bound(s, value, err))
        return false;
    buffer_append_format(&s->condition, " /* begun %lld */",
                         (long long)json_integer_value(json_object_get(s->mark, "begun")));
    return buffer_check(&s->condition, "the condition", err);
}

static bool load_newer(struct since *s, struct fill_watch *watch, struct error *err)
{
    struct job_options job = *s->steps.job;
    job.index = s->live.name;
    job.create_index = NULL;
    if (!note_next(s, err) || !put_condition(s, err))
        return false;
    job.condition = buffer_string(&s->condition);
    fault_point("refresh-since-begun");
    if (!fill_index(&job, false, watch, err))
        return false;
    fault_point("refresh-since-loaded");
    return move_mark(s, err);
}

static bool look_at_live(struct since *s, const char *alias, struct error *err)
{
    json_t *mark;
    if (!look_at(&s->steps.hosts, alias, &s->live, err))
        return false;
    if (s->live.name == NULL)
        return error_set(err, ERROR_CONFIG, "%s stands for %s index: newer rows go into one", alias,
                         look_is_missing(&s->live) ? "no" : "more than one");
    if (!read_mark(&s->live, s->column, &mark, err))
        return false;
    s->mark = json_deep_copy(mark);
    log_message(LOG_INFO, "index %s: rows whose %s is %s or more", s->live.name, s->column,
                json_is_string(json_object_get(mark, "value"))
                    ? json_string_value(json_object_get(mark, "value"))
                    : "anything");
    return s->mark != NULL || error_set_memory(err);
}

bool since_run(const struct job_options *job, const struct step_options *step, const char *column,
               struct fill_watch *watch, struct error *err)
{
    struct since s = {.column = column};
    buffer_init(&s.condition, QUERY_MAX_BYTES);
    bool ok = steps_open(&s.steps, job, step, err) && look_at_live(&s, step->alias, err) &&
              load_newer(&s, watch, err) && step_refresh(&s.steps, s.live.name, err);
    steps_close(&s.steps);
    look_free(&s.live);
    json_decref(s.mark);
    buffer_free(&s.condition);
    return ok;
}
