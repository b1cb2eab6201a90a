/* test_promote.c: an alias moves in one request, and only to an index that is complete. */
#include "index/steps.h"

#include "../spool/spooled.h"
#include "stepped.h"

#define NEW FOUND("image-2", SETTINGS, "", "")
#define OLD FOUND("image-1", SETTINGS, "", "\"image\":{}")
#define ADD_ONLY "{\"actions\":[{\"add\":{\"index\":\"image-2\",\"alias\":\"image\"}}]}"

static void set_up(void)
{
    stepped_set_up();
    wish.alias = "image";
    wish.takes_incomplete = true;
}

static bool promote(void)
{
    return step_promote(&steps, "image-2", &err);
}

START_TEST(an_alias_that_is_new_is_made)
{
    const struct canned_answer answers[] = {MISSING,         NEW, REFRESHED, NEW, COUNT("9"),
                                            HEALTH("green"), DONE};
    BEGIN(answers);
    unit_assert_ok(promote(), err);
    stepped_assert_asked(6, "POST /_aliases ", ADD_ONLY);
    stepped_end();
}
END_TEST

START_TEST(an_alias_leaves_all_others_by_the_same_request_and_stays_what_it_was)
{
    const struct canned_answer answers[] = {
        OK("{" INDEX("image-0", SETTINGS, "", "\"image\":{\"is_write_index\":false}") "," INDEX(
            "image-1", SETTINGS, "",
            "\"image\":{\"is_write_index\":true,\"index_routing\":\"1\"}") "}"),
        NEW,
        REFRESHED,
        NEW,
        COUNT("9"),
        HEALTH("green"),
        DONE,
        DONE};
    BEGIN(answers);
    unit_assert_ok(promote(), err);
    stepped_assert_asked(
        6, "PUT /image-2/_mapping ",
        "{\"_meta\":{\"bobbin\":{\"replaced\":{\"image\":[\"image-0\",\"image-1\"]}}}}");
    stepped_assert_asked(
        7, "POST /_aliases ",
        "{\"actions\":[{\"remove\":{\"index\":\"image-0\",\"alias\":\"image\"}},"
        "{\"remove\":{\"index\":\"image-1\",\"alias\":\"image\"}},"
        "{\"add\":{\"index\":\"image-2\",\"alias\":\"image\",\"is_write_index\":true,"
        "\"index_routing\":\"1\"}}]}");
    stepped_end();
}
END_TEST

START_TEST(an_alias_that_stands_there_already_is_left_alone)
{
    const struct canned_answer there = FOUND("image-2", SETTINGS, TUNED, "\"image\":{}");
    const struct canned_answer answers[] = {there, there};
    wish.takes_incomplete = false;
    BEGIN(answers);
    unit_assert_ok(promote(), err);
    stepped_assert_count(2);
    stepped_end();
}
END_TEST

static const struct {
    struct canned_answer answers[8];
    enum error_kind kind;
    const char *words;
} refusals[] = {
    {{FOUND("image", SETTINGS, "", "")}, ERROR_CONFIG, "image is an index, and no alias"},
    {{OK("{\".ds-image-1\":{\"data_stream\":\"image\"}}")}, ERROR_CONFIG, "image is a data stream"},
    {{OLD, MISSING}, ERROR_CONFIG, "index image-2 does not exist"},
    {{OLD, NEW, REFRESHED, NEW, COUNT("0")},
     ERROR_DIFFERENT,
     "index image-2 has no documents; --even-if-empty"},
    {{OLD, NEW, REFRESHED, NEW, COUNT("9"), HEALTH("red")}, ERROR_UNAVAILABLE, "image-2 is red"},
    {{OLD, NEW, REFRESHED, NEW, COUNT("9"), HEALTH("green"), DONE, OK("{\"acknowledged\":false}")},
     ERROR_UNAVAILABLE,
     "alias image: "},
};

START_TEST(what_can_not_be_promoted_is_named)
{
    stepped_begin(refusals[_i].answers, 8);
    unit_assert_error(promote(), err, refusals[_i].kind, refusals[_i].words);
    stepped_end();
}
END_TEST

START_TEST(an_empty_index_is_promoted_when_told)
{
    const struct canned_answer answers[] = {MISSING,         NEW, REFRESHED, NEW, COUNT("0"),
                                            HEALTH("green"), DONE};
    wish.takes_empty = true;
    BEGIN(answers);
    unit_assert_ok(promote(), err);
    stepped_end();
}
END_TEST

#define FILTERED(done, documents)                                                                  \
    FOUND("image-2", SETTINGS,                                                                     \
          "\"bobbin\":{\"filter\":{\"source\":\"image-1\",\"done\":" done                          \
          ",\"documents\":" documents "}}",                                                        \
          "")

