/* mirror.c: see mirror.h. */
#include "fleet/mirror.h"

#include "base/clock.h"
#include "base/log.h"
#include "index/ask.h"

enum {
    KEY_MAX_BYTES = 1 << 20,
    FORBIDDEN = 403,
};

bool mirror_open(struct mirror *m, const struct job_options *o, int64_t timeout_ms,
                 const struct shard *shard, struct error *err)
{
    *m = (struct mirror){
        .spool = o->spool,
        .index = o->index,
        .acknowledged_before = shard->acknowledged,
        .dead_before = shard->dead,
        .looked_ms = clock_monotonic_ms(),
    };
    return cluster_questions_open(&m->questions, o, timeout_ms, err);
}

void mirror_close(struct mirror *m)
{
    cluster_questions_close(&m->questions);
}

/* --- the translog --- */

/* Who may not ask is taken to know: docs/fleet.md says what is assumed. */
static bool look_for_async(struct mirror *m, bool *is_async, struct error *err)
{
    struct question_answer a;
    const struct ask question = {
        .method = "GET",
        .index = m->index,
        .after = "/_settings?filter_path=%2A.settings.index.translog.durability",
        .answers = {FORBIDDEN},
        .privilege = "view_index_metadata"};
    question_answer_init(&a, QUESTION_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(&m->questions.hosts, &question, &a, err);
    *is_async = ok && strstr(buffer_string(&a.text), "\"async\"") != NULL;
    question_answer_free(&a);
    return ok;
}

static bool flush_if_async(struct mirror *m, struct error *err)
{
    bool is_async;
    return look_for_async(m, &is_async, err) &&
           (!is_async || ask_to_flush(&m->questions.hosts, m->index, err));
}

/* --- the spool --- */

static bool read_spool(const struct mirror *m, struct spool_progress *p, struct buffer *key,
                       struct error *err)
{
    const struct spool_options options = {.path = m->spool, .roles = SPOOL_READER};
    struct spool *s;
    *p = (struct spool_progress){.has_key = false};
    if (!spool_open(&s, &options, NULL, err))
        return false;
    bool ok = spool_is_new(s) || spool_get_progress(s, p, key, err);
    spool_close(s);
    return ok;
}

static bool is_further(const struct shard *shard, const struct spool_progress *p,
                       struct buffer *key)
{
    return p->has_key && (shard->key == NULL || shard->is_inclusive != p->is_inclusive ||
                          strcmp(shard->key, buffer_string(key)) != 0);
}

static void note_counts(struct mirror *m, struct shard *shard, const struct spool_progress *p)
{
    int64_t now = clock_monotonic_ms(), ms = now - m->looked_ms;
    uint64_t acknowledged = p->acknowledged > m->acknowledged ? p->acknowledged : m->acknowledged;
    if (ms > 0)
        shard->rows_per_s = (acknowledged - m->acknowledged) * 1000 / (uint64_t)ms;
    m->acknowledged = acknowledged;
    m->looked_ms = now;
    shard->acknowledged = m->acknowledged_before + p->acknowledged;
    shard->dead = m->dead_before + p->dead;
}

/* The next beat asks again, but a right does not come by itself. */
static bool bear(const struct shard *shard, const struct error *why, struct error *err)
{
    if (why->kind == ERROR_DENIED && shard->state == SHARD_HELD) {
        *err = *why;
        return error_hint(err, "or index.translog.durability \"request\"");
    }
    log_message(LOG_WARNING, "shard %zu: its checkpoint has to wait: %s", shard->number,
                why->message);
    return true;
}

bool mirror_update(struct mirror *m, struct shard *shard, bool *is_durable, struct error *err)
{
    struct buffer key;
    struct spool_progress p;
    struct error why = {.kind = ERROR_NONE};
    *is_durable = true;
    buffer_init(&key, KEY_MAX_BYTES);
    bool ok = read_spool(m, &p, &key, err);
    if (ok && (is_further(shard, &p, &key) || (p.is_finished && !m->is_finished)) &&
        !flush_if_async(m, &why)) {
        *is_durable = false;
        ok = bear(shard, &why, err);
    } else if (ok && p.has_key) {
        ok = shard_set_key(shard, buffer_slice(&key), p.is_inclusive, err);
        note_counts(m, shard, &p);
    }
    m->is_finished = ok && *is_durable && p.is_finished;
    buffer_free(&key);
    return ok;
}
