/* test_unpack.c: packed bytes come back whole in pieces of any size, and damage is told. */
#include "source/unpack.h"

#include "packed.h"

static const enum unpack_kind kinds[] = {UNPACK_GZIP, UNPACK_ZSTD};

/* --- kinds --- */

static const struct {
    struct slice start;
    enum unpack_kind kind;
} starts[] = {
    {UNIT_BYTES("\x1f\x8b\x08\x00"), UNPACK_GZIP},
    {UNIT_BYTES("\x1f\x8b"), UNPACK_GZIP},
    {UNIT_BYTES("\x28\xb5\x2f\xfd"), UNPACK_ZSTD},
    {UNIT_BYTES("\x28\xb5\x2f\xfd\x00"), UNPACK_ZSTD},
    {UNIT_BYTES("\x50\x2a\x4d\x18"), UNPACK_ZSTD}, // skippable frames
    {UNIT_BYTES("\x5b\x2a\x4d\x18"), UNPACK_ZSTD},
    {UNIT_BYTES("\x5f\x2a\x4d\x18"), UNPACK_ZSTD},
    {UNIT_BYTES("\x4f\x2a\x4d\x18"), UNPACK_PLAIN},
    {UNIT_BYTES("\x60\x2a\x4d\x18"), UNPACK_PLAIN},
    {UNIT_BYTES("\x50\x2a\x4d\x19"), UNPACK_PLAIN},
    {UNIT_BYTES("\x28\xb5\x2f\xfe"), UNPACK_PLAIN},
    {UNIT_BYTES("\x28\xb5\x2f"), UNPACK_PLAIN},
    {UNIT_BYTES("\x1f"), UNPACK_PLAIN},
    {UNIT_BYTES("\x1f\x8c\x08\x00"), UNPACK_PLAIN},
    {UNIT_BYTES("{\"id\":7}\n"), UNPACK_PLAIN},
    {UNIT_BYTES("P\n\n\n"), UNPACK_PLAIN},
    {UNIT_BYTES(""), UNPACK_PLAIN},
    {{NULL, 0}, UNPACK_PLAIN},
};

START_TEST(the_first_bytes_tell_the_kind)
{
    ck_assert_str_eq(unpack_kind_name(unpack_kind_of(starts[_i].start)),
                     unpack_kind_name(starts[_i].kind));
}
END_TEST

START_TEST(kinds_have_the_names_of_their_programs)
{
    ck_assert_str_eq(unpack_kind_name(UNPACK_PLAIN), "plain");
    ck_assert_str_eq(unpack_kind_name(UNPACK_GZIP), "gzip");
    ck_assert_str_eq(unpack_kind_name(UNPACK_ZSTD), "zstd");
}
END_TEST

/* --- unpacking in pieces --- */

static struct buffer packed, plain; // what is unpacked, and what came of it
static bool is_between;             // at its end
static struct error err;

static void begin(void)
{
    buffer_init(&packed, PACKED_MAX_BYTES);
    buffer_init(&plain, PACKED_MAX_BYTES);
}

static void end(void)
{
    buffer_free(&packed);
    buffer_free(&plain);
}

/* One call with at most TAKES bytes of *REST and room for GIVES, both in memory of just that size: a sanitizer sees
 * what passes its end. */
static bool unpack_piece(struct unpack *u, struct slice *rest, size_t takes, size_t gives,
                         size_t *got)
{
    size_t size = rest->size < takes ? rest->size : takes;
    char *in = malloc(size + (size == 0)), *out = malloc(gives);
    if (size > 0)
        memcpy(in, rest->data, size);
    struct slice piece = {in, size};
    bool ok = unpack_some(u, &piece, out, gives, got, &err);
    ck_assert_uint_le(*got, gives);
    ck_assert_ptr_eq(piece.data + piece.size, in + size);
    ck_assert(!ok || size == 0 || piece.size < size || *got > 0); // else it would never end
    buffer_append(&plain, out, *got);
    *rest = (struct slice){rest->data + (size - piece.size), rest->size - (size - piece.size)};
    free(in);
    free(out);
    return ok;
}

static bool unpack_in_pieces(enum unpack_kind kind, struct slice bytes, size_t takes, size_t gives)
{
    struct unpack *u;
    size_t got = 1;
    bool ok = true;
    buffer_clear(&plain);
    unit_assert_ok(unpack_new(&u, kind, &err), err);
    ck_assert(unpack_is_between(u));
    while (ok && (bytes.size > 0 || got > 0))
        ok = unpack_piece(u, &bytes, takes, gives, &got);
    is_between = unpack_is_between(u);
    unpack_free(u);
    return ok;
}

static bool unpack_whole(enum unpack_kind kind, struct slice bytes)
{
    return unpack_in_pieces(kind, bytes, 65536, 65536);
}

static void require(enum unpack_kind kind, const char *text)
{
    unit_assert_ok(unpack_whole(kind, buffer_slice(&packed)), err);
    ck_assert(is_between);
    unit_assert_slice(buffer_slice(&plain), text);
}

