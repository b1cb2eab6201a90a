/* test_rows.c: the rows of a query are read once each, over connections that break. */
#include "dumped.h"

#include "job/rows.h"

#define start(rules) canned_postgres_start(&dumped_server, rules, COUNT_OF(rules))

static struct rows *rows;
static unsigned taken[DUMPED_ROWS + 1];
static long order; // the last row taken

static void set_up(void)
{
    dumped_set_up();
    rows = NULL;
    order = 0;
    memset(taken, 0, sizeof taken);
}

static void tear_down(void)
{
    rows_free(rows);
    dumped_tear_down();
}

static void open_rows(void)
{
    unit_assert_ok(dumped_open(), dumped_err);
    unit_assert_ok(rows_new(&rows, dumped, &dumped_err), dumped_err);
}

static bool take(void *context, struct slice row, struct slice *key, struct error *err)
{
    long number = strtol(row.data, NULL, 10);
    (void)err;
    ck_assert_ptr_eq(context, taken);
    ck_assert(number >= 1 && number <= DUMPED_ROWS);
    ck_assert_int_gt(number, order);
    order = number;
    taken[number]++;
    *key = (struct slice){row.data,
                          (size_t)((const char *)memchr(row.data, '\t', row.size) - row.data)};
    return true;
}

static void assert_taken(int first, int last)
{
    for (int i = 1; i <= DUMPED_ROWS; i++)
        ck_assert_msg(taken[i] == (i >= first && i <= last), "row %d: %u times", i, taken[i]);
}

static const struct canned_rule good[] = {DUMPED_COPY, DUMPED_RULES};

START_TEST(all_rows_come_window_by_window)
{
    start(good);
    open_rows();
    unit_assert_ok(rows_read_all(rows, take, taken, &dumped_err), dumped_err);
    assert_taken(1, DUMPED_ROWS);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "COPY ("), 4);
    ck_assert_int_eq(dumped_server.session_count, 1);
}
END_TEST

START_TEST(a_range_bounds_them)
{
    start(good);
    dumped_options.from = "5";
    dumped_options.to = "70";
    open_rows();
    unit_assert_ok(rows_read_all(rows, take, taken, &dumped_err), dumped_err);
    assert_taken(5, 70);
}
END_TEST

/* The second COPY gives half of its rows, and breaks. */
static void answer_half(const char *sql, struct buffer *out)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    for (; first <= last - 15; first++)
        buffer_append_format(out, "%ld\ttitle\n", first);
}

static const struct canned_rule breaks[] = {
    {.sql = "COPY (", .is_copy = true, .answer = dumped_answer_copy, .times = 1},
    {.sql = "COPY (", .is_copy = true, .answer = answer_half, .closes = true, .times = 1},
    DUMPED_COPY,
    DUMPED_RULES};
static const struct canned_rule is_cancelled[] = {
    {.sql = "COPY (", .is_copy = true, .answer = dumped_answer_copy, .times = 1},
    {.sql = "COPY (",
     .is_copy = true,
     .answer = answer_half,
     .state = "40001",
     .message = "no",
     .times = 1},
    DUMPED_COPY,
    DUMPED_RULES};
static const struct {
    const struct canned_rule *rules;
    const char *next; // the window after it is half as large when the server cancelled it
} broken[] = {{breaks, "OFFSET 29 "}, {is_cancelled, "OFFSET 14 "}};

START_TEST(a_window_that_breaks_is_gone_on_with_behind_its_last_row)
{
    canned_postgres_start(&dumped_server, broken[_i].rules, COUNT_OF(breaks));
    open_rows();
    unit_assert_ok(rows_read_all(rows, take, taken, &dumped_err), dumped_err);
    assert_taken(1, DUMPED_ROWS);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "q.\"id\" > '45'::bigint ORDER"), 1);
    ck_assert_int_eq(canned_count_statements(&dumped_server, broken[_i].next),
                     broken[_i].rules == breaks ? 4 : 1);
}
END_TEST

static const struct canned_rule never[] = {
    {.sql = "COPY (", .is_copy = true, .state = "57014", .message = "canceled"}, DUMPED_RULES};

START_TEST(it_gives_up_after_a_time_without_progress)
{
    start(never);
    dumped_options.give_up_after_ms = 0;
    open_rows();
    unit_assert_error(rows_read_all(rows, take, taken, &dumped_err), dumped_err, ERROR_UNAVAILABLE,
                      "given up (--give-up-after)");
}
END_TEST

static bool refuse(void *context, struct slice row, struct slice *key, struct error *err)
{
    return take(context, row, key, err) && (order < 40 || error_set(err, ERROR_DISK, "no room"));
}

START_TEST(the_listener_may_end_it)
{
    start(good);
    open_rows();
    unit_assert_error(rows_read_all(rows, refuse, taken, &dumped_err), dumped_err, ERROR_DISK,
                      "no room");
    assert_taken(1, 40);
}
END_TEST

static void answer_keys(const char *sql, struct buffer *out)
{
    for (const char *at = strstr(sql, " IN ("); (at = strchr(at + 1, '\'')) != NULL;) {
        long key = strtol(at + 1, (char **)(uintptr_t)&at, 10);
        if (key <= DUMPED_ROWS)
            buffer_append_format(out, "%ld\ttitle\n", key);
    }
}

static const struct canned_rule by_key[] = {
    {.sql = " IN (", .is_copy = true, .answer = answer_keys}, DUMPED_RULES};

START_TEST(rows_are_read_by_their_keys)
{
    const struct slice keys[] = {slice_of("7"), slice_of("8"), slice_of("9"), slice_of("999")};
    start(by_key);
    open_rows();
    unit_assert_ok(rows_read_keys(rows, keys, COUNT_OF(keys), take, taken, &dumped_err),
                   dumped_err);
    assert_taken(7, 9);
}
END_TEST

START_TEST(documents_are_counted_in_the_range)
{
    uint64_t count;
    start(good);
    dumped_options.from = "11";
    open_rows();
    unit_assert_ok(rows_count(rows, "images", &count, &dumped_err), dumped_err);
    ck_assert_uint_eq(count, DUMPED_ROWS - 10);
    ck_assert_int_eq(canned_count_statements(&dumped_server, "'index' <> 'delete'"), 1);
}
END_TEST

UNIT_MAIN_WITH("job/rows", set_up, tear_down, UNIT_TEST(all_rows_come_window_by_window),
               UNIT_TEST(a_range_bounds_them),
               UNIT_EACH(a_window_that_breaks_is_gone_on_with_behind_its_last_row, broken),
               UNIT_TEST(it_gives_up_after_a_time_without_progress),
               UNIT_TEST(the_listener_may_end_it), UNIT_TEST(rows_are_read_by_their_keys),
               UNIT_TEST(documents_are_counted_in_the_range))
