/* stepped.h: for the tests of the steps: a cluster that gives canned answers in their order, and what it was asked. */
#ifndef BOBBIN_TESTS_STEPPED_H
#define BOBBIN_TESTS_STEPPED_H

#include "../sink/canned_server.h"
#include "index/steps.h"

enum { PATIENCE_MS = 20000 };

#define OK(text)                                                                                   \
    {                                                                                              \
        .status = 200, .body = text                                                                \
    }
#define DONE OK("{\"acknowledged\":true}")
#define MISSING                                                                                    \
    {                                                                                              \
        .status = 404, .body = "{\"error\":{\"type\":\"index_not_found_exception\"}}"              \
    }
/* INDEX with SETTINGS, _META and ALIASES, each members of an object. */
#define INDEX(name, settings, meta, aliases)                                                       \
    "\"" name "\":{\"aliases\":{" aliases "},\"mappings\":{\"dynamic\":\"false\",\"_meta\":{" meta \
    "}},\"settings\":{" settings "}}"
#define FOUND(...) OK("{" INDEX(__VA_ARGS__) "}")
#define SETTINGS "\"index.uuid\":\"U1\",\"index.number_of_replicas\":\"2\""
#define TUNED                                                                                      \
    "\"bobbin\":{\"restore\":{\"index.refresh_interval\":null,\"index.number_of_replicas\":\"2\"}" \
    "}"
#define HEALTH(colour) OK("{\"status\":\"" colour "\",\"unassigned_shards\":3}")
#define SHARDS "\"_shards\":{\"total\":1,\"failed\":0}"
#define REFRESHED OK("{" SHARDS "}")
#define COUNT(n) OK("{\"count\":" n "," SHARDS "}")

static struct canned_server server;
static struct job_options job;
static struct step_options wish;
static struct steps steps;
static struct error err;

static inline void stepped_set_up(void)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < COUNT_OF(proxies); i++)
        unsetenv(proxies[i]);
    job = (struct job_options){.request_timeout_ms = PATIENCE_MS};
    wish = (struct step_options){.wait_for = STEP_GREEN};
    err = (struct error){.kind = ERROR_NONE};
}

static inline void stepped_begin(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    job.urls[0] = server.host;
    unit_assert_ok(steps_open(&steps, &job, &wish, &err), err);
}

#define BEGIN(answers) stepped_begin(answers, COUNT_OF(answers))

static inline void stepped_end(void)
{
    steps_close(&steps);
    canned_stop(&server);
}

/* Request NUMBER (0 is the first) was LINE ("GET /images") with the JSON BODY, or NULL: none. */
static inline void stepped_assert_asked(int number, const char *line, const char *body)
{
    ck_assert_int_lt(number, canned_count(&server));
    const struct canned_request *q = &server.requests[number];
    ck_assert_msg(strncmp(q->head, line, strlen(line)) == 0, "%d: %s", number, q->head);
    if (body == NULL)
        return;
    json_t *expected = json_loads(body, 0, NULL);
    json_t *found = json_loadb(q->body, q->body_size, 0, NULL);
    ck_assert_ptr_nonnull(expected);
    ck_assert_msg(json_equal(expected, found), "%d: %.*s", number, (int)q->body_size, q->body);
    json_decref(expected);
    json_decref(found);
}

static inline void stepped_assert_count(int count)
{
    ck_assert_int_eq(canned_count(&server), count);
}

#endif
