/* test_dump_part.c: windows of one part, and what becomes of them when the server breaks off: nothing is
 * lost, nothing is read twice into the spool. */
#include "dumped.h"

#define start(rules) canned_postgres_start(&dumped_server, rules, COUNT_OF(rules))
#define run_ok() unit_assert_ok(dumped_run(), dumped_err)

/* The COPY statements' conditions, each with " | " behind. */
static const char *list_windows(void)
{
    static char list[8192];
    size_t size = 0;
    list[0] = '\0';
    for (size_t i = 0; i < dumped_server.statement_count; i++) {
        const char *sql = dumped_server.statements[i];
        const char *where = strstr(sql, " WHERE ");
        const char *order = strstr(sql, " ORDER BY");
        if (strncmp(sql, "COPY", 4) != 0)
            continue;
        size += (size_t)snprintf(list + size, sizeof list - size, "%.*s | ",
                                 where ? (int)(order - where - 7) : 3, where ? where + 7 : "all");
    }
    return list;
}

#define ID "q.\"id\" "

START_TEST(a_part_is_read_window_by_window)
{
    static const struct canned_rule rules[] = {DUMPED_COPY, DUMPED_RULES};
    start(rules);
    run_ok();
    ck_assert_str_eq(list_windows(),
                     ID "<= '30'::bigint | " ID "> '30'::bigint AND " ID "<= '60'::bigint | " ID
                        "> '60'::bigint AND " ID "<= '90'::bigint | " ID "> '90'::bigint | ");
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(rows_that_fill_the_last_window_are_followed_by_an_empty_one)
{
    static const struct canned_rule rules[] = {DUMPED_COPY, DUMPED_RULES};
    start(rules);
    dumped_options.window_rows = 50;
    run_ok();
    ck_assert_str_eq(list_windows(), ID "<= '50'::bigint | " ID "> '50'::bigint AND " ID
                                        "<= '100'::bigint | " ID "> '100'::bigint | ");
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(each_window_is_a_transaction)
{
    static const struct canned_rule rules[] = {DUMPED_COPY, DUMPED_RULES};
    start(rules);
    run_ok();
    int windows = canned_count_statements(&dumped_server, "COPY (");
    ck_assert_int_ge(canned_count_statements(&dumped_server, "BEGIN"), windows);
    ck_assert_int_ge(canned_count_statements(&dumped_server, "ROLLBACK"),
                     canned_count_statements(&dumped_server, "BEGIN"));
}
END_TEST

/* The first half of the window's rows. */
static void answer_half(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    for (last = (first + last) / 2; first <= last; first++)
        buffer_append_format(rows, "%ld\ttitle\n", first);
}

static const struct {
    const char *state, *message;
    bool closes;
    bool halves; // the next window is half as large
} breaks[] = {
    {"40001", "canceling statement due to conflict with recovery", false, true},
    {"57014", "canceling statement due to statement timeout", false, true},
    {"57P01", "terminating connection due to administrator command", false, true},
    {"40P01", "deadlock detected", false, true},
    {"53200", "out of memory", false, false},
    {NULL, NULL, true, false},
};

START_TEST(a_window_that_breaks_off_is_gone_on_with_at_its_last_row)
{
    const struct canned_rule rules[] = {{.sql = "COPY (",
                                         .times = 1,
                                         .is_copy = true,
                                         .answer = answer_half,
                                         .state = breaks[_i].state,
                                         .message = breaks[_i].message,
                                         .closes = breaks[_i].closes},
                                        DUMPED_COPY,
                                        DUMPED_RULES};
    start(rules);
    run_ok();
    const char *windows = list_windows();
    const char *second = strstr(windows, " | ") + 3;
    /* with the last row once more, to see whether another one has its key */
    const char *expected = breaks[_i].halves ? ID ">= '15'::bigint AND " ID "<= '30'::bigint | "
                                             : ID ">= '15'::bigint AND " ID "<= '45'::bigint | ";
    ck_assert_msg(strncmp(second, expected, strlen(expected)) == 0, "%s", windows);
    ck_assert_int_eq(dumped_server.session_count, breaks[_i].closes ? 3 : 2);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(a_window_halved_grows_again)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 1, .state = "40001", .message = "conflict with recovery"},
        DUMPED_COPY,
        DUMPED_RULES};
    start(rules);
    run_ok();
    ck_assert_str_eq(list_windows(),
                     ID "<= '30'::bigint | " ID "<= '15'::bigint | " ID "> '15'::bigint AND " ID
                        "<= '45'::bigint | " ID "> '45'::bigint AND " ID "<= '75'::bigint | " ID
                        "> '75'::bigint | ");
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

START_TEST(windows_of_one_row_get_there_too)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 3, .state = "40001", .message = "conflict with recovery"},
        {.sql = "COPY (",
         .times = 1,
         .is_copy = true,
         .answer = dumped_answer_copy,
         .state = "40001",
         .message = "conflict with recovery"},
        DUMPED_COPY,
        DUMPED_RULES};
    start(rules);
    dumped_options.window_rows = 1;
    dumped_options.to = "9";
    run_ok();
    dumped_assert_rows(1, 9);
}
END_TEST

static void answer_double(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    for (; first <= last; first++)
        buffer_append_format(rows, first == 15 ? "%ld\tone\n%ld\tother\n" : "%ld\ttitle\n", first,
                             first);
}

static void answer_half_of_double(const char *sql, struct buffer *rows)
{
    (void)sql;
    for (int i = 1; i <= 15; i++)
        buffer_append_format(rows, "%d\tone\n", i);
}

