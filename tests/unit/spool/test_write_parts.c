/* test_write_parts.c: a dump's parts: each goes on behind its last durable key, until all are done. */
#include "spool/spool.h"

#include <pthread.h>

#include "spooled.h"

static struct error err;
static struct spool *s;

static void set_up(void)
{
    spooled_set_up();
    s = spooled_new();
}

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static void reopen(void)
{
    spool_close(s);
    s = spooled_open();
}

static struct index_part part;
static struct buffer keys;

static bool next_part(uint32_t number)
{
    bool found;
    unit_assert_ok(spool_next_part(s, number, &part, &keys, &found, &err), err);
    return found;
}

static void begin_parts(size_t count)
{
    buffer_init(&keys, 1000);
    unit_assert_ok(spool_reset(s, &err), err);
    spooled_begin(s, count);
}

START_TEST(parts_come_in_turn_until_they_are_finished)
{
    begin_parts(3);
    ck_assert(next_part(0));
    ck_assert_uint_eq(part.number, 0);
    ck_assert(!part.range.has_from);
    ck_assert(!part.has_last);
    ck_assert(next_part(1));
    ck_assert_uint_eq(part.number, 1);
    unit_assert_slice(part.range.from, "7");
    unit_assert_ok(spool_finish_part(s, 1, &err), err);
    ck_assert(next_part(1));
    ck_assert_uint_eq(part.number, 2);
    ck_assert(!next_part(3));
    unit_assert_ok(spool_finish_part(s, 2, &err), err);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    ck_assert(!next_part(0));
    reopen();
    ck_assert(!next_part(0));
    buffer_free(&keys);
}
END_TEST

START_TEST(a_part_goes_on_behind_the_last_committed_key)
{
    begin_parts(2);
    spooled_append(s, 1, 4);
    spooled_commit(s);
    unit_assert_ok(spooled_try_append(s, FRAME_DEAD_ROWS, 0, 5, 1, &err), err);
    spooled_commit(s);
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, 1, 70, 2, &err), err);
    spooled_commit(s);
    spooled_append(s, 6, 4); // given up
    reopen();
    ck_assert(next_part(0));
    ck_assert(part.has_last);
    unit_assert_slice(part.last, "5");
    ck_assert(next_part(1));
    unit_assert_slice(part.last, "71");
    unit_assert_slice(part.range.to, "7");
    buffer_free(&keys);
}
END_TEST

START_TEST(finishing_a_part_commits_what_was_appended)
{
    spooled_append(s, 1, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    spooled_assert_ledger(s, 4, 0, 0, 4);
}
END_TEST

START_TEST(a_part_that_is_none_is_a_bug)
{
    unit_assert_error(spool_finish_part(s, 1, &err), err, ERROR_BUG, "part 1");
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, 9, 1, 1, &err), err);
    unit_assert_error(spool_commit(s, &err), err, ERROR_BUG, "part 9");
    spooled_assert_ledger(s, 0, 0, 0, 0);
}
END_TEST

START_TEST(a_parts_keys_find_no_room_in_a_small_buffer)
{
    bool found;
    begin_parts(2);
    buffer_free(&keys);
    buffer_init(&keys, 1);
    unit_assert_error(spool_next_part(s, 1, &part, &keys, &found, &err), err, ERROR_MEMORY, "keys");
}
END_TEST

/* --- the end of a dump --- */

START_TEST(a_finished_dump_is_noted_when_no_part_is_left)
{
    begin_parts(2);
    spooled_append(s, 1, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    ck_assert_uint_eq(spooled_read_job(s).dumped_ms, 0);
    unit_assert_ok(spool_finish_part(s, 1, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    ck_assert_uint_ne(spooled_read_job(s).dumped_ms, 0);
    buffer_free(&keys);
}
END_TEST

START_TEST(finishing_a_dump_commits_and_seals)
{
    struct index_frame frame;
    spooled_append(s, 1, 4);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    spooled_assert_ledger(s, 4, 0, 0, 4);
    spooled_append(s, 5, 4);
    spooled_commit(s);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 2, &frame));
    ck_assert_uint_eq(frame.segment, 2);
}
END_TEST

START_TEST(the_snapshots_time_is_noted_while_the_dump_lasts)
{
    unit_assert_ok(spool_note_snapshot(s, 12345, &err), err);
    ck_assert_uint_eq(spooled_read_job(s).snapshot_ms, 12345);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    ck_assert_uint_eq(spooled_read_job(s).snapshot_ms, 0);
}
END_TEST

/* --- several threads --- */

enum { THREADS = 4, FRAMES_EACH = 50 };

static void *append_frames(void *context)
{
    const uint32_t *number = context;
    struct error own;
    for (uint64_t i = 0; i < FRAMES_EACH; i++) {
        uint64_t first = 1000 * (1 + (uint64_t)*number) + i;
        ck_assert(spooled_try_append(s, FRAME_DOCUMENTS, *number, first, 1, &own));
    }
    return NULL;
}

START_TEST(parts_are_appended_to_by_several_threads)
{
    pthread_t threads[THREADS];
    uint32_t numbers[THREADS];
    struct index_frame frame = {.number = 0};
    struct buffer bytes;
    uint64_t count = 0;
    spool_close(s);
    spooled.segment_bytes = 2000;
    s = spooled_open();
    begin_parts(THREADS);
    buffer_init(&bytes, 1000);
    for (uint32_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, append_frames, &numbers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    spooled_commit(s);
    spooled_assert_ledger(s, THREADS * FRAMES_EACH, 0, 0, THREADS * FRAMES_EACH);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame)) {
        struct slice body;
        const char *why;
        ck_assert_uint_eq(frame.number, ++count);
        unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
        ck_assert_ptr_null(why);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        ck_assert(next_part(i));
        ck_assert_uint_eq(spooled_number(part.last), 1000 * (1 + i) + FRAMES_EACH - 1);
    }
    buffer_free(&bytes);
    buffer_free(&keys);
}
END_TEST

UNIT_MAIN_WITH("spool/write_parts", set_up, tear_down,
               UNIT_TEST(parts_come_in_turn_until_they_are_finished),
               UNIT_TEST(a_part_goes_on_behind_the_last_committed_key),
               UNIT_TEST(finishing_a_part_commits_what_was_appended),
               UNIT_TEST(a_part_that_is_none_is_a_bug),
               UNIT_TEST(a_parts_keys_find_no_room_in_a_small_buffer),
               UNIT_TEST(a_finished_dump_is_noted_when_no_part_is_left),
               UNIT_TEST(finishing_a_dump_commits_and_seals),
               UNIT_TEST(the_snapshots_time_is_noted_while_the_dump_lasts),
               UNIT_TEST(parts_are_appended_to_by_several_threads))
