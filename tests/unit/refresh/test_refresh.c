/* test_refresh.c: how a refresh begins and goes on. All of it, on real engines, is tests/integration/test_refresh.py's. */
#include "refresh/refresh.h"

#include "../index/stepped.h"

#define NOTED                                                                                      \
    "{\"image-2\":{\"mappings\":{\"_meta\":{\"bobbin\":{\"refresh\":{\"alias\":\"image\","         \
    "\"query\":\"%s\",\"done\":\"%s\"}}}}}}"

static struct refresh_options options;
static struct fill_watch watch;
static char noted[1024];

static void set_up(void)
{
    stepped_set_up();
    wish.alias = "image";
    job.table = "image";
    job.key = "id";
    job.spool = "/nonexistent";
    options = (struct refresh_options){.suffix = NULL};
}

/* The answer of an index whose refresh has DONE that step, begun with job's query, or QUERY. */
static struct canned_answer noted_with(const char *query, const char *done)
{
    char hash[JOB_HASH_BYTES];
    unit_assert_ok(job_hash_query(&job, "SELECT * FROM image", hash, &err), err);
    snprintf(noted, sizeof noted, NOTED, query != NULL ? query : hash, done);
    return (struct canned_answer){.status = 200, .body = noted};
}

static bool run(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    job.urls[0] = server.host;
    return refresh_run(&options, &job, &wish, &watch, &err);
}

START_TEST(what_is_finished_is_left_alone)
{
    const struct canned_answer answers[] = {noted_with(NULL, "delete")};
    options.suffix = "2";
    unit_assert_ok(run(answers, 1), err);
    stepped_assert_count(1);
    canned_stop(&server);
}
END_TEST

START_TEST(it_goes_on_behind_the_last_step_that_is_done)
{
    const struct canned_answer new = FOUND("image-2", SETTINGS, "", ""),
                               old = FOUND("image-1", SETTINGS, "", "\"image\":{}");
    const struct canned_answer answers[] = {
        noted_with(NULL, "promote"),
        old,
        new,
        REFRESHED,
        new,
        COUNT("9"),
        HEALTH("green"),
        DONE, // what is replaced
        DONE,
        new,
        DONE, // alias
        FOUND("image-2", SETTINGS, "\"bobbin\":{\"replaced\":{\"image\":[\"image-1\"]}}", ""),
        FOUND("image-1", SETTINGS, "", ""),
        DONE,
        DONE,
        new,
        DONE, // delete
    };
    unit_assert_ok(run(answers, COUNT_OF(answers)), err);
    stepped_assert_asked(8, "POST /_aliases ",
                         "{\"actions\":[{\"remove\":{\"index\":\"image-1\",\"alias\":\"image\"}},"
                         "{\"add\":{\"index\":\"image-2\",\"alias\":\"image\"}}]}");
    stepped_assert_asked(13, "DELETE /image-1 ", NULL);
    stepped_assert_count(COUNT_OF(answers));
    canned_stop(&server);
}
END_TEST

START_TEST(the_old_index_can_be_kept)
{
    const struct canned_answer answers[] = {noted_with(NULL, "alias"),
                                            FOUND("image-2", SETTINGS, "", ""), DONE};
    options.keeps_old = true;
    unit_assert_ok(run(answers, COUNT_OF(answers)), err);
    stepped_assert_count(COUNT_OF(answers));
    canned_stop(&server);
}
END_TEST

START_TEST(another_query_is_refused)
{
    const struct canned_answer answers[] = {noted_with("00", "load")};
    unit_assert_error(run(answers, 1), err, ERROR_CONFIG, "was begun with another query or key");
    stepped_assert_count(1);
    canned_stop(&server);
}
END_TEST

START_TEST(an_alias_that_is_an_index_is_refused_before_anything_is_made)
{
    const struct canned_answer answers[] = {OK("{}"), FOUND("image", SETTINGS, "", "")};
    unit_assert_error(run(answers, 2), err, ERROR_CONFIG, "image is an index, and no alias");
    stepped_assert_count(2);
    canned_stop(&server);
}
END_TEST

START_TEST(without_a_query_or_body_nothing_is_begun)
{
    const struct canned_answer answers[] = {OK("{}"), MISSING};
    unit_assert_error(run(answers, 2), err, ERROR_USAGE, "--create-index is missing");
    canned_stop(&server);
    job.table = NULL;
    unit_assert_error(run(answers, 2), err, ERROR_USAGE, "give either --table NAME or --query");
    canned_stop(&server);
}
END_TEST

UNIT_MAIN_WITH("refresh/refresh", set_up, NULL, UNIT_TEST(what_is_finished_is_left_alone),
               UNIT_TEST(it_goes_on_behind_the_last_step_that_is_done),
               UNIT_TEST(the_old_index_can_be_kept), UNIT_TEST(another_query_is_refused),
               UNIT_TEST(an_alias_that_is_an_index_is_refused_before_anything_is_made),
               UNIT_TEST(without_a_query_or_body_nothing_is_begun))
