/* test_frame.c: a frame's header comes back as it was written, or not at all. */
#include "spool/frame.h"

#include <xxhash.h>
#include <zstd.h>

#include "base/bytes.h"
#include "unit.h"

static char long_key[FRAME_KEY_MAX_BYTES + 1];

static const struct frame simple = {
    .kind = FRAME_DOCUMENTS,
    .job = {{0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d,
             0x1e, 0x1f}},
    .part = 2,
    .documents = 3,
    .number = 4,
    .raw_size = 5,
    .compressed_size = 6,
    .checksum = 7,
    .first_key = {"a", 1},
    .last_key = {"bcd", 3},
};

static const struct frame frames[] = {
    {.kind = FRAME_DOCUMENTS},
    {.kind = FRAME_DEAD_ROWS, .first_key = {"x\0y", 3}, .last_key = {"\n\xff", 2}},
    {.job = {{255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 244, 243, 242, 241, 240}},
     .part = UINT32_MAX,
     .documents = UINT32_MAX - 1,
     .number = UINT64_MAX,
     .raw_size = UINT64_MAX - 1,
     .compressed_size = UINT64_MAX - 2,
     .checksum = UINT64_MAX - 3,
     .first_key = {long_key, FRAME_KEY_MAX_BYTES},
     .last_key = {long_key, FRAME_KEY_MAX_BYTES}},
    {.number = 1, .first_key = {"1", 1}},
    {.number = 1, .last_key = {"1", 1}},
};

static void put(const struct frame *f, struct buffer *out)
{
    struct error err;
    unit_assert_ok(frame_put_header(f, out, &err), err);
}

static void assert_same(const struct frame *a, const struct frame *b)
{
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_mem_eq(a->job.bytes, b->job.bytes, JOB_ID_BYTES);
    ck_assert_uint_eq(a->part, b->part);
    ck_assert_uint_eq(a->documents, b->documents);
    ck_assert_uint_eq(a->number, b->number);
    ck_assert_uint_eq(a->raw_size, b->raw_size);
    ck_assert_uint_eq(a->compressed_size, b->compressed_size);
    ck_assert_uint_eq(a->checksum, b->checksum);
    ck_assert(slice_equal(a->first_key, b->first_key));
    ck_assert(slice_equal(a->last_key, b->last_key));
}

START_TEST(a_header_comes_back_as_it_was)
{
    struct frame f;
    struct buffer out;
    size_t used;
    buffer_init(&out, 1 << 20);
    put(&frames[_i], &out);
    buffer_append_string(&out, "the body");
    ck_assert_int_eq(frame_get_header(buffer_slice(&out), &f, &used), FRAME_READ);
    ck_assert_uint_eq(used, out.size - strlen("the body"));
    ck_assert_uint_eq(frame_header_size(out.data), used);
    assert_same(&f, &frames[_i]);
    buffer_free(&out);
}
END_TEST

START_TEST(a_header_is_a_skippable_frame_to_zstd)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    put(&frames[_i], &out);
    ck_assert_uint_eq(ZSTD_findFrameCompressedSize(out.data, out.size), out.size);
    ck_assert_uint_eq(ZSTD_getFrameContentSize(out.data, out.size), 0);
    buffer_free(&out);
}
END_TEST

/* As docs/spool-format.md says: a reader written by a stranger relies on these bytes. */
START_TEST(the_layout_is_the_one_that_is_documented)
{
    static const char expected[] =
        "\x5b\x2a\x4d\x18\x50\0\0\0" // zstd's
        "bobn\x01\0\0\0"             // format, kind
        "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
        "\2\0\0\0\3\0\0\0" // part, documents
        "\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0"
        "\1\0\0\0"
        "a"
        "\3\0\0\0"
        "bcd";
    struct buffer out;
    buffer_init(&out, 1000);
    put(&simple, &out);
    ck_assert_uint_eq(out.size, sizeof expected - 1 + 4); // and the check
    ck_assert_mem_eq(out.data, expected, sizeof expected - 1);
    buffer_free(&out);
}
END_TEST

START_TEST(a_header_is_checked_from_its_own_start)
{
    struct frame f;
    struct buffer out;
    size_t used;
    buffer_init(&out, 1000);
    buffer_append_string(&out, "what stands before");
    size_t at = out.size;
    put(&simple, &out);
    struct slice bytes = {out.data + at, out.size - at};
    ck_assert_int_eq(frame_get_header(bytes, &f, &used), FRAME_READ);
    assert_same(&f, &simple);
    buffer_free(&out);
}
END_TEST

START_TEST(a_header_cut_anywhere_is_truncated)
{
    struct frame f;
    struct buffer out;
    size_t used;
    buffer_init(&out, 1000);
    put(&simple, &out);
    for (size_t size = 0; size < out.size; size++)
        ck_assert_int_eq(frame_get_header((struct slice){out.data, size}, &f, &used),
                         FRAME_TRUNCATED);
    buffer_free(&out);
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
    struct frame f;
    struct buffer out;
    size_t used;
    buffer_init(&out, 1000);
    put(&simple, &out);
    size_t size = out.size;
    buffer_append(&out, long_key, 500); // a length that grew finds bytes there
    for (size_t i = 0; i < 8 * size; i++) {
        out.data[i / 8] = (char)(out.data[i / 8] ^ (1 << i % 8));
        ck_assert_int_ne(frame_get_header(buffer_slice(&out), &f, &used), FRAME_READ);
        out.data[i / 8] = (char)(out.data[i / 8] ^ (1 << i % 8));
    }
    ck_assert_int_eq(frame_get_header(buffer_slice(&out), &f, &used), FRAME_READ);
    buffer_free(&out);
}
END_TEST

