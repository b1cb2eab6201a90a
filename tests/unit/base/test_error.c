/* test_error.c: the message names what failed, in order, and the kind decides the exit status. */
#include "base/error.h"

#include <errno.h>

#include "unit.h"

START_TEST(setting_returns_false_and_keeps_kind_and_message)
{
    struct error err;
    ck_assert(!error_set(&err, ERROR_CONFIG, "option %s: %d", "jobs", 7));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_str_eq(err.message, "option jobs: 7");
}
END_TEST

START_TEST(errno_stands_behind_the_message)
{
    struct error err;
    errno = ENOSPC;
    ck_assert(!error_set_errno(&err, ERROR_DISK, "file %s", "a"));
    ck_assert_str_eq(err.message, "file a: No space left on device");
}
END_TEST

START_TEST(a_failed_allocation_has_words_of_its_own)
{
    struct error err;
    ck_assert(!error_set_memory(&err));
    ck_assert_int_eq(err.kind, ERROR_MEMORY);
    ck_assert_str_eq(err.message, "out of memory");
}
END_TEST

START_TEST(each_caller_puts_its_context_in_front)
{
    struct error err;
    error_set(&err, ERROR_DISK, "short read");
    ck_assert(!error_wrap(&err, "frame %d", 12));
    ck_assert(!error_wrap(&err, "segment %s", "7"));
    ck_assert(!error_hint(&err, "run %s", "verify"));
    ck_assert_int_eq(err.kind, ERROR_DISK);
    ck_assert_str_eq(err.message, "segment 7: frame 12: short read; run verify");
}
END_TEST

START_TEST(the_message_may_be_its_own_argument)
{
    struct error err;
    error_set(&err, ERROR_DISK, "short read");
    error_set(&err, ERROR_DAMAGED, "again: %s", err.message);
    ck_assert_str_eq(err.message, "again: short read");
    error_wrap(&err, "%s", err.message);
    ck_assert_str_eq(err.message, "again: short read: again: short read");
}
END_TEST

START_TEST(a_message_that_is_too_long_is_cut_at_its_end)
{
    char text[2 * ERROR_MESSAGE_BYTES];
    struct error err;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&err, ERROR_BUG, "%s", text);
    ck_assert_uint_eq(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
    error_hint(&err, "no room");
    error_wrap(&err, "context");
    ck_assert_uint_eq(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
    ck_assert_msg(strncmp(err.message, "context: xxx", 12) == 0, "%.20s", err.message);
    error_wrap(&err, "%s", text);
    error_set_errno(&err, ERROR_DISK, "%s", text);
    ck_assert_uint_eq(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
}
END_TEST

static const struct {
    enum error_kind kind;
    const char *name;
    int status; // sysexits(3), as design and manual promise them
    bool is_retryable;
} kinds[] = {
    {ERROR_NONE, "NONE", 0, false},
    {ERROR_USAGE, "USAGE", 64, false},
    {ERROR_DEAD_LETTERS, "DEAD_LETTERS", 65, false},
    {ERROR_BUG, "BUG", 70, false},
    {ERROR_DISK, "DISK", 74, false},
    {ERROR_DAMAGED, "DAMAGED", 74, false},
    {ERROR_UNAVAILABLE, "UNAVAILABLE", 75, true},
    {ERROR_BUSY, "BUSY", 75, true},
    {ERROR_STOPPED, "STOPPED", 75, true},
    {ERROR_MEMORY, "MEMORY", 75, true},
    {ERROR_DENIED, "DENIED", 77, false},
    {ERROR_CONFIG, "CONFIG", 78, false},
};

START_TEST(a_kind_has_a_name_an_exit_status_and_an_answer_to_try_again)
{
    ck_assert_str_eq(error_kind_name(kinds[_i].kind), kinds[_i].name);
    ck_assert_int_eq(error_exit_status(kinds[_i].kind), kinds[_i].status);
    ck_assert_int_eq(error_is_retryable(kinds[_i].kind), kinds[_i].is_retryable);
}
END_TEST

static const struct {
    enum error_kind err, other;
    bool is_taken;
} pairs[] = {
    {ERROR_NONE, ERROR_NONE, false},        {ERROR_NONE, ERROR_STOPPED, true},
    {ERROR_NONE, ERROR_DISK, true},         {ERROR_STOPPED, ERROR_NONE, false},
    {ERROR_STOPPED, ERROR_DISK, true},      {ERROR_STOPPED, ERROR_UNAVAILABLE, true},
    {ERROR_UNAVAILABLE, ERROR_DISK, true},  {ERROR_UNAVAILABLE, ERROR_STOPPED, false},
    {ERROR_DISK, ERROR_UNAVAILABLE, false}, {ERROR_DISK, ERROR_DENIED, false},
    {ERROR_DISK, ERROR_NONE, false},
};

START_TEST(of_two_threads_errors_the_one_that_says_more_is_told)
{
    struct error err = {.kind = pairs[_i].err, .message = "first"};
    struct error other = {.kind = pairs[_i].other, .message = "second"};
    error_take_worse(&err, &other);
    ck_assert_int_eq(err.kind, pairs[_i].is_taken ? pairs[_i].other : pairs[_i].err);
    ck_assert_str_eq(err.message, pairs[_i].is_taken ? "second" : "first");
}
END_TEST

UNIT_MAIN("base/error", UNIT_TEST(setting_returns_false_and_keeps_kind_and_message),
          UNIT_TEST(errno_stands_behind_the_message),
          UNIT_TEST(a_failed_allocation_has_words_of_its_own),
          UNIT_TEST(each_caller_puts_its_context_in_front),
          UNIT_TEST(the_message_may_be_its_own_argument),
          UNIT_TEST(a_message_that_is_too_long_is_cut_at_its_end),
          UNIT_EACH(of_two_threads_errors_the_one_that_says_more_is_told, pairs),
          UNIT_EACH(a_kind_has_a_name_an_exit_status_and_an_answer_to_try_again, kinds))
