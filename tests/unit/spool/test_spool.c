/* test_spool.c: whose spool it is, who may work on it, how it begins and is forgotten. */
#include "spool/spool.h"

#include <dirent.h>

#include "base/bytes.h"
#include "spool/record.h"
#include "spooled.h"

static struct error err;
static struct spool *s;

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static const struct job_id other_job = {{2}};

/* Write a file into the spool's directory, which is made when missing. */
static void put_file(const char *name, const char *content, size_t size)
{
    mkdir(spooled_path, 0700);
    int fd = open(spooled_file(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, size), (ssize_t)size);
    close(fd);
}

/* How many entries the spool's directory has. */
static int count_entries(void)
{
    int count = 0;
    DIR *d = opendir(spooled_path);
    while (d != NULL && readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2;
}

/* --- a new spool --- */

START_TEST(a_missing_directory_is_a_new_spool_and_is_not_made)
{
    spooled.roles = (unsigned)_i;
    s = spooled_open();
    ck_assert(spool_is_new(s));
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    ck_assert(!spool_is_held(s, SPOOL_DUMP));
}
END_TEST

START_TEST(an_empty_directory_is_a_new_spool_and_stays_empty)
{
    mkdir(spooled_path, 0700);
    s = spooled_open();
    ck_assert(spool_is_new(s));
    ck_assert_int_eq(count_entries(), 0);
    spooled_begin(s, 1);
    ck_assert(!spool_is_new(s));
}
END_TEST

START_TEST(a_begun_spool_has_its_files_for_its_owner_only)
{
    static const char *const names[] = {"job.json", "index.mdb", "index.mdb-lock", "lock"};
    struct stat st;
    s = spooled_new();
    ck_assert_int_eq(stat(spooled_path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0700);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ck_assert_int_eq(stat(spooled_file(names[i]), &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
    }
    ck_assert_int_eq(count_entries(), (int)COUNT_OF(names));
}
END_TEST

START_TEST(the_job_is_known_after_a_new_start)
{
    struct buffer text;
    s = spooled_open();
    spooled_begin(s, 3);
    spool_close(s);
    s = spooled_open();
    ck_assert(!spool_is_new(s));
    struct index_job job = spooled_read_job(s);
    ck_assert_mem_eq(job.id.bytes, spooled_job.bytes, JOB_ID_BYTES);
    ck_assert_uint_eq(job.parts, 3);
    ck_assert_uint_eq(job.next_part, FRAME_LATER_PARTS);
    ck_assert_uint_eq(job.next_segment, 1);
    ck_assert_uint_eq(job.next_frame, 1);
    ck_assert_uint_ne(job.started_ms, 0);
    ck_assert_uint_eq(job.dumped_ms, 0);
    spooled_assert_ledger(s, 0, 0, 0, 0);
    buffer_init(&text, 1000);
    unit_assert_ok(spool_get_description(s, &text, &err), err);
    unit_assert_slice(buffer_slice(&text), "{\"index\":\"images\"}");
    buffer_clear(&text);
    ck_assert(buffer_reserve(&text, 100));
    int fd = open(spooled_file("job.json"), O_RDONLY);
    text.size = (size_t)read(fd, text.data, 100);
    close(fd);
    unit_assert_slice(buffer_slice(&text), "{\"index\":\"images\"}");
    buffer_free(&text);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_an_error)
{
    snprintf(spooled_path, sizeof spooled_path, "%s/no/such/parent", spooled_parent);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DISK,
                      "no/such/parent");
    s = NULL;
}
END_TEST

START_TEST(a_file_in_the_directorys_place_is_an_error)
{
    int fd = open(spooled_path, O_WRONLY | O_CREAT, 0600);
    close(fd);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DISK, spooled_path);
    s = NULL;
}
END_TEST

START_TEST(other_files_are_left_alone)
{
    put_file("notes.txt", "mine", 4);
    s = spooled_new();
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spool_close(s);
    s = spooled_open();
    ck_assert_int_eq(spooled_size(spooled_file("notes.txt")), 4);
    unit_assert_ok(spool_reset(s, &err), err);
    ck_assert_int_eq(spooled_size(spooled_file("notes.txt")), 4);
}
END_TEST

/* --- whose it is --- */

START_TEST(another_jobs_spool_is_refused_and_not_touched)
{
    s = spooled_new();
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spool_close(s);
    int64_t size = spooled_size(spooled_segment(1));
    ck_assert_int_eq(truncate(spooled_segment(1), size - 1), 0); // a dump would see to that
    unit_assert_error(spool_open(&s, &spooled, &other_job, &err), err, ERROR_CONFIG,
                      "another job (0102030405060708090a0b0c0d0e0f10");
    ck_assert_ptr_nonnull(strstr(err.message, spooled_path));
    ck_assert_int_eq(spooled_size(spooled_segment(1)), size - 1);
    s = spooled_open();
    spooled_assert_ledger(s, 0, 0, 0, 0);
}
END_TEST

START_TEST(without_an_id_any_jobs_spool_is_opened)
{
    s = spooled_new();
    spool_close(s);
    unit_assert_ok(spool_open(&s, &spooled, NULL, &err), err);
    ck_assert(!spool_is_new(s));
}
END_TEST

START_TEST(segments_without_an_index_are_refused_and_not_touched)
{
    put_file("00000001.seg.zst", "what may be precious", 20);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DAMAGED,
                      "segments but no index.mdb");
    ck_assert_int_eq(spooled_size(spooled_segment(1)), 20);
    ck_assert_int_eq(count_entries(), 1);
    s = NULL;
}
END_TEST

