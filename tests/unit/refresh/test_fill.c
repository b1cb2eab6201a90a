/* test_fill.c: one refresh's job after the other in one spool, and which of them may not make room. */
#include "refresh/fill.h"

#include "../job/both_stages.h"

static const struct canned_rule rules[] = {DUMPED_COPY, DUMPED_RULES};
static const struct canned_answer accepts[] = {INDEX_FOUND, ALL_DONE};
static struct fill_watch watch;

static void set_up(void)
{
    both_stages_set_up();
    dumped_options.max_dead = 100;
    watch = (struct fill_watch){.observe = NULL};
}

static void observe(void *context, struct spool *spool, const struct job_live *live)
{
    (void)context;
    (void)spool;
    (void)live;
}

static void start(const struct canned_answer *answers, size_t count)
{
    both_stages_start(rules, COUNT_OF(rules), answers, count);
    watch.observe = observe;
}

static bool fill(bool takes_dead)
{
    dumped_err = (struct error){.kind = ERROR_NONE};
    return fill_index(&dumped_options, takes_dead, &watch, &dumped_err);
}

START_TEST(a_finished_job_makes_room_for_another)
{
    start(accepts, COUNT_OF(accepts));
    unit_assert_ok(fill(false), dumped_err);
    ck_assert(watch.has_last);
    ck_assert_uint_eq(watch.last.acknowledged, 8);
    int copies = canned_count_statements(&dumped_server, "COPY (");
    unit_assert_ok(fill(false), dumped_err); // the same: it is finished
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), copies);
    dumped_options.keeps_nulls = 1; // another job
    unit_assert_ok(fill(false), dumped_err);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 2 * copies);
    ck_assert_uint_eq(watch.last.acknowledged, 8);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(an_unfinished_job_makes_no_room)
{
    struct index_job last;
    bool has_last;
    start(accepts, COUNT_OF(accepts));
    unit_assert_ok(
        job_run(&dumped_options, SPOOL_DUMP, observe, NULL, &last, &has_last, &dumped_err),
        dumped_err);
    dumped_options.keeps_nulls = 1;
    unit_assert_error(fill(false), dumped_err, ERROR_CONFIG, "belongs to another job");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(dead_letters_are_an_error_or_warned_of_and_make_no_room)
{
    static const struct canned_answer answers[] = {
        INDEX_FOUND, {.status = 200, .body = ITEMS(DONE "," BAD "," DONE "," DONE)}, ALL_DONE};
    start(answers, COUNT_OF(answers));
    unit_assert_error(fill(false), dumped_err, ERROR_DEAD_LETTERS, "1 documents were refused");
    unit_assert_ok(fill(true), dumped_err);
    ck_assert_uint_eq(watch.last.dead, 1);
    dumped_options.keeps_nulls = 1;
    unit_assert_error(fill(true), dumped_err, ERROR_CONFIG, "belongs to another job");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_new_index_is_filled_though_one_of_its_name_was)
{
    static const struct fill_fleet alone = {.shards = 0};
    start(accepts, COUNT_OF(accepts));
    unit_assert_ok(fill(false), dumped_err);
    int copies = canned_count_statements(&dumped_server, "COPY (");
    unit_assert_ok(fill_begin(&dumped_options, &alone, &dumped_err), dumped_err);
    unit_assert_ok(fill(false), dumped_err);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 2 * copies);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_a_store_nothing_is_shared)
{
    struct error err = {.kind = ERROR_NONE};
    struct fill_fleet fleet = {
        .shards = 3,
        .store = {.job = &dumped_options, .coordinator = "host=/nonexistent", .timeout_ms = 1000},
        .lease_ms = 60000};
    unit_assert_error(fill_with_others(&dumped_options, &fleet, "images", true, &err), err,
                      ERROR_UNAVAILABLE, "--coordinator: PostgreSQL at /nonexistent");
    unit_assert_error(fill_begin(&dumped_options, &fleet, &err), err, ERROR_UNAVAILABLE,
                      "/nonexistent");
    dumped_options.index = "a:b";
    unit_assert_error(fill_begin(&dumped_options, &fleet, &err), err, ERROR_USAGE, "a name is");
    fleet.shards = 0;
    unit_assert_ok(fill_forget(&fleet, "images", &err), err);
}
END_TEST

UNIT_MAIN_WITH("refresh/fill", set_up, dumped_tear_down,
               UNIT_TEST(a_finished_job_makes_room_for_another),
               UNIT_TEST(an_unfinished_job_makes_no_room),
               UNIT_TEST(a_new_index_is_filled_though_one_of_its_name_was),
               UNIT_TEST(without_a_store_nothing_is_shared),
               UNIT_TEST(dead_letters_are_an_error_or_warned_of_and_make_no_room))
