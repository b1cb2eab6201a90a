/* health.c: is the index whole: green or yellow. See steps.h. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "index/ask.h"
#include "index/steps.h"

enum { POLL_MS = 10000, REPORT_MS = 60000, COLOUR_BYTES = 16, AFTER_BYTES = 96 };

static const char *const names[] = {[STEP_GREEN] = "green", [STEP_YELLOW] = "yellow"};

struct health {
    char colour[COLOUR_BYTES];
    int64_t missing; // shards that are nowhere
    int64_t coming;  // and those that are being copied
};

static bool is_well(const struct health *h, int wanted)
{
    return strcmp(h->colour, "green") == 0 ||
           (wanted == STEP_YELLOW && strcmp(h->colour, "yellow") == 0);
}

/* Ask once; the cluster waits for up to MS before it answers. */
static bool ask_health(struct steps *s, const char *index, int64_t ms, struct health *out,
                       struct error *err)
{
    char after[AFTER_BYTES];
    struct question_answer a;
    snprintf(after, sizeof after, "?wait_for_status=%s&timeout=%" PRId64 "ms",
             names[s->options->wait_for], ms);
    const struct ask ask = {.method = "GET",
                            .before = "/_cluster/health/",
                            .index = index,
                            .after = after,
                            .answers = {408},
                            .privilege = "monitor (of the cluster)"};
    question_answer_init(&a, ASK_ANSWER_MAX_BYTES);
    bool ok = ask_cluster(&s->hosts, &ask, &a, err);
    const char *colour = json_string_value(json_object_get(a.json, "status"));
    if (ok && colour == NULL)
        ok = error_set(err, ERROR_UNAVAILABLE, "index %s: the cluster does not tell its health",
                       index);
    if (ok)
        snprintf(out->colour, sizeof out->colour, "%s", colour);
    out->missing = json_integer_value(json_object_get(a.json, "unassigned_shards"));
    out->coming = json_integer_value(json_object_get(a.json, "initializing_shards"));
    question_answer_free(&a);
    return ok;
}

static bool give_up(const struct health *h, const char *index, int wanted, struct error *err)
{
    error_set(err, ERROR_UNAVAILABLE,
              "index %s is %s and not %s: %" PRId64 " of its shards are on no node", index,
              h->colour, names[wanted], h->missing);
    if (wanted == STEP_GREEN && strcmp(h->colour, "yellow") == 0)
        error_hint(err, "when the cluster has too few nodes for its replicas: --wait-for yellow");
    return false;
}

static void report(const struct health *h, const char *index, int wanted, int64_t *due_ms)
{
    int64_t now = clock_monotonic_ms();
    if (now < *due_ms)
        return;
    *due_ms = now + REPORT_MS;
    log_message(LOG_INFO,
                "index %s is %s, with %" PRId64 " shards on no node and %" PRId64
                " that are being copied: waiting until it is %s",
                index, h->colour, h->missing, h->coming, names[wanted]);
}

/* While shards are being copied, which may take hours, there is progress. */
bool step_wait(struct steps *s, const char *index, struct error *err)
{
    int wanted = s->options->wait_for;
    int64_t until = clock_monotonic_ms() + s->job->give_up_after_ms;
    int64_t most =
        s->job->request_timeout_ms / 2 < POLL_MS ? s->job->request_timeout_ms / 2 : POLL_MS;
    int64_t ms = 0, due_ms = 0; // the first time nothing is waited for
    struct health h = {.missing = 0};
    if (wanted == STEP_ANY)
        return true;
    for (;;) {
        if (!ask_health(s, index, ms, &h, err))
            return false;
        if (is_well(&h, wanted))
            return true;
        if (h.coming > 0)
            until = clock_monotonic_ms() + s->job->give_up_after_ms;
        int64_t left = until - clock_monotonic_ms();
        if (left <= 0 && h.coming == 0)
            return give_up(&h, index, wanted, err);
        report(&h, index, wanted, &due_ms);
        ms = left < most && h.coming == 0 ? left : most;
    }
}
