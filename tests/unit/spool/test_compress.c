/* test_compress.c: a body goes through zstd row by row and comes back in pieces of any size; what is
 * not whole is never taken for whole. */
#include "spool/compress.h"

#include <zstd.h>

#include "unit.h"

enum { MOST = 8 << 20 };

static struct error err;
static struct compressor *compressor;
static struct decompressor *decompressor;
static struct buffer raw, back;

static void set_up(void)
{
    unit_assert_ok(compressor_new(&compressor, 1, &err), err);
    unit_assert_ok(decompressor_new(&decompressor, &err), err);
    buffer_init(&raw, MOST);
    buffer_init(&back, MOST);
}

static void tear_down(void)
{
    compressor_free(compressor);
    decompressor_free(decompressor);
    buffer_free(&raw);
    buffer_free(&back);
}

/* SIZE bytes into `raw`, of which zstd can spare many (IS_RANDOM false) or none. */
static void make_raw(size_t size, bool is_random)
{
    uint64_t random = 88172645463325252u;
    buffer_clear(&raw);
    ck_assert(buffer_reserve(&raw, size));
    while (raw.size < size) {
        uint64_t r = unit_random(&random);
        uint64_t letter = 'a' + raw.size / 40 % 9 + (r % 16 == 0);
        buffer_append_byte(&raw, (char)(is_random ? r : letter));
    }
}

static void append_in_rows(size_t row)
{
    for (size_t at = 0; at < raw.size; at += row) {
        struct slice piece = {raw.data + at, raw.size - at < row ? raw.size - at : row};
        unit_assert_ok(compressor_append(compressor, piece, &err), err);
    }
}

static struct slice compress(size_t row)
{
    struct slice body;
    append_in_rows(row);
    unit_assert_ok(compressor_finish(compressor, &body, &err), err);
    return body;
}

/* Read all of BODY into `back`, PIECE bytes at a time. */
static bool decompress(struct slice body, size_t piece)
{
    size_t got = 0;
    bool ok;
    buffer_clear(&back);
    ck_assert(buffer_reserve(&back, MOST));
    decompressor_open(decompressor, body);
    while ((ok = decompressor_read(decompressor, back.data + back.size, piece, &got, &err)) &&
           got > 0)
        back.size += got;
    return ok;
}

static const struct {
    size_t size;
    bool is_random;
    size_t row, piece;
} cases[] = {
    {1, false, 1, 1},
    {2, true, 1, 3},
    {300, false, 7, 5},
    {65536, false, 1000, 65536},
    {65537, true, 1000, 65536},
    {300000, true, 300000, 16384},
    {1 << 20, false, 100, 4096},
    {(1 << 20) + 1, true, 4096, (1 << 20) + 1},
    {5 << 20, false, 5 << 20, 1 << 20},
};

START_TEST(what_goes_in_comes_out)
{
    make_raw(cases[_i].size, cases[_i].is_random);
    struct slice body = compress(cases[_i].row);
    unit_assert_ok(decompress(body, cases[_i].piece), err);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
}
END_TEST

static size_t source_piece; // bytes that a source gives at once

static bool give(void *context, uint64_t at, struct slice *piece, struct error *e)
{
    const struct slice *body = context;
    if (source_piece == 0)
        return error_set(e, ERROR_DISK, "no more");
    size_t left = body->size - (size_t)at;
    *piece = (struct slice){body->data + at, left < source_piece ? left : source_piece};
    return true;
}

/* Read BODY, given in pieces, into `back`; a reader that knows the size and asks for no more. */
static bool decompress_source(struct slice *body, size_t piece)
{
    size_t got = 1;
    bool ok = true;
    struct body_source source = {give, body, body->size};
    buffer_clear(&back);
    ck_assert(buffer_reserve(&back, MOST));
    decompressor_open_source(decompressor, &source);
    while (ok && got > 0 && back.size < raw.size) {
        ok = decompressor_read(decompressor, back.data + back.size, piece, &got, &err);
        back.size += ok ? got : 0;
    }
    return ok;
}

