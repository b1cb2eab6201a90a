/* test_crash_letters.c: a process that dies by SIGKILL at any named crash point while letters are sent again
 * loses none and doubles none: the next one finishes the work. */
#include "../unit/job/lettered.h"
#include "killed.h"

#ifdef ENABLE_FAULT_POINTS

static const char *const points[] = {
    "frame-written",         "segment-synced",    "directory-synced",
    "index-committed",       "letters-committed", "letters-cut",
    "acknowledge-committed", "delete-intended",   "segment-unlinked",
};

enum { PASSES_MAX = 200, BIG_LETTERS = 30, BIG_BYTES = 700 << 10, SMALL_FRAMES = 3 };

static const unsigned LETTERS = BIG_LETTERS + SMALL_FRAMES * LETTERED_IN_A_FRAME;

/* Some small letters, and behind them so many large ones that they take several commits. */
static void set_up(void)
{
    const struct slice keys[2] = {slice_of("13"), slice_of("42")};
    static char source[BIG_BYTES + 1];
    struct buffer line;
    buffer_init(&line, 4 << 20);
    spooled_set_up();
    lettered_begin(SMALL_FRAMES);
    spooled_append(lettered_spool, LETTERS - BIG_LETTERS + 1, BIG_LETTERS);
    unit_assert_ok(spool_finish_dump(lettered_spool, &lettered_err), lettered_err);
    memset(source, 'x', BIG_BYTES);
    memcpy(source, "{\"a\":\"", 6);
    memcpy(source + BIG_BYTES - 2, "\"}", 2);
    uint64_t size = spooled_read_job(lettered_spool).dead_bytes;
    for (unsigned i = LETTERS - BIG_LETTERS; i < LETTERS; i++) {
        char action[64];
        snprintf(action, sizeof action, "{\"index\":{\"_id\":\"%u\"}}", i + 1);
        buffer_clear(&line);
        dead_format(&line, slice_of(action), slice_of(source), 400, slice_of("{}"));
        dead_seal(&line, 0, keys);
        size = lettered_append(size, buffer_slice(&line));
    }
    lettered_acknowledge(SMALL_FRAMES + 1, BIG_LETTERS, size);
    buffer_free(&line);
    spool_close(lettered_spool);
    lettered_spool = NULL;
    lettered_options.frame_bytes = 2 << 20;
}

/* What dead retry does with a spool: letters to frames, the file cut, the frames sent. */
static bool retry_letters(struct error *err)
{
    struct spool *s = NULL;
    struct index_job job;
    struct dead_file *file = NULL;
    bool ok = spool_open(&s, &spooled, &spooled_job, err) &&
              letters_retry(s, &lettered_options, false, err) && spool_get_job(s, &job, err) &&
              dead_open(&file, spool_directory(s), job.dead_bytes, err) && spooled_replay(s, err);
    dead_close(file);
    spool_close(s);
    return ok;
}

/* Each letter is in one place: acknowledged, pending or, readable, in the file. */
static void check_between(void)
{
    struct dead_summary summary;
    lettered_spool = spooled_open();
    struct index_job job = spooled_read_job(lettered_spool);
    ck_assert_uint_eq(job.acknowledged + job.dead + job.pending, LETTERS);
    unit_assert_ok(letters_summarize(lettered_spool, &summary, &lettered_err), lettered_err);
    ck_assert_uint_eq(summary.count, job.dead);
    spool_close(lettered_spool);
    lettered_spool = NULL;
}

static void finish_and_check(unsigned deaths)
{
    unit_assert_ok(retry_letters(&lettered_err), lettered_err);
    lettered_spool = spooled_open();
    spooled_assert_ledger(lettered_spool, LETTERS, LETTERS, 0, 0);
    ck_assert_uint_eq(spooled_read_job(lettered_spool).spool_bytes, 0);
    ck_assert_int_eq(spooled_size(spooled_file(DEAD_FILE)), 0);
    for (unsigned i = 1; i <= LETTERS - BIG_LETTERS; i++) // the small ones are counted
        ck_assert(spooled_sent[i] >= 1 && spooled_sent[i] <= 1 + deaths);
}

START_TEST(a_retry_killed_at_a_point_is_made_good_by_the_next)
{
    int n = 1;
    for (; n < PASSES_MAX && killed_at(points[_i], n, retry_letters); n++) {
        check_between();
        finish_and_check(1);
        lettered_tear_down();
        set_up();
    }
    ck_assert_int_gt(n, 1); // the point was passed
    ck_assert_int_lt(n, PASSES_MAX);
}
END_TEST

START_TEST(retries_killed_one_after_the_other_get_there)
{
    uint64_t random = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    unsigned deaths = 0;
    while (deaths < 20 && killed_at(points[unit_random(&random) % COUNT_OF(points)],
                                    1 + (int)(unit_random(&random) % 3), retry_letters)) {
        deaths++;
        check_between();
    }
    finish_and_check(deaths);
}
END_TEST

UNIT_MAIN_WITH("fault/crash_letters", set_up, lettered_tear_down,
               UNIT_EACH(a_retry_killed_at_a_point_is_made_good_by_the_next, points),
               UNIT_LOOP(retries_killed_one_after_the_other_get_there, 10))

#else

START_TEST(a_release_has_no_crash_points)
{
    ck_assert_int_eq(setenv("BOBBIN_CRASH_AT", "letters-committed", 1), 0);
    lettered_begin(1);
    unit_assert_ok(letters_retry(lettered_spool, &lettered_options, false, &lettered_err),
                   lettered_err);
}
END_TEST

UNIT_MAIN_WITH("fault/crash_letters", spooled_set_up, lettered_tear_down,
               UNIT_TEST(a_release_has_no_crash_points))

#endif
