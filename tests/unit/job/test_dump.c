/* test_dump.c: the dump as a whole: checks first, then parts, threads and snapshots. */
#include "job/dump.h"

#include "dumped.h"

#define start(rules) canned_postgres_start(&dumped_server, rules, COUNT_OF(rules))
#define run_ok() unit_assert_ok(dumped_run(), dumped_err)

static const struct canned_rule good[] = {DUMPED_COPY, DUMPED_RULES};

START_TEST(all_rows_are_dumped_once)
{
    start(good);
    run_ok();
    struct index_job job = spooled_read_job(dumped_spool);
    ck_assert_uint_ne(job.dumped_ms, 0);
    ck_assert_uint_eq(job.estimated_rows, 90);
    ck_assert_uint_eq(atomic_load(&dumped_live.rows), DUMPED_ROWS);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(the_rows_are_counted_when_that_is_asked_for)
{
    start(good);
    dumped_options.counts_rows = true;
    run_ok();
    ck_assert_uint_eq(spooled_read_job(dumped_spool).estimated_rows, DUMPED_ROWS);
}
END_TEST

START_TEST(parts_are_dumped_over_connections_of_their_own)
{
    start(good);
    dumped_options.jobs = 4;
    run_ok();
    ck_assert_uint_eq(spooled_read_job(dumped_spool).parts, 4);
    ck_assert_uint_eq(spooled_read_job(dumped_spool).estimated_rows, DUMPED_ROWS);
    // the first, and one for each thread that found a part left
    ck_assert_int_gt(dumped_server.session_count, 1);
    ck_assert_int_le(dumped_server.session_count, 5);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(a_range_is_inclusive_at_both_ends)
{
    start(good);
    dumped_options.from = "11";
    dumped_options.to = "77";
    dumped_options.jobs = 1 + 2 * (uint64_t)_i;
    run_ok();
    dumped_assert_rows(11, 77);
}
END_TEST

START_TEST(an_empty_range_is_done_at_once)
{
    start(good);
    dumped_options.from = "1000";
    run_ok();
    spooled_assert_ledger(dumped_spool, 0, 0, 0, 0);
    ck_assert_uint_ne(spooled_read_job(dumped_spool).dumped_ms, 0);
}
END_TEST

/* --- what is refused before anything is written --- */

static const struct {
    struct canned_rule rule;
    enum error_kind kind;
    const char *text;
} refusals[] = {
    {{.sql = "LIMIT 0", .state = "42P01", .message = "relation \"image\" does not exist"},
     ERROR_CONFIG,
     "relation \"image\" does not exist"},
    {{.sql = "LIMIT 0", .columns = "other:20"}, ERROR_CONFIG, "no column \"id\""},
    {{.sql = "q.\"id\" IS NULL", .columns = "a", .rows = "1\n"}, ERROR_CONFIG, "NULL"},
    {{.sql = "SELECT '", .columns = "a", .rows = "f\n"}, ERROR_USAGE, "upside down"},
    {{.sql = "EXPLAIN", .state = "42501", .message = "permission denied"},
     ERROR_DENIED,
     "permission denied"},
};

START_TEST(what_cannot_be_dumped_is_refused_and_no_spool_is_made)
{
    const struct canned_rule rules[] = {refusals[_i].rule, DUMPED_COPY, DUMPED_RULES};
    start(rules);
    dumped_options.from = "1";
    ck_assert(!(dumped_open() && dump_plan(dumped, &dumped_err)));
    ck_assert_int_eq(dumped_err.kind, refusals[_i].kind);
    ck_assert_msg(strstr(dumped_err.message, refusals[_i].text) != NULL, "%s", dumped_err.message);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY"), 0);
    ck_assert_int_eq(spooled_size(spooled_path), -1);
}
END_TEST

START_TEST(a_version_goes_with_index_and_delete_only)
{
    static const struct canned_rule rules[] = {
        {.sql = "LIMIT 0", .columns = "id:20:16385:1 _version:20"}, DUMPED_RULES};
    start(rules);
    dumped_options.op = _i;
    if (_i == BULK_INDEX || _i == BULK_DELETE)
        unit_assert_ok(dumped_open(), dumped_err);
    else
        unit_assert_error(dumped_open(), dumped_err, ERROR_CONFIG, "_version");
}
END_TEST

START_TEST(a_database_that_is_not_there_is_unavailable)
{
    dumped_options.dsn = "host=/nonexistent dbname=images";
    unit_assert_error(dumped_open(), dumped_err, ERROR_UNAVAILABLE, "/nonexistent");
    dump_close(NULL);
}
END_TEST

/* --- going on --- */

START_TEST(an_ended_dump_goes_on_behind_the_last_durable_row)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 2, .is_copy = true, .answer = dumped_answer_copy},
        {.sql = "COPY (", .times = 1, .state = "22012", .message = "division by zero"},
        DUMPED_COPY,
        DUMPED_RULES,
    };
    start(rules);
    ck_assert(!dumped_run());
    ck_assert_int_eq(dumped_err.kind, ERROR_CONFIG);
    dumped_end_process();
    dumped_err = (struct error){.kind = ERROR_NONE};
    dumped_spool = spooled_open();
    uint64_t durable = spooled_read_job(dumped_spool).rows;
    ck_assert_uint_gt(durable, 0);
    ck_assert_uint_le(durable, 60);
    ck_assert_uint_eq(spooled_read_job(dumped_spool).dumped_ms, 0);
    dumped_end_process();
    run_ok();
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(finished_parts_are_not_dumped_again)
{
    start(good);
    dumped_options.jobs = 4;
    run_ok();
    dumped_end_process();
    int copies = canned_count_statements(&dumped_server, "COPY");
    run_ok();
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY"), copies);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(a_lost_frame_is_dumped_again_alone)
{
    struct index_frame frame;
    start(good);
    run_ok();
    ck_assert(spooled_find_frame(dumped_spool, FRAMES_PENDING, 5, &frame));
    unit_assert_ok(spool_lose_frame(dumped_spool, 5, "it is torn", &dumped_err), dumped_err);
    spooled_assert_ledger(dumped_spool, DUMPED_ROWS - frame.documents, 0, 0,
                          DUMPED_ROWS - frame.documents);
    unit_assert_ok(dump_run(dumped, dumped_spool, &dumped_err), dumped_err);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(one_parts_bad_row_ends_all_parts)
{
    static const struct canned_rule rules[] = {
        {.sql = "> '25'", .times = 1, .columns = "a", .answer = dumped_answer_bound}, // the plan's
        {.sql = "> '25'", .state = "22012", .message = "division by zero"},
        DUMPED_COPY,
        DUMPED_RULES};
    start(rules);
    dumped_options.jobs = 4;
    unit_assert_error(dumped_run(), dumped_err, ERROR_CONFIG, "division by zero");
    struct index_job job = spooled_read_job(dumped_spool);
    ck_assert_uint_eq(job.rows, job.pending);
    ck_assert_uint_eq(job.dumped_ms, 0);
}
END_TEST

/* --- snapshots --- */

START_TEST(one_snapshot_is_seen_by_every_window_and_part)
{
    start(good);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    dumped_options.jobs = 2;
    run_ok();
    ck_assert_int_eq(canned_count_statements(&dumped_server, "pg_export_snapshot"), 1);
    ck_assert_int_eq(
        canned_count_statements(&dumped_server, "SET TRANSACTION SNAPSHOT '0003-1B-1'"),
        canned_count_statements(&dumped_server, "COPY ("));
    ck_assert_uint_eq(spooled_read_job(dumped_spool).snapshot_ms, 0); // over
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(without_it_each_window_sees_its_own)
{
    start(good);
    run_ok();
    ck_assert_int_eq(canned_count_statements(&dumped_server, "SNAPSHOT"), 0);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "pg_export_snapshot"), 0);
}
END_TEST

START_TEST(a_snapshot_that_is_gone_stops_the_dump_with_a_remedy)
{
    static const struct canned_rule rules[] = {{.sql = "SET TRANSACTION SNAPSHOT", .times = 2},
                                               {.sql = "SET TRANSACTION SNAPSHOT",
                                                .times = 1,
                                                .state = "22023",
                                                .message = "invalid snapshot"},
                                               DUMPED_COPY,
                                               DUMPED_RULES};
    start(rules);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "snapshot is gone");
    ck_assert_ptr_nonnull(strstr(dumped_err.message, "run the same command again"));
    dumped_end_process();
    run_ok();
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

#define STANDBY                                                                                    \
    {                                                                                              \
        .sql = "pg_export_snapshot", .columns = "a b", .rows = "0003-1B-1\tt\n"                    \
    }
#define HOLDER_IS_GONE                                                                             \
    {                                                                                              \
        .sql = "SELECT 'there'", .state = "40001", .message = "conflict with recovery"             \
    }

START_TEST(a_standbys_rows_are_kept_only_while_the_snapshot_is_held)
{
    static const struct canned_rule rules[] = {
        STANDBY,
        {.sql = "SELECT 'there'", .times = 2, .columns = "a", .rows = "there\n"},
        HOLDER_IS_GONE,
        DUMPED_COPY,
        DUMPED_RULES};
    struct index_frame frame = {.number = 0};
    start(rules);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "snapshot is gone");
    uint64_t rows = spooled_read_job(dumped_spool).rows;
    ck_assert_uint_eq(spooled_count_frames(dumped_spool, FRAMES_PENDING), 2);
    ck_assert(!spooled_find_frame(dumped_spool, FRAMES_PENDING, 3, &frame));
    dumped_assert_rows(1, (int)rows);
}
END_TEST

