/* test_letters_retry.c: letters become frames that hold the same operations, and the file gets shorter. */
#include "job/letters.h"

#include "base/stop.h"
#include "lettered.h"

static struct buffer frame_bytes; // of the frame that was read last

static void tear_down(void)
{
    buffer_free(&frame_bytes);
    lettered_tear_down();
}

static bool retry(bool reads_rows)
{
    return letters_retry(lettered_spool, &lettered_options, reads_rows, &lettered_err);
}

/* The body of frame NUMBER, decompressed; its keys and kind in *FRAME. */
static const char *read_frame(uint64_t number, struct index_frame *frame)
{
    static char text[1 << 16];
    struct decompressor *d;
    struct slice body;
    const char *why;
    size_t got;
    ck_assert(spooled_find_frame(lettered_spool, FRAMES_PENDING, number, frame));
    buffer_free(&frame_bytes);
    buffer_init(&frame_bytes, 1 << 20);
    unit_assert_ok(
        spool_read_frame(lettered_spool, frame, &frame_bytes, &body, &why, &lettered_err),
        lettered_err);
    ck_assert_ptr_null(why);
    unit_assert_ok(decompressor_new(&d, &lettered_err), lettered_err);
    decompressor_open(d, body);
    unit_assert_ok(decompressor_read(d, text, sizeof text - 1, &got, &lettered_err), lettered_err);
    text[got] = '\0';
    decompressor_free(d);
    return text;
}

START_TEST(a_frames_letters_are_one_frame_again)
{
    struct index_frame frame;
    lettered_begin(3);
    unit_assert_ok(retry(false), lettered_err);
    spooled_assert_ledger(lettered_spool, 12, 0, 0, 12);
    ck_assert_uint_eq(spooled_read_job(lettered_spool).dead_bytes, 0);
    ck_assert_uint_eq(spooled_count_frames(lettered_spool, FRAMES_PENDING), 3);
    const char *body = read_frame(5, &frame);
    ck_assert_str_eq(
        body, "{\"index\":{\"_id\":\"5\"}}\n{\"n\":5}\n{\"index\":{\"_id\":\"6\"}}\n{\"n\":6}\n"
              "{\"index\":{\"_id\":\"7\"}}\n{\"n\":7}\n{\"index\":{\"_id\":\"8\"}}\n{\"n\":8}\n");
    unit_assert_slice(frame.first_key, "5");
    unit_assert_slice(frame.last_key, "8");
    ck_assert_uint_eq(frame.documents, 4);
    unit_assert_ok(spooled_replay(lettered_spool, &lettered_err), lettered_err);
    for (int i = 1; i <= 12; i++)
        ck_assert_uint_eq(spooled_sent[i], 1);
}
END_TEST

START_TEST(a_frame_is_not_larger_than_asked)
{
    struct index_frame frame;
    lettered_begin(1);
    lettered_options.frame_bytes = 70; // two documents
    unit_assert_ok(retry(false), lettered_err);
    ck_assert_uint_eq(spooled_count_frames(lettered_spool, FRAMES_PENDING), 2);
    read_frame(2, &frame);
    ck_assert_uint_eq(frame.documents, 2);
    unit_assert_slice(frame.last_key, "4");
}
END_TEST

START_TEST(without_letters_nothing_changes)
{
    lettered_begin(0);
    unit_assert_ok(retry(true), lettered_err);
    unit_assert_ok(retry(false), lettered_err);
    spooled_assert_ledger(lettered_spool, 0, 0, 0, 0);
}
END_TEST

/* One more letter: a row of the key 5 that could not become a document. */
static const char row_letter[] =
    "{\"error\":{\"type\":\"bobbin_encode\",\"reason\":\"r\"},\"row\":\"eA==\"}\n";

static void add_row_letter(void)
{
    const struct slice keys[2] = {slice_of("5"), slice_of("5")};
    struct buffer line;
    buffer_init(&line, 1000);
    buffer_append_string(&line, row_letter);
    dead_seal(&line, 0, keys);
    unit_assert_ok(spooled_try_append(lettered_spool, FRAME_DEAD_ROWS, 0, 5, 1, &lettered_err),
                   lettered_err);
    unit_assert_ok(spool_finish_dump(lettered_spool, &lettered_err), lettered_err);
    lettered_acknowledge(
        2, 1, lettered_append(spooled_read_job(lettered_spool).dead_bytes, buffer_slice(&line)));
    buffer_free(&line);
}

START_TEST(a_row_comes_back_as_the_letter_that_it_was)
{
    struct index_frame frame;
    lettered_begin(1);
    add_row_letter();
    unit_assert_ok(retry(false), lettered_err);
    spooled_assert_ledger(lettered_spool, 5, 0, 0, 5);
    const char *body = read_frame(4, &frame);
    ck_assert_int_eq(frame.kind, FRAME_DEAD_ROWS);
    ck_assert_str_eq(body, row_letter);
    unit_assert_slice(frame.first_key, "5");
}
END_TEST

