/* test_letters.c: a job's letters are read, summed up and given up as its index counts them. */
#include "job/letters.h"

#include "../cli/captured.h"
#include "lettered.h"

static uint64_t seen;

static bool see(const struct dead_letter *letter, void *context, struct error *err)
{
    (void)err;
    ck_assert_ptr_eq(context, &seen);
    seen++;
    char id[32];
    snprintf(id, sizeof id, "\"%" PRIu64 "\"", seen);
    unit_assert_slice(letter->id, id);
    return true;
}

static bool each(void)
{
    seen = 0;
    return letters_each(lettered_spool, see, &seen, &lettered_err);
}

START_TEST(each_letter_is_seen_once_in_order)
{
    lettered_begin(3);
    unit_assert_ok(each(), lettered_err);
    ck_assert_uint_eq(seen, 12);
}
END_TEST

START_TEST(a_job_without_letters_needs_no_file)
{
    lettered_begin(0);
    unit_assert_ok(each(), lettered_err);
    ck_assert_uint_eq(seen, 0);
}
END_TEST

/* A file with a letter less, and the length that the index says: only the count shows it. */
START_TEST(another_number_of_letters_than_the_index_says_is_damage)
{
    lettered_begin(1);
    spooled_append(lettered_spool, 5, 1);
    unit_assert_ok(spool_finish_dump(lettered_spool, &lettered_err), lettered_err);
    lettered_acknowledge(2, 1, spooled_read_job(lettered_spool).dead_bytes);
    unit_assert_error(each(), lettered_err, ERROR_DAMAGED, "holds 4 dead letters");
    ck_assert_ptr_nonnull(strstr(lettered_err.message, "bobbin dead drop"));
}
END_TEST

/* As another process does it while we read. */
static bool see_and_drop(const struct dead_letter *letter, void *context, struct error *err)
{
    uint64_t dropped;
    (void)letter;
    (void)context;
    if (spooled_read_job(lettered_spool).dead == 0)
        return true;
    return letters_drop(lettered_spool, &dropped, err);
}

START_TEST(letters_that_go_while_they_are_read_are_no_damage)
{
    lettered_begin(100); // more than is read at once
    unit_assert_error(letters_each(lettered_spool, see_and_drop, NULL, &lettered_err), lettered_err,
                      ERROR_BUSY, "ask again");
}
END_TEST

START_TEST(they_are_summed_up_by_their_errors)
{
    struct dead_summary summary;
    lettered_begin(3);
    unit_assert_ok(letters_summarize(lettered_spool, &summary, &lettered_err), lettered_err);
    ck_assert_uint_eq(summary.group_count, 2);
    captured_begin();
    letters_log_summary(&summary);
    captured_end();
    ck_assert_ptr_nonnull(strstr(captured_err, "  8 mapper: no number (first: id 1)\n"));
    ck_assert_ptr_nonnull(strstr(captured_err, "  4 date: no day (first: id 3)\n"));
}
END_TEST

START_TEST(dropped_letters_leave_an_empty_file)
{
    uint64_t dropped;
    lettered_begin(2);
    unit_assert_ok(letters_drop(lettered_spool, &dropped, &lettered_err), lettered_err);
    ck_assert_uint_eq(dropped, 8);
    ck_assert_int_eq(spooled_size(spooled_file(DEAD_FILE)), 0);
    spooled_assert_ledger(lettered_spool, 8, 0, 0, 0);
    unit_assert_ok(each(), lettered_err);
}
END_TEST

START_TEST(letters_that_can_not_be_read_can_be_dropped)
{
    uint64_t dropped;
    lettered_begin(2);
    ck_assert_int_eq(truncate(spooled_file(DEAD_FILE), 10), 0);
    unit_assert_error(each(), lettered_err, ERROR_DAMAGED, DEAD_FILE);
    unit_assert_ok(letters_drop(lettered_spool, &dropped, &lettered_err), lettered_err);
    ck_assert_uint_eq(dropped, 8);
    ck_assert_int_eq(spooled_size(spooled_file(DEAD_FILE)), 0);
}
END_TEST

UNIT_MAIN_WITH("job/letters", spooled_set_up, lettered_tear_down,
               UNIT_TEST(each_letter_is_seen_once_in_order),
               UNIT_TEST(a_job_without_letters_needs_no_file),
               UNIT_TEST(another_number_of_letters_than_the_index_says_is_damage),
               UNIT_TEST(letters_that_go_while_they_are_read_are_no_damage),
               UNIT_TEST(they_are_summed_up_by_their_errors),
               UNIT_TEST(dropped_letters_leave_an_empty_file),
               UNIT_TEST(letters_that_can_not_be_read_can_be_dropped))
