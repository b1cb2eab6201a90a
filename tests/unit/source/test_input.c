/* test_input.c: files, packed or not, come as the same lines at the same places, and what can't be read on is
 * told. */
#include "source/input.h"

#include "opened.h"

/* Open anew a file that is TEXT packed as KIND. */
static void open_file(enum unpack_kind kind, struct slice text)
{
    buffer_clear(&opened_bytes);
    packed_add(&opened_bytes, kind, text);
    opened_write_file(O_TRUNC);
    opened_open(opened_path);
    ck_assert_int_eq(input_kind(opened), kind);
    ck_assert(input_is_file(opened));
    ck_assert_str_eq(input_name(opened), opened_path);
}

static void require_all(struct slice text)
{
    opened_require_lines(text, 0, SIZE_MAX);
    opened_require(INPUT_END);
    opened_require(INPUT_END);
}

/* --- lines and places --- */

static const enum unpack_kind kinds[] = {UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD};

static const enum unpack_kind packed_kinds[] = {UNPACK_GZIP, UNPACK_ZSTD};

static const struct slice texts[] = {
    UNIT_BYTES("one\ntwo\nthree\n"),
    UNIT_BYTES("one\ntwo"),
    UNIT_BYTES("o"),
    UNIT_BYTES("one\n"),
    UNIT_BYTES("\n"),
    UNIT_BYTES("\n\n\n\n\n"),
    UNIT_BYTES("one\r\ntwo\r\n\r"),
    UNIT_BYTES(""),
    UNIT_BYTES("\0\n\0\0a\n\n\0"),
    UNIT_BYTES("\n\none\n\n"),
};

START_TEST(lines_come_with_their_newlines_and_places)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        open_file(kinds[i], texts[_i]);
        require_all(texts[_i]);
    }
}
END_TEST

START_TEST(each_place_can_be_sought_and_left)
{
    struct slice text = texts[_i];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        open_file(kinds[i], text);
        for (size_t at = 0; at <= text.size; at++) {
            opened_seek(at); // even within a line
            opened_require_lines(text, at, SIZE_MAX);
            opened_require(INPUT_END);
            opened_seek(text.size - at);
            opened_require_lines(text, text.size - at, 1);
        }
        unit_assert_error(input_seek(opened, text.size + 1, &opened_err), opened_err, ERROR_INPUT,
                          "ends before");
    }
}
END_TEST

enum { LARGE_BYTES = 3 << 20 }; // several chunks

/* Lines of all sizes: around a chunk, of several chunks, short ones; PLACES: where they begin. */
static size_t make_large(struct buffer *text, size_t *places)
{
    static const size_t sizes[] = {
        OPENED_CHUNK_BYTES,    1, OPENED_CHUNK_BYTES - 1, OPENED_CHUNK_BYTES + 1, 900000, 3, 500,
        2 * OPENED_CHUNK_BYTES};
    uint64_t random = 5;
    size_t count = 0;
    buffer_init(text, 2 * LARGE_BYTES);
    for (; text->size < LARGE_BYTES; count++) {
        places[count] = text->size;
        size_t size = count < COUNT_OF(sizes) ? sizes[count] : unit_random(&random) % 9000 + 1;
        for (size_t i = 1; i < size; i++)
            buffer_append_byte(text, (char)('a' + unit_random(&random) % 26));
        buffer_append_byte(text, '\n');
    }
    return count;
}

START_TEST(lines_across_chunks_come_whole_and_can_be_sought)
{
    size_t places[LARGE_BYTES / 1000];
    struct buffer text;
    size_t count = make_large(&text, places);
    uint64_t random = 11;
    open_file(kinds[_i], buffer_slice(&text));
    require_all(buffer_slice(&text));
    for (int round = 0; round < 40; round++) {
        size_t at = places[unit_random(&random) % count];
        opened_seek(at);
        opened_require_lines(buffer_slice(&text), at, unit_random(&random) % 20 + 1);
    }
    unit_assert_error(input_seek(opened, text.size + 1, &opened_err), opened_err, ERROR_INPUT,
                      opened_path);
    buffer_free(&text);
}
END_TEST

START_TEST(members_join_within_a_line)
{
    for (size_t i = 0; i < COUNT_OF(packed_kinds); i++) {
        buffer_clear(&opened_bytes);
        packed_add(&opened_bytes, packed_kinds[i], slice_of("one\ntw"));
        packed_add(&opened_bytes, packed_kinds[i], slice_of(""));
        packed_add(&opened_bytes, packed_kinds[i], slice_of("o\nthree\n"));
        opened_write_file(O_TRUNC);
        opened_open(opened_path);
        require_all(slice_of("one\ntwo\nthree\n"));
        opened_close();
    }
}
END_TEST

/* --- what can't be read --- */

START_TEST(what_is_no_file_to_read_is_a_matter_of_configuration)
{
    unit_assert_error(input_open(&opened, opened_path, &opened_err), opened_err, ERROR_CONFIG,
                      opened_path);
    unit_assert_error(input_open(&opened, opened_directory, &opened_err), opened_err, ERROR_CONFIG,
                      "is a directory");
}
END_TEST