START_TEST(an_index_that_is_none_is_refused_and_not_touched)
{
    put_file("index.mdb", "this is no LMDB file, but it is somebody's", 42);
    unit_assert_error(spool_open(&s, &spooled, &spooled_job, &err), err, ERROR_DAMAGED,
                      "index.mdb");
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), 42);
    s = NULL;
}
END_TEST

START_TEST(a_begin_that_was_cut_short_leaves_a_new_spool)
{
    struct index *index;
    put_file("job.json", "{}", 2);
    put_file("job.json.new", "{", 1);
    if (_i == 0)
        put_file("index.mdb", "", 0);
    if (_i == 1 || _i == 2) { // tables, but no job
        unit_assert_ok(index_open(&index, spooled_path, INDEX_WRITE, &err), err);
        index_close(index);
    }
    if (_i == 2) // the first of the two pages
        ck_assert_int_eq(truncate(spooled_file("index.mdb"), 4096), 0);
    s = spooled_open();
    ck_assert(spool_is_new(s));
    spooled_begin(s, 1);
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spooled_assert_ledger(s, 4, 0, 0, 4);
    ck_assert_int_eq(spooled_size(spooled_file("job.json")), 18);
}
END_TEST

/* Give the job's record the format VERSION, with a check that is right. */
static void set_format(uint32_t version)
{
    static char file[1 << 20];
    struct buffer record;
    struct index_job job = spooled_read_job(s);
    spool_close(s);
    s = NULL;
    buffer_init(&record, 1000);
    record_put_job(&record, &job);
    int fd = open(spooled_file("index.mdb"), O_RDWR);
    ssize_t size = read(fd, file, sizeof file);
    for (char *at = file;
         (at = memmem(at, (size_t)(file + size - at), record.data, record.size));) {
        store_u32(record.data, version);
        record_seal(&record, TABLE_META, META_JOB);
        ck_assert_int_gt(pwrite(fd, record.data, record.size, at - file), 0);
        record_put_job(&record, &job);
        at++;
    }
    close(fd);
    buffer_free(&record);
}

START_TEST(another_versions_spool_is_refused_and_not_touched)
{
    s = spooled_new();
    spooled_append(s, 1, 4);
    spooled_commit(s);
    set_format(RECORD_FORMAT + 1);
    ck_assert_int_eq(truncate(spooled_segment(1), 10), 0);
    unit_assert_error(spool_open(&s, &spooled, _i == 0 ? &spooled_job : NULL, &err), err,
                      ERROR_CONFIG, "format 2, and this bobbin reads format 1");
    ck_assert_ptr_nonnull(strstr(err.message, spooled_path));
    ck_assert_int_eq(spooled_size(spooled_segment(1)), 10);
    s = NULL;
}
END_TEST

