/* test_index_map.c: the pages of the mapping, and no others, are given back once in a while. A private mapping
 * stands for LMDB's: what is given back of it reads as zero. */
#include "spool/index_map.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spool/index_meta.h"
#include "unit.h"

enum { PAGES = 8, READS = 1024 };

static char *all; // a page, the mapping, a page
static char *start;
static size_t page_bytes;
static struct index_map map;

static void begin_test(void)
{
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    all = mmap(NULL, (PAGES + 2) * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
               -1, 0);
    ck_assert(all != MAP_FAILED);
    memset(all, 'x', (PAGES + 2) * page_bytes);
    start = all + page_bytes;
    for (size_t i = 0; i < PAGES; i++) {
        struct page_head head = {.number = i};
        memcpy(start + i * page_bytes, &head, sizeof head);
    }
    map = (struct index_map){.start = NULL};
    index_map_init(&map, PAGES * page_bytes, page_bytes);
}

static void end_test(void)
{
    munmap(all, (PAGES + 2) * page_bytes);
}

/* Of the last byte of each page: how many are zero? */
static int count_given_back(void)
{
    int count = 0;
    for (size_t i = 0; i < PAGES + 2; i++)
        count += all[(i + 1) * page_bytes - 1] == '\0';
    return count;
}

static void read_records(int count)
{
    for (int i = 0; i < count; i++)
        index_map_read(&map);
}

START_TEST(all_pages_of_the_mapping_and_no_others_are_given_back)
{
    index_map_learn(&map, start + (size_t)_i * page_bytes + 100);
    read_records(READS - 1);
    ck_assert_int_eq(count_given_back(), 0);
    read_records(1);
    ck_assert_int_eq(count_given_back(), PAGES);
    ck_assert_int_eq(all[page_bytes - 1], 'x');
    ck_assert_int_eq(all[(PAGES + 2) * page_bytes - 1], 'x');
}
END_TEST

START_TEST(it_happens_again_and_again)
{
    index_map_learn(&map, start + 3 * page_bytes);
    read_records(READS);
    memset(start, 'x', PAGES * page_bytes);
    read_records(READS - 1);
    ck_assert_int_eq(count_given_back(), 0);
    read_records(1);
    ck_assert_int_eq(count_given_back(), PAGES);
}
END_TEST

START_TEST(records_that_are_written_bring_more_pages)
{
    index_map_learn(&map, start);
    for (int i = 0; i < READS / 4; i++)
        index_map_write(&map);
    ck_assert_int_eq(count_given_back(), PAGES);
}
END_TEST

START_TEST(nothing_is_given_back_before_the_place_is_known)
{
    read_records(3 * READS);
    ck_assert_int_eq(count_given_back(), 0);
}
END_TEST

START_TEST(pages_larger_than_the_machines_do_not_tell_the_place)
{
    index_map_init(&map, PAGES * page_bytes, 2 * page_bytes);
    index_map_learn(&map, start + 100);
    read_records(3 * READS);
    ck_assert_int_eq(count_given_back(), 0);
}
END_TEST

UNIT_MAIN_WITH("spool/index_map", begin_test, end_test,
               UNIT_LOOP(all_pages_of_the_mapping_and_no_others_are_given_back, PAGES),
               UNIT_TEST(it_happens_again_and_again),
               UNIT_TEST(records_that_are_written_bring_more_pages),
               UNIT_TEST(nothing_is_given_back_before_the_place_is_known),
               UNIT_TEST(pages_larger_than_the_machines_do_not_tell_the_place))
