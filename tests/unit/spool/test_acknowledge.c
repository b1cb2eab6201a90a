/* test_acknowledge.c: the replay's side: frames are read back good or said to be lost; what is
 * acknowledged leaves the disk, and the ledger keeps adding up. */
#include "spool/spool.h"

#include "spooled.h"

static struct error err;
static struct spool *s;
static struct buffer bytes;

static void set_up(void)
{
    spooled_set_up();
    s = spooled_new();
    buffer_init(&bytes, 1 << 20);
}

static void tear_down(void)
{
    spool_close(s);
    buffer_free(&bytes);
    spooled_tear_down();
}

static void reopen(void)
{
    spool_close(s);
    s = spooled_open();
}

/* COUNT frames of four documents each, PER_SEGMENT of them in a segment, all committed. */
static void append_frames(uint64_t count, uint64_t per_segment)
{
    for (uint64_t i = 0; i < count; i++) {
        spooled_append(s, 1 + 4 * i, 4);
        if ((i + 1) % per_segment == 0)
            unit_assert_ok(spool_finish_dump(s, &err), err); // seals
    }
    spooled_commit(s);
}

static const char *read_frame(uint64_t number)
{
    struct index_frame frame;
    struct slice body;
    const char *why;
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, number, &frame));
    ck_assert_uint_eq(frame.number, number);
    unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
    if (why == NULL)
        unit_assert_ok(spooled_tally(body, &err), err);
    return why;
}

START_TEST(a_frame_is_read_back_as_it_was_appended)
{
    append_frames(3, 2);
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_ptr_null(read_frame(i));
    for (int i = 1; i <= 12; i++)
        ck_assert_uint_eq(spooled_sent[i], 1);
    ck_assert_uint_eq(spooled_sent[13], 0);
}
END_TEST

START_TEST(acknowledging_moves_documents_in_the_ledger)
{
    append_frames(3, 10);
    spooled_assert_ledger(s, 12, 0, 0, 12);
    unit_assert_ok(spooled_try_acknowledge(s, 2, 4, 0, &err), err);
    spooled_assert_ledger(s, 12, 4, 0, 8);
    unit_assert_ok(spooled_try_acknowledge(s, 1, 1, 3, &err), err);
    spooled_assert_ledger(s, 12, 5, 3, 4);
    unit_assert_ok(spooled_try_acknowledge(s, 3, 0, 4, &err), err);
    spooled_assert_ledger(s, 12, 5, 7, 0);
    reopen();
    spooled_assert_ledger(s, 12, 5, 7, 0);
}
END_TEST

START_TEST(several_frames_are_acknowledged_in_one_commit)
{
    const struct spool_acknowledgement frames[] = {{3, 4, 0}, {1, 3, 1}, {2, 0, 4}};
    const struct spool_counters counters = {.requests = 5, .retries = 2, .in_flight = 7};
    append_frames(3, 1);
    unit_assert_ok(spool_acknowledge(s, frames, 3, 321, &counters, &err), err);
    spooled_assert_ledger(s, 12, 7, 5, 0);
    struct index_job job = spooled_read_job(s);
    ck_assert_uint_eq(job.dead_bytes, 321);
    ck_assert_uint_eq(job.requests, 5);
    ck_assert_uint_eq(job.retries, 2);
    ck_assert_uint_eq(job.in_flight, 7);
    ck_assert_uint_eq(job.spool_bytes, 0);
    unit_assert_ok(spool_acknowledge(s, frames, 0, 321, &counters, &err), err);
    job = spooled_read_job(s);
    ck_assert_uint_eq(job.requests, 10);
    ck_assert_uint_eq(job.retries, 4);
}
END_TEST

static const struct {
    struct spool_acknowledgement a;
    const char *text;
} wrong[] = {
    {{1, 5, 0}, "has 4 documents, not 5 + 0"},
    {{1, 3, 0}, "has 4 documents"},
    {{1, 4, 1}, "has 4 documents"},
    {{9, 4, 0}, "frame 9 is not pending"},
    {{0, 4, 0}, "frame 0 is not pending"},
};

START_TEST(an_acknowledgement_that_does_not_fit_changes_nothing)
{
    const struct spool_acknowledgement frames[] = {{2, 4, 0}, wrong[_i].a};
    const struct spool_counters counters = {.requests = 5};
    append_frames(2, 1);
    unit_assert_error(spool_acknowledge(s, frames, 2, 9, &counters, &err), err, ERROR_BUG,
                      wrong[_i].text);
    spooled_assert_ledger(s, 8, 0, 0, 8);
    ck_assert_uint_eq(spooled_read_job(s).requests, 0);
    ck_assert_int_gt(spooled_size(spooled_segment(2)), 0);
}
END_TEST

