/* test_run.c: a job from its checks to its end: both stages, one after the other, again, and what is left
 * when one fails. */
#include "both_stages.h"

enum { BOTH = SPOOL_DUMP | SPOOL_REPLAY };

static struct index_job last;
static bool has_last;
static int observed;

static void set_up(void)
{
    both_stages_set_up();
    observed = 0;
}

static const struct canned_rule good[] = {DUMPED_COPY, DUMPED_RULES};
static const struct canned_answer accepts[] = {INDEX_FOUND, ALL_DONE};
static const struct canned_answer accepts_each[] = {INDEX_FOUND, ALL_DONE, INDEX_FOUND, INDEX_FOUND,
                                                    ALL_DONE};
static const struct canned_answer accepts_twice[] = {INDEX_FOUND, ALL_DONE, INDEX_FOUND, ALL_DONE};

#define START(rules, answers) both_stages_start(rules, COUNT_OF(rules), answers, COUNT_OF(answers))

static void observe(void *context, struct spool *spool, const struct job_live *live)
{
    ck_assert_ptr_eq(context, &observed);
    ck_assert_ptr_nonnull(spool);
    ck_assert_ptr_nonnull(live);
    observed++;
}

static bool run(unsigned roles)
{
    dumped_err = (struct error){.kind = ERROR_NONE};
    return job_run(&dumped_options, roles, observe, &observed, &last, &has_last, &dumped_err);
}

static void assert_last(uint64_t rows, uint64_t acknowledged, uint64_t dead)
{
    ck_assert(has_last);
    ck_assert_uint_eq(last.rows, rows);
    ck_assert_uint_eq(last.acknowledged, acknowledged);
    ck_assert_uint_eq(last.dead, dead);
    ck_assert_uint_eq(last.pending, rows - acknowledged - dead);
}

#define run_ok(roles) unit_assert_ok(run(roles), dumped_err)

