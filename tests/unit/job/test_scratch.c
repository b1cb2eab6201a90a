/* test_scratch.c: lists on disk give back what was put into them, and a changed byte is found. */
#include "job/scratch.h"

#include <fcntl.h>

#include "base/bytes.h"
#include "base/file.h"
#include "unit.h"

enum { LISTS = 7, RECORDS = 20000 };

static char *directory;
static int dir;
static struct scratch *scratch;
static struct chain chains[LISTS];
static unsigned seen[RECORDS];
static struct error err;

static void set_up(void)
{
    memset(seen, 0, sizeof seen);
    directory = unit_make_directory();
    unit_assert_ok(file_open_directory(&dir, directory, false, &err), err);
    unit_assert_ok(scratch_open(&scratch, dir, &err), err);
    for (size_t i = 0; i < LISTS; i++)
        chain_init(&chains[i]);
}

static void tear_down(void)
{
    for (size_t i = 0; i < LISTS; i++)
        chain_free(&chains[i]);
    scratch_close(scratch);
    file_close(&dir);
    unit_remove_directory(directory);
}

static void append(size_t list, uint64_t number, size_t padding)
{
    struct buffer record;
    buffer_init(&record, 1 << 20);
    put_u64(&record, number);
    for (size_t i = 0; i < padding; i++)
        buffer_append_byte(&record, (char)('a' + number % 26));
    unit_assert_ok(chain_append(scratch, &chains[list], buffer_slice(&record), &err), err);
    buffer_free(&record);
}

static bool see(void *context, struct slice record, struct error *e)
{
    struct reader r = reader_over(record);
    uint64_t number = get_u64(&r);
    (void)e;
    ck_assert_uint_lt(number, RECORDS);
    ck_assert_uint_eq(number % LISTS, (uint64_t)((struct chain *)context - chains));
    for (size_t i = 0; i < r.left; i++)
        ck_assert_int_eq(r.next[i], 'a' + (int)(number % 26));
    seen[number]++;
    return true;
}

START_TEST(each_list_gives_back_its_records_once)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < RECORDS; i++)
        append(i % LISTS, i, i % 50);
    for (size_t i = 0; i < LISTS; i++) {
        unit_assert_ok(chain_each(scratch, &chains[i], see, &chains[i], &err), err);
        bytes += chains[i].bytes;
        ck_assert_uint_le(chains[i].buffer.capacity, 2 * CHAIN_BUFFER_BYTES);
    }
    for (size_t i = 0; i < RECORDS; i++)
        ck_assert_uint_eq(seen[i], 1);
    ck_assert_uint_gt(scratch_size(scratch), bytes / 2);
}
END_TEST

START_TEST(a_few_records_need_no_disk)
{
    append(3, 3, 100);
    append(3, 10, 0);
    unit_assert_ok(chain_each(scratch, &chains[3], see, &chains[3], &err), err);
    ck_assert_uint_eq(seen[3] + seen[10], 2);
    ck_assert_uint_eq(scratch_size(scratch), 0);
}
END_TEST

START_TEST(a_record_may_be_larger_than_a_block)
{
    append(1, 1, 10);
    append(1, 8, 5 * CHAIN_BUFFER_BYTES);
    append(1, 15, 10);
    append(1, 22, CHAIN_BUFFER_BYTES);
    unit_assert_ok(chain_each(scratch, &chains[1], see, &chains[1], &err), err);
    ck_assert_uint_eq(seen[1] + seen[8] + seen[15] + seen[22], 4);
}
END_TEST

START_TEST(an_empty_list_has_nothing)
{
    unit_assert_ok(chain_each(scratch, &chains[0], see, NULL, &err), err);
}
END_TEST

static bool refuse(void *context, struct slice record, struct error *e)
{
    unsigned *left = context;
    (void)record;
    return --*left > 0 || error_set(e, ERROR_STOPPED, "enough");
}

START_TEST(looking_ends_when_it_is_told_to)
{
    const unsigned counts[] = {1, 2, 500};
    for (uint64_t i = 0; i < RECORDS; i++)
        append(0, i, 0);
    unsigned left = counts[_i];
    unit_assert_error(chain_each(scratch, &chains[0], refuse, &left, &err), err, ERROR_STOPPED,
                      "enough");
    ck_assert_uint_eq(left, 0);
}
END_TEST

/* The descriptor of the one file that has no name: it is the latest that was opened. */
static int file_without_a_name(void)
{
    int next = dup(0);
    close(next);
    return next - 1;
}

START_TEST(a_changed_byte_is_found)
{
    static const off_t places[] = {0, 3, 9, 11, 13, 19, 20, 30, 4000, CHAIN_BUFFER_BYTES};
    int fd = file_without_a_name();
    unsigned char byte;
    for (uint64_t i = 0; i < RECORDS; i++)
        append(0, i, 1);
    ck_assert_int_eq(pread(fd, &byte, 1, places[_i]), 1);
    byte ^= 0x40;
    ck_assert_int_eq(pwrite(fd, &byte, 1, places[_i]), 1);
    unsigned left = UINT32_MAX;
    unit_assert_error(chain_each(scratch, &chains[0], refuse, &left, &err), err, ERROR_DAMAGED,
                      "a block is not what was written");
}
END_TEST

START_TEST(a_file_that_was_cut_is_found)
{
    for (uint64_t i = 0; i < RECORDS; i++)
        append(0, i, 1);
    ck_assert_int_eq(ftruncate(file_without_a_name(), 10 + _i * 1000), 0);
    unsigned left = UINT32_MAX;
    unit_assert_error(chain_each(scratch, &chains[0], refuse, &left, &err), err, ERROR_DAMAGED, "");
}
END_TEST

START_TEST(the_file_is_not_to_be_seen_in_the_directory)
{
    for (uint64_t i = 0; i < RECORDS; i++)
        append(0, i, 1);
    ck_assert_int_eq(rmdir(directory), 0); // it is empty
    ck_assert_int_eq(mkdir(directory, 0700), 0);
}
END_TEST

START_TEST(a_temporary_one_is_where_tmpdir_says)
{
    struct scratch *other;
    ck_assert_int_eq(setenv("TMPDIR", directory, 1), 0);
    unit_assert_ok(scratch_open_temporary(&other, &err), err);
    scratch_close(other);
    ck_assert_int_eq(setenv("TMPDIR", "/nonexistent", 1), 0);
    unit_assert_error(scratch_open_temporary(&other, &err), err, ERROR_DISK,
                      "directory /nonexistent (TMPDIR): it can't be opened");
    ck_assert_int_eq(setenv("TMPDIR", "", 1), 0);
    unit_assert_ok(scratch_open_temporary(&other, &err), err);
    scratch_close(other);
}
END_TEST

UNIT_MAIN_WITH("job/scratch", set_up, tear_down, UNIT_TEST(each_list_gives_back_its_records_once),
               UNIT_TEST(a_few_records_need_no_disk),
               UNIT_TEST(a_record_may_be_larger_than_a_block), UNIT_TEST(an_empty_list_has_nothing),
               UNIT_LOOP(looking_ends_when_it_is_told_to, 3),
               UNIT_LOOP(a_changed_byte_is_found, 10), UNIT_LOOP(a_file_that_was_cut_is_found, 8),
               UNIT_TEST(the_file_is_not_to_be_seen_in_the_directory),
               UNIT_TEST(a_temporary_one_is_where_tmpdir_says))