START_TEST(a_row_is_read_again_when_the_source_is_there)
{
    struct index_part part;
    struct buffer keys;
    bool found;
    lettered_begin(1);
    add_row_letter();
    unit_assert_ok(retry(true), lettered_err);
    spooled_assert_ledger(lettered_spool, 4, 0, 0, 4);
    buffer_init(&keys, 1000);
    unit_assert_ok(spool_next_part(lettered_spool, 1, &part, &keys, &found, &lettered_err),
                   lettered_err);
    ck_assert(found);
    unit_assert_slice(part.range.from, "5");
    unit_assert_slice(part.range.to, "5");
    buffer_free(&keys);
}
END_TEST

/* In the first letter, in the last one, in the middle. */
static const int places[] = {40, -40, 700};

START_TEST(a_damaged_letter_is_found_before_anything_changes)
{
    lettered_begin(3);
    struct index_job before = spooled_read_job(lettered_spool);
    off_t offset = places[_i] < 0 ? (off_t)before.dead_bytes + places[_i] : places[_i];
    lettered_damage(offset);
    unit_assert_error(retry(false), lettered_err, ERROR_DAMAGED, "is no dead letter");
    struct index_job after = spooled_read_job(lettered_spool);
    ck_assert_uint_eq(after.dead, before.dead);
    ck_assert_uint_eq(after.pending, 0);
    ck_assert_uint_eq(after.dead_bytes, before.dead_bytes);
    ck_assert_uint_eq(after.next_frame, before.next_frame);
    lettered_damage(offset);
    unit_assert_ok(retry(false), lettered_err);
    spooled_assert_ledger(lettered_spool, 12, 0, 0, 12);
}
END_TEST

/* --- many --- */

enum { BIG_BYTES = 1 << 20, BIG_LETTERS = 20 };

/* Letters of a mebibyte, which are more than a commit takes. */
static void begin_big(void)
{
    const struct slice keys[2] = {slice_of("1"), slice_of("20")};
    static char source[BIG_BYTES + 1];
    struct buffer line;
    uint64_t size = 0;
    buffer_init(&line, 4 << 20);
    lettered_begin(0);
    lettered_options.frame_bytes = 4 << 20;
    spooled_append(lettered_spool, 1, BIG_LETTERS);
    unit_assert_ok(spool_finish_dump(lettered_spool, &lettered_err), lettered_err);
    memset(source, 'x', BIG_BYTES);
    memcpy(source, "{\"a\":\"", 6);
    memcpy(source + BIG_BYTES - 2, "\"}", 2);
    for (int i = 0; i < BIG_LETTERS; i++) {
        char action[64];
        snprintf(action, sizeof action, "{\"index\":{\"_id\":\"%d\"}}", i + 1);
        buffer_clear(&line);
        dead_format(&line, slice_of(action), slice_of(source), 400, slice_of("{}"));
        dead_seal(&line, 0, keys);
        size = lettered_append(size, buffer_slice(&line));
    }
    lettered_acknowledge(1, BIG_LETTERS, size);
    buffer_free(&line);
}

START_TEST(many_letters_take_several_commits_from_the_files_end_on)
{
    begin_big();
    unit_assert_ok(retry(false), lettered_err);
    spooled_assert_ledger(lettered_spool, BIG_LETTERS, 0, 0, BIG_LETTERS);
    struct index_frame frame;
    ck_assert(spooled_find_frame(lettered_spool, FRAMES_PENDING, 0, &frame));
    unit_assert_ok(spooled_replay(lettered_spool, &lettered_err), lettered_err);
    spooled_assert_ledger(lettered_spool, BIG_LETTERS, BIG_LETTERS, 0, 0);
}
END_TEST

START_TEST(a_stop_request_leaves_the_rest_dead)
{
    unit_assert_ok(stop_install(&lettered_err), lettered_err);
    begin_big();
    stop_request();
    unit_assert_error(retry(false), lettered_err, ERROR_STOPPED, "stop");
    spooled_assert_ledger(lettered_spool, BIG_LETTERS, 0, BIG_LETTERS, 0);
}
END_TEST

UNIT_MAIN_WITH("job/letters_retry", spooled_set_up, tear_down,
               UNIT_TEST(a_frames_letters_are_one_frame_again),
               UNIT_TEST(a_frame_is_not_larger_than_asked),
               UNIT_TEST(without_letters_nothing_changes),
               UNIT_TEST(a_row_comes_back_as_the_letter_that_it_was),
               UNIT_TEST(a_row_is_read_again_when_the_source_is_there),
               UNIT_EACH(a_damaged_letter_is_found_before_anything_changes, places),
               UNIT_TEST(many_letters_take_several_commits_from_the_files_end_on),
               UNIT_OWN_PROCESS(a_stop_request_leaves_the_rest_dead, 1))
