/* test_damage_segment.c: whatever becomes of a segment (each byte changed, cut at each length, deleted,
 * swapped, zeros) nothing wrong is sent, and the job ends with every document sent. */
#include "../unit/spool/damaged.h"

enum { SEGMENTS = 3, ROWS = 36 };

static struct damaged_file index_file, segments[SEGMENTS + 1];

/* Three segments of three frames of four documents; all is dumped but the rest of the rows, none sent. */
static void set_up(void)
{
    static const char *const names[SEGMENTS + 1] = {"", "00000001.seg.zst", "00000002.seg.zst",
                                                    "00000003.seg.zst"};
    struct error err;
    spooled_set_up();
    struct spool *s = spooled_new();
    for (uint64_t next = 1; next <= ROWS; next += 4) {
        spooled_append(s, next, 4);
        if (next % 12 == 9)
            unit_assert_ok(spool_finish_dump(s, &err), err);
    }
    spool_close(s);
    damaged_keep(&index_file, "index.mdb");
    for (int i = 1; i <= SEGMENTS; i++)
        damaged_keep(&segments[i], names[i]);
}

static void restore(void)
{
    damaged_restore(&index_file, index_file.size);
    for (int i = 1; i <= SEGMENTS; i++)
        damaged_restore(&segments[i], segments[i].size);
}

/* The job ends; what was sent twice is what was dumped again, and nothing is. */
static void work_to_the_end(void)
{
    ck_assert(damaged_work());
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_msg(spooled_sent[i] == 1, "document %d was sent %u times", i, spooled_sent[i]);
}

START_TEST(each_byte_may_be_changed)
{
    static const unsigned char patterns[] = {0x01, 0x80, 0xff};
    for (size_t at = 0; at < segments[2].size; at++) {
        restore();
        damaged_flip(&segments[2], at, patterns[_i]);
        work_to_the_end();
    }
}
END_TEST

START_TEST(a_segment_may_be_cut_at_each_length)
{
    for (size_t size = 0; size < segments[2].size; size++) {
        restore();
        damaged_restore(&segments[2], size);
        work_to_the_end();
    }
}
END_TEST

START_TEST(zeros_may_stand_anywhere)
{
    static const char zeros[4096];
    for (size_t at = 0; at < segments[2].size; at += 61)
        for (size_t size = 16; at + size <= segments[2].size; size *= 2) {
            restore();
            damaged_write(&segments[2], at, zeros, size);
            work_to_the_end();
        }
    restore();
    damaged_write(&segments[2], 0, zeros, segments[2].size);
    work_to_the_end();
}
END_TEST

START_TEST(segments_may_be_deleted)
{
    for (int which = 1; which < 1 << SEGMENTS; which++) {
        restore();
        for (uint32_t i = 1; i <= SEGMENTS; i++)
            if (which & 1 << (i - 1))
                remove(spooled_segment(i));
        work_to_the_end();
    }
}
END_TEST

START_TEST(segments_may_be_swapped_or_copied)
{
    for (int i = 1; i <= SEGMENTS; i++)
        for (int j = 1; j <= SEGMENTS; j++) {
            struct damaged_file swapped = segments[i];
            restore();
            swapped.name = segments[j].name;
            damaged_restore(&swapped, swapped.size);
            work_to_the_end();
            restore();
            damaged_restore(&swapped, swapped.size);
            swapped = segments[j];
            swapped.name = segments[i].name;
            damaged_restore(&swapped, swapped.size);
            work_to_the_end();
        }
}
END_TEST

UNIT_MAIN_WITH("fault/damage_segment", set_up, spooled_tear_down,
               UNIT_LOOP(each_byte_may_be_changed, 3),
               UNIT_TEST(a_segment_may_be_cut_at_each_length), UNIT_TEST(zeros_may_stand_anywhere),
               UNIT_TEST(segments_may_be_deleted), UNIT_TEST(segments_may_be_swapped_or_copied))