/* --- looking and forgetting --- */

static int seen;

static bool see_segment(const struct index_segment *segment, void *context, struct error *e)
{
    (void)e;
    ck_assert_ptr_eq(context, &seen);
    ck_assert_uint_eq(segment->number, (uint32_t)++seen);
    return true;
}

static bool see_part(const struct index_part *part, void *context, struct error *e)
{
    (void)e;
    ck_assert_ptr_eq(context, &seen);
    ck_assert_uint_eq(part->number, (uint32_t)seen++);
    ck_assert_int_eq(part->range.has_from, part->number > 0);
    return true;
}

static bool see_frame(const struct index_frame *frame, void *context, struct error *e)
{
    char key[32];
    ck_assert_ptr_eq(context, &seen);
    ck_assert_uint_eq(frame->number, (uint64_t)++seen);
    snprintf(key, sizeof key, "%d", 10 * seen);
    unit_assert_slice(frame->first_key, key);
    return seen < 3 || error_set(e, ERROR_BUG, "enough");
}

START_TEST(everything_that_the_index_knows_can_be_seen)
{
    spooled.segment_bytes = 1;
    s = spooled_open();
    spooled_begin(s, 3);
    for (uint64_t i = 1; i <= 4; i++)
        spooled_append(s, 10 * i, 4);
    unit_assert_ok(spool_each_segment(s, see_segment, &seen, &err), err);
    ck_assert_int_eq(seen, 4);
    seen = 0;
    unit_assert_ok(spool_each_part(s, see_part, &seen, &err), err);
    ck_assert_int_eq(seen, 3);
    seen = 0;
    unit_assert_error(spool_each_frame(s, FRAMES_PENDING, see_frame, &seen, &err), err, ERROR_BUG,
                      "enough");
    ck_assert_int_eq(seen, 3);
}
END_TEST

START_TEST(after_a_reset_the_spool_is_new_and_empty)
{
    s = spooled_new();
    spooled_append(s, 1, 4);
    spooled_commit(s);
    put_file("dead.ndjson", "{}\n", 3);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    unit_assert_ok(spool_reset(s, &err), err);
    ck_assert(spool_is_new(s));
    ck_assert_int_eq(spooled_size(spooled_segment(1)), -1);
    ck_assert_int_eq(spooled_size(spooled_file("dead.ndjson")), -1);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), -1);
    spooled_begin(s, 1);
    spooled_assert_ledger(s, 0, 0, 0, 0);
    spooled_append(s, 1, 4);
    spooled_commit(s);
    spooled_assert_ledger(s, 4, 0, 0, 4);
}
END_TEST

UNIT_MAIN_WITH("spool/spool", spooled_set_up, tear_down,
               UNIT_LOOP(a_missing_directory_is_a_new_spool_and_is_not_made, 4),
               UNIT_TEST(an_empty_directory_is_a_new_spool_and_stays_empty),
               UNIT_TEST(a_begun_spool_has_its_files_for_its_owner_only),
               UNIT_TEST(the_job_is_known_after_a_new_start),
               UNIT_TEST(a_directory_that_cannot_be_made_is_an_error),
               UNIT_TEST(a_file_in_the_directorys_place_is_an_error),
               UNIT_TEST(other_files_are_left_alone),
               UNIT_TEST(another_jobs_spool_is_refused_and_not_touched),
               UNIT_TEST(without_an_id_any_jobs_spool_is_opened),
               UNIT_TEST(segments_without_an_index_are_refused_and_not_touched),
               UNIT_TEST(an_index_that_is_none_is_refused_and_not_touched),
               UNIT_LOOP(a_begin_that_was_cut_short_leaves_a_new_spool, 4),
               UNIT_LOOP(another_versions_spool_is_refused_and_not_touched, 2),
               UNIT_TEST(everything_that_the_index_knows_can_be_seen),
               UNIT_TEST(after_a_reset_the_spool_is_new_and_empty))