START_TEST(a_standbys_part_without_rows_is_finished_only_while_the_snapshot_is_held)
{
    static const struct canned_rule rules[] = {STANDBY, HOLDER_IS_GONE, DUMPED_COPY, DUMPED_RULES};
    start(rules);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    dumped_options.from = "1000";
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "snapshot is gone");
    ck_assert_uint_eq(spooled_read_job(dumped_spool).dumped_ms, 0);
}
END_TEST

START_TEST(every_part_tells_how_the_snapshot_was_lost)
{
    static const struct canned_rule rules[] = {
        STANDBY,
        {.sql = "SELECT 'there'",
         .times = 1,
         .state = "40001",
         .message = "conflict with recovery"},
        {.sql = "SELECT 'there'", .state = "57P01", .message = "what a dead session says"},
        DUMPED_COPY,
        DUMPED_RULES};
    start(rules);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    dumped_options.jobs = 4;
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "conflict with recovery");
    ck_assert_int_eq(canned_count_statements(&dumped_server, "SELECT 'there'"), 1);
}
END_TEST

START_TEST(a_part_that_cannot_take_the_snapshot_over_tells_how_it_was_lost)
{
    static const struct canned_rule rules[] = {
        {.sql = "SET TRANSACTION SNAPSHOT", .state = "22023", .message = "invalid snapshot"},
        HOLDER_IS_GONE,
        DUMPED_COPY,
        DUMPED_RULES};
    start(rules);
    dumped_options.snapshot = JOB_SNAPSHOT_DUMP;
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "conflict with recovery");
}
END_TEST