START_TEST(a_frame_is_acknowledged_once)
{
    append_frames(2, 10);
    spooled_acknowledge(s, 1, 4);
    unit_assert_error(spooled_try_acknowledge(s, 1, 4, 0, &err), err, ERROR_BUG, "not pending");
    spooled_assert_ledger(s, 8, 4, 0, 4);
}
END_TEST

START_TEST(a_sealed_segment_is_removed_with_its_last_frame)
{
    append_frames(4, 2);
    int64_t size = spooled_size(spooled_segment(1));
    int64_t next_size = spooled_size(spooled_segment(2));
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, (uint64_t)(size + next_size));
    spooled_acknowledge(s, 2, 4);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), size);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 1);
    spooled_acknowledge(s, 1, 4);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_int_gt(spooled_size(spooled_segment(2)), 0);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 0);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, (uint64_t)next_size);
    reopen();
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, (uint64_t)next_size);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_PENDING), 2);
}
END_TEST

START_TEST(an_open_segment_is_removed_when_it_is_sealed)
{
    append_frames(2, 10);
    spooled_acknowledge(s, 1, 4);
    spooled_acknowledge(s, 2, 4);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
}
END_TEST

START_TEST(kept_segments_stay_and_their_frames_are_known)
{
    spool_close(s);
    spooled.keeps_segments = true;
    s = spooled_open();
    append_frames(4, 2);
    for (uint64_t i = 1; i <= 4; i++)
        spooled_acknowledge(s, i, 4);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
    ck_assert_int_gt(spooled_size(spooled_segment(2)), 0);
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 4);
    reopen();
    ck_assert_uint_eq(spooled_count_frames(s, FRAMES_DONE), 4);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
}
END_TEST

START_TEST(a_segment_that_is_gone_already_is_removed_all_the_same)
{
    append_frames(2, 2);
    remove(spooled_segment(1));
    spooled_acknowledge(s, 1, 4);
    spooled_acknowledge(s, 2, 4);
    ck_assert_uint_eq(spooled_read_job(s).spool_bytes, 0);
}
END_TEST

/* --- lost frames --- */

static void damage_segment(uint32_t number, off_t at)
{
    char byte;
    int fd = open(spooled_segment(number), O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

START_TEST(a_damaged_frame_is_known_and_becomes_a_part_again)
{
    append_frames(3, 10);
    struct index_frame frame;
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 2, &frame));
    damage_segment(1, (off_t)(frame.offset + frame.size - 5));
    ck_assert_ptr_null(read_frame(1));
    ck_assert_ptr_nonnull(strstr(read_frame(2), "checksum"));
    ck_assert_ptr_null(read_frame(3));
    unit_assert_ok(spool_lose_frame(s, 2, "it is torn", &err), err);
    spooled_assert_ledger(s, 8, 0, 0, 8);
    struct index_part part;
    struct buffer keys;
    bool found;
    buffer_init(&keys, 1000);
    unit_assert_ok(spool_next_part(s, 1, &part, &keys, &found, &err), err);
    ck_assert(found && part.number == FRAME_LATER_PARTS);
    ck_assert(part.range.has_from && part.range.is_from_inclusive && part.range.has_to);
    ck_assert(!part.has_last && !part.is_finished);
    unit_assert_slice(part.range.from, "5");
    unit_assert_slice(part.range.to, "8");
    buffer_free(&keys);
    unit_assert_error(spool_lose_frame(s, 2, "it is torn", &err), err, ERROR_BUG, "not pending");
}
END_TEST

START_TEST(a_repairs_frame_that_is_lost_is_forgotten)
{
    append_frames(1, 1);
    unit_assert_ok(spooled_try_append(s, FRAME_DOCUMENTS, FRAME_OF_REPAIR, 1, 4, &err), err);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    unit_assert_ok(spool_lose_frame(s, 2, "it is damaged", &err), err);
    spooled_assert_ledger(s, 4, 0, 0, 4);
    ck_assert_uint_ne(spooled_read_job(s).dumped_ms, 0);
    ck_assert_uint_eq(spooled_read_job(s).next_part, FRAME_LATER_PARTS);
}
END_TEST

