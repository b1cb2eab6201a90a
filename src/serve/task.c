/* task.c: see task.h. */
#include "serve/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/clock.h"

static const char *const states[] = {"active", "done", "failed", "stopped"};
enum { STATES = sizeof states / sizeof *states, HUNDRED_PERCENT = 10000 };

const char *task_state_name(enum task_state state)
{
    return states[state];
}

bool task_begin(struct task *out, const struct wish *wish, int64_t wall_ms, struct error *err)
{
    unsigned char random[(TASK_ID_BYTES - 1) / 2];
    *out = (struct task){.wish = *wish, .state = TASK_ACTIVE, .started_ms = wall_ms};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, ERROR_MEMORY, "no random numbers");
    store_hexadecimal(out->id, random, sizeof random);
    return true;
}

bool task_is_id(const char *text)
{
    return strlen(text) == TASK_ID_BYTES - 1 && strspn(text, "0123456789abcdef") == strlen(text);
}

double task_progress(const struct task *t)
{
    const struct task_counts *c = &t->counts;
    if (t->state == TASK_DONE)
        return 100;
    if (c->total == 0)
        return 0;
    bool is_huge = c->total > UINT64_MAX / HUNDRED_PERCENT;
    uint64_t done = c->acknowledged < c->total ? c->acknowledged : c->total;
    uint64_t hundredths =
        is_huge ? done / (c->total / HUNDRED_PERCENT) : done * HUNDRED_PERCENT / c->total;
    if (hundredths >= HUNDRED_PERCENT) // all that were counted, but it has not ended, or not well
        hundredths = HUNDRED_PERCENT - 1;
    return (double)hundredths / 100;
}

void task_format_time(int64_t wall_ms, char out[TASK_TIME_BYTES])
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(wall_ms, text);
    snprintf(out, TASK_TIME_BYTES, "%.10s %.12s000", text, text + sizeof "2026-01-02");
}

static json_t *time_json(int64_t wall_ms)
{
    char text[TASK_TIME_BYTES];
    if (wall_ms == 0)
        return json_null();
    task_format_time(wall_ms, text);
    return json_string(text);
}

/* A child's words may hold any bytes. An active task has no error: whoever asks waits for its end. */
static json_t *error_json(const struct task *t)
{
    if (t->state == TASK_ACTIVE || t->error[0] == '\0')
        return json_null();
    json_t *text = json_string(t->error);
    return text != NULL ? text : json_string("it failed with words that are no UTF-8");
}

json_t *task_to_json(const struct task *t)
{
    return json_pack("{s:s, s:b, s:s, s:s, s:f, s:o, s:o, s:o}", "task_id", t->id, "active",
                     t->state == TASK_ACTIVE, "model", t->wish.model, "target_index", t->wish.index,
                     "progress", task_progress(t), "start_time", time_json(t->started_ms),
                     "finish_time", time_json(t->finished_ms), "error", error_json(t));
}

/* --- on disk --- */

bool task_put_record(const struct task *t, struct buffer *out, struct error *err)
{
    const struct task_counts *c = &t->counts;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                  "task_id", t->id, "model_name", t->wish.model, "table_name", t->wish.table,
                  "target_index", t->wish.index, "start_id", (json_int_t)t->wish.start_id, "end_id",
                  (json_int_t)t->wish.end_id, "state", states[t->state], "started_ms",
                  (json_int_t)t->started_ms, "finished_ms", (json_int_t)t->finished_ms, "rows",
                  (json_int_t)c->total, "rows_read", (json_int_t)c->read, "acknowledged",
                  (json_int_t)c->acknowledged, "dead", (json_int_t)c->dead, "retries",
                  (json_int_t)c->retries, "error", error_json(t));
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (text == NULL)
        return error_set_memory(err);
    buffer_append_string(out, text);
    buffer_append_byte(out, '\n');
    free(text);
    return buffer_check(out, "a task's record", err);
}

static int64_t get_integer(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static uint64_t get_count(const json_t *json, const char *name)
{
    int64_t value = get_integer(json, name);
    return value > 0 ? (uint64_t)value : 0;
}

static bool take_state(const json_t *json, enum task_state *out)
{
    const char *name = json_string_value(json_object_get(json, "state"));
    for (int i = 0; name != NULL && i < STATES; i++)
        if (strcmp(name, states[i]) == 0) {
            *out = (enum task_state)i;
            return true;
        }
    return false;
}

static bool take_record(struct task *out, const json_t *json, struct error *err)
{
    const char *id = json_string_value(json_object_get(json, "task_id"));
    const char *error = json_string_value(json_object_get(json, "error"));
    *out = (struct task){.started_ms = get_integer(json, "started_ms"),
                         .finished_ms = get_integer(json, "finished_ms"),
                         .counts = {.total = get_count(json, "rows"),
                                    .read = get_count(json, "rows_read"),
                                    .acknowledged = get_count(json, "acknowledged"),
                                    .dead = get_count(json, "dead"),
                                    .retries = get_count(json, "retries")}};
    if (id == NULL || !task_is_id(id) || !take_state(json, &out->state))
        return error_set(err, ERROR_DAMAGED, "it has no task_id or no state");
    memcpy(out->id, id, TASK_ID_BYTES);
    snprintf(out->error, sizeof out->error, "%s", error != NULL ? error : "");
    return wish_take_json(&out->wish, json, err);
}

bool task_read_record(struct task *out, struct slice text, struct error *err)
{
    json_error_t why;
    json_t *json = json_loadb(text.data, text.size, 0, &why);
    if (json == NULL)
        return error_set(err, ERROR_DAMAGED, "it is no JSON: %s", why.text);
    bool ok = take_record(out, json, err);
    json_decref(json);
    if (!ok)
        err->kind = ERROR_DAMAGED;
    return ok;
}