START_TEST(a_run_brings_all_rows_into_the_index)
{
    START(good, accepts);
    run_ok(BOTH);
    assert_last(8, 8, 0);
    ck_assert_uint_ne(last.finished_ms, 0);
    ck_assert_int_gt(observed, 0);
    ck_assert_int_eq(replayed_server.request_count, 3);
    ck_assert_ptr_nonnull(
        strstr(replayed_server.requests[1].body, "{\"id\":1,\"title\":\"title\"}\n"));
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_finished_job_is_left_alone_unless_it_is_to_run_again)
{
    START(good, accepts);
    run_ok(BOTH);
    int copies = canned_count_statements(&dumped_server, "COPY (");
    run_ok(BOTH);
    assert_last(8, 8, 0);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), copies);
    ck_assert_int_eq(replayed_server.request_count, 3);
    dumped_options.again = true;
    run_ok(BOTH);
    assert_last(8, 8, 0);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 2 * copies);
    ck_assert_int_eq(replayed_server.request_count, 5);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(the_stages_can_run_one_after_the_other)
{
    START(good, accepts);
    run_ok(SPOOL_DUMP);
    assert_last(8, 0, 0);
    ck_assert_int_eq(replayed_server.request_count, 0);
    canned_postgres_stop(&dumped_server); // is not needed any more
    dumped_server.directory = NULL;
    struct job_options dump_only = dumped_options;
    dumped_options.table = dumped_options.index = NULL;
    run_ok(SPOOL_REPLAY);
    assert_last(8, 8, 0);
    dumped_options = dump_only;
    run_ok(SPOOL_DUMP); // nothing is left for it
    assert_last(8, 8, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_replay_alone_needs_a_spool)
{
    START(good, accepts);
    dumped_options.table = NULL;
    unit_assert_error(run(SPOOL_REPLAY), dumped_err, ERROR_CONFIG, "there is none");
    ck_assert(!has_last);
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_replay_alone_knows_its_index)
{
    START(good, accepts);
    run_ok(SPOOL_DUMP);
    dumped_options.table = NULL;
    dumped_options.index = "others";
    unit_assert_error(run(SPOOL_REPLAY), dumped_err, ERROR_CONFIG,
                      "its job is for index images, not others");
    ck_assert_int_eq(replayed_server.request_count, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_replay_alone_says_when_the_dump_is_not_finished)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .state = "57P03", .message = "not now"}, DUMPED_RULES};
    START(rules, accepts);
    dumped_options.give_up_after_ms = 1;
    unit_assert_error(run(SPOOL_DUMP), dumped_err, ERROR_UNAVAILABLE, "not now");
    unit_assert_error(run(SPOOL_REPLAY), dumped_err, ERROR_STOPPED, "its dump is not finished");
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(another_job_in_the_spool_is_refused)
{
    START(good, accepts);
    run_ok(SPOOL_DUMP);
    dumped_options.to = "9";
    unit_assert_error(run(BOTH), dumped_err, ERROR_CONFIG, "another job");
    ck_assert_int_eq(replayed_server.request_count, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(refused_documents_are_the_result_each_time)
{
    static const struct canned_answer answers[] = {
        INDEX_FOUND,
        ALL_DONE,
        {.status = 200, .body = ITEMS(DONE "," BAD "," DONE "," DONE)},
    };
    START(good, answers);
    for (int i = 0; i < 2; i++) {
        unit_assert_error(run(BOTH), dumped_err, ERROR_DEAD_LETTERS, "1 documents were refused");
        ck_assert_ptr_nonnull(strstr(dumped_err.message, "dead.ndjson"));
        assert_last(8, 7, 1);
    }
    ck_assert_int_eq(replayed_server.request_count, 3);
    canned_stop(&replayed_server);
}
END_TEST

/* The second of the two frames. */
static void damage_a_frame(void)
{
    int fd = open(spooled_segment(1), O_RDWR);
    ck_assert_int_eq(pwrite(fd, "x", 1, spooled_size(spooled_segment(1)) - 10), 1);
    close(fd);
}

START_TEST(a_damaged_frame_is_dumped_and_sent_again_in_the_same_run)
{
    START(good, accepts);
    run_ok(SPOOL_DUMP);
    damage_a_frame();
    run_ok(BOTH);
    assert_last(8, 8, 0);
    ck_assert_int_eq(replayed_server.request_count, 3);
    ck_assert_ptr_nonnull(strstr(replayed_server.requests[2].body, "\"_id\":\"5\""));
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_a_dump_a_damaged_range_is_named_each_time)
{
    START(good, accepts_twice);
    run_ok(SPOOL_DUMP);
    damage_a_frame();
    for (int i = 0; i < 2; i++) {
        unit_assert_error(run(SPOOL_REPLAY), dumped_err, ERROR_DAMAGED,
                          "the disk has lost 1 key range (5 to 8)");
        assert_last(4, 4, 0);
    }
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_a_database_damage_is_named)
{
    START(good, accepts_each);
    const char *dsn = dumped_options.dsn;
    run_ok(SPOOL_DUMP);
    dumped_options.dsn = "host=/nonexistent";
    damage_a_frame();
    unit_assert_error(run(BOTH), dumped_err, ERROR_DAMAGED, "1 key range (5 to 8)"); // found in it
    unit_assert_error(run(BOTH), dumped_err, ERROR_DAMAGED, "/nonexistent");         // known before
    dumped_options.dsn = dsn;
    run_ok(BOTH);
    assert_last(8, 8, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_a_database_what_is_spooled_is_sent)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (",
         .times = 1,
         .is_copy = true,
         .answer = dumped_answer_copy,
         .state = "57P03",
         .message = "not now"},
        {.sql = "COPY (", .state = "57P03", .message = "not now"},
        DUMPED_RULES};
    START(rules, accepts);
    dumped_options.give_up_after_ms = 1;
    unit_assert_error(run(SPOOL_DUMP), dumped_err, ERROR_UNAVAILABLE, "not now");
    assert_last(8, 0, 0);
    dumped_options.dsn = "host=/nonexistent";
    dumped_options.give_up_after_ms = 20000;
    unit_assert_error(run(BOTH), dumped_err, ERROR_UNAVAILABLE, "/nonexistent");
    assert_last(8, 8, 0);
    ck_assert_uint_eq(last.finished_ms, 0);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_dump_that_gives_up_names_what_is_lost)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 1, .is_copy = true, .answer = dumped_answer_copy},
        {.sql = "COPY (", .state = "57P03", .message = "not now"},
        DUMPED_RULES};
    START(rules, accepts);
    run_ok(SPOOL_DUMP);
    damage_a_frame();
    dumped_options.give_up_after_ms = 3000; // the replay, which has it too, must not give up
    unit_assert_error(run(BOTH), dumped_err, ERROR_DAMAGED, "1 key range (5 to 8)");
    assert_last(4, 4, 0);
    canned_stop(&replayed_server);
}
END_TEST

