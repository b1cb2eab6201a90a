/* test_index_meta.c: LMDB may open a file only when both its meta pages are as commits leave them. */
#include "spool/index_meta.h"

#include "paged.h"

static struct pages_state states[PAGES_METAS];

static void clean_up(void)
{
    buffer_free(&paged);
    tear_down();
}

static enum pages_verdict check(void)
{
    unit_assert_ok(index_meta_read(&paged_source, states, &paged_finding, &err), err);
    return paged_finding.verdict;
}

static void load_after(int commits)
{
    for (int i = 0; i < commits; i++)
        put_job();
    paged_load();
    ck_assert_int_eq(check(), PAGES_SOUND);
}

START_TEST(the_newer_commit_is_the_first_state)
{
    load_after(_i);
    ck_assert_uint_eq(states[0].txn, 1 + (unsigned)_i); // the first made the tables
    ck_assert_uint_eq(states[1].txn, (unsigned)_i);
    ck_assert_uint_eq(states[0].page_bytes, 4096);
    ck_assert_uint_eq(paged.size / 4096 - 1, states[0].last_page);
    ck_assert_uint_eq(states[0].main.entries, 5);
}
END_TEST

START_TEST(a_file_without_bytes_is_absent)
{
    load_after(1);
    paged.size = 0;
    ck_assert_int_eq(check(), PAGES_ABSENT);
}
END_TEST

START_TEST(a_file_that_ends_before_the_last_page_is_damaged)
{
    load_after(3);
    size_t size = paged.size;
    for (paged.size = 1; paged.size < size; paged.size += 13)
        ck_assert_int_eq(check(), PAGES_DAMAGED);
    paged.size = size;
    ck_assert_int_eq(check(), PAGES_SOUND);
}
END_TEST

enum { HEAD = 16, META = 136, FREE = HEAD + 24, MAIN = FREE + 48, LAST = MAIN + 48 };

static const struct {
    size_t at; // in a meta page
    unsigned char change;
    const char *why;
} changes[] = {
    {0, 2, "it is no meta page"},                           // its number
    {10, 1, "it is no meta page"},                          // its kind
    {HEAD, 1, "it is no meta page"},                        // magic
    {HEAD + 4, 1, "it is no meta page"},                    // version
    {FREE + 1, 0x01, "the meta page's fields are wrong"},   // page size 4096 + 256
    {FREE + 2, 0x01, "the meta page's fields are wrong"},   // page size 64 K and some
    {FREE + 4, 0x04, "the meta page's fields are wrong"},   // flags of the free pages: duplicates
    {MAIN + 4, 0x04, "the meta page's fields are wrong"},   // of the tables
    {LAST + 7, 0xff, "the meta page's last page is wrong"}, // beyond any file
    {LAST + 6, 0x10, "the meta page's last page is wrong"}, // where no file has an offset
    {LAST + 2, 0x01, "the file ends before it"},            // beyond this one
    {LAST + 8, 1, "the meta page's commit belongs to the other one"},
    {LAST + 8, 8, "the meta pages' commits don't follow each other"},
};

START_TEST(a_changed_meta_page_is_named)
{
    for (size_t page = 0; page < PAGES_METAS; page++) {
        load_after(3);
        char *at = paged.data + page * 4096 + changes[_i].at;
        *at = (char)((unsigned char)*at ^ changes[_i].change);
        ck_assert_int_eq(check(), PAGES_DAMAGED);
        if (changes[_i].at != FREE + 1 &&
            changes[_i].at != FREE + 2) // the other one isn't found then
            ck_assert_str_eq(paged_finding.why, changes[_i].why);
    }
}
END_TEST

/* What is left of a commit that nobody made: the sizes must agree, and be a page's. */
START_TEST(pages_of_two_sizes_are_damage)
{
    load_after(3);
    paged.data[4096 + FREE + 1] = 0x20;
    ck_assert_int_eq(check(), PAGES_DAMAGED);
    ck_assert_str_eq(paged_finding.why, "the meta pages differ in the page size");
}
END_TEST

START_TEST(another_version_is_told_from_damage)
{
    load_after(1);
    paged.data[HEAD + 4] = paged.data[4096 + HEAD + 4] = 2;
    ck_assert_int_eq(check(), PAGES_OTHER_VERSION);
    paged.data[HEAD] ^= 1;
    ck_assert_int_eq(check(), PAGES_DAMAGED);
}
END_TEST

UNIT_MAIN_WITH("spool/index_meta", set_up, clean_up,
               UNIT_LOOP(the_newer_commit_is_the_first_state, 4),
               UNIT_TEST(a_file_without_bytes_is_absent),
               UNIT_TEST(a_file_that_ends_before_the_last_page_is_damaged),
               UNIT_EACH(a_changed_meta_page_is_named, changes),
               UNIT_TEST(pages_of_two_sizes_are_damage),
               UNIT_TEST(another_version_is_told_from_damage))
