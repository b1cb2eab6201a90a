/* test_frames.c: rows go in, frames come out in the spool, and each row is in exactly one. */
#include "job/frames.h"

#include <pthread.h>

#include "../spool/spooled.h"
#include "base/stop.h"

static const struct document_column columns[] = {
    {"id", VALUE_TEXT, COLUMN_FIELD},
    {"n", VALUE_NUMBER, COLUMN_FIELD},
};

static const struct document_shape shape = {.columns = columns, .column_count = 2, .key = 0};

static struct error err;
static struct spool *s;
static struct document_encoder *encoder;
static struct buffer lines;
static struct frames *frames;
static struct job_options options;
static struct job_live live;

/* Encode ROW and add what it became. */
static bool add_row(struct slice row)
{
    struct document_result result;
    buffer_clear(&lines);
    return document_encode(encoder, row, &lines, &result, &err) &&
           frames_add(frames, &result, buffer_slice(&lines), row, &err);
}

static void set_up(void)
{
    const struct slice none = {"", 0};
    spooled_set_up();
    s = spooled_new();
    options = (struct job_options){.spool = spooled_path, .level = 1, .frame_bytes = 1 << 20};
    live = (struct job_live){.rows = 0};
    buffer_init(&lines, 1 << 30);
    unit_assert_ok(document_encoder_new(&encoder, &shape, &err), err);
    unit_assert_ok(frames_new(&frames, &options, s, &live, &err), err);
    frames_begin_part(frames, 0, false, none);
}

static void tear_down(void)
{
    frames_free(frames);
    document_encoder_free(encoder);
    buffer_free(&lines);
    spool_close(s);
    spooled_tear_down();
}

static void add(const char *row)
{
    unit_assert_ok(add_row(slice_of(row)), err);
}

static void flush(void)
{
    unit_assert_ok(frames_flush(frames, &err), err);
    spooled_commit(s);
}

/* All frames in the spool, as text: "documents first..last" or "dead first", with commas between. */
static const char *list_frames(void)
{
    static char list[8192];
    struct index_frame frame = {.number = 0};
    struct index_txn *txn;
    struct index *index;
    bool found;
    size_t size = 0;
    list[0] = '\0';
    unit_assert_ok(index_open(&index, spooled_path, INDEX_READ, &err), err);
    unit_assert_ok(index_begin(index, false, &txn, &err), err);
    for (;;) {
        unit_assert_ok(
            index_next_frame(txn, FRAMES_PENDING, frame.number + 1, &frame, &found, &err), err);
        if (!found)
            break;
        size += (size_t)snprintf(list + size, sizeof list - size, "%s%s%u %.*s..%.*s",
                                 size > 0 ? ", " : "", frame.kind == FRAME_DEAD_ROWS ? "dead " : "",
                                 frame.documents, (int)frame.first_key.size, frame.first_key.data,
                                 (int)frame.last_key.size, frame.last_key.data);
    }
    index_abort(txn);
    index_close(index);
    return list;
}

/* The text of frame NUMBER. */
static const char *read_frame(uint64_t number)
{
    static char text[1 << 16];
    struct index_frame frame;
    struct buffer bytes;
    struct slice body;
    struct decompressor *d;
    const char *why;
    size_t got;
    buffer_init(&bytes, 1 << 20);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, number, &frame));
    unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
    ck_assert_ptr_null(why);
    unit_assert_ok(decompressor_new(&d, &err), err);
    decompressor_open(d, body);
    unit_assert_ok(decompressor_read(d, text, sizeof text - 1, &got, &err), err);
    ck_assert_uint_eq(got, frame.raw_size);
    decompressor_free(d);
    buffer_free(&bytes);
    text[got] = '\0';
    return text;
}

START_TEST(rows_become_documents_of_one_frame)
{
    add("1\t10\n");
    add("2\t\\N\n");
    add("x\\ty\t30\n");
    ck_assert_str_eq(list_frames(), "");
    flush();
    ck_assert_str_eq(list_frames(), "3 1..x\ty");
    ck_assert_str_eq(read_frame(1),
                     "{\"index\":{\"_id\":\"1\"}}\n{\"id\":\"1\",\"n\":10}\n"
                     "{\"index\":{\"_id\":\"2\"}}\n{\"id\":\"2\"}\n"
                     "{\"index\":{\"_id\":\"x\\ty\"}}\n{\"id\":\"x\\ty\",\"n\":30}\n");
    spooled_assert_ledger(s, 3, 0, 0, 3);
    ck_assert_uint_eq(atomic_load(&live.rows), 3);
    flush(); // of nothing
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 1);
}
END_TEST

START_TEST(a_frame_ends_before_it_grows_too_large)
{
    options.frame_bytes = 150; // three of these documents, not four
    for (int i = 1; i <= 7; i++) {
        char row[32];
        snprintf(row, sizeof row, "%d\t%d\n", i, i);
        add(row);
    }
    flush();
    ck_assert_str_eq(list_frames(), "3 1..3, 3 4..6, 1 7..7");
}
END_TEST