/* --- nothing is written before all is checked --- */

static const struct canned_answer no_index[] = {
    {.status = 404, .body = "{\"error\":{\"type\":\"index_not_found_exception\"},\"status\":404}"}};

START_TEST(without_an_index_nothing_is_written)
{
    START(good, no_index);
    unit_assert_error(run(BOTH), dumped_err, ERROR_CONFIG, "--create-index");
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    ck_assert(!has_last);
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(without_a_cluster_nothing_is_written)
{
    START(good, accepts);
    canned_stop(&replayed_server);
    unit_assert_error(run(BOTH), dumped_err, ERROR_UNAVAILABLE, replayed_server.address);
    ck_assert_int_eq(spooled_size(spooled_path), -1);
}
END_TEST

START_TEST(without_a_database_nothing_is_written_or_sent)
{
    START(good, accepts);
    dumped_options.dsn = "host=/nonexistent";
    unit_assert_error(run(BOTH), dumped_err, ERROR_UNAVAILABLE, "/nonexistent");
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    ck_assert_int_eq(replayed_server.request_count, 0);
    canned_stop(&replayed_server);
}
END_TEST

/* --- a stage that fails --- */

START_TEST(a_replay_that_is_refused_ends_the_dump_and_is_the_result)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .is_copy = true, .answer = dumped_answer_copy, .stalls = true},
        DUMPED_RULES};
    static const struct canned_answer answers[] = {INDEX_FOUND, {.status = 401}};
    unit_assert_ok(stop_install(&dumped_err), dumped_err);
    START(rules, answers);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(run(BOTH), dumped_err, ERROR_DENIED, "HTTP 401");
    ck_assert_int_lt(clock_monotonic_ms() - from, 15000);
    assert_last(8, 0, 0); // what was read is kept
    canned_stop(&replayed_server);
}
END_TEST

START_TEST(a_dump_that_gives_up_lets_the_replay_send_what_is_there)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (",
         .times = 1,
         .is_copy = true,
         .answer = dumped_answer_copy,
         .state = "57P03",
         .message = "not now"},
        {.sql = "COPY (", .state = "57P03", .message = "not now"},
        DUMPED_RULES};
    START(rules, accepts);
    dumped_options.give_up_after_ms = 3000;
    unit_assert_error(run(BOTH), dumped_err, ERROR_UNAVAILABLE, "not now");
    assert_last(8, 8, 0);
    ck_assert_uint_eq(last.finished_ms, 0);
    canned_stop(&replayed_server);
}
END_TEST

UNIT_MAIN_WITH("job/run", set_up, dumped_tear_down, UNIT_TEST(a_run_brings_all_rows_into_the_index),
               UNIT_TEST(a_finished_job_is_left_alone_unless_it_is_to_run_again),
               UNIT_TEST(the_stages_can_run_one_after_the_other),
               UNIT_TEST(a_replay_alone_needs_a_spool), UNIT_TEST(a_replay_alone_knows_its_index),
               UNIT_TEST(a_replay_alone_says_when_the_dump_is_not_finished),
               UNIT_TEST(another_job_in_the_spool_is_refused),
               UNIT_TEST(refused_documents_are_the_result_each_time),
               UNIT_TEST(a_damaged_frame_is_dumped_and_sent_again_in_the_same_run),
               UNIT_TEST(without_a_dump_a_damaged_range_is_named_each_time),
               UNIT_TEST(without_a_database_damage_is_named),
               UNIT_TEST(without_a_database_what_is_spooled_is_sent),
               UNIT_TEST(a_dump_that_gives_up_names_what_is_lost),
               UNIT_TEST(without_an_index_nothing_is_written),
               UNIT_TEST(without_a_cluster_nothing_is_written),
               UNIT_TEST(without_a_database_nothing_is_written_or_sent),
               UNIT_OWN_PROCESS(a_replay_that_is_refused_ends_the_dump_and_is_the_result, 1),
               UNIT_TEST(a_dump_that_gives_up_lets_the_replay_send_what_is_there))