UNIT_MAIN_WITH("job/dump", dumped_set_up, dumped_tear_down, UNIT_TEST(all_rows_are_dumped_once),
               UNIT_TEST(the_rows_are_counted_when_that_is_asked_for),
               UNIT_TEST(parts_are_dumped_over_connections_of_their_own),
               UNIT_LOOP(a_range_is_inclusive_at_both_ends, 2),
               UNIT_TEST(an_empty_range_is_done_at_once),
               UNIT_EACH(what_cannot_be_dumped_is_refused_and_no_spool_is_made, refusals),
               UNIT_LOOP(a_version_goes_with_index_and_delete_only, 4),
               UNIT_TEST(a_database_that_is_not_there_is_unavailable),
               UNIT_TEST(an_ended_dump_goes_on_behind_the_last_durable_row),
               UNIT_TEST(finished_parts_are_not_dumped_again),
               UNIT_TEST(a_lost_frame_is_dumped_again_alone),
               UNIT_OWN_PROCESS(one_parts_bad_row_ends_all_parts, 1),
               UNIT_TEST(one_snapshot_is_seen_by_every_window_and_part),
               UNIT_TEST(without_it_each_window_sees_its_own),
               UNIT_TEST(a_snapshot_that_is_gone_stops_the_dump_with_a_remedy),
               UNIT_TEST(a_standbys_rows_are_kept_only_while_the_snapshot_is_held),
               UNIT_TEST(a_standbys_part_without_rows_is_finished_only_while_the_snapshot_is_held),
               UNIT_TEST(every_part_tells_how_the_snapshot_was_lost),
               UNIT_TEST(a_part_that_cannot_take_the_snapshot_over_tells_how_it_was_lost))