#define FIRST "first, first, first and first again\n"
#define SECOND "second"

/* Two members or frames with an empty one between; ENDS: behind each. */
static void pack_three(enum unpack_kind kind, size_t ends[3])
{
    static const char *const texts[] = {FIRST, "", SECOND};
    for (size_t i = 0; i < 3; i++) {
        packed_add(&packed, kind, slice_of(texts[i]));
        ends[i] = packed.size;
    }
}

enum { PIECES = 9 };

START_TEST(members_one_after_another_come_in_pieces_of_any_size)
{
    enum unpack_kind kind = kinds[_i / PIECES];
    size_t takes = (size_t)_i % PIECES + 1, ends[3];
    pack_three(kind, ends);
    for (size_t gives = 1; gives <= PIECES; gives++) {
        unit_assert_ok(unpack_in_pieces(kind, buffer_slice(&packed), takes, gives), err);
        ck_assert(is_between);
        unit_assert_slice(buffer_slice(&plain), FIRST SECOND);
    }
}
END_TEST

static void make_text(struct buffer *text, size_t size)
{
    uint64_t random = 9;
    buffer_init(text, size + 100);
    while (text->size < size)
        buffer_append_format(text, "{\"id\":%llu,\"title\":\"title of it\"}\n",
                             (unsigned long long)unit_random(&random));
}

START_TEST(text_larger_than_all_windows_comes_back)
{
    struct buffer text;
    make_text(&text, 3000000);
    packed_add(&packed, kinds[_i], buffer_slice(&text));
    packed_add(&packed, kinds[_i], buffer_slice(&text));
    unit_assert_ok(unpack_in_pieces(kinds[_i], buffer_slice(&packed), 10007, 4099), err);
    ck_assert(is_between);
    ck_assert_uint_eq(plain.size, 2 * text.size);
    ck_assert_int_eq(memcmp(plain.data, text.data, text.size), 0);
    ck_assert_int_eq(memcmp(plain.data + text.size, text.data, text.size), 0);
    buffer_free(&text);
}
END_TEST

START_TEST(only_empty_members_are_nothing)
{
    for (int i = 0; i < 3; i++)
        packed_add(&packed, kinds[_i], slice_of(""));
    require(kinds[_i], "");
}
END_TEST

START_TEST(no_bytes_are_nothing_and_may_end)
{
    require(kinds[_i], "");
}
END_TEST

START_TEST(unpacking_can_be_given_up_anywhere)
{
    struct unpack *u;
    size_t got;
    packed_add(&packed, kinds[_i], slice_of(FIRST));
    struct slice some = {packed.data, packed.size / 2};
    unit_assert_ok(unpack_new(&u, kinds[_i], &err), err);
    ck_assert(unpack_piece(u, &some, some.size, 1, &got));
    ck_assert(!unpack_is_between(u));
    unpack_free(u);
    unpack_free(NULL);
}
END_TEST

/* --- what stands around members --- */

START_TEST(zeros_that_fill_a_tape_are_skipped)
{
    static const char zeros[1000];
    packed_add(&packed, UNPACK_GZIP, slice_of(FIRST));
    buffer_append(&packed, zeros, sizeof zeros);
    packed_add(&packed, UNPACK_GZIP, slice_of(SECOND));
    buffer_append(&packed, zeros, sizeof zeros);
    require(UNPACK_GZIP, FIRST SECOND);
    unit_assert_ok(unpack_in_pieces(UNPACK_GZIP, buffer_slice(&packed), 1, 1), err);
    ck_assert(is_between);
    unit_assert_slice(buffer_slice(&plain), FIRST SECOND);
}
END_TEST

static const struct slice skippables[] = {
    UNIT_BYTES("\x50\x2a\x4d\x18\x03\x00\x00\x00"
               "abc"),
    UNIT_BYTES("\x5b\x2a\x4d\x18\x00\x00\x00\x00"),
    UNIT_BYTES("\x5f\x2a\x4d\x18\x01\x00\x00\x00\xff"),
};

START_TEST(skippable_frames_are_skipped)
{
    struct slice skippable = skippables[_i];
    buffer_append(&packed, skippable.data, skippable.size);
    packed_add(&packed, UNPACK_ZSTD, slice_of(FIRST));
    buffer_append(&packed, skippable.data, skippable.size);
    packed_add(&packed, UNPACK_ZSTD, slice_of(SECOND));
    buffer_append(&packed, skippable.data, skippable.size);
    require(UNPACK_ZSTD, FIRST SECOND);
    for (size_t takes = 1; takes <= PIECES; takes++) {
        unit_assert_ok(unpack_in_pieces(UNPACK_ZSTD, buffer_slice(&packed), takes, 1), err);
        ck_assert(is_between);
        unit_assert_slice(buffer_slice(&plain), FIRST SECOND);
    }
}
END_TEST

static const struct {
    enum unpack_kind kind;
    const char *behind;
    const char *message;
} garbage[] = {
    {UNPACK_GZIP, "garbage", "damaged gzip: incorrect header check"},
    {UNPACK_ZSTD, "garbage", "damaged zstd: Unknown frame descriptor"},
};

