/* test_segment_scan.c: without an index the whole frames of a segment are found, wherever they stand and
 * whatever stands between them. */
#include "spooled.h"

static struct error err;
static struct buffer original; // the segment's bytes
static uint64_t ends[5];       // of its frames
static unsigned seen;          // a bit for each frame
static int dir;

static bool see(const struct frame *f, uint64_t offset, uint64_t size, void *context,
                struct error *e)
{
    (void)e;
    ck_assert_ptr_eq(context, &seen);
    ck_assert_uint_ge(f->number, 1);
    ck_assert_uint_le(f->number, 4);
    ck_assert_uint_eq(f->documents, 4);
    ck_assert_uint_eq(size, ends[f->number] - ends[f->number - 1]);
    ck_assert_uint_lt(offset, 1 << 20);
    ck_assert(!(seen & 1u << f->number));
    seen |= 1u << f->number;
    return true;
}

static void write_segment(const char *bytes, size_t size)
{
    int fd = open(spooled_segment(1), O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void set_up(void)
{
    struct index_frame frame = {.number = 0};
    spooled_set_up();
    struct spool *s = spooled_new();
    for (uint64_t i = 0; i < 4; i++)
        unit_assert_ok(spooled_try_append(s, i == 2 ? FRAME_DEAD_ROWS : FRAME_DOCUMENTS, 0,
                                          1 + 4 * i, 4, &err),
                       err);
    spooled_commit(s);
    while (spooled_find_frame(s, FRAMES_PENDING, frame.number + 1, &frame))
        ends[frame.number] = frame.offset + frame.size;
    spool_close(s);
    dir = open(spooled_path, O_RDONLY | O_DIRECTORY);
    int fd = open(spooled_segment(1), O_RDONLY);
    buffer_init(&original, 1 << 20);
    ck_assert(buffer_reserve(&original, 1 << 16));
    ssize_t size = read(fd, original.data, 1 << 16);
    ck_assert_int_eq(size, (ssize_t)ends[4]);
    original.size = (size_t)size;
    close(fd);
}

static void tear_down(void)
{
    close(dir);
    buffer_free(&original);
    spooled_tear_down();
}

/* The frames that are found, as bits. */
static unsigned scan(void)
{
    seen = 0;
    unit_assert_ok(segment_scan(dir, 1, see, &seen, &err), err);
    return seen;
}

enum { ALL = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 };

START_TEST(every_frame_is_found)
{
    ck_assert_uint_eq(scan(), ALL);
}
END_TEST

START_TEST(a_segment_that_is_absent_has_no_frames)
{
    remove(spooled_segment(1));
    ck_assert_uint_eq(scan(), 0);
}
END_TEST

static unsigned frame_at(size_t offset)
{
    unsigned i = 1;
    while (ends[i] <= offset)
        i++;
    return i;
}

START_TEST(a_changed_byte_costs_its_frame_and_no_other)
{
    static const char patterns[] = {0x01, 0x40, (char)0xff};
    int fd = open(spooled_segment(1), O_WRONLY);
    for (size_t at = 0; at < original.size; at++) {
        char changed = (char)(original.data[at] ^ patterns[_i]);
        ck_assert_int_eq(pwrite(fd, &changed, 1, (off_t)at), 1);
        ck_assert_uint_eq(scan(), ALL & ~(1u << frame_at(at)));
        ck_assert_int_eq(pwrite(fd, original.data + at, 1, (off_t)at), 1);
    }
    close(fd);
}
END_TEST

START_TEST(of_a_segment_cut_anywhere_the_whole_frames_are_found)
{
    for (size_t size = original.size; size-- > 0;) {
        ck_assert_int_eq(truncate(spooled_segment(1), (off_t)size), 0);
        ck_assert_uint_eq(scan(), ALL & ((1u << frame_at(size)) - 1));
    }
}
END_TEST

/* The frames stand behind _i bytes of noise, longer than what is read at once, too. */
START_TEST(frames_are_found_behind_anything)
{
    static const size_t lengths[] = {1, 7, 65525, 65530, 65536, 70000, 131072};
    static char noise[140000];
    size_t length = lengths[_i];
    memset(noise, 0, sizeof noise);
    for (size_t i = 0; i + 4 < length; i += 20)
        store_u32(noise + i, FRAME_MAGIC); // what looks like a beginning is none
    memcpy(noise + length, original.data, original.size);
    write_segment(noise, length + original.size);
    ck_assert_uint_eq(scan(), ALL);
}
END_TEST

START_TEST(zeros_hold_no_frames)
{
    static const char zeros[1 << 16];
    write_segment(zeros, original.size);
    ck_assert_uint_eq(scan(), 0);
}
END_TEST

static bool refuse(const struct frame *f, uint64_t offset, uint64_t size, void *context,
                   struct error *e)
{
    (void)f;
    (void)offset;
    (void)size;
    (void)context;
    return error_set(e, ERROR_DISK, "no room");
}

START_TEST(what_the_caller_refuses_ends_it)
{
    unit_assert_error(segment_scan(dir, 1, refuse, NULL, &err), err, ERROR_DISK, "no room");
}
END_TEST

UNIT_MAIN_WITH("spool/segment_scan", set_up, tear_down, UNIT_TEST(every_frame_is_found),
               UNIT_TEST(a_segment_that_is_absent_has_no_frames),
               UNIT_LOOP(a_changed_byte_costs_its_frame_and_no_other, 3),
               UNIT_TEST(of_a_segment_cut_anywhere_the_whole_frames_are_found),
               UNIT_LOOP(frames_are_found_behind_anything, 7), UNIT_TEST(zeros_hold_no_frames),
               UNIT_TEST(what_the_caller_refuses_ends_it))