START_TEST(a_document_larger_than_a_frame_is_a_frame_alone)
{
    struct buffer row;
    buffer_init(&row, 1 << 16);
    options.frame_bytes = 1000;
    add("1\t1\n");
    for (int i = 0; i < 20000; i++)
        buffer_append_byte(&row, 'k');
    buffer_append_string(&row, "\t2\n");
    unit_assert_ok(add_row(buffer_slice(&row)), err);
    add("l\t3\n");
    flush();
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 3);
    spooled_assert_ledger(s, 3, 0, 0, 3);
    buffer_free(&row);
}
END_TEST

START_TEST(a_frame_holds_at_most_10000_documents)
{
    options.frame_bytes = 1 << 30;
    for (int i = 1; i <= 10001; i++) {
        char row[32];
        snprintf(row, sizeof row, "%d\t\\N\n", i);
        add(row);
    }
    flush();
    ck_assert_str_eq(list_frames(), "10000 1..10000, 1 10001..10001");
}
END_TEST

START_TEST(a_frame_that_compresses_badly_ends_early)
{
    uint64_t random = 99;
    struct buffer row;
    struct index_frame frame = {.number = 0};
    buffer_init(&row, 1 << 16);
    options.frame_bytes = 1 << 30;
    for (int i = 0; i < 200; i++) {
        buffer_clear(&row);
        buffer_append_format(&row, "%05d", i);
        for (int k = 0; k < 2000; k++)
            buffer_append_format(&row, "%08x", (unsigned)unit_random(&random));
        buffer_append_string(&row, "\t1\n");
        unit_assert_ok(add_row(buffer_slice(&row)), err);
    }
    flush();
    ck_assert_uint_gt(spooled_count_frames(s, FRAMES_PENDING), 1);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame))
        ck_assert_uint_lt(frame.size, FRAME_COMPRESSED_MAX + (128 << 10));
    buffer_free(&row);
}
END_TEST

/* --- rows that can't be documents --- */

START_TEST(a_dead_row_is_a_frame_of_its_own_in_its_place)
{
    add("1\t1\n");
    add("2\tno number\n");
    add("3\t3\n");
    add("4\t\xff\n");
    add("5\tno number\n");
    flush();
    ck_assert_str_eq(list_frames(), "1 1..1, dead 1 2..2, 1 3..3, dead 1 4..4, dead 1 5..5");
    ck_assert_ptr_nonnull(
        strstr(read_frame(2), "{\"id\":\"2\",\"error\":{\"type\":\"bobbin_encode\""));
    spooled_assert_ledger(s, 5, 0, 0, 5);
    ck_assert_uint_eq(atomic_load(&live.rows), 5);
    struct slice key;
    ck_assert(frames_last_key(frames, &key));
    unit_assert_slice(key, "5");
}
END_TEST

START_TEST(values_that_json_cannot_hold_are_counted)
{
    add("1\tNaN\n");
    add("2\tInfinity\n");
    add("3\tx\n");
    add("4\tNaN\n");
    flush();
    ck_assert_uint_eq(spooled_read_job(s).nulled, 3);
}
END_TEST

/* --- keys --- */

START_TEST(the_last_key_is_known_from_the_first_row_on)
{
    struct slice key;
    ck_assert(!frames_last_key(frames, &key));
    add("a\\nb\t1\n");
    ck_assert(frames_last_key(frames, &key));
    unit_assert_slice(key, "a\nb");
    frames_begin_part(frames, 0, false, key);
    ck_assert(!frames_last_key(frames, &key));
    frames_begin_part(frames, 0, true, slice_of("from before"));
    ck_assert(frames_last_key(frames, &key));
    unit_assert_slice(key, "from before");
}
END_TEST

START_TEST(two_rows_with_one_key_are_an_error)
{
    add("1\t1\n");
    unit_assert_error(add_row(slice_of("1\t2\n")), err, ERROR_CONFIG, "two rows have 1");
}
END_TEST

START_TEST(a_first_row_with_the_key_from_before_is_an_error_unless_it_may_be_skipped)
{
    frames_begin_part(frames, 0, true, slice_of("7"));
    frames_skip_last(frames, true);
    add("7\t1\n"); // seen before the cut
    unit_assert_error(add_row(slice_of("7\t2\n")), err, ERROR_CONFIG, "two rows have 7");
    frames_begin_part(frames, 0, true, slice_of("7"));
    frames_skip_last(frames, true);
    add("8\t1\n");
    frames_begin_part(frames, 0, true, slice_of("7"));
    frames_skip_last(frames, false);
    unit_assert_error(add_row(slice_of("7\t1\n")), err, ERROR_CONFIG, "two rows have 7");
}
END_TEST

START_TEST(a_skipped_row_is_in_no_frame_and_not_counted)
{
    frames_begin_part(frames, 0, true, slice_of("7"));
    frames_skip_last(frames, true);
    add("7\t1\n");
    add("8\t1\n");
    flush();
    ck_assert_str_eq(list_frames(), "1 8..8");
    ck_assert_uint_eq(atomic_load(&live.rows), 1);
    ck_assert_uint_eq(frames_rows(frames), 1);
}
END_TEST