START_TEST(a_body_may_come_in_pieces_of_any_size)
{
    make_raw(cases[_i].size, cases[_i].is_random);
    struct slice body = compress(cases[_i].row);
    size_t pieces[] = {
        1, 3, 4096, body.size - 1, body.size - 3, body.size - 4, body.size - 5, body.size};
    for (size_t i = cases[_i].size > 100000 ? 2 : 0; i < COUNT_OF(pieces); i++) {
        source_piece = pieces[i];
        unit_assert_ok(decompress_source(&body, cases[_i].piece), err);
        ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
        struct slice spoilt = {memcpy(malloc(body.size), body.data, body.size), body.size};
        char *last = (char *)(uintptr_t)spoilt.data + spoilt.size - 1; // of its checksum
        *last = (char)(*last ^ 1);
        unit_assert_error(decompress_source(&spoilt, cases[_i].piece), err, ERROR_DAMAGED, "zstd");
        free((char *)(uintptr_t)spoilt.data);
    }
}
END_TEST

START_TEST(what_a_source_cannot_give_is_its_error)
{
    make_raw(1000, true);
    struct slice body = compress(100);
    source_piece = 0;
    unit_assert_error(decompress_source(&body, 100), err, ERROR_DISK, "no more");
}
END_TEST

static void append_piece(void *out, struct slice piece)
{
    buffer_append(out, piece.data, piece.size);
}

START_TEST(a_body_can_be_read_at_one_go)
{
    make_raw(cases[_i].size, cases[_i].is_random);
    struct slice body = compress(cases[_i].row);
    unit_assert_ok(decompress_all(body, append_piece, &back, &err), err);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
    body.size--;
    unit_assert_error(decompress_all(body, append_piece, &back, &err), err, ERROR_DAMAGED, "");
}
END_TEST

START_TEST(a_body_is_one_zstd_frame_with_content_size_and_checksum)
{
    make_raw(cases[_i].size, cases[_i].is_random);
    struct slice body = compress(cases[_i].row);
    ck_assert_uint_eq(ZSTD_findFrameCompressedSize(body.data, body.size), body.size);
    ck_assert_uint_eq(ZSTD_getFrameContentSize(body.data, body.size), raw.size);
    ck_assert_int_eq(body.data[4] & 4, 4); // Content_Checksum_flag
    ck_assert(buffer_reserve(&back, raw.size));
    ck_assert_uint_eq(ZSTD_decompress(back.data, raw.size, body.data, body.size), raw.size);
    ck_assert_mem_eq(back.data, raw.data, raw.size);
}
END_TEST

/* Window_Descriptor (zstd_compression_format.md): what a request in flight needs to decompress. */
START_TEST(the_window_stays_small_at_every_level)
{
    struct compressor *c;
    struct slice body;
    unit_assert_ok(compressor_new(&c, _i, &err), err);
    make_raw(1 << 20, false);
    unit_assert_ok(compressor_append(c, buffer_slice(&raw), &err), err);
    unit_assert_ok(compressor_finish(c, &body, &err), err);
    ck_assert_int_le(10 + ((unsigned char)body.data[5] >> 3), 18);
    unit_assert_ok(decompress(body, 100000), err);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
    compressor_free(c);
}
END_TEST

START_TEST(sizes_are_told_while_a_frame_is_made_and_are_0_after_it)
{
    ck_assert_uint_eq(compressor_raw_size(compressor), 0);
    make_raw(1 << 20, true);
    append_in_rows(1000);
    ck_assert_uint_eq(compressor_raw_size(compressor), 1 << 20);
    ck_assert_uint_gt(compressor_size(compressor), 700000); // what zstd has put out already
    struct slice body;
    unit_assert_ok(compressor_finish(compressor, &body, &err), err);
    ck_assert_uint_eq(compressor_raw_size(compressor), 0);
    ck_assert_uint_eq(compressor_size(compressor), 0);
}
END_TEST

