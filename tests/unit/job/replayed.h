/* replayed.h: for the tests of the replay: a spool with frames, and a cluster that gives canned answers
 * of which the first one is to the question for the index. */
#ifndef BOBBIN_TESTS_REPLAYED_H
#define BOBBIN_TESTS_REPLAYED_H

#include "../sink/canned_server.h"
#include "../spool/spooled.h"
#include "base/clock.h"
#include "base/stop.h"
#include "encode/action.h"
#include "job/replay.h"

#define INDEX_FOUND                                                                                \
    {                                                                                              \
        .status = 200, .body = "{\"images\":{\"settings\":{\"index\":{\"uuid\":\"Kq3\"}}}}"        \
    }
#define DONE "{\"index\":{\"status\":201}}"
#define LATER                                                                                      \
    "{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\","          \
    "\"reason\":\"full\"}}}"
#define BAD                                                                                        \
    "{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\","                 \
    "\"reason\":\"bad\"}}}"
#define ITEMS(items) "{\"took\":1,\"errors\":true,\"items\":[" items "]}"
#define FOUR_DONE ITEMS(DONE "," DONE "," DONE "," DONE)
#define ALL_DONE                                                                                   \
    {                                                                                              \
        .status = 200, .body = FOUR_DONE                                                           \
    }

static struct canned_server replayed_server;
static struct job_options replayed_options;
static struct job_live replayed_live;
static struct spool *replayed_spool;
static struct replay *replayed;
static struct error replayed_err;

static inline void replayed_forget_proxies(void)
{
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < COUNT_OF(proxies); i++)
        unsetenv(proxies[i]);
}

static inline void replayed_set_up(void)
{
    replayed_forget_proxies();
    spooled_set_up();
    replayed_options = (struct job_options){.spool = spooled_path,
                                            .index = "images",
                                            .op = BULK_INDEX,
                                            .in_flight = 1,
                                            .request_timeout_ms = 20000,
                                            .give_up_after_ms = 20000,
                                            .max_dead = 10000};
    replayed_live = (struct job_live){.rows = 0};
    replayed_err = (struct error){.kind = ERROR_NONE};
    replayed = NULL;
    replayed_spool = spooled_new();
}

static inline void replayed_tear_down(void)
{
    replay_close(replayed);
    spool_close(replayed_spool);
    spooled_tear_down();
}

/* COUNT frames of four documents, committed; the dump is not at work. */
static inline void replayed_append(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        spooled_append(replayed_spool, 1 + 4 * i, 4);
    unit_assert_ok(spool_finish_dump(replayed_spool, &replayed_err), replayed_err);
    spool_close(replayed_spool);
    spooled.roles = SPOOL_REPLAY;
    replayed_spool = spooled_open();
}

/* The index stays what the first answer says. */
static inline void replayed_start_cluster(const struct canned_answer *answers, size_t count)
{
    canned_start(&replayed_server, answers, count);
    replayed_server.repeats_look = true;
}

static inline void replayed_start(const struct canned_answer *answers, size_t count)
{
    replayed_start_cluster(answers, count);
    replayed_options.urls[0] = replayed_server.host;
}

static inline bool replayed_open(void)
{
    return replay_open(&replayed, &replayed_options, "images", &replayed_live, &replayed_err) &&
           replay_ensure_index(replayed, &replayed_err);
}

/* Open, and send all that is pending. */
static inline bool replayed_run(void)
{
    return replayed_open() && replay_run(replayed, replayed_spool, &replayed_err);
}

/* Is the body of bulk request NUMBER (1 is the first) the documents from FIRST on, COUNT of them? */
static inline void replayed_assert_sent(int number, uint64_t first, uint64_t count)
{
    struct buffer expected;
    const struct canned_request *q = &replayed_server.requests[number];
    ck_assert_int_lt(number, replayed_server.request_count);
    buffer_init(&expected, 1 << 20);
    for (uint64_t i = 0; i < count; i++)
        spooled_put_document(&expected, first + i);
    unit_assert_slice(((struct slice){q->body, q->body_size}), buffer_string(&expected));
    buffer_free(&expected);
}

/* What the dead-letter file holds; its durable length must be what the index says. */
static inline const char *replayed_dead_letters(void)
{
    static char text[1 << 16];
    FILE *file = fopen(spooled_file("dead.ndjson"), "r");
    size_t size = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    ck_assert_uint_eq(spooled_read_job(replayed_spool).dead_bytes, size);
    return text;
}

static inline size_t replayed_count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

#endif