START_TEST(a_file_that_was_cut_is_told_behind_its_lines)
{
    enum unpack_kind kind = packed_kinds[_i];
    packed_add(&opened_bytes, kind, slice_of("one\ntwo\nthree\n"));
    opened_bytes.size--;
    opened_write_file(O_TRUNC);
    opened_open(opened_path);
    opened_require_lines(slice_of("one\ntwo\nthree\n"), 0, 3);
    unit_assert_error(opened_read(0), opened_err, ERROR_INPUT, opened_path);
    ck_assert_ptr_nonnull(strstr(opened_err.message, "it was cut"));
}
END_TEST

START_TEST(damage_is_told_with_the_name_of_the_file)
{
    enum unpack_kind kind = packed_kinds[_i];
    packed_add(&opened_bytes, kind, slice_of("one\ntwo\nthree\n"));
    opened_bytes.data[opened_bytes.size - (kind == UNPACK_GZIP ? 8 : 4)] ^= 1; // of the checksum
    opened_write_file(O_TRUNC);
    opened_open(opened_path);
    bool ok = true;
    while (ok && opened_what != INPUT_END)
        ok = opened_read(0);
    unit_assert_error(ok, opened_err, ERROR_INPUT, opened_path);
    ck_assert_ptr_nonnull(strstr(opened_err.message, kind == UNPACK_GZIP ? "gzip" : "zstd"));
}
END_TEST

START_TEST(a_line_that_is_too_long_is_told_with_its_place)
{
    open_file(UNPACK_PLAIN, slice_of("first\n"));
    ck_assert_int_eq(
        truncate(opened_path, 6 + (off_t)INPUT_LINE_MAX_BYTES + 2 * OPENED_CHUNK_BYTES), 0);
    opened_require_line("first\n", 0);
    unit_assert_error(opened_read(0), opened_err, ERROR_INPUT,
                      "the line at byte 6 is longer than 256 MiB");
}
END_TEST

/* --- state and estimate --- */

/* The state of the file changed at NANOSECONDS behind some second. */
static const char *state_at(struct buffer *state, long nanoseconds)
{
    struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {1000000000, nanoseconds}};
    ck_assert_int_eq(utimensat(AT_FDCWD, opened_path, times, 0), 0);
    opened_open(opened_path);
    opened_require_line("one\n", 0);
    buffer_init(state, 1000);
    input_put_state(opened, state);
    opened_close();
    return buffer_string(state);
}

START_TEST(the_state_is_another_when_the_file_is)
{
    struct buffer states[4];
    buffer_append_string(&opened_bytes, "one\ntwo\n");
    opened_write_file(O_TRUNC);
    const char *first = state_at(&states[0], 1);
    ck_assert_str_eq(first, "8 bytes, changed at 1000000000.000000001");
    ck_assert_int_eq(chmod(opened_path, 0400), 0);
    ck_assert_str_eq(state_at(&states[1], 1), first); // reading and modes change no lines
    ck_assert_str_ne(state_at(&states[2], 2), first);
    ck_assert_int_eq(chmod(opened_path, 0600), 0);
    opened_write_file(O_APPEND);
    ck_assert_str_ne(state_at(&states[3], 1), first);
    for (size_t i = 0; i < COUNT_OF(states); i++)
        buffer_free(&states[i]);
}
END_TEST

START_TEST(lines_are_estimated_by_those_that_were_read)
{
    enum { LINES = 20000 };
    struct buffer text;
    uint64_t random = 3;
    uint64_t least = kinds[_i] == UNPACK_ZSTD ? LINES / 2 : LINES * 9 / 10; // zstd holds some
    buffer_init(&text, LARGE_BYTES);
    for (int i = 0; i < LINES; i++)
        buffer_append_format(&text, "%016llx%016llx\n", (unsigned long long)unit_random(&random),
                             (unsigned long long)unit_random(&random));
    open_file(kinds[_i], buffer_slice(&text));
    if (kinds[_i] != UNPACK_PLAIN)
        ck_assert_uint_eq(input_estimate_lines(opened), 0);
    for (int round = 0; round < 3; round++) {
        opened_require(INPUT_LINE);
        ck_assert_uint_ge(input_estimate_lines(opened), least);
        ck_assert_uint_le(input_estimate_lines(opened), LINES * 11 / 10);
        opened_seek(0);
        require_all(buffer_slice(&text));
        ck_assert_uint_eq(input_estimate_lines(opened), LINES);
        opened_seek(0);
    }
    open_file(kinds[_i], slice_of(""));
    ck_assert_uint_eq(input_estimate_lines(opened), 0);
    buffer_free(&text);
}
END_TEST

UNIT_MAIN_WITH("source/input", opened_begin, opened_end,
               UNIT_EACH(lines_come_with_their_newlines_and_places, texts),
               UNIT_EACH(each_place_can_be_sought_and_left, texts),
               UNIT_EACH(lines_across_chunks_come_whole_and_can_be_sought, kinds),
               UNIT_TEST(members_join_within_a_line),
               UNIT_TEST(what_is_no_file_to_read_is_a_matter_of_configuration),
               UNIT_EACH(a_file_that_was_cut_is_told_behind_its_lines, packed_kinds),
               UNIT_EACH(damage_is_told_with_the_name_of_the_file, packed_kinds),
               UNIT_TEST(a_line_that_is_too_long_is_told_with_its_place),
               UNIT_TEST(the_state_is_another_when_the_file_is),
               UNIT_EACH(lines_are_estimated_by_those_that_were_read, kinds))
