/* test_body.c: a frame's documents come apart at the right bytes, wherever its chunks end. */
#include "sink/body.h"

#include "spool/compress.h"
#include "unit.h"

enum { CHUNK = 16 << 10, MOST = 1 << 20 }; // CHUNK: as in body.c

static struct error err;
static struct compressor *compressor;
static struct body *body;
static struct buffer text, back;

static void set_up(void)
{
    unit_assert_ok(compressor_new(&compressor, 1, &err), err);
    unit_assert_ok(body_new(&body, &err), err);
    buffer_init(&text, MOST);
    buffer_init(&back, MOST);
}

static void tear_down(void)
{
    compressor_free(compressor);
    body_free(body);
    body_free(NULL);
    buffer_free(&text);
    buffer_free(&back);
}

static struct slice compress_text(void)
{
    struct slice frame;
    unit_assert_ok(compressor_append(compressor, buffer_slice(&text), &err), err);
    unit_assert_ok(compressor_finish(compressor, &frame, &err), err);
    return frame;
}

/* Walk over all documents; DOCUMENT(number, its bytes) for each. Returns how many there were. */
static size_t walk(void (*document)(size_t number, struct slice bytes))
{
    struct body_run run;
    bool found;
    size_t count = 0;
    buffer_clear(&back);
    for (;;) {
        unit_assert_ok(body_next(body, &run, &found, &err), err);
        if (!found)
            break;
        ck_assert_uint_eq(run.document, count);
        ck_assert_uint_gt(run.bytes.size, 0);
        ck_assert_uint_le(run.bytes.size, CHUNK);
        buffer_append(&back, run.bytes.data, run.bytes.size);
        if (!run.is_last)
            continue;
        if (document != NULL)
            document(count, buffer_slice(&back));
        count++;
        buffer_clear(&back);
    }
    ck_assert_uint_eq(back.size, 0);
    return count;
}

#define INDEX "{\"index\":{\"_id\":\"1\"}}\n"
#define DELETE "{\"delete\":{\"_id\":\"1\"}}\n"

static const char *const documents[][5] = {
    {INDEX "{\"a\":1}\n"},
    {DELETE},
    {INDEX "{}\n", INDEX "{}\n"},
    {DELETE, DELETE, DELETE},
    {DELETE, INDEX "{}\n", DELETE, INDEX "{}\n"},
    {"{\"create\":{}}\n{\"delete\":1}\n", "{\"update\":{}}\n{\"doc\":{}}\n", DELETE},
    {INDEX "{\"d\":1}\n", INDEX "{\"delete\":{\"_id\":\"2\"}}\n",
     INDEX "\n"}, // sources that look so
};

static const char *const *expected;

static void assert_expected(size_t number, struct slice bytes)
{
    unit_assert_slice(bytes, expected[number]);
}

START_TEST(documents_are_lines_by_two_and_a_delete_is_one)
{
    size_t count = 0;
    expected = documents[_i];
    for (; expected[count] != NULL; count++)
        buffer_append_string(&text, expected[count]);
    body_open(body, compress_text());
    ck_assert_uint_eq(walk(assert_expected), count);
}
END_TEST

/* A document whose source is filled up with blanks so that the next begins SIZE bytes behind. */
static void put_filled(size_t size)
{
    size_t end = text.size + size;
    buffer_append_string(&text, INDEX "{");
    while (text.size < end - 2)
        buffer_append_byte(&text, ' ');
    buffer_append_string(&text, "}\n");
}

static void assert_first_is_filled(size_t number, struct slice bytes)
{
    if (number == 1)
        unit_assert_slice(bytes, DELETE);
    if (number == 2)
        unit_assert_slice(bytes, INDEX "{\"z\":1}\n");
}

/* The operation's first letter, each newline: every byte of the next documents on a chunk's border. */
START_TEST(a_chunk_may_end_anywhere)
{
    for (size_t before = 0; before < 80; before++) {
        buffer_clear(&text);
        put_filled(CHUNK - before);
        buffer_append_string(&text, DELETE INDEX "{\"z\":1}\n");
        body_open(body, compress_text());
        ck_assert_uint_eq(walk(assert_first_is_filled), 3);
    }
}
END_TEST

static void assert_large(size_t number, struct slice bytes)
{
    ck_assert_uint_eq(bytes.size, number == 1 ? 300000 : 100);
}

