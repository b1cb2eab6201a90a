/* test_segment.c: a segment is a plain .zst file of which every frame can be read back, or is known
 * to be broken, wherever the file was cut and whatever was changed in it. */
#include "spool/segment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <zstd.h>

#include "spool/compress.h"
#include "unit.h"

enum { FRAMES = 4, NUMBER = 7 };

/* What the frames hold; the third is of dead rows, which zstdcat must not show. */
static const char *const texts[FRAMES] = {
    "{\"index\":{\"_id\":\"1\"}}\n{\"n\":1}\n",
    "{\"index\":{\"_id\":\"2\"}}\n{\"n\":2}\n{\"delete\":{\"_id\":\"3\"}}\n",
    "{\"id\":\"4\",\"error\":{\"reason\":\"no\"},\"row\":\"eA==\"}\n",
    "{\"create\":{\"_id\":\"5\"}}\n{}\n",
};

static const enum frame_kind kinds[FRAMES] = {FRAME_DOCUMENTS, FRAME_DOCUMENTS, FRAME_DEAD_ROWS,
                                              FRAME_DOCUMENTS};

static char *directory;
static int dir;
static struct error err;
static struct buffer bytes;
static uint64_t starts[FRAMES + 1]; // of the frames that write_segment wrote, and their end

static void set_up(void)
{
    directory = unit_make_directory();
    dir = open(directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
    buffer_init(&bytes, 1 << 20);
}

static void tear_down(void)
{
    close(dir);
    buffer_free(&bytes);
    unit_remove_directory(directory);
}

static bool append(struct segment *s, size_t i)
{
    struct compressor *c;
    struct slice body;
    struct frame f = {.kind = kinds[i],
                      .documents = 1,
                      .number = i + 1,
                      .raw_size = strlen(texts[i]),
                      .first_key = slice_of("first"),
                      .last_key = slice_of("last")};
    unit_assert_ok(compressor_new(&c, 1, &err), err);
    unit_assert_ok(compressor_append(c, slice_of(texts[i]), &err), err);
    unit_assert_ok(compressor_finish(c, &body, &err), err);
    bool ok = segment_append(s, &f, body, &err);
    if (ok) {
        ck_assert_uint_eq(f.compressed_size, body.size);
        ck_assert_uint_eq(f.checksum, frame_checksum(body));
    }
    compressor_free(c);
    return ok;
}

static void write_segment(void)
{
    struct segment *s;
    unit_assert_ok(segment_create(&s, dir, NUMBER, &err), err);
    for (size_t i = 0; i < FRAMES; i++) {
        starts[i] = segment_end(s);
        unit_assert_ok(append(s, i), err);
    }
    starts[FRAMES] = segment_end(s);
    unit_assert_ok(segment_sync(s, &err), err);
    segment_close(s);
}

static int open_file(int flags)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(NUMBER, name);
    int fd = openat(dir, name, flags);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static uint64_t file_length(void)
{
    struct stat st;
    int fd = open_file(O_RDONLY);
    ck_assert_int_eq(fstat(fd, &st), 0);
    close(fd);
    return (uint64_t)st.st_size;
}

/* A check says the same as a reading did, and of a good frame gives the same BODY. */
static void check_frame(uint64_t offset, const char *expected, struct slice body)
{
    struct frame f;
    struct pieces *p;
    struct buffer header;
    struct slice piece;
    const char *why = "not set";
    buffer_init(&header, bytes.maximum);
    unit_assert_ok(pieces_new(&p, &err), err);
    unit_assert_ok(segment_check(dir, NUMBER, offset, &header, &f, p, &why, &err), err);
    ck_assert_pstr_eq(why, expected);
    if (why == NULL) {
        struct body_source source = pieces_source(p);
        unit_assert_ok(source.read(source.context, 0, &piece, &err), err);
        ck_assert(slice_equal(piece, body));
        unit_assert_slice(f.first_key, "first");
        unit_assert_slice(f.last_key, "last");
    }
    pieces_free(p);
    buffer_free(&header);
}

/* Is the frame at OFFSET text number I? NULL when it is, else why not. */
static const char *read_frame(uint64_t offset, size_t i)
{
    struct frame f;
    struct slice body;
    const char *why = "not set";
    unit_assert_ok(segment_read(dir, NUMBER, offset, &bytes, &f, &body, &why, &err), err);
    if (kinds[i] == FRAME_DOCUMENTS)
        check_frame(offset, why, body);
    if (why != NULL)
        return why;
    struct decompressor *d;
    char text[1000];
    size_t got;
    unit_assert_ok(decompressor_new(&d, &err), err);
    decompressor_open(d, body);
    unit_assert_ok(decompressor_read(d, text, sizeof text, &got, &err), err);
    decompressor_free(d);
    unit_assert_slice(((struct slice){text, got}), texts[i]);
    ck_assert_int_eq(f.kind, kinds[i]);
    ck_assert_uint_eq(f.number, i + 1);
    ck_assert_uint_eq(f.raw_size, got);
    unit_assert_slice(f.first_key, "first");
    unit_assert_slice(f.last_key, "last");
    return NULL;
}

START_TEST(frames_are_read_back_where_they_were_written)
{
    write_segment();
    ck_assert_uint_eq(file_length(), starts[FRAMES]);
    for (size_t i = FRAMES; i-- > 0;)
        ck_assert_ptr_null(read_frame(starts[i], i));
}
END_TEST

START_TEST(the_file_is_what_zstdcat_prints_as_bulk_bodies)
{
    char file[4096], out[1000];
    write_segment();
    int fd = open_file(O_RDONLY);
    ssize_t size = read(fd, file, sizeof file);
    ck_assert_int_eq(size, (ssize_t)starts[FRAMES]);
    close(fd);
    size_t got = ZSTD_decompress(out, sizeof out, file, (size_t)size); // skips skippable frames
    ck_assert_msg(!ZSTD_isError(got), "%s", ZSTD_getErrorName(got));
    struct buffer expected;
    buffer_init(&expected, 1000);
    for (size_t i = 0; i < FRAMES; i++)
        if (kinds[i] == FRAME_DOCUMENTS)
            buffer_append_string(&expected, texts[i]);
    unit_assert_slice(((struct slice){out, got}), buffer_string(&expected));
    buffer_free(&expected);
}
END_TEST

START_TEST(every_zstd_frame_of_the_file_is_whole_and_tells_its_size)
{
    char file[4096];
    size_t bodies = 0;
    write_segment();
    int fd = open_file(O_RDONLY);
    size_t size = (size_t)read(fd, file, sizeof file);
    close(fd);
    for (size_t at = 0, step; at < size; at += step) {
        step = ZSTD_findFrameCompressedSize(file + at, size - at);
        ck_assert_msg(!ZSTD_isError(step), "at %zu: %s", at, ZSTD_getErrorName(step));
        bool is_skippable = ((unsigned char)file[at] & 0xf0) == 0x50;
        bodies += !is_skippable;
        if (!is_skippable)
            ck_assert_uint_lt(ZSTD_getFrameContentSize(file + at, size - at), 100);
    }
    ck_assert_uint_eq(bodies, FRAMES - 1);
}
END_TEST

START_TEST(a_walk_is_exact_at_each_cut)
{
    write_segment();
    for (uint64_t size = starts[FRAMES]; size-- > 0;) {
        uint64_t actual;
        unit_assert_ok(segment_cut(dir, NUMBER, size, &actual, &err), err);
        ck_assert_uint_eq(actual, size);
        ck_assert_uint_eq(file_length(), size);
        for (size_t i = 0; i < FRAMES; i++) {
            const char *why = read_frame(starts[i], i);
            if (starts[i + 1] <= size)
                ck_assert_ptr_null(why);
            else
                ck_assert_ptr_nonnull(strstr(why, "ends within"));
        }
    }
}
END_TEST

START_TEST(every_changed_byte_is_noticed)
{
    write_segment();
    int fd = open_file(O_RDWR);
    for (uint64_t at = 0; at < starts[FRAMES]; at++) {
        char before, after;
        ck_assert_int_eq(pread(fd, &before, 1, (off_t)at), 1);
        for (int bit = 0; bit < 8; bit++) {
            after = (char)(before ^ (1 << bit));
            ck_assert_int_eq(pwrite(fd, &after, 1, (off_t)at), 1);
            for (size_t i = 0; i < FRAMES; i++) {
                bool is_here = at >= starts[i] && at < starts[i + 1];
                ck_assert_int_eq(read_frame(starts[i], i) != NULL, is_here);
            }
        }
        ck_assert_int_eq(pwrite(fd, &before, 1, (off_t)at), 1);
    }
    close(fd);
}
END_TEST

START_TEST(between_frames_there_is_no_frame)
{
    write_segment();
    for (uint64_t at = 0; at < starts[FRAMES] + 20; at++) {
        bool is_start = false;
        for (size_t i = 0; i < FRAMES; i++)
            is_start |= at == starts[i];
        if (!is_start)
            ck_assert_ptr_nonnull(read_frame(at, 0));
    }
}
END_TEST

START_TEST(an_absent_segment_is_said_to_be_absent)
{
    ck_assert_str_eq(read_frame(0, 0), "the file is absent");
}
END_TEST

START_TEST(a_frame_larger_than_the_buffer_may_be_is_refused_and_not_read)
{
    write_segment();
    buffer_free(&bytes);
    buffer_init(&bytes, 120); // the header fits
    ck_assert_ptr_nonnull(strstr(read_frame(starts[1], 1), "larger"));
}
END_TEST

START_TEST(a_segment_that_exists_is_not_created_again)
{
    struct segment *s;
    write_segment();
    unit_assert_error(segment_create(&s, dir, NUMBER, &err), err, ERROR_DISK, "00000007.seg.zst");
    ck_assert_uint_eq(file_length(), starts[FRAMES]);
}
END_TEST

START_TEST(cutting_a_file_that_is_short_enough_leaves_it)
{
    uint64_t actual;
    write_segment();
    unit_assert_ok(segment_cut(dir, NUMBER, starts[FRAMES], &actual, &err), err);
    ck_assert_uint_eq(actual, starts[FRAMES]);
    unit_assert_ok(segment_cut(dir, NUMBER, starts[FRAMES] + 1, &actual, &err), err);
    ck_assert_uint_eq(actual, starts[FRAMES]);
    ck_assert_uint_eq(file_length(), starts[FRAMES]);
    unit_assert_ok(segment_cut(dir, NUMBER + 1, 1, &actual, &err), err);
    ck_assert_uint_eq(actual, 0); // absent
}
END_TEST

START_TEST(removing_is_done_when_the_file_is_gone)
{
    char name[SEGMENT_NAME_BYTES];
    write_segment();
    segment_name(NUMBER, name);
    unit_assert_ok(segment_remove(dir, NUMBER, &err), err);
    ck_assert_int_ne(faccessat(dir, name, F_OK, 0), 0);
    unit_assert_ok(segment_remove(dir, NUMBER, &err), err);
}
END_TEST

/* Files may not grow beyond a limit: the write fails with EFBIG, as with a full disk. */
START_TEST(a_failed_append_is_told_again_at_each_later_call)
{
    struct segment *s;
    struct rlimit before, small;
    unit_assert_ok(segment_create(&s, dir, NUMBER, &err), err);
    unit_assert_ok(append(s, 0), err);
    uint64_t end = segment_end(s);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = end + 50;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    unit_assert_error(append(s, 1), err, ERROR_DISK, "00000007.seg.zst");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    unit_assert_error(append(s, 1), err, ERROR_DISK, "File too large");
    unit_assert_error(segment_sync(s, &err), err, ERROR_DISK, "File too large");
    ck_assert_uint_eq(segment_end(s), end);
    segment_close(s);
    segment_close(NULL);
}
END_TEST

START_TEST(a_key_that_is_too_long_is_refused)
{
    static char key[FRAME_KEY_MAX_BYTES + 1];
    struct segment *s;
    struct frame f = {.first_key = {key, sizeof key}};
    unit_assert_ok(segment_create(&s, dir, NUMBER, &err), err);
    unit_assert_error(segment_append(s, &f, slice_of("body"), &err), err, ERROR_CONFIG, "key");
    ck_assert_uint_eq(file_length(), 0);
    segment_close(s);
}
END_TEST

static const struct {
    uint32_t number;
    const char *name;
} names[] = {
    {1, "00000001.seg.zst"},
    {99999999, "99999999.seg.zst"},
    {100000000, "100000000.seg.zst"},
    {UINT32_MAX, "4294967295.seg.zst"},
};

START_TEST(a_number_and_a_name_are_one)
{
    char name[SEGMENT_NAME_BYTES];
    uint32_t number;
    segment_name(names[_i].number, name);
    ck_assert_str_eq(name, names[_i].name);
    ck_assert(segment_number(name, &number));
    ck_assert_uint_eq(number, names[_i].number);
}
END_TEST

static const char *const others[] = {
    "",
    "1.seg.zst",
    "00000000.seg.zst",
    "00000001.seg.zst~",
    "00000001.seg.zs",
    "-0000001.seg.zst",
    " 0000001.seg.zst",
    "0000000a.seg.zst",
    "00000001.SEG.ZST",
    "000000001.seg.zst",
    "index.mdb",
    "dead.ndjson",
    "00000001",
    "4294967296.seg.zst",
    "99999999999999999999999.seg.zst",
    "+0000001.seg.zst",
};

START_TEST(other_names_are_no_segments)
{
    uint32_t number;
    ck_assert(!segment_number(others[_i], &number));
}
END_TEST

UNIT_MAIN_WITH("spool/segment", set_up, tear_down,
               UNIT_TEST(frames_are_read_back_where_they_were_written),
               UNIT_TEST(the_file_is_what_zstdcat_prints_as_bulk_bodies),
               UNIT_TEST(every_zstd_frame_of_the_file_is_whole_and_tells_its_size),
               UNIT_TEST(a_walk_is_exact_at_each_cut), UNIT_TEST(every_changed_byte_is_noticed),
               UNIT_TEST(between_frames_there_is_no_frame),
               UNIT_TEST(an_absent_segment_is_said_to_be_absent),
               UNIT_TEST(a_frame_larger_than_the_buffer_may_be_is_refused_and_not_read),
               UNIT_TEST(a_segment_that_exists_is_not_created_again),
               UNIT_TEST(cutting_a_file_that_is_short_enough_leaves_it),
               UNIT_TEST(removing_is_done_when_the_file_is_gone),
               UNIT_TEST(a_failed_append_is_told_again_at_each_later_call),
               UNIT_TEST(a_key_that_is_too_long_is_refused),
               UNIT_EACH(a_number_and_a_name_are_one, names),
               UNIT_EACH(other_names_are_no_segments, others))