START_TEST(a_compressor_makes_frame_after_frame)
{
    for (size_t i = 1; i < 50; i++) {
        make_raw(i * 997, i % 2 == 0);
        struct slice body = compress(100);
        unit_assert_ok(decompress(body, 10000), err);
        ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
    }
}
END_TEST

START_TEST(a_frame_of_nothing_is_a_bug)
{
    struct slice body;
    unit_assert_error(compressor_finish(compressor, &body, &err), err, ERROR_BUG, "zstd");
}
END_TEST

START_TEST(a_body_cut_anywhere_is_damaged)
{
    make_raw(3000, false);
    struct slice body = compress(100);
    for (size_t size = 0; size < body.size; size++)
        unit_assert_error(decompress((struct slice){body.data, size}, 1000), err, ERROR_DAMAGED,
                          "");
}
END_TEST

START_TEST(bytes_behind_a_body_are_damage)
{
    static const char *const behind[] = {"x", "\x28\xb5\x2f\xfd", "\x5b\x2a\x4d\x18\0\0\0\0"};
    make_raw(3000, false);
    struct slice body = compress(100);
    struct buffer longer;
    buffer_init(&longer, MOST);
    buffer_append(&longer, body.data, body.size);
    buffer_append_string(&longer, behind[_i]);
    unit_assert_error(decompress(buffer_slice(&longer), 1000), err, ERROR_DAMAGED, "follow");
    buffer_free(&longer);
}
END_TEST

START_TEST(a_flipped_bit_gives_an_error_or_the_same_bytes)
{
    size_t accepted = 0;
    make_raw(2000, false);
    struct slice body = compress(100);
    char *bytes = malloc(body.size);
    memcpy(bytes, body.data, body.size);
    for (size_t i = 0; i < 8 * body.size; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ (1 << i % 8));
        if (decompress((struct slice){bytes, body.size}, 1000)) {
            ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
            accepted++;
        } else {
            ck_assert_int_eq(err.kind, ERROR_DAMAGED);
        }
        bytes[i / 8] = (char)(bytes[i / 8] ^ (1 << i % 8));
    }
    ck_assert_uint_lt(accepted * 20, 8 * body.size);
    free(bytes);
}
END_TEST

START_TEST(a_decompressor_starts_anew_in_the_middle_and_after_damage)
{
    size_t got;
    char piece[100];
    make_raw(300000, true);
    struct slice body = compress(1000);
    decompressor_open(decompressor, body);
    unit_assert_ok(decompressor_read(decompressor, piece, sizeof piece, &got, &err), err);
    ck_assert(!decompress((struct slice){body.data, body.size / 2}, 1000));
    unit_assert_ok(decompress(body, 1000), err);
    ck_assert(slice_equal(buffer_slice(&back), buffer_slice(&raw)));
    unit_assert_ok(decompressor_read(decompressor, piece, sizeof piece, &got, &err), err);
    ck_assert_uint_eq(got, 0); // the end stays the end
    decompressor_free(NULL);
    compressor_free(NULL);
}
END_TEST

UNIT_MAIN_WITH("spool/compress", set_up, tear_down, UNIT_EACH(what_goes_in_comes_out, cases),
               UNIT_EACH(a_body_can_be_read_at_one_go, cases),
               UNIT_EACH(a_body_may_come_in_pieces_of_any_size, cases),
               UNIT_TEST(what_a_source_cannot_give_is_its_error),
               UNIT_EACH(a_body_is_one_zstd_frame_with_content_size_and_checksum, cases),
               UNIT_LOOP(the_window_stays_small_at_every_level, 20),
               UNIT_TEST(sizes_are_told_while_a_frame_is_made_and_are_0_after_it),
               UNIT_TEST(a_compressor_makes_frame_after_frame),
               UNIT_TEST(a_frame_of_nothing_is_a_bug), UNIT_TEST(a_body_cut_anywhere_is_damaged),
               UNIT_LOOP(bytes_behind_a_body_are_damage, 3),
               UNIT_TEST(a_flipped_bit_gives_an_error_or_the_same_bytes),
               UNIT_TEST(a_decompressor_starts_anew_in_the_middle_and_after_damage))