START_TEST(a_document_may_be_larger_than_many_chunks)
{
    put_filled(100);
    put_filled(300000);
    put_filled(100);
    body_open(body, compress_text());
    ck_assert_uint_eq(walk(assert_large), 3);
}
END_TEST

START_TEST(random_documents_come_apart_as_they_were_put_together)
{
    static size_t ends[5000];
    uint64_t random = 1111111111u + (uint64_t)_i;
    size_t count = 0;
    while (text.size < 200000) {
        if (unit_random(&random) % 4 == 0)
            buffer_append_string(&text, DELETE);
        else
            put_filled(40 + unit_random(&random) % (unit_random(&random) % 10 == 0 ? 20000 : 100));
        ends[count++] = text.size;
    }
    struct body_run run = {.document = 0};
    bool found = true;
    size_t at = 0;
    body_open(body, compress_text());
    while (found) {
        unit_assert_ok(body_next(body, &run, &found, &err), err);
        if (!found)
            break;
        ck_assert_mem_eq(run.bytes.data, text.data + at, run.bytes.size);
        at += run.bytes.size;
        ck_assert_int_eq(run.is_last, at == ends[run.document]);
    }
    ck_assert_uint_eq(at, text.size);
    ck_assert_uint_eq(run.document, count);
}
END_TEST

START_TEST(reading_gives_all_bytes_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 7, 1000, CHUNK, CHUNK + 1, MOST};
    size_t got;
    put_filled(50000);
    put_filled(99);
    body_open(body, compress_text());
    ck_assert(buffer_reserve(&back, MOST));
    do {
        unit_assert_ok(body_read(body, back.data + back.size,
                                 pieces[_i] < MOST - back.size ? pieces[_i] : MOST - back.size,
                                 &got, &err),
                       err);
        ck_assert_uint_le(got, pieces[_i]);
        back.size += got;
    } while (got > 0);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&text)));
}
END_TEST

START_TEST(opening_begins_anew_in_the_middle_of_anything)
{
    struct body_run run;
    char some[10];
    size_t got;
    bool found;
    put_filled(40000);
    buffer_append_string(&text, DELETE);
    struct slice frame = compress_text();
    for (int i = 0; i < 3; i++) {
        body_open(body, frame);
        ck_assert_uint_eq(walk(NULL), 2);
        body_open(body, frame);
        unit_assert_ok(body_next(body, &run, &found, &err), err);
        ck_assert(found && !run.is_last);
        body_open(body, frame);
        unit_assert_ok(body_read(body, some, sizeof some, &got, &err), err);
        ck_assert_uint_eq(got, sizeof some);
    }
}
END_TEST

static const char *const torn[] = {
    INDEX "{\"a\":1}", INDEX, DELETE INDEX "{}", "{\"delete\":{\"_id\":\"1\"}}", "{\"", "x"};

START_TEST(what_lacks_its_last_newline_is_no_whole_document)
{
    struct body_run run = {.is_last = false};
    bool found = true;
    size_t whole = 0;
    buffer_append_string(&text, torn[_i]);
    body_open(body, compress_text());
    while (found) {
        unit_assert_ok(body_next(body, &run, &found, &err), err);
        whole += found && run.is_last;
    }
    ck_assert_uint_eq(whole, _i == 2);
}
END_TEST

START_TEST(a_damaged_frame_is_an_error)
{
    struct body_run run;
    bool found = true;
    bool ok = true;
    put_filled(40000);
    struct slice frame = compress_text();
    frame.size -= _i == 0 ? 1 : frame.size / 2;
    body_open(body, frame);
    while (ok && found)
        ok = body_next(body, &run, &found, &err);
    ck_assert(!ok);
    ck_assert_int_eq(err.kind, ERROR_DAMAGED);
}
END_TEST

UNIT_MAIN_WITH("sink/body", set_up, tear_down,
               UNIT_EACH(documents_are_lines_by_two_and_a_delete_is_one, documents),
               UNIT_TEST(a_chunk_may_end_anywhere),
               UNIT_TEST(a_document_may_be_larger_than_many_chunks),
               UNIT_LOOP(random_documents_come_apart_as_they_were_put_together, 10),
               UNIT_LOOP(reading_gives_all_bytes_in_pieces_of_any_size, 6),
               UNIT_TEST(opening_begins_anew_in_the_middle_of_anything),
               UNIT_EACH(what_lacks_its_last_newline_is_no_whole_document, torn),
               UNIT_LOOP(a_damaged_frame_is_an_error, 2))
