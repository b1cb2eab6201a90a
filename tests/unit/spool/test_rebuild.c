/* test_rebuild.c: a new index from the segments alone: what they hold is pending, what they don't is to be
 * dumped, and the job then ends as it would have. */
#include "spool/rebuild.h"

#include <signal.h>
#include <sys/wait.h>

#include "spooled.h"

static struct error err;
static struct spool *s;
static struct rebuild_report report;

static const struct rebuild_job job = {
    .id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, // spooled_job
    .description = {"{\"index\":\"images\"}", 18},
};

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static bool rebuild(void)
{
    return spool_rebuild(spooled_path, &job, &report, &err);
}

static void close_and_lose_index(void)
{
    spool_close(s);
    s = NULL;
    remove(spooled_file("index.mdb"));
    remove(spooled_file("index.mdb-lock"));
}

/* Finish the job with the index that was made: each document is sent, at least once. */
static void finish(void)
{
    unit_assert_ok(spooled_work(&err), err);
    s = spooled_open();
    struct index_job last = spooled_read_job(s);
    ck_assert_uint_ne(last.finished_ms, 0);
    ck_assert_uint_eq(last.pending, 0);
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_msg(spooled_sent[i] > 0, "document %d was never sent", i);
}

/* Frames of four documents from FIRST to LAST, in segments of three. */
static void append_frames(uint64_t first, uint64_t last)
{
    for (uint64_t next = first; next <= last; next += 4) {
        spooled_append(s, next, 4);
        if (next % 12 == 9)
            unit_assert_ok(spool_finish_dump(s, &err), err);
    }
    spooled_commit(s);
}

static void assert_no_contradiction(void *context, const char *problem)
{
    (void)context;
    ck_abort_msg("%s", problem);
}

START_TEST(what_the_segments_hold_is_pending_and_the_rest_is_to_be_dumped)
{
    s = spooled_new();
    append_frames(1, 40);
    spooled_acknowledge(s, 1, 4);
    struct index_job before = spooled_read_job(s);
    close_and_lose_index();
    unit_assert_ok(rebuild(), err);
    ck_assert_uint_eq(report.segments, 4);
    ck_assert_uint_eq(report.frames, 10);
    ck_assert_uint_eq(report.documents, 40);
    ck_assert_uint_eq(report.parts, 2); // before the first key and behind the last
    s = spooled_open();
    spooled_assert_ledger(s, 40, 0, 0, 40);
    struct index_job after = spooled_read_job(s);
    ck_assert_uint_eq(after.next_frame, before.next_frame);
    ck_assert_uint_eq(after.next_segment, before.next_segment);
    ck_assert_uint_eq(after.spool_bytes, before.spool_bytes);
    ck_assert_uint_eq(after.raw_bytes, before.raw_bytes);
    ck_assert_uint_eq(after.compressed_bytes, before.compressed_bytes);
    unit_assert_ok(spool_check_index(s, assert_no_contradiction, NULL, &err), err);
    spool_close(s);
    s = NULL;
    finish();
    spooled_assert_ledger(s, SPOOLED_DOCUMENTS, SPOOLED_DOCUMENTS, 0, 0);
    for (int i = 1; i <= SPOOLED_DOCUMENTS; i++)
        ck_assert_uint_eq(spooled_sent[i], 1); // nothing is read or sent twice
}
END_TEST

START_TEST(a_damaged_index_and_the_dead_letters_are_kept_aside)
{
    s = spooled_new();
    append_frames(1, 40);
    spool_close(s);
    s = NULL;
    int fd = open(spooled_file("dead.ndjson"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "{}\n", 3), 3);
    close(fd);
    ck_assert_int_eq(truncate(spooled_file("index.mdb"), 20000), 0);
    unit_assert_ok(rebuild(), err);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb.damaged")), 20000);
    ck_assert_int_eq(spooled_size(spooled_file("dead.ndjson.old")), 3);
    ck_assert_int_eq(spooled_size(spooled_file("dead.ndjson")), -1);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb.new")), -1);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb.new-lock")), -1);
    finish();
    unit_assert_ok(spool_reset(s, &err), err);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb.damaged")), -1);
    ck_assert_int_eq(spooled_size(spooled_file("dead.ndjson.old")), -1);
}
END_TEST

START_TEST(without_segments_all_is_to_be_dumped)
{
    s = spooled_new();
    close_and_lose_index();
    unit_assert_ok(rebuild(), err);
    ck_assert_uint_eq(report.frames, 0);
    ck_assert_uint_eq(report.parts, 1);
    finish();
}
END_TEST

/* --- segments that are damaged too --- */