static const struct {
    struct canned_answer look;
    enum error_kind kind;
    const char *words; // NULL: it is promoted
} proofs[] = {
    {NEW, ERROR_USAGE, "is index image-2 complete? Give --dsn with --table or --query, or --spool"},
    {FOUND("image-2", SETTINGS, TUNED, ""), ERROR_DIFFERENT, "has still its settings for loading"},
    {FILTERED("false", "9"), ERROR_DIFFERENT, "is not filtered to its end"},
    {FILTERED("true", "8"), ERROR_DIFFERENT, "has 9 documents; its filter left 8 there"},
    {FILTERED("true", "9"), ERROR_NONE, NULL},
};

START_TEST(an_index_must_be_shown_to_be_complete)
{
    const struct canned_answer answers[] = {OLD,        proofs[_i].look, REFRESHED, proofs[_i].look,
                                            COUNT("9"), HEALTH("green"), DONE};
    wish.takes_incomplete = false;
    BEGIN(answers);
    if (proofs[_i].words == NULL)
        unit_assert_ok(promote(), err);
    else
        unit_assert_error(promote(), err, proofs[_i].kind, proofs[_i].words);
    ck_assert(proofs[_i].kind != ERROR_DIFFERENT ||
              strstr(err.message, "--even-if-incomplete") != NULL);
    stepped_end();
}
END_TEST

START_TEST(without_an_alias_there_is_nothing_to_do)
{
    const struct canned_answer answers[] = {MISSING};
    wish.alias = NULL;
    BEGIN(answers);
    unit_assert_error(promote(), err, ERROR_USAGE, "--alias is missing");
    stepped_assert_count(0);
    stepped_end();
}
END_TEST

/* --- a job's spool --- */

enum { PENDING, FINISHED, DEAD };

/* A spool of a job for index "images", of one frame of four documents. */
static void make_spool(int state)
{
    bool is_finished;
    struct spool *s = spooled_new();
    spooled_append(s, 1, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    if (state != PENDING) {
        unit_assert_ok(spooled_try_acknowledge(s, 1, state == DEAD ? 3 : 4, state == DEAD, &err),
                       err);
        unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    }
    spool_close(s);
    job.spool = spooled_path;
}

static const struct {
    const char *index;
    int state;
    enum error_kind kind;
    const char *words; // NULL: it is promoted
} spools[] = {
    {"images", FINISHED, ERROR_NONE, NULL},
    {"images", PENDING, ERROR_DIFFERENT, "its job is not finished: 4 documents are pending"},
    {"images", DEAD, ERROR_DEAD_LETTERS, "1 documents of index images were refused"},
    {"image-2", FINISHED, ERROR_CONFIG, "its job is for index images, not image-2"},
};

START_TEST(the_spool_of_its_job_shows_it)
{
    struct canned_answer new = NEW, named = FOUND("images", SETTINGS, "", "");
    new = strcmp(spools[_i].index, "images") == 0 ? named : new;
    const struct canned_answer answers[] = {OLD, new, REFRESHED, new, COUNT("4"), HEALTH("green"),
                                            DONE};
    spooled_set_up();
    make_spool(spools[_i].state);
    wish.takes_incomplete = false;
    BEGIN(answers);
    bool ok = step_promote(&steps, spools[_i].index, &err);
    if (spools[_i].words == NULL)
        unit_assert_ok(ok, err);
    else
        unit_assert_error(ok, err, spools[_i].kind, spools[_i].words);
    stepped_end();
    spooled_tear_down();
}
END_TEST

START_TEST(a_spool_that_is_not_there_shows_nothing)
{
    const struct canned_answer answers[] = {OLD, NEW, REFRESHED, NEW, COUNT("4")};
    job.spool = "/nonexistent/spool";
    wish.takes_incomplete = false;
    BEGIN(answers);
    unit_assert_error(promote(), err, ERROR_CONFIG, "spool /nonexistent/spool: there is none");
    stepped_end();
}
END_TEST

UNIT_MAIN_WITH("index/promote", set_up, NULL, UNIT_TEST(an_alias_that_is_new_is_made),
               UNIT_TEST(an_alias_leaves_all_others_by_the_same_request_and_stays_what_it_was),
               UNIT_TEST(an_alias_that_stands_there_already_is_left_alone),
               UNIT_EACH(what_can_not_be_promoted_is_named, refusals),
               UNIT_TEST(an_empty_index_is_promoted_when_told),
               UNIT_EACH(an_index_must_be_shown_to_be_complete, proofs),
               UNIT_TEST(without_an_alias_there_is_nothing_to_do),
               UNIT_EACH(the_spool_of_its_job_shows_it, spools),
               UNIT_TEST(a_spool_that_is_not_there_shows_nothing))
