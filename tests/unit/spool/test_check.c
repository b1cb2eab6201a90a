/* test_check.c: an index in which a record is missing, doubled, or says something else than the others
 * is not worked with. */
#include "spooled.h"

static struct error err;
static struct spool *s;
static struct buffer problems; // a line each

/* Two parts; frames 1 to 4 in segment 1, of which 1 is done, 5 and 6 in segment 2. */
static void set_up(void)
{
    spooled_set_up();
    buffer_init(&problems, 1 << 16);
    spooled.keeps_segments = true;
    s = spooled_open();
    spooled_begin(s, 2);
    for (uint64_t i = 0; i < 6; i++) {
        spooled_append(s, 1 + 4 * i, 4);
        if (i == 3)
            unit_assert_ok(spool_finish_dump(s, &err), err);
    }
    spooled_commit(s);
    spooled_acknowledge(s, 1, 4);
}

static void tear_down(void)
{
    spool_close(s);
    buffer_free(&problems);
    spooled_tear_down();
}

static void tell(void *context, const char *problem)
{
    buffer_append_format(context, "%s\n", problem);
}

static const char *check(void)
{
    buffer_clear(&problems);
    unit_assert_ok(spool_check_index(s, tell, &problems, &err), err);
    return buffer_string(&problems);
}

START_TEST(an_index_at_work_agrees_with_itself)
{
    ck_assert_str_eq(check(), "");
    spooled_append(s, 25, 4); // not committed
    ck_assert_str_eq(check(), "");
    unit_assert_ok(spool_lose_frame(s, 2, "it is torn", &err), err);
    ck_assert_str_eq(check(), "");
    for (uint64_t number = 3; number <= 6; number++)
        spooled_acknowledge(s, number, 4);
    ck_assert_str_eq(check(), "");
    spool_close(s);
    spooled.keeps_segments = false;
    s = spooled_open(); // which deletes what is done
    ck_assert_str_eq(check(), "");
}
END_TEST

/* --- changes that only damage or a bug could make --- */

static struct index_txn *txn;
static struct index_job job;

static void put_job(void)
{
    unit_assert_ok(index_put_job(txn, &job, &err), err);
}

static struct index_frame frame_of(enum frame_table table, uint64_t number)
{
    struct index_frame frame;
    bool found;
    unit_assert_ok(index_next_frame(txn, table, number, &frame, &found, &err), err);
    ck_assert(found && frame.number == number);
    return frame;
}

static void put_frame(struct index_frame frame)
{
    frame.first_key = frame.last_key = slice_of("1");
    unit_assert_ok(index_put_frame(txn, FRAMES_PENDING, &frame, &err), err);
}

static struct index_segment segment_of(uint32_t number)
{
    struct index_segment segment;
    bool found;
    unit_assert_ok(index_next_segment(txn, number, &segment, &found, &err), err);
    ck_assert(found && segment.number == number);
    return segment;
}

static void put_segment(struct index_segment segment)
{
    unit_assert_ok(index_put_segment(txn, &segment, &err), err);
}

