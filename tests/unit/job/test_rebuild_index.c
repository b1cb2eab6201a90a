/* test_rebuild_index.c: a lost or damaged index is made anew from what lies beside it; a sound one stays. */
#include "job/rebuild_index.h"

#include "../spool/spooled.h"
#include "job/job.h"

static struct error err;
static struct spool *s;
static struct job_id id;
static bool is_sound;

/* A spool of a real job, with the keys 1 to 12 in three frames. */
static void set_up(void)
{
    static const struct job_options options = {
        .key = "id", .from = "1", .to = "50", .index = "images"};
    const struct key_range range = {.has_from = true, .from = slice_of("1")};
    struct buffer text;
    spooled_set_up();
    buffer_init(&text, 1 << 16);
    unit_assert_ok(job_describe(&options, "SELECT 1 AS id", &text, &id, &err), err);
    unit_assert_ok(spool_open(&s, &spooled, &id, &err), err);
    unit_assert_ok(spool_begin(s, &id, buffer_slice(&text), &range, 1, 0, &err), err);
    for (uint64_t i = 0; i < 3; i++)
        spooled_append(s, 1 + 4 * i, 4);
    spooled_commit(s);
    spool_close(s);
    s = NULL;
    buffer_free(&text);
}

static void tear_down(void)
{
    spool_close(s);
    spooled_tear_down();
}

static bool rebuild(void)
{
    return job_rebuild_index(spooled_path, &is_sound, &err);
}

static void lose_index(void)
{
    remove(spooled_file("index.mdb"));
}
static void empty_index(void)
{
    ck_assert_int_eq(truncate(spooled_file("index.mdb"), 0), 0);
}
static void cut_index(void)
{
    ck_assert_int_eq(truncate(spooled_file("index.mdb"), 5000), 0);
}
static void change_ledger(void)
{
    struct index *index;
    struct index_txn *txn;
    struct index_job job;
    bool found;
    unit_assert_ok(index_open(&index, spooled_path, INDEX_WRITE, &err), err);
    unit_assert_ok(index_begin(index, true, &txn, &err), err);
    unit_assert_ok(index_get_job(txn, &job, &found, &err), err);
    job.rows++;
    unit_assert_ok(index_put_job(txn, &job, &err), err);
    unit_assert_ok(index_commit(txn, &err), err);
    index_close(index);
}

static void (*const damages[])(void) = {lose_index, empty_index, cut_index, change_ledger};

static bool see_part(const struct index_part *part, void *context, struct error *e)
{
    struct buffer *out = context;
    const struct key_range *r = &part->range;
    (void)e;
    buffer_append_format(out, "%s%.*s..%.*s%s ", r->is_from_inclusive ? "[" : "(",
                         (int)r->from.size, r->from.data, (int)r->to.size, r->to.data,
                         r->is_to_exclusive ? ")" : "]");
    return true;
}

START_TEST(a_lost_index_is_made_anew)
{
    struct buffer parts, text;
    damages[_i]();
    unit_assert_error(spool_open(&s, &spooled, &id, &err), err, ERROR_DAMAGED, "verify --rebuild");
    err = (struct error){.kind = ERROR_NONE};
    unit_assert_ok(rebuild(), err);
    ck_assert(!is_sound);
    unit_assert_ok(spool_open(&s, &spooled, &id, &err), err);
    spooled_assert_ledger(s, 12, 0, 0, 12);
    buffer_init(&parts, 1 << 16);
    buffer_init(&text, 1 << 16);
    unit_assert_ok(spool_each_part(s, see_part, &parts, &err), err);
    ck_assert_str_eq(buffer_string(&parts), "[1..1) (12..50] ");
    unit_assert_ok(spool_get_description(s, &text, &err), err);
    ck_assert_ptr_nonnull(strstr(buffer_string(&text), "SELECT 1 AS id"));
    buffer_free(&parts);
    buffer_free(&text);
}
END_TEST

START_TEST(a_sound_index_stays)
{
    int64_t size = spooled_size(spooled_file("index.mdb"));
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(rebuild(), err);
        ck_assert(is_sound);
        ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), size);
    }
    lose_index();
    unit_assert_ok(rebuild(), err);
    ck_assert(!is_sound);
    unit_assert_ok(rebuild(), err);
    ck_assert(is_sound);
}
END_TEST

static void write_description(const char *text)
{
    int fd = open(spooled_file("job.json"), O_WRONLY | O_TRUNC | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

START_TEST(spaces_in_the_description_do_no_harm)
{
    lose_index();
    write_description(
        "{ \"op\": \"index\",\n \"to\": \"50\", \"from\": \"1\", \"index\": \"images\",\n"
        " \"keeps_nulls\": false, \"key\": \"id\", \"query\": \"SELECT 1 AS id\" }\n");
    unit_assert_ok(rebuild(), err);
    unit_assert_ok(spool_open(&s, &spooled, &id, &err), err);
    spooled_assert_ledger(s, 12, 0, 0, 12);
}
END_TEST

static const struct {
    const char *text; // NULL: no file
    const char *message;
} useless[] = {
    {NULL, "job.json is absent"},
    {"", "job.json does not describe a job"},
    {"[1]", "job.json does not describe a job"},
    {"{\"index\":\"images\"", "job.json does not describe a job"},
    {"{\"index\":\"others\"}", "job.json describes another job"},
};

START_TEST(without_the_jobs_description_nothing_is_made)
{
    lose_index();
    if (useless[_i].text == NULL)
        remove(spooled_file("job.json"));
    else
        write_description(useless[_i].text);
    unit_assert_error(rebuild(), err, ERROR_DAMAGED, useless[_i].message);
    ck_assert_int_eq(spooled_size(spooled_file("index.mdb")), -1);
    ck_assert_int_gt(spooled_size(spooled_segment(1)), 0);
}
END_TEST

START_TEST(where_no_spool_is_none_is_made)
{
    unit_assert_error(job_rebuild_index("/nonexistent/spool", &is_sound, &err), err, ERROR_CONFIG,
                      "there is none");
    lose_index();
    remove(spooled_segment(1));
    unit_assert_error(rebuild(), err, ERROR_CONFIG, "nothing in it");
}
END_TEST

UNIT_MAIN_WITH("job/rebuild_index", set_up, tear_down,
               UNIT_EACH(a_lost_index_is_made_anew, damages), UNIT_TEST(a_sound_index_stays),
               UNIT_TEST(spaces_in_the_description_do_no_harm),
               UNIT_EACH(without_the_jobs_description_nothing_is_made, useless),
               UNIT_TEST(where_no_spool_is_none_is_made))
