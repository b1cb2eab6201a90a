/* unit.h: the frame that all unit tests share: list the tests, run them, compare bytes, use a
 * directory of one's own. Each test file is a program; check's manual explains START_TEST and _i.
 *
 *     START_TEST(a_tab_ends_a_field) { ... } END_TEST
 *     UNIT_MAIN("encode/copytext", UNIT_TEST(a_tab_ends_a_field), UNIT_EACH(escapes, cases))
 *
 * The environment steers it: CK_RUN_CASE, CK_VERBOSITY, CK_FORK=no (valgrind),
 * CK_XML_LOG_FILE_NAME. */
#ifndef BOBBIN_TESTS_UNIT_H
#define BOBBIN_TESTS_UNIT_H

#include <check.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { UNIT_TIMEOUT_SECONDS = 60 }; // for each test: sanitizers and valgrind are slow

struct unit_test {
    const TTest *function;
    int count;       // how often, with _i from 0 on
    int signal;      // that must end it; 0: none
    int exit_status; // with which it must exit; 0: none
    bool needs_fork; // left out with CK_FORK=no
};

/* A test; one for each row of a table; one for each _i below COUNT. */
#define UNIT_TEST(name)                                                                            \
    {                                                                                              \
        name, 1, 0, 0, false                                                                       \
    }
#define UNIT_EACH(name, table)                                                                     \
    {                                                                                              \
        name, (int)COUNT_OF(table), 0, 0, false                                                    \
    }
#define UNIT_LOOP(name, count)                                                                     \
    {                                                                                              \
        name, count, 0, 0, false                                                                   \
    }

/* One for each _i below COUNT that must die by SIGNAL; that must leave with STATUS; that changes its
 * process for good. */
#define UNIT_SIGNAL(name, signal, count)                                                           \
    {                                                                                              \
        name, (int)(count), signal, 0, true                                                        \
    }
#define UNIT_EXIT(name, status, count)                                                             \
    {                                                                                              \
        name, (int)(count), 0, status, true                                                        \
    }
#define UNIT_OWN_PROCESS(name, count)                                                              \
    {                                                                                              \
        name, (int)(count), 0, 0, true                                                             \
    }

/* The program: runs the tests listed behind SUITE and fails when one does. SETUP and TEARDOWN (or
 * NULL) go around each test, in its process. */
#define UNIT_MAIN_WITH(suite, setup, teardown, ...)                                                \
    int main(void)                                                                                 \
    {                                                                                              \
        const struct unit_test tests[] = {__VA_ARGS__};                                            \
        return unit_run(suite, tests, COUNT_OF(tests), setup, teardown);                           \
    }
#define UNIT_MAIN(suite, ...) UNIT_MAIN_WITH(suite, NULL, NULL, __VA_ARGS__)

static inline void unit_add(TCase *tcase, const struct unit_test *test, bool can_fork)
{
    if (test->needs_fork && !can_fork)
        printf("%s: left out, it needs a process of its own\n", test->function->name);
    else if (test->exit_status != 0)
        tcase_add_loop_exit_test(tcase, test->function, test->exit_status, 0, test->count);
    else
        tcase_add_loop_test_raise_signal(tcase, test->function, test->signal, 0, test->count);
}

static inline int unit_run(const char *name, const struct unit_test *tests, size_t count,
                           SFun setup, SFun teardown)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, UNIT_TIMEOUT_SECONDS);
    if (setup != NULL || teardown != NULL)
        tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < count; i++)
        unit_add(tcase, &tests[i], srunner_fork_status(runner) == CK_FORK);
    srunner_run_all(runner, CK_ENV); // CK_NORMAL unless CK_VERBOSITY says otherwise
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Is the slice GOT the string EXPECTED? */
#define unit_assert_slice(got, expected)                                                           \
    do {                                                                                           \
        struct slice unit_got = (got);                                                             \
        const char *unit_expected = (expected);                                                    \
        ck_assert_msg(slice_equal(unit_got, slice_of(unit_expected)),                              \
                      "%s is\n  %.*s\nand should be\n  %s", #got, (int)unit_got.size,              \
                      unit_got.data ? unit_got.data : "", unit_expected);                          \
    } while (0)

/* Did CALL, which fills ERR, succeed? */
#define unit_assert_ok(call, err) ck_assert_msg(call, "%s: %s", #call, (err).message)

/* Did CALL fail with KIND, and say TEXT somewhere in its message? */
#define unit_assert_error(call, err, expected_kind, text)                                          \
    do {                                                                                           \
        ck_assert_msg(!(call), "%s succeeded", #call);                                             \
        ck_assert_str_eq(error_kind_name((err).kind), error_kind_name(expected_kind));             \
        ck_assert_msg(strstr((err).message, text) != NULL, "no \"%s\" in: %s", text,               \
                      (err).message);                                                              \
    } while (0)

/* A slice over a string literal, its zero bytes included. */
#define UNIT_BYTES(literal) ((struct slice){literal, sizeof(literal) - 1})

/* Make a new, empty directory; returns its path, to be given to unit_remove_directory. */
static inline char *unit_make_directory(void)
{
    const char *parent = getenv("TMPDIR");
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s/bobbin-test-XXXXXX", parent ? parent : "/tmp"), 0);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static inline int unit_remove_entry(const char *path, const struct stat *st, int type,
                                    struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Remove the directory PATH with all that is in it, and free PATH. */
static inline void unit_remove_directory(char *path)
{
    ck_assert_int_eq(nftw(path, unit_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}

/* A pseudo-random number (xorshift64); STATE starts as anything but 0, the same for the same test.
 */
static inline uint64_t unit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