START_TEST(two_rows_with_one_key_are_found_even_across_a_break)
{
    const struct canned_rule rules[] = {{.sql = "COPY (",
                                         .times = _i == 0 ? 1 : 0,
                                         .is_copy = true,
                                         .answer = _i == 0 ? answer_half_of_double : answer_double,
                                         .state = _i == 0 ? "40001" : NULL,
                                         .message = "conflict with recovery"},
                                        {.sql = "COPY (", .is_copy = true, .answer = answer_double},
                                        DUMPED_RULES};
    start(rules);
    unit_assert_error(dumped_run(), dumped_err, ERROR_CONFIG, "two rows have 15");
}
END_TEST

/* --- the end --- */

START_TEST(without_progress_the_dump_gives_up_and_keeps_what_it_has)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 1, .is_copy = true, .answer = dumped_answer_copy},
        {.sql = "COPY (", .state = "57P03", .message = "cannot connect now"},
        DUMPED_RULES};
    start(rules);
    dumped_options.give_up_after_ms = 600;
    int64_t from = clock_monotonic_ms();
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "--give-up-after");
    ck_assert_ptr_nonnull(strstr(dumped_err.message, "cannot connect now"));
    ck_assert_int_ge(clock_monotonic_ms() - from, 600);
    dumped_assert_rows(1, 30);
}
END_TEST

/* Up to row 5; what is behind it never comes. */
static void answer_up_to_five(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    for (; first <= last && first <= 5; first++)
        buffer_append_format(rows, "%ld\ttitle\n", first);
}

START_TEST(a_row_that_is_cancelled_every_time_ends_the_dump)
{
    static const struct canned_rule rules[] = {{.sql = "COPY (",
                                                .is_copy = true,
                                                .answer = answer_up_to_five,
                                                .state = "40001",
                                                .message = "conflict with recovery"},
                                               DUMPED_RULES};
    start(rules);
    dumped_options.window_rows = 4; // halved to one: the last row, seen again, is no progress
    dumped_options.give_up_after_ms = 2000;
    unit_assert_error(dumped_run(), dumped_err, ERROR_UNAVAILABLE, "--give-up-after");
    dumped_assert_rows(1, 5);
}
END_TEST

START_TEST(what_is_the_querys_fault_is_not_tried_again)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .state = "22012", .message = "division by zero"}, DUMPED_RULES};
    start(rules);
    unit_assert_error(dumped_run(), dumped_err, ERROR_CONFIG, "division by zero");
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 1);
}
END_TEST

static void *stop_when_stalled(void *context)
{
    canned_wait_for_statement(context, "<= '90'");
    usleep(100000);
    stop_request();
    return NULL;
}

START_TEST(a_stop_request_ends_a_window_and_what_was_read_is_kept)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 2, .is_copy = true, .answer = dumped_answer_copy},
        {.sql = "COPY (", .times = 1, .is_copy = true, .answer = answer_half, .stalls = true},
        DUMPED_COPY,
        DUMPED_RULES};
    pthread_t thread;
    start(rules);
    unit_assert_ok(stop_install(&dumped_err), dumped_err);
    pthread_create(&thread, NULL, stop_when_stalled, &dumped_server);
    int64_t from = clock_monotonic_ms();
    unit_assert_error(dumped_run(), dumped_err, ERROR_STOPPED, "stop");
    ck_assert_int_lt(clock_monotonic_ms() - from, 5000);
    pthread_join(thread, NULL);
    dumped_assert_rows(1, 75);
}
END_TEST

static void *cancel_when_committed(void *context)
{
    struct index_job job = {.rows = 0};
    int64_t give_up = clock_monotonic_ms() + 10000;
    while (job.rows == 0 && clock_monotonic_ms() < give_up) {
        usleep(50000);
        job = spooled_read_job(dumped_spool);
    }
    *(uint64_t *)context = job.rows;
    canned_cancel(&dumped_server);
    return NULL;
}

START_TEST(rows_do_not_wait_for_a_window_that_is_slow)
{
    static const struct canned_rule rules[] = {
        {.sql = "COPY (", .times = 1, .is_copy = true, .answer = answer_half, .stalls = true},
        DUMPED_COPY,
        DUMPED_RULES};
    pthread_t thread;
    uint64_t committed = 0;
    start(rules);
    dumped_options.frame_bytes = 1 << 20; // which only a frame's age ends
    unit_assert_ok(dumped_begin(), dumped_err);
    pthread_create(&thread, NULL, cancel_when_committed, &committed);
    unit_assert_ok(dump_run(dumped, dumped_spool, &dumped_err), dumped_err);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(committed, 15);
    dumped_assert_rows(1, DUMPED_ROWS);
}
END_TEST

UNIT_MAIN_WITH("job/dump_part", dumped_set_up, dumped_tear_down,
               UNIT_TEST(a_part_is_read_window_by_window),
               UNIT_TEST(rows_that_fill_the_last_window_are_followed_by_an_empty_one),
               UNIT_TEST(each_window_is_a_transaction),
               UNIT_EACH(a_window_that_breaks_off_is_gone_on_with_at_its_last_row, breaks),
               UNIT_TEST(a_window_halved_grows_again), UNIT_TEST(windows_of_one_row_get_there_too),
               UNIT_OWN_PROCESS(two_rows_with_one_key_are_found_even_across_a_break, 2),
               UNIT_TEST(without_progress_the_dump_gives_up_and_keeps_what_it_has),
               UNIT_TEST(a_row_that_is_cancelled_every_time_ends_the_dump),
               UNIT_OWN_PROCESS(what_is_the_querys_fault_is_not_tried_again, 1),
               UNIT_OWN_PROCESS(a_stop_request_ends_a_window_and_what_was_read_is_kept, 1),
               UNIT_TEST(rows_do_not_wait_for_a_window_that_is_slow))
