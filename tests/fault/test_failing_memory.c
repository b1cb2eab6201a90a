/* test_failing_memory.c: each allocation by the spool, or by the libraries below it, fails once: that is
 * an error with a name, nothing crashes, and a new start finishes the work.
 *
 * This program's own malloc, calloc and realloc stand in front of the C library's. */
#include <errno.h>

#include "../unit/spool/spooled.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OTHER_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OTHER_ALLOCATOR 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_OTHER_ALLOCATOR)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

enum { NEVER = 0, PASSES_MAX = 20000 };

static int fail_at; // of the allocations from now on; NEVER: none
static int count;

static bool fails(void)
{
    if (fail_at == NEVER || ++count != fail_at)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

static void set_up(void)
{
    spooled_set_up();
    spooled.segment_bytes = 400; // some three frames
}

static bool work_with_failure(int at, struct error *err)
{
    *err = (struct error){.kind = ERROR_NONE};
    count = 0;
    fail_at = at;
    bool ok = spooled_work(err);
    fail_at = NEVER;
    return ok;
}

/* A library may say so in its own words: LMDB, opendir(3). */
static bool is_about_memory(const struct error *err)
{
    return err->kind == ERROR_MEMORY || strstr(err->message, strerror(ENOMEM)) != NULL ||
           strstr(err->message, "llocation") != NULL; // zstd
}

START_TEST(an_allocation_that_fails_is_an_error_and_a_new_start_makes_it_good)
{
    struct error err;
    int n = 1 + _i;
    for (; n < PASSES_MAX; n += 10) {
        bool ok = work_with_failure(n, &err);
        if (ok && count < n) // it came to its end before
            break;
        ck_assert_msg(!ok || count >= n, "allocation %d", n);
        if (!ok)
            ck_assert_msg(is_about_memory(&err), "allocation %d: %s: %s", n,
                          error_kind_name(err.kind), err.message);
        unit_assert_ok(spooled_work(&err), err);
        spooled_assert_finished();
        spooled_tear_down();
        set_up();
    }
    ck_assert_int_gt(n, 100);
    ck_assert_int_lt(n, PASSES_MAX);
}
END_TEST

UNIT_MAIN_WITH("fault/failing_memory", set_up, spooled_tear_down,
               UNIT_LOOP(an_allocation_that_fails_is_an_error_and_a_new_start_makes_it_good, 10))

#else

START_TEST(another_allocator_can_not_be_made_to_fail)
{
    struct error err;
    unit_assert_ok(spooled_work(&err), err);
    spooled_assert_finished();
}
END_TEST

UNIT_MAIN_WITH("fault/failing_memory", spooled_set_up, spooled_tear_down,
               UNIT_TEST(another_allocator_can_not_be_made_to_fail))

#endif