START_TEST(a_key_that_is_too_long_is_an_error)
{
    struct buffer row;
    buffer_init(&row, 1 << 20);
    for (int i = 0; i <= FRAME_KEY_MAX_BYTES; i++)
        buffer_append_byte(&row, 'k');
    buffer_append_string(&row, "\t1\n");
    ck_assert(!add_row(buffer_slice(&row)));
    ck_assert_ptr_nonnull(strstr(err.message, "key"));
    buffer_free(&row);
}
END_TEST

/* --- time and room --- */

START_TEST(a_slow_source_still_commits_every_second)
{
    add("1\t1\n");
    unit_assert_ok(frames_tick(frames, &err), err);
    ck_assert_str_eq(list_frames(), "");
    usleep((FRAME_AGE_MS + 50) * 1000);
    unit_assert_ok(frames_tick(frames, &err), err);
    ck_assert_str_eq(list_frames(), "1 1..1");
    add("2\t2\n");
    usleep((FRAME_AGE_MS + 50) * 1000);
    add("3\t3\n"); // ends the frame too
    spooled_commit(s);
    ck_assert_str_eq(list_frames(), "1 1..1, 2 2..3");
    unit_assert_ok(frames_tick(frames, &err), err);
}
END_TEST

static void reopen_full(void)
{
    frames_free(frames);
    spool_close(s);
    spooled.max_bytes = 16 << 10;
    spooled.segment_bytes = 4 << 10;
    s = spooled_open();
    unit_assert_ok(frames_new(&frames, &options, s, &live, &err), err);
    frames_begin_part(frames, 0, false, (struct slice){"", 0});
    for (uint64_t i = 0; i < 200; i++)
        spooled_append(s, 1 + 100 * i, 100);
    spooled_commit(s);
}

static void *acknowledge_later(void *context)
{
    struct index_frame frame = {.number = 0};
    usleep(300000);
    *(bool *)context = atomic_load(&live.is_waiting_for_room);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame))
        spooled_acknowledge(s, frame.number, 100);
    return NULL;
}

START_TEST(a_full_spool_makes_the_dump_wait_until_there_is_room)
{
    pthread_t thread;
    bool was_waiting = false;
    reopen_full();
    ck_assert_int_eq(pthread_create(&thread, NULL, acknowledge_later, &was_waiting), 0);
    unit_assert_ok(frames_wait_for_room(frames, &err), err);
    pthread_join(thread, NULL);
    ck_assert(was_waiting);
    ck_assert(!atomic_load(&live.is_waiting_for_room));
}
END_TEST

START_TEST(a_stop_request_ends_the_wait_for_room)
{
    reopen_full();
    unit_assert_ok(stop_install(&err), err);
    stop_request();
    unit_assert_error(frames_wait_for_room(frames, &err), err, ERROR_STOPPED, "stop");
}
END_TEST

START_TEST(within_a_window_room_is_not_waited_for_long)
{
    reopen_full();
    options.frame_bytes = 1; // each document ends the frame before it
    add("100001\t1\n");
    ck_assert(!frames_lack_room(frames));
    add("100002\t1\n");
    ck_assert(frames_lack_room(frames) && atomic_load(&live.is_waiting_for_room));
    ck_assert_uint_eq(frames_rows(frames), 2); // the second is taken all the same
}
END_TEST

START_TEST(a_spool_with_room_is_not_waited_for)
{
    unit_assert_ok(frames_wait_for_room(frames, &err), err);
    ck_assert(!frames_lack_room(frames));
}
END_TEST

UNIT_MAIN_WITH("job/frames", set_up, tear_down, UNIT_TEST(rows_become_documents_of_one_frame),
               UNIT_TEST(a_frame_ends_before_it_grows_too_large),
               UNIT_TEST(a_document_larger_than_a_frame_is_a_frame_alone),
               UNIT_TEST(a_frame_holds_at_most_10000_documents),
               UNIT_TEST(a_frame_that_compresses_badly_ends_early),
               UNIT_TEST(a_dead_row_is_a_frame_of_its_own_in_its_place),
               UNIT_TEST(values_that_json_cannot_hold_are_counted),
               UNIT_TEST(the_last_key_is_known_from_the_first_row_on),
               UNIT_TEST(two_rows_with_one_key_are_an_error),
               UNIT_TEST(a_first_row_with_the_key_from_before_is_an_error_unless_it_may_be_skipped),
               UNIT_TEST(a_skipped_row_is_in_no_frame_and_not_counted),
               UNIT_TEST(a_key_that_is_too_long_is_an_error),
               UNIT_TEST(a_slow_source_still_commits_every_second),
               UNIT_TEST(a_full_spool_makes_the_dump_wait_until_there_is_room),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_wait_for_room, 1),
               UNIT_TEST(within_a_window_room_is_not_waited_for_long),
               UNIT_TEST(a_spool_with_room_is_not_waited_for))
