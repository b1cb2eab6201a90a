/* test_mirror.c: the shard's document says what the spool says, and never more than the cluster's disk has. */
#include "fleet/mirror.h"

#include "../sink/canned_server.h"
#include "../spool/spooled.h"

#define DURABLE "{\"i\":{\"settings\":{\"index\":{}}}}"
#define ASYNC "{\"i\":{\"settings\":{\"index\":{\"translog\":{\"durability\":\"async\"}}}}}"

enum { EACH = 4 };

static struct canned_server server;
static struct mirror mirror;
static struct job_options job;
static struct shard shard;
static struct spool *s;
static struct error err;
static bool is_durable;

static void set_up(void)
{
    unsetenv("http_proxy");
    spooled_set_up();
    s = NULL;
    shard = (struct shard){.number = 3, .acknowledged = 100, .dead = 2};
}

static void tear_down(void)
{
    shard_free(&shard);
    mirror_close(&mirror);
    canned_stop(&server);
    spool_close(s);
    spooled_tear_down();
}

static void start(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    job = (struct job_options){.urls = {server.host},
                               .index = "images",
                               .spool = spooled_path,
                               .request_timeout_ms = 20000};
    unit_assert_ok(mirror_open(&mirror, &job, 5000, &shard, &err), err);
}

/* Three frames, of which COUNT are done. The mirror opens the index itself: it must not be open here. */
static void make_spool(uint64_t count)
{
    s = spooled_new();
    for (uint64_t i = 0; i < 3; i++)
        spooled_append(s, 1 + EACH * i, EACH);
    spooled_commit(s);
    for (uint64_t i = 0; i < count; i++)
        spooled_acknowledge(s, 1 + i, EACH);
    spool_close(s);
    s = NULL;
}

static void update(bool durable)
{
    unit_assert_ok(mirror_update(&mirror, &shard, &is_durable, &err), err);
    ck_assert_int_eq(is_durable, durable);
}

START_TEST(before_the_job_begins_nothing_changes)
{
    static const struct canned_answer answer = {.status = 200, .body = DURABLE};
    start(&answer, 1);
    update(true);
    ck_assert_ptr_null(shard.key);
    ck_assert_uint_eq(shard.acknowledged, 100);
    ck_assert_int_eq(canned_count(&server), 0);
}
END_TEST

START_TEST(what_earlier_holders_did_is_counted_too)
{
    static const struct canned_answer answer = {.status = 200, .body = DURABLE};
    start(&answer, 1);
    make_spool(2);
    update(true);
    ck_assert_str_eq(shard.key, "9");
    ck_assert(shard.is_inclusive && shard.acknowledged == 100 + 2 * EACH && shard.dead == 2);
    ck_assert(canned_was_asked(&server, 0, "GET /images/_settings?filter_path="));
    update(true);
    ck_assert_int_eq(canned_count(&server), 1); // it is no further: there is nothing to ask
    ck_assert(!mirror.is_finished);
}
END_TEST

START_TEST(an_asynchronous_translog_is_flushed_first)
{
    static const struct canned_answer answers[] = {{.status = 200, .body = ASYNC},
                                                   {.status = 200, .body = "{}"}};
    start(answers, 2);
    make_spool(1);
    update(true);
    ck_assert_str_eq(shard.key, "5");
    ck_assert(canned_was_asked(&server, 1, "POST /images/_flush?wait_if_ongoing=true"));
}
END_TEST

START_TEST(what_cannot_be_flushed_is_no_checkpoint)
{
    static const struct canned_answer answers[] = {
        {.status = 200, .body = ASYNC},
        {.status = 400, .body = "{\"error\":{\"type\":\"x\",\"reason\":\"y\"}}"}};
    start(answers, 2);
    make_spool(1);
    update(false);
    ck_assert_ptr_null(shard.key);
    ck_assert_uint_eq(shard.acknowledged, 100);
}
END_TEST

START_TEST(who_may_not_ask_is_taken_to_know)
{
    static const struct canned_answer answer = {.status = 403, .body = "{}"};
    start(&answer, 1);
    make_spool(1);
    update(true);
    ck_assert_str_eq(shard.key, "5");
}
END_TEST

START_TEST(the_end_is_flushed_also_without_a_new_key)
{
    static const struct canned_answer answer = {.status = 200, .body = DURABLE};
    bool is_finished;
    start(&answer, 1);
    make_spool(3);
    update(true);
    s = spooled_open();
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    spool_close(s);
    s = NULL;
    update(true);
    ck_assert(mirror.is_finished);
    ck_assert_int_eq(canned_count(&server), 2);
}
END_TEST

UNIT_MAIN_WITH("fleet/mirror", set_up, tear_down, UNIT_TEST(before_the_job_begins_nothing_changes),
               UNIT_TEST(what_earlier_holders_did_is_counted_too),
               UNIT_TEST(an_asynchronous_translog_is_flushed_first),
               UNIT_TEST(what_cannot_be_flushed_is_no_checkpoint),
               UNIT_TEST(who_may_not_ask_is_taken_to_know),
               UNIT_TEST(the_end_is_flushed_also_without_a_new_key))