/* A header whose field at OFFSET is changed to VALUE, with a check that is right again. */
static enum frame_read read_forged(size_t offset, uint32_t value)
{
    struct frame f;
    struct buffer out;
    size_t used;
    buffer_init(&out, 1000);
    put(&simple, &out);
    store_u32(out.data + offset, value);
    store_u32(out.data + out.size - 4, XXH32(out.data, out.size - 4, 0));
    enum frame_read result = frame_get_header(buffer_slice(&out), &f, &used);
    buffer_free(&out);
    return result;
}

static const struct {
    size_t offset;
    uint32_t value;
    enum frame_read result;
} forgeries[] = {
    {12, 1, FRAME_READ},                // format 1, kind 0: nothing was changed
    {12, 1 | 2 << 16, FRAME_DAMAGED},   // kind 2 is none
    {12, 2, FRAME_NEWER},               // format 2
    {12, 0, FRAME_NEWER},               // or an older one: either way not ours
    {8, 0x6e626f62 + 1, FRAME_DAMAGED}, // not "bobn"
    {72, 2, FRAME_DAMAGED},             // the first key takes a byte of the next length
    {72, 0, FRAME_DAMAGED},             // or leaves one
    {72, UINT32_MAX, FRAME_DAMAGED},
    {77, 2, FRAME_DAMAGED},
    {77, 4, FRAME_DAMAGED},
    {77, UINT32_MAX, FRAME_DAMAGED},
};

START_TEST(a_good_check_does_not_make_up_for_wrong_fields)
{
    ck_assert_int_eq(read_forged(forgeries[_i].offset, forgeries[_i].value), forgeries[_i].result);
}
END_TEST

static const struct {
    const char *prefix;
    size_t size;
} prefixes[] = {
    {"\x5b\x2a\x4d\x18\x50\0\0\0", 88},
    {"\x5b\x2a\x4d\x18\x4c\0\0\0", 8 + 76}, // two empty keys: the least
    {"\x5b\x2a\x4d\x18\x4b\0\0\0", 0},
    {"\x5b\x2a\x4d\x18\0\0\0\0", 0},
    {"\x5b\x2a\x4d\x18\xf8\x03\x02\0", FRAME_HEADER_MAX_BYTES},
    {"\x5b\x2a\x4d\x18\xf9\x03\x02\0", 0},
    {"\x5b\x2a\x4d\x18\xff\xff\xff\xff", 0},
    {"\x5a\x2a\x4d\x18\x50\0\0\0", 0}, // zstd's other skippable frames
    {"\x5c\x2a\x4d\x18\x50\0\0\0", 0},
    {"\x28\xb5\x2f\xfd\x50\0\0\0", 0}, // a zstd frame
    {"\0\0\0\0\0\0\0\0", 0},
};

START_TEST(a_headers_length_is_known_from_its_first_bytes)
{
    ck_assert_uint_eq(frame_header_size(prefixes[_i].prefix), prefixes[_i].size);
}
END_TEST

START_TEST(a_key_that_is_too_long_is_refused)
{
    struct frame f = simple;
    struct buffer out;
    struct error err;
    buffer_init(&out, 1 << 20);
    *(_i == 0 ? &f.first_key : &f.last_key) = (struct slice){long_key, FRAME_KEY_MAX_BYTES + 1};
    unit_assert_error(frame_put_header(&f, &out, &err), err, ERROR_CONFIG, "65536");
    ck_assert_uint_eq(out.size, 0);
    buffer_free(&out);
}
END_TEST

START_TEST(a_header_that_finds_no_room_is_an_error)
{
    struct buffer out;
    struct error err;
    buffer_init(&out, 1000);
    put(&simple, &out);
    size_t whole = out.size;
    buffer_free(&out);
    for (size_t room = 0; room < whole; room++) {
        buffer_init(&out, room);
        unit_assert_error(frame_put_header(&simple, &out, &err), err, ERROR_MEMORY, "header");
        buffer_free(&out);
    }
}
END_TEST

START_TEST(the_checksum_is_xxh64)
{
    ck_assert_uint_eq(frame_checksum(slice_of("")), 0xef46db3751d8e999u); // xxHash's own vectors
    ck_assert_uint_eq(frame_checksum(slice_of("abc")), 0x44bc2cf5ad770999u);
}
END_TEST

UNIT_MAIN("spool/frame", UNIT_EACH(a_header_comes_back_as_it_was, frames),
          UNIT_EACH(a_header_is_a_skippable_frame_to_zstd, frames),
          UNIT_TEST(the_layout_is_the_one_that_is_documented),
          UNIT_TEST(a_header_is_checked_from_its_own_start),
          UNIT_TEST(a_header_cut_anywhere_is_truncated), UNIT_TEST(every_flipped_bit_is_noticed),
          UNIT_EACH(a_good_check_does_not_make_up_for_wrong_fields, forgeries),
          UNIT_EACH(a_headers_length_is_known_from_its_first_bytes, prefixes),
          UNIT_LOOP(a_key_that_is_too_long_is_refused, 2),
          UNIT_TEST(a_header_that_finds_no_room_is_an_error), UNIT_TEST(the_checksum_is_xxh64))
