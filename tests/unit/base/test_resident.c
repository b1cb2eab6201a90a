/* test_resident.c: constants that were looked at count no more when they are given back, and are still there. */
#include "base/resident.h"

#include <string.h>
#include <unistd.h>

#include "unit.h"

enum { CONSTANT_BYTES = 4 << 20 };

static const char constants[CONSTANT_BYTES] = {'a', [CONSTANT_BYTES - 1] =
                                                        'z'}; // in the file, as code is

/* Bytes of files that are resident: the third number of statm (proc(5)). */
static size_t count_resident(void)
{
    size_t all, resident, of_files;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu %zu %zu", &all, &resident, &of_files), 3);
    fclose(file);
    return of_files * (size_t)sysconf(_SC_PAGESIZE);
}

static int sum(void)
{
    int total = 0;
    for (size_t i = 0; i < CONSTANT_BYTES; i++)
        total += ((const volatile char *)constants)[i];
    return total;
}

START_TEST(what_is_given_back_does_not_count_and_is_still_there)
{
    ck_assert_int_eq(sum(), 'a' + 'z');
    size_t before = count_resident();
    ck_assert_uint_ge(before, CONSTANT_BYTES);
    resident_give_back_code();
    ck_assert_uint_le(count_resident(), before - CONSTANT_BYTES + (1 << 20));
    ck_assert_int_eq(sum(), 'a' + 'z');
    ck_assert_uint_ge(count_resident(), CONSTANT_BYTES);
}
END_TEST

UNIT_MAIN("base/resident", UNIT_TEST(what_is_given_back_does_not_count_and_is_still_there))
