/* test_verify.c: verify finds what is not as the index says, names it, and takes nothing good for bad. */
#include "job/verify.h"

#include "../spool/spooled.h"

static struct error err;
static struct spool *s;
static struct verify_report report;
static struct buffer problems; // a line each

static void set_up(void)
{
    spooled_set_up();
    buffer_init(&problems, 1 << 16);
    spooled.keeps_segments = true;
    s = spooled_new();
    for (uint64_t i = 0; i < 4; i++) {
        spooled_append(s, 1 + 4 * i, 4);
        if (i == 1)
            unit_assert_ok(spool_finish_dump(s, &err), err); // the second segment stays open
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
    ck_assert_ptr_eq(context, &problems);
    buffer_append_format(&problems, "%s\n", problem);
}

static void verify(void)
{
    buffer_clear(&problems);
    unit_assert_ok(verify_spool(s, tell, &problems, &report, &err), err);
    size_t lines = 0;
    for (const char *c = buffer_string(&problems); *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(report.problems, lines);
}

static void assert_problem(const char *text)
{
    ck_assert_msg(strstr(buffer_string(&problems), text) != NULL, "no \"%s\" in: %s", text,
                  buffer_string(&problems));
}

START_TEST(a_good_spool_has_no_problems)
{
    verify();
    ck_assert_uint_eq(report.problems, 0);
    ck_assert_uint_eq(report.segments, 2);
    ck_assert_uint_eq(report.frames, 4);
    ck_assert_uint_eq(report.documents, 16);
}
END_TEST

START_TEST(an_empty_spool_has_no_problems)
{
    unit_assert_ok(spool_reset(s, &err), err);
    spooled_begin(s, 1);
    verify();
    ck_assert_uint_eq(report.problems, 0);
    ck_assert_uint_eq(report.frames, 0);
}
END_TEST

START_TEST(what_is_written_and_not_yet_committed_is_no_problem)
{
    spooled_append(s, 17, 4);
    verify();
    ck_assert_uint_eq(report.problems, 0);
}
END_TEST

START_TEST(each_changed_byte_is_found_and_only_its_frame_is_named)
{
    char expected[64];
    int64_t size = spooled_size(spooled_segment(1));
    int fd = open(spooled_segment(1), O_RDWR);
    struct index_frame first;
    ck_assert(spooled_find_frame(s, FRAMES_DONE, 1, &first));
    for (int64_t at = 0; at < size; at++) {
        char byte, changed;
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        changed = (char)(byte ^ 0x20);
        ck_assert_int_eq(pwrite(fd, &changed, 1, at), 1);
        verify();
        ck_assert_uint_eq(report.problems, 1);
        snprintf(expected, sizeof expected,
                 "segment 1, frame %d: ", at < (int64_t)first.size ? 1 : 2);
        assert_problem(expected);
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    verify();
    ck_assert_uint_eq(report.problems, 0);
}
END_TEST

START_TEST(a_missing_segment_is_found)
{
    ck_assert_int_eq(rename(spooled_segment(1), spooled_file("aside")), 0);
    verify();
    assert_problem("segment 1: 0 bytes, and the index says");
    assert_problem("segment 1, frame 1: the file is absent");
    assert_problem("segment 1, frame 2: the file is absent");
    ck_assert_uint_eq(report.problems, 3);
}
END_TEST

START_TEST(a_segment_of_another_length_is_found)
{
    int64_t size = spooled_size(spooled_segment(1));
    ck_assert_int_eq(truncate(spooled_segment(1), size + 10), 0);
    verify();
    assert_problem("segment 1: ");
    ck_assert_uint_eq(report.problems, 1);
    ck_assert_int_eq(truncate(spooled_segment(1), size - 1), 0);
    verify();
    assert_problem("segment 1: ");
    assert_problem("segment 1, frame 2: the file ends within a frame");
    ck_assert_uint_eq(report.problems, 2);
}
END_TEST

START_TEST(segments_that_changed_places_are_found)
{
    ck_assert_int_eq(rename(spooled_segment(1), spooled_file("aside")), 0);
    ck_assert_int_eq(rename(spooled_segment(2), spooled_segment(1)), 0);
    ck_assert_int_eq(rename(spooled_file("aside"), spooled_segment(2)), 0);
    verify();
    assert_problem("segment 1, frame 1: another frame stands in its place");
    ck_assert_uint_ge(report.problems, 4);
}
END_TEST

/* A frame whose good checksum covers a body that is not what its header says. */
static void append_odd(const char *text, uint32_t documents, uint64_t raw_size)
{
    struct compressor *c;
    struct slice body;
    struct frame f = {.documents = documents,
                      .raw_size = raw_size,
                      .first_key = slice_of("90"),
                      .last_key = slice_of("91")};
    unit_assert_ok(compressor_new(&c, 1, &err), err);
    unit_assert_ok(compressor_append(c, slice_of(text), &err), err);
    unit_assert_ok(compressor_finish(c, &body, &err), err);
    unit_assert_ok(spool_append(s, &f, body, 0, &err), err);
    compressor_free(c);
    spooled_commit(s);
}

static const struct {
    const char *text;
    uint32_t documents;
    uint64_t raw_size;
} odd[] = {
    {"{\"index\":{}}\n{}\n", 2, 16},
    {"{\"index\":{}}\n{}\n", 1, 17},
    {"{\"index\":{}}\n{}", 1, 15},
};

START_TEST(a_frame_that_does_not_hold_what_the_index_says_is_found)
{
    append_odd(odd[_i].text, odd[_i].documents, odd[_i].raw_size);
    verify();
    assert_problem("frame 5: ");
    assert_problem("and the index says");
    ck_assert_uint_eq(report.problems, 1);
}
END_TEST

START_TEST(dead_rows_are_read_and_not_taken_for_documents)
{
    unit_assert_ok(spooled_try_append(s, FRAME_DEAD_ROWS, 0, 17, 1, &err), err);
    spooled_commit(s);
    verify();
    ck_assert_uint_eq(report.problems, 0);
    ck_assert_uint_eq(report.frames, 5);
}
END_TEST

/* What only a bug could write. */
static void change_job(uint64_t rows, uint64_t pending)
{
    struct index *index;
    struct index_txn *txn;
    struct index_job job;
    bool found;
    spool_close(s);
    unit_assert_ok(index_open(&index, spooled_path, INDEX_WRITE, &err), err);
    unit_assert_ok(index_begin(index, true, &txn, &err), err);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    job.rows += rows;
    job.pending += pending;
    unit_assert_ok(index_put_job(txn, &job, &err), err);
    unit_assert_ok(index_commit(txn, &err), err);
    index_close(index);
    spooled.roles = SPOOL_READER;
    s = spooled_open();
}

START_TEST(a_description_that_is_not_the_jobs_is_found)
{
    int fd = open(spooled_file("job.json"), O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "x", 1, 3), 1);
    close(fd);
    verify();
    assert_problem("job.json does not say what the index does");
    ck_assert_uint_eq(report.problems, 1);
    remove(spooled_file("job.json"));
    verify();
    assert_problem("job.json is absent");
    ck_assert_uint_eq(report.problems, 1);
}
END_TEST

START_TEST(a_ledger_that_does_not_add_up_is_found)
{
    change_job(1, 0);
    verify();
    assert_problem("the ledger does not add up");
    ck_assert_uint_eq(report.problems, 1);
}
END_TEST

START_TEST(a_ledger_that_the_frames_contradict_is_found)
{
    change_job(1, 1);
    verify();
    assert_problem("12 documents are pending, and the ledger says 13");
    ck_assert_uint_eq(report.problems, 1);
}
END_TEST

UNIT_MAIN_WITH("job/verify", set_up, tear_down, UNIT_TEST(a_good_spool_has_no_problems),
               UNIT_TEST(an_empty_spool_has_no_problems),
               UNIT_TEST(what_is_written_and_not_yet_committed_is_no_problem),
               UNIT_TEST(each_changed_byte_is_found_and_only_its_frame_is_named),
               UNIT_TEST(a_missing_segment_is_found),
               UNIT_TEST(a_segment_of_another_length_is_found),
               UNIT_TEST(segments_that_changed_places_are_found),
               UNIT_EACH(a_frame_that_does_not_hold_what_the_index_says_is_found, odd),
               UNIT_TEST(dead_rows_are_read_and_not_taken_for_documents),
               UNIT_TEST(a_description_that_is_not_the_jobs_is_found),
               UNIT_TEST(a_ledger_that_does_not_add_up_is_found),
               UNIT_TEST(a_ledger_that_the_frames_contradict_is_found))