START_TEST(what_is_no_member_behind_one_is_damage)
{
    packed_add(&packed, garbage[_i].kind, slice_of(FIRST));
    buffer_append_string(&packed, garbage[_i].behind);
    unit_assert_error(unpack_whole(garbage[_i].kind, buffer_slice(&packed)), err, ERROR_INPUT,
                      garbage[_i].message);
}
END_TEST

/* --- damage --- */

START_TEST(text_may_end_only_where_a_member_ends)
{
    size_t ends[3];
    pack_three(kinds[_i], ends);
    for (size_t size = 0; size <= packed.size; size++) {
        bool may_end = size == 0 || size == ends[0] || size == ends[1] || size == ends[2];
        unit_assert_ok(unpack_whole(kinds[_i], (struct slice){packed.data, size}), err);
        ck_assert_msg(is_between == may_end, "cut at %zu of %zu bytes", size, packed.size);
        ck_assert_uint_le(plain.size, strlen(FIRST SECOND));
        ck_assert_int_eq(memcmp(plain.data ? plain.data : "", FIRST SECOND, plain.size), 0);
        ck_assert(size < ends[0] || plain.size >= strlen(FIRST));
    }
}
END_TEST

START_TEST(no_damaged_byte_goes_by_unseen)
{
    size_t ends[3];
    pack_three(kinds[_i], ends);
    for (size_t at = 0; at < packed.size; at++)
        for (unsigned damage = 1; damage < 256; damage++) {
            char good = packed.data[at];
            packed.data[at] = (char)((unsigned char)good ^ damage);
            bool ok = unpack_whole(kinds[_i], buffer_slice(&packed));
            bool is_equal = slice_equal(buffer_slice(&plain), slice_of(FIRST SECOND));
            ck_assert_msg(!ok || !is_between || is_equal, "byte %zu, by 0x%02x", at, damage);
            ck_assert(ok || err.kind == ERROR_INPUT);
            packed.data[at] = good;
        }
}
END_TEST

/* Each but the last eight bytes of a gzip member, or four of a frame, is there: the text, too. */
START_TEST(a_wrong_checksum_is_an_error_though_the_text_was_given)
{
    packed_add(&packed, kinds[_i], slice_of(FIRST));
    packed.data[packed.size - (kinds[_i] == UNPACK_GZIP ? 8 : 4)] ^= 1;
    unit_assert_error(unpack_in_pieces(kinds[_i], buffer_slice(&packed), 1, 100), err, ERROR_INPUT,
                      "damaged");
    unit_assert_slice(buffer_slice(&plain), FIRST);
    ck_assert(!is_between);
}
END_TEST

/* A frame of five bytes, "hello", with the window descriptor of RFC 8878, 3.1.1.1.2. */
static const struct {
    char window;
    bool is_taken;
} windows[] = {
    {'\x00', true},  // 1 KiB
    {'\x88', true},  // 128 MiB
    {'\x89', false}, // 144 MiB
    {'\x90', false}, // 256 MiB
    {'\xf8', false}, // 2 TiB
};

START_TEST(a_zstd_window_of_more_than_128_mib_is_refused)
{
    char frame[] = "\x28\xb5\x2f\xfd\x00?\x29\x00\x00hello";
    frame[5] = windows[_i].window;
    struct slice bytes = {frame, sizeof frame - 1};
    if (windows[_i].is_taken) {
        unit_assert_ok(unpack_whole(UNPACK_ZSTD, bytes), err);
        unit_assert_slice(buffer_slice(&plain), "hello");
    } else {
        unit_assert_error(unpack_whole(UNPACK_ZSTD, bytes), err, ERROR_INPUT, "too much memory");
    }
}
END_TEST

UNIT_MAIN_WITH("source/unpack", begin, end, UNIT_EACH(the_first_bytes_tell_the_kind, starts),
               UNIT_TEST(kinds_have_the_names_of_their_programs),
               UNIT_LOOP(members_one_after_another_come_in_pieces_of_any_size,
                         (int)COUNT_OF(kinds) * PIECES),
               UNIT_EACH(text_larger_than_all_windows_comes_back, kinds),
               UNIT_EACH(only_empty_members_are_nothing, kinds),
               UNIT_EACH(no_bytes_are_nothing_and_may_end, kinds),
               UNIT_EACH(unpacking_can_be_given_up_anywhere, kinds),
               UNIT_TEST(zeros_that_fill_a_tape_are_skipped),
               UNIT_EACH(skippable_frames_are_skipped, skippables),
               UNIT_EACH(what_is_no_member_behind_one_is_damage, garbage),
               UNIT_EACH(text_may_end_only_where_a_member_ends, kinds),
               UNIT_EACH(no_damaged_byte_goes_by_unseen, kinds),
               UNIT_EACH(a_wrong_checksum_is_an_error_though_the_text_was_given, kinds),
               UNIT_EACH(a_zstd_window_of_more_than_128_mib_is_refused, windows))