static void lose_a_pending_frame(void)
{
    unit_assert_ok(index_delete_frame(txn, FRAMES_PENDING, 3, &err), err);
}
static void double_a_frame(void)
{
    struct index_frame frame = frame_of(FRAMES_PENDING, 3);
    frame.number = 1;
    put_frame(frame);
}
static void move_a_frame_out_of_its_segment(void)
{
    struct index_frame frame = frame_of(FRAMES_PENDING, 4);
    frame.offset += 1;
    put_frame(frame);
}
static void give_a_frame_a_segment_that_is_none(void)
{
    struct index_frame frame = frame_of(FRAMES_PENDING, 4);
    frame.segment = 7;
    put_frame(frame);
}
static void give_a_frame_another_segment(void)
{
    struct index_frame frame = frame_of(FRAMES_PENDING, 4);
    frame.segment = 2;
    put_frame(frame);
}
static void give_a_frame_a_part_that_is_none(void)
{
    struct index_frame frame = frame_of(FRAMES_PENDING, 4);
    frame.part = FRAME_LATER_PARTS;
    put_frame(frame);
}
static void lose_a_segment(void)
{
    unit_assert_ok(index_delete_segment(txn, 2, &err), err);
}
static void count_too_few_pending_frames(void)
{
    struct index_segment segment = segment_of(1);
    segment.pending--;
    put_segment(segment);
}
static void shorten_a_segment(void)
{
    struct index_segment segment = segment_of(2);
    segment.size -= 1;
    put_segment(segment);
}
static void make_a_segment_of_the_future(void)
{
    struct index_segment segment = segment_of(2);
    segment.number = 3;
    segment.pending = segment.size = 0;
    put_segment(segment);
}
static void have_another_part(void)
{
    job.parts++;
    put_job();
}
static void make_a_part_of_the_future(void)
{
    unit_assert_ok(index_put_part(txn, &(struct index_part){.number = FRAME_LATER_PARTS}, &err),
                   err);
}
static void read_a_row_more(void)
{
    job.rows++;
    put_job();
}
static void have_a_row_more_pending(void)
{
    job.rows++;
    job.pending++;
    put_job();
}
static void hold_a_byte_more(void)
{
    job.spool_bytes++;
    put_job();
}
static void forget_the_description(void)
{
    unit_assert_ok(index_put_description(txn, slice_of(""), &err), err);
}

static const struct {
    void (*change)(void);
    const char *problem;
} changes[] = {
    {lose_a_pending_frame, "segment 1 has 2 pending frames, and its record says 3"},
    {lose_a_pending_frame, "frames are pending"},
    {lose_a_pending_frame, "16 documents are pending, and the ledger says 20"},
    {double_a_frame, "segment 1 has 4 pending frames, and its record says 3"},
    {move_a_frame_out_of_its_segment, "frame 4 is not within its segment 1"},
    {give_a_frame_a_segment_that_is_none, "frame 4 has no segment"},
    {give_a_frame_another_segment, "frame 4 is not within its segment 2"},
    {give_a_frame_a_part_that_is_none, "frame 4 is of part 65536, which was never made"},
    {lose_a_segment, "frame 5 has no segment"},
    {count_too_few_pending_frames, "5 frames are pending, and the segments say 4"},
    {shorten_a_segment, "frame 6 is not within its segment 2"},
    {shorten_a_segment, "bytes, and the job says"},
    {make_a_segment_of_the_future, "segment 3 was never made so"},
    {have_another_part, "2 parts are there, and the job has 3"},
    {make_a_part_of_the_future, "part 65536 was never made"},
    {read_a_row_more, "the ledger does not add up"},
    {have_a_row_more_pending, "20 documents are pending, and the ledger says 21"},
    {hold_a_byte_more, "bytes, and the job says"},
    {forget_the_description, "the job's description is missing"},
};

static void apply(void (*change)(void))
{
    struct index *index;
    bool found;
    spool_close(s);
    s = NULL;
    unit_assert_ok(index_open(&index, spooled_path, INDEX_WRITE, &err), err);
    unit_assert_ok(index_begin(index, true, &txn, &err), err);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    change();
    unit_assert_ok(index_commit(txn, &err), err);
    index_close(index);
}

START_TEST(a_contradiction_is_told)
{
    apply(changes[_i].change);
    spooled.roles = SPOOL_READER;
    s = spooled_open();
    ck_assert_msg(strstr(check(), changes[_i].problem) != NULL, "no \"%s\" in: %s",
                  changes[_i].problem, check());
}
END_TEST

START_TEST(with_a_contradiction_nobody_works)
{
    static const unsigned roles[] = {SPOOL_DUMP, SPOOL_REPLAY, SPOOL_DUMP | SPOOL_REPLAY};
    apply(changes[_i].change);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        spooled.roles = roles[i];
        unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DAMAGED,
                          "verify --rebuild");
    }
    s = NULL;
}
END_TEST

UNIT_MAIN_WITH("spool/check", set_up, tear_down, UNIT_TEST(an_index_at_work_agrees_with_itself),
               UNIT_EACH(a_contradiction_is_told, changes),
               UNIT_EACH(with_a_contradiction_nobody_works, changes))
