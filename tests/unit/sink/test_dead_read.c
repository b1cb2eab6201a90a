/* test_dead_read.c: letters are read back as they were written, and nothing else is. */
#include "sink/dead_read.h"

#include <fcntl.h>

#include "sink/dead.h"
#include "unit.h"

static char *directory;
static int dir;
static struct error err;
static struct buffer text;

static void set_up(void)
{
    directory = unit_make_directory();
    dir = open(directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
    buffer_init(&text, 64 << 20);
}

static void tear_down(void)
{
    buffer_free(&text);
    close(dir);
    unit_remove_directory(directory);
}

static void put(const char *action, const char *source)
{
    const struct slice keys[2] = {slice_of("a\"b"), slice_of("\xC3\xA9")};
    size_t start = text.size;
    dead_format(&text, slice_of(action), slice_of(source), 400,
                slice_of("{\"type\":\"t\",\"reason\":\"r\"}"));
    dead_seal(&text, start, keys);
}

static void store(void)
{
    struct dead_file *file;
    uint64_t size;
    unit_assert_ok(dead_open(&file, dir, 0, &err), err);
    unit_assert_ok(dead_append(file, buffer_slice(&text), &size, &err), err);
    dead_close(file);
}

static struct dead_reader *read_from(uint64_t from, uint64_t upto)
{
    struct dead_reader *r;
    unit_assert_ok(dead_reader_open(&r, dir, from, upto, &err), err);
    return r;
}

static bool next(struct dead_reader *r, struct dead_letter *letter)
{
    bool found;
    unit_assert_ok(dead_reader_next(r, letter, &found, &err), err);
    return found;
}

/* --- one letter --- */

static struct dead_letter parse(void)
{
    struct dead_letter letter;
    ck_assert(dead_letter_parse((struct slice){text.data, text.size - 1}, &letter));
    return letter;
}

static void assert_operation(const struct dead_letter *letter, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    ck_assert(dead_append_operation(letter, &out));
    unit_assert_slice(buffer_slice(&out), expected);
    buffer_free(&out);
}

START_TEST(a_letter_is_read_member_by_member)
{
    put("{\"index\":{\"_id\":\"4\\\"2\"}}", "{\"a\":1.10}");
    struct dead_letter letter = parse();
    unit_assert_slice(letter.id, "\"4\\\"2\"");
    unit_assert_slice(letter.status, "400");
    unit_assert_slice(letter.error, "{\"type\":\"t\",\"reason\":\"r\"}");
    unit_assert_slice(letter.first_key, "\"a\\\"b\"");
    unit_assert_slice(letter.last_key, "\"\xC3\xA9\"");
    assert_operation(&letter, "{\"index\":{\"_id\":\"4\\\"2\"}}\n{\"a\":1.10}\n");
}
END_TEST

START_TEST(a_delete_has_no_source)
{
    put("{\"delete\":{\"_id\":\"1\"}}", "");
    struct dead_letter letter = parse();
    ck_assert_uint_eq(letter.source.size, 0);
    assert_operation(&letter, "{\"delete\":{\"_id\":\"1\"}}\n");
}
END_TEST

/* JSON deeper than JSON_SCAN_MAX_DEPTH is kept as a string; it comes out as it was. */
START_TEST(what_was_kept_as_a_string_comes_out_as_it_was)
{
    char deep[2 * 1100 + 1] = "";
    memset(deep, '[', 1100);
    memset(deep + 1100, ']', 1100);
    put("{\"index\":{\"_id\":\"1\"}}", deep);
    struct dead_letter letter = parse();
    ck_assert_int_eq(letter.source.data[0], '"');
    struct buffer out;
    buffer_init(&out, 1 << 20);
    ck_assert(dead_append_operation(&letter, &out));
    ck_assert_uint_eq(out.size, strlen("{\"index\":{\"_id\":\"1\"}}\n") + 2 * 1100 + 1);
    buffer_free(&out);
}
END_TEST

START_TEST(a_row_without_an_id_is_known_by_its_key_and_is_no_operation)
{
    const struct slice keys[2] = {slice_of("7"), slice_of("7")};
    struct buffer out;
    buffer_init(&out, 100);
    buffer_append_string(&text, "{\"error\":{\"type\":\"bobbin_encode\"},\"row\":\"eA==\"}\n");
    dead_seal(&text, 0, keys);
    struct dead_letter letter = parse();
    unit_assert_slice(letter.id, "\"7\"");
    unit_assert_slice(letter.content, "{\"error\":{\"type\":\"bobbin_encode\"},\"row\":\"eA==\"");
    ck_assert(!dead_append_operation(&letter, &out));
    buffer_free(&out);
}
END_TEST

/* Every changed bit is seen, wherever: nothing is sent that was not written. */
START_TEST(no_changed_letter_is_taken_for_one)
{
    struct dead_letter letter;
    put("{\"index\":{\"_id\":\"1\"}}", "{\"n\":17}");
    struct slice line = {text.data, text.size - 1};
    for (size_t i = 0; i < line.size; i++) {
        for (int bit = 1; bit < 256; bit *= 2) {
            text.data[i] = (char)(text.data[i] ^ bit);
            ck_assert_msg(!dead_letter_parse(line, &letter), "byte %zu, bit %d", i, bit);
            text.data[i] = (char)(text.data[i] ^ bit);
        }
    }
    for (size_t size = 0; size < line.size; size++)
        ck_assert(!dead_letter_parse((struct slice){text.data, size}, &letter));
    ck_assert(dead_letter_parse(line, &letter));
}
END_TEST

static const char *const strangers[] = {"",
                                        "{}",
                                        "null",
                                        "{\"id\":\"1\"}",
                                        "{\"keys\":[\"1\",\"2\"],\"check\":\"0\"}",
                                        "{\"id\":\"1\",\"keys\":[],\"check\":\"0000000000000000\"}",
                                        "{\"keys\":[1,2],\"check\":\"\"}"};

START_TEST(other_json_is_no_letter)
{
    struct dead_letter letter;
    ck_assert(!dead_letter_parse(slice_of(strangers[_i]), &letter));
}
END_TEST

/* --- a file --- */

START_TEST(letters_come_in_order_with_their_places)
{
    struct dead_letter letter;
    uint64_t places[3];
    for (int i = 0; i < 3; i++) {
        places[i] = text.size;
        put(i == 0 ? "{\"index\":{\"_id\":\"0\"}}" : "{\"index\":{\"_id\":\"1\"}}", "{}");
    }
    store();
    struct dead_reader *r = read_from(0, text.size);
    for (int i = 0; i < 3; i++) {
        ck_assert(next(r, &letter));
        ck_assert_uint_eq(letter.offset, places[i]);
        unit_assert_slice(letter.id, i == 0 ? "\"0\"" : "\"1\"");
    }
    ck_assert(!next(r, &letter));
    ck_assert(!next(r, &letter));
    dead_reader_close(r);
    r = read_from(places[1], places[2]);
    ck_assert(next(r, &letter));
    ck_assert_uint_eq(letter.offset, places[1]);
    ck_assert(!next(r, &letter));
    dead_reader_close(r);
    dead_reader_close(NULL);
}
END_TEST

/* Lines of all lengths around the size of a piece that is read at once. */
START_TEST(long_lines_are_read_whole)
{
    enum { LINES = 12, BYTES = 200000 };
    static char source[BYTES + 1];
    struct dead_letter letter;
    for (size_t i = 0; i < LINES; i++) {
        size_t size = i % 3 == 2 ? BYTES : 65000 + 60 * i;
        memset(source, 'x', size);
        memcpy(source, "{\"a\":\"", 6);
        memcpy(source + size - 2, "\"}", 3);
        put("{\"index\":{\"_id\":\"1\"}}", source);
    }
    store();
    struct dead_reader *r = read_from(0, text.size);
    for (size_t i = 0; i < LINES; i++) {
        ck_assert(next(r, &letter));
        ck_assert_uint_eq(letter.source.size, i % 3 == 2 ? BYTES : 65000 + 60 * i);
    }
    ck_assert(!next(r, &letter));
    dead_reader_close(r);
}
END_TEST

START_TEST(what_lies_behind_the_end_is_not_looked_at)
{
    struct dead_letter letter;
    put("{\"index\":{\"_id\":\"1\"}}", "{}");
    uint64_t upto = text.size;
    buffer_append_string(&text, "{\"torn");
    store();
    struct dead_reader *r = read_from(0, upto);
    ck_assert(next(r, &letter));
    ck_assert(!next(r, &letter));
    dead_reader_close(r);
}
END_TEST

static void assert_damaged(uint64_t upto, const char *why)
{
    struct dead_letter letter;
    bool found = true;
    struct dead_reader *r = read_from(0, upto);
    bool ok = true;
    while (ok && found)
        ok = dead_reader_next(r, &letter, &found, &err);
    unit_assert_error(ok, err, ERROR_DAMAGED, why);
    dead_reader_close(r);
}

START_TEST(a_file_that_is_not_what_it_was_is_damage)
{
    struct dead_reader *r;
    unit_assert_ok(dead_reader_open(&r, dir, 0, 0, &err), err);
    dead_reader_close(r);
    unit_assert_error(dead_reader_open(&r, dir, 0, 1, &err), err, ERROR_DAMAGED, "is absent");
    put("{\"index\":{\"_id\":\"1\"}}", "{}");
    store();
    assert_damaged(text.size + 10, "bytes of dead letters were stored");
    assert_damaged(text.size - 1, "the line at byte 0 has no end");
    buffer_append_string(&text, "{}\n");
    store();
    assert_damaged(text.size, "is no dead letter as it was written");
}
END_TEST

UNIT_MAIN_WITH("sink/dead_read", set_up, tear_down, UNIT_TEST(a_letter_is_read_member_by_member),
               UNIT_TEST(a_delete_has_no_source),
               UNIT_TEST(what_was_kept_as_a_string_comes_out_as_it_was),
               UNIT_TEST(a_row_without_an_id_is_known_by_its_key_and_is_no_operation),
               UNIT_TEST(no_changed_letter_is_taken_for_one),
               UNIT_EACH(other_json_is_no_letter, strangers),
               UNIT_TEST(letters_come_in_order_with_their_places),
               UNIT_TEST(long_lines_are_read_whole),
               UNIT_TEST(what_lies_behind_the_end_is_not_looked_at),
               UNIT_TEST(a_file_that_is_not_what_it_was_is_damage))