START_TEST(a_dump_that_was_done_is_not_when_a_frame_is_lost)
{
    append_frames(2, 1);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    ck_assert_uint_ne(spooled_read_job(s).dumped_ms, 0);
    unit_assert_ok(spool_lose_frame(s, 1, "it is torn", &err), err);
    ck_assert_uint_eq(spooled_read_job(s).dumped_ms, 0);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1); // nothing in it is pending
    spooled_acknowledge(s, 2, 4);
    spooled_assert_ledger(s, 4, 4, 0, 0);
}
END_TEST

START_TEST(another_frame_in_a_frames_place_is_not_taken_for_it)
{
    struct index_frame frame, second;
    struct slice body;
    const char *why;
    append_frames(2, 10);
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 1, &frame));
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 2, &second));
    if (_i == 0)
        frame.offset = second.offset;
    else
        frame.documents++;
    unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
    ck_assert_str_eq(why, "another frame stands in its place");
}
END_TEST

START_TEST(another_jobs_segment_is_not_taken_for_ours)
{
    static const struct job_id other_job = {{77}};
    char theirs[sizeof spooled_path + 64];
    append_frames(1, 1);
    spool_close(s);
    snprintf(theirs, sizeof theirs, "%s", spooled_segment(1));
    snprintf(spooled_path, sizeof spooled_path, "%s/other", spooled_parent);
    unit_assert_ok(spool_open(&s, &spooled, &other_job, &err), err);
    unit_assert_ok(spool_begin(s, &other_job, slice_of("{}"),
                               &(struct key_range){.has_from = false}, 1, 0, &err),
                   err);
    append_frames(1, 1);
    ck_assert_int_eq(rename(theirs, spooled_segment(1)), 0);
    ck_assert_str_eq(read_frame(1), "another frame stands in its place");
}
END_TEST

/* --- the end --- */

static bool finish(void)
{
    bool is_finished;
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    return is_finished;
}

START_TEST(a_job_is_finished_when_nothing_is_pending_and_no_part_is_left)
{
    append_frames(1, 1);
    ck_assert(!finish());
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    ck_assert(!finish());
    spooled_acknowledge(s, 1, 4);
    ck_assert_uint_eq(spooled_read_job(s).finished_ms, 0);
    ck_assert(finish());
    uint64_t when = spooled_read_job(s).finished_ms;
    ck_assert_uint_ne(when, 0);
    usleep(2000);
    ck_assert(finish());
    ck_assert_uint_eq(spooled_read_job(s).finished_ms, when);
}
END_TEST

START_TEST(a_job_with_an_unfinished_part_is_not_finished)
{
    append_frames(1, 1);
    spooled_acknowledge(s, 1, 4);
    ck_assert(!finish());
}
END_TEST

static void count_call(void *context)
{
    ++*(int *)context;
}

START_TEST(the_listener_hears_of_each_commit_of_frames)
{
    int calls = 0;
    spool_set_listener(s, count_call, &calls);
    spooled_append(s, 1, 4);
    ck_assert_int_eq(calls, 0);
    spooled_commit(s);
    ck_assert_int_eq(calls, 1);
    spooled_commit(s);
    ck_assert_int_eq(calls, 1);
    spooled_append(s, 5, 4);
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    ck_assert_int_eq(calls, 2);
}
END_TEST

UNIT_MAIN_WITH("spool/acknowledge", set_up, tear_down,
               UNIT_TEST(a_frame_is_read_back_as_it_was_appended),
               UNIT_TEST(acknowledging_moves_documents_in_the_ledger),
               UNIT_TEST(several_frames_are_acknowledged_in_one_commit),
               UNIT_EACH(an_acknowledgement_that_does_not_fit_changes_nothing, wrong),
               UNIT_TEST(a_frame_is_acknowledged_once),
               UNIT_TEST(a_sealed_segment_is_removed_with_its_last_frame),
               UNIT_TEST(an_open_segment_is_removed_when_it_is_sealed),
               UNIT_TEST(kept_segments_stay_and_their_frames_are_known),
               UNIT_TEST(a_segment_that_is_gone_already_is_removed_all_the_same),
               UNIT_TEST(a_damaged_frame_is_known_and_becomes_a_part_again),
               UNIT_TEST(a_repairs_frame_that_is_lost_is_forgotten),
               UNIT_TEST(a_dump_that_was_done_is_not_when_a_frame_is_lost),
               UNIT_LOOP(another_frame_in_a_frames_place_is_not_taken_for_it, 2),
               UNIT_TEST(another_jobs_segment_is_not_taken_for_ours),
               UNIT_TEST(a_job_is_finished_when_nothing_is_pending_and_no_part_is_left),
               UNIT_TEST(a_job_with_an_unfinished_part_is_not_finished),
               UNIT_TEST(the_listener_hears_of_each_commit_of_frames))