static void delete_a_segment(void)
{
    remove(spooled_segment(2));
}
static void swap_segments(void)
{
    ck_assert_int_eq(rename(spooled_segment(1), spooled_file("aside")), 0);
    ck_assert_int_eq(rename(spooled_segment(3), spooled_segment(1)), 0);
    ck_assert_int_eq(rename(spooled_file("aside"), spooled_segment(3)), 0);
}
static void overwrite(const char *path, off_t from, size_t size)
{
    static const char zeros[1 << 16];
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, zeros, size, from), (ssize_t)size);
    close(fd);
}
static void zero_a_segment(void)
{
    overwrite(spooled_segment(2), 0, (size_t)spooled_size(spooled_segment(2)));
}
static void zero_the_middle_of_a_segment(void)
{
    if (spooled_size(spooled_segment(2)) > 0)
        overwrite(spooled_segment(2), spooled_size(spooled_segment(2)) / 2, 10);
}
static void cut_a_segment(void)
{
    ck_assert_int_eq(truncate(spooled_segment(2), spooled_size(spooled_segment(2)) / 2), 0);
}
static void copy_a_segment(const char *to)
{
    static char bytes[1 << 16];
    int in = open(spooled_segment(1), O_RDONLY);
    int out = open(to, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    ssize_t size = read(in, bytes, sizeof bytes);
    ck_assert_int_eq(write(out, bytes, (size_t)size), size);
    close(in);
    close(out);
}
static void put_a_copy_in_place_of_another(void)
{
    copy_a_segment(spooled_segment(3));
}
static void put_a_copy_beside(void)
{
    copy_a_segment(spooled_segment(9));
}
static void put_a_copy_behind_the_damaged_one(void)
{
    copy_a_segment(spooled_segment(9));
    overwrite(spooled_segment(1), spooled_size(spooled_segment(1)) / 2, 10);
}
static void do_no_damage(void)
{
}

static void (*const damages[])(void) = {
    do_no_damage,
    delete_a_segment,
    swap_segments,
    zero_a_segment,
    zero_the_middle_of_a_segment,
    cut_a_segment,
    put_a_copy_in_place_of_another,
    put_a_copy_beside,
    put_a_copy_behind_the_damaged_one,
};

START_TEST(with_damaged_segments_too_all_arrives)
{
    s = spooled_new();
    append_frames(1, 64);
    close_and_lose_index();
    damages[_i]();
    unit_assert_ok(rebuild(), err);
    s = spooled_open();
    unit_assert_ok(spool_check_index(s, assert_no_contradiction, NULL, &err), err);
    spool_close(s);
    s = NULL;
    finish();
}
END_TEST

/* Dump the first part that is left, if any. */
static void dump_a_part(void)
{
    struct index_part part;
    struct buffer keys;
    bool found;
    buffer_init(&keys, 1 << 10);
    unit_assert_ok(spool_next_part(s, 0, &part, &keys, &found, &err), err);
    if (found)
        unit_assert_ok(spooled_dump_part(s, &part, &err), err);
    buffer_free(&keys);
}

/* Each life dumps a part, sends or doesn't, and loses its index. */
START_TEST(an_index_may_be_lost_again_and_again)
{
    s = spooled_new();
    append_frames(1, 40);
    for (int life = 0; life < 8; life++) {
        if (life % 3 == 1)
            unit_assert_ok(spooled_replay(s, &err), err);
        close_and_lose_index();
        if (life == 3)
            zero_the_middle_of_a_segment();
        unit_assert_ok(rebuild(), err);
        s = spooled_open();
        dump_a_part();
    }
    close_and_lose_index();
    unit_assert_ok(rebuild(), err);
    finish();
}
END_TEST

/* --- what is not ours --- */

START_TEST(frames_of_another_job_alone_are_refused)
{
    s = spooled_new();
    append_frames(1, 12);
    close_and_lose_index();
    struct rebuild_job other = job;
    other.id.bytes[0] = 99;
    unit_assert_error(spool_rebuild(spooled_path, &other, &report, &err), err, ERROR_DAMAGED,
                      "job.json describes another job");
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), -1);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
    unit_assert_ok(rebuild(), err);
}
END_TEST

START_TEST(a_spool_at_work_is_left_alone)
{
    spooled.roles = _i == 0 ? SPOOL_DUMP : SPOOL_REPLAY;
    s = spooled_new();
    unit_assert_error(rebuild(), err, ERROR_BUSY, _i == 0 ? "dumps into it" : "replays it");
}
END_TEST

/* --- killed half way --- */

static const char *const points[] = {"index-rebuilt", "index-aside"};

START_TEST(killed_half_way_it_is_run_again)
{
    int status;
    s = spooled_new();
    append_frames(1, 64);
    spool_close(s);
    s = NULL;
    ck_assert_int_eq(truncate(spooled_file("index.mdb"), 20000), 0);
    copy_a_segment(spooled_file("dead.ndjson"));
    int64_t dead_size = spooled_size(spooled_file("dead.ndjson"));
    pid_t child = fork();
    if (child == 0) {
        setenv("BOBBIN_CRASH_AT", points[_i], 1);
        _exit(rebuild() ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
#ifdef ENABLE_FAULT_POINTS
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DAMAGED,
                      "verify --rebuild");
    s = NULL;
#endif
    unit_assert_ok(rebuild(), err);
    ck_assert_int_eq(spooled_size(spooled_file("dead.ndjson.old")), dead_size);
    ck_assert_int_ge(spooled_size(spooled_file("index.mdb.damaged")), 20000);
    finish();
}
END_TEST

UNIT_MAIN_WITH("spool/rebuild", spooled_set_up, tear_down,
               UNIT_TEST(what_the_segments_hold_is_pending_and_the_rest_is_to_be_dumped),
               UNIT_TEST(a_damaged_index_and_the_dead_letters_are_kept_aside),
               UNIT_TEST(without_segments_all_is_to_be_dumped),
               UNIT_EACH(with_damaged_segments_too_all_arrives, damages),
               UNIT_TEST(an_index_may_be_lost_again_and_again),
               UNIT_TEST(frames_of_another_job_alone_are_refused),
               UNIT_LOOP(a_spool_at_work_is_left_alone, 2),
               UNIT_EACH(killed_half_way_it_is_run_again, points))
