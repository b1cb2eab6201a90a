/* test_damage_index.c: whatever becomes of the index (each byte changed, cut at each length, pages lost or
 * swapped) it is known to be damaged, or it says exactly what it said. A meta page's number of its commit
 * alone can turn time back, by one commit: as if the process had died before it, which does no harm. */
#include <sys/mman.h>

#include "../unit/spool/damaged.h"

enum { PAGE = 4096, PAGES_MAX = 32, COMMIT_AT = 16 + 128 };

static struct damaged_file file, segment;
static char said_before[1 << 16],
    said[1 << 16];         // all that the index says: before the last commit, behind it
static char says[1 << 16]; // and now
static struct error err;

/* --- all that an index says --- */

static bool put_part(const struct index_part *p, void *context, struct error *e)
{
    (void)e;
    buffer_append_format(context, "part %u %d %d %d %.*s %.*s %.*s\n", p->number, p->range.has_from,
                         p->range.has_to, p->is_finished, (int)p->range.from.size,
                         p->range.from.data, (int)p->range.to.size, p->range.to.data,
                         (int)p->last.size, p->last.data);
    return true;
}

static bool put_frame(const struct index_frame *f, void *context, struct error *e)
{
    (void)e;
    buffer_append_format(
        context, "frame %" PRIu64 " %d %u %u %" PRIu64 " %" PRIu64 " %u %.*s %.*s\n", f->number,
        f->kind, f->part, f->segment, f->offset, f->size, f->documents, (int)f->first_key.size,
        f->first_key.data, (int)f->last_key.size, f->last_key.data);
    return true;
}

static bool put_segment(const struct index_segment *s, void *context, struct error *e)
{
    (void)e;
    buffer_append_format(context, "segment %u %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                         s->number, s->state, s->size, s->first_frame, s->frames, s->pending);
    return true;
}

static bool put_all(struct spool *s, struct buffer *out, struct error *e)
{
    struct index_job job;
    if (!spool_get_job(s, &job, e) || !spool_get_description(s, out, e))
        return false;
    buffer_append_format(out, "\njob %" PRIu64 " %u %u %u %" PRIu64 " %" PRIu64 "\n",
                         job.next_frame, job.next_segment, job.next_part, job.parts, job.rows,
                         job.pending);
    return spool_each_part(s, put_part, out, e) && spool_each_segment(s, put_segment, out, e) &&
           spool_each_frame(s, FRAMES_DONE, put_frame, out, e) &&
           spool_each_frame(s, FRAMES_PENDING, put_frame, out, e);
}

static void ignore(void *context, const char *problem)
{
    unsigned *problems = context;
    (void)problem;
    ++*problems;
}

/* What the index says, looked at as status does, goes to OUT. False when it is damaged. */
static bool listen_to_index(char *out, size_t size)
{
    struct spool *s = NULL;
    struct buffer text;
    unsigned problems = 0;
    const struct spool_options options = {.path = spooled_path, .roles = SPOOL_READER};
    err = (struct error){.kind = ERROR_NONE};
    buffer_init(&text, size - 1);
    bool ok = spool_open(&s, &options, &spooled_job, &err);
    ck_assert_msg(!ok || !spool_is_new(s), "the index was taken for none");
    ok = ok && put_all(s, &text, &err) && spool_check_index(s, ignore, &problems, &err);
    spool_close(s);
    snprintf(out, size, "%s", ok ? buffer_string(&text) : "");
    buffer_free(&text);
    ck_assert_msg(ok || err.kind == ERROR_DAMAGED, "%s: %s", error_kind_name(err.kind),
                  err.message);
    return ok && problems == 0;
}

/* --- the spool --- */

/* A description of more than a page, lost frames, done frames; and commits enough to leave free pages. */
static void set_up(void)
{
    spooled_set_up();
    spooled.keeps_segments = true;
    struct spool *s = spooled_open();
    struct buffer description;
    const struct key_range all = {.has_from = false};
    buffer_init(&description, 1 << 16);
    for (int i = 0; i < 300; i++)
        buffer_append_format(&description, "%d and a description; ", i);
    unit_assert_ok(spool_begin(s, &spooled_job, buffer_slice(&description), &all, 1, 0, &err), err);
    buffer_free(&description);
    for (uint64_t next = 1; next <= 32; next += 4) {
        spooled_append(s, next, 4);
        spooled_commit(s);
    }
    unit_assert_ok(spool_lose_frame(s, 2, "it is torn", &err), err);
    spooled_acknowledge(s, 1, 4);
    spool_close(s);
    s = spooled_open(); // commits what is not new
    spool_close(s);
    ck_assert(listen_to_index(said_before, sizeof said_before));
    spooled.roles = SPOOL_REPLAY; // commits nothing
    s = spooled_open();
    spooled_acknowledge(s, 3, 4);
    spool_close(s);
    spooled.roles = SPOOL_DUMP | SPOOL_REPLAY;
    damaged_keep(&file, "index.mdb");
    damaged_keep(&segment, "00000001.seg.zst");
    ck_assert(listen_to_index(said, sizeof said));
    ck_assert_uint_lt(file.size, PAGES_MAX * PAGE);
}

static void assert_says_the_same(const char *what, size_t at)
{
    if (!listen_to_index(says, sizeof says))
        return;
    size_t same = 0;
    if (at % PAGE / 8 == COMMIT_AT / 8 && strcmp(said_before, says) == 0)
        return;
    while (said[same] != '\0' && said[same] == says[same])
        same++;
    ck_assert_msg(said[same] == says[same], "%s %zu: the index says\n%.200s\nand it said\n%.200s",
                  what, at, says + same, said + same);
}

/* One page in each test: a changed byte takes some 100 us. */
static size_t page_end(int page)
{
    size_t end = ((size_t)page + 1) * PAGE;
    return end < file.size ? end : file.size;
}

START_TEST(each_byte_may_be_changed)
{
    unsigned char pattern = (unsigned char)(_i % 2 == 0 ? 0x01 : 0xff);
    for (size_t at = (size_t)_i * PAGE; at < page_end(_i); at++) {
        damaged_flip(&file, at, pattern);
        assert_says_the_same("byte", at);
        damaged_write(&file, at, file.bytes + at, 1);
    }
}
END_TEST

START_TEST(each_bit_of_the_meta_pages_may_be_changed)
{
    for (int page = 0; page < 2; page++)
        for (size_t bit = 0; bit < 8 * 160; bit++) {
            size_t at = (size_t)page * PAGE + bit / 8;
            damaged_flip(&file, at, (unsigned char)(1u << bit % 8));
            assert_says_the_same("bit of byte", at);
            damaged_write(&file, at, file.bytes + at, 1);
        }
}
END_TEST

START_TEST(an_index_may_be_cut_at_each_length)
{
    for (size_t size = page_end(_i); size-- > (size_t)_i * PAGE;) {
        ck_assert_int_eq(truncate(spooled_file("index.mdb"), (off_t)size), 0);
        ck_assert_msg(!listen_to_index(says, sizeof says), "with %zu bytes it seems sound", size);
    }
}
END_TEST

START_TEST(pages_may_be_lost_or_swapped)
{
    static const char zeros[PAGE];
    size_t pages = file.size / PAGE;
    for (size_t to = 0; to < pages; to++) {
        damaged_write(&file, to * PAGE, zeros, PAGE);
        assert_says_the_same("page of zeros", to);
        for (size_t from = 0; from < pages; from++) {
            damaged_write(&file, to * PAGE, file.bytes + from * PAGE, PAGE);
            assert_says_the_same("changed page", to);
            damaged_write(&file, from * PAGE, file.bytes + to * PAGE, PAGE);
            assert_says_the_same("swapped page", to);
            damaged_write(&file, from * PAGE, file.bytes + from * PAGE, PAGE);
        }
        damaged_write(&file, to * PAGE, file.bytes + to * PAGE, PAGE);
    }
}
END_TEST

/* Whoever works with it does all of the work or none. */
START_TEST(work_with_a_changed_byte_ends_well_or_not_at_all)
{
    unsigned done = 0, refused = 0;
    for (size_t at = (size_t)_i * 13; at < file.size; at += 101) {
        damaged_restore(&file, file.size);
        damaged_restore(&segment, segment.size);
        remove(spooled_segment(2));
        damaged_flip(&file, at, 0x10);
        if (listen_to_index(says, sizeof says)) {
            unit_assert_ok(spooled_work(&err), err);
            done++;
        } else {
            unit_assert_error(spooled_work(&err), err, ERROR_DAMAGED, "index");
            refused++;
        }
    }
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(what_was_in_the_lock_file_does_not_matter)
{
    static char noise[8192];
    for (int i = 0; i < 4; i++) {
        memset(noise, i == 0 ? 0 : 0xa5, sizeof noise);
        int fd = open(spooled_file("index.mdb-lock"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        size_t size = i < 2 ? sizeof noise : 100 * (size_t)(i - 1);
        ck_assert_int_eq(write(fd, noise, size), (ssize_t)size);
        close(fd);
        ck_assert(listen_to_index(says, sizeof says));
        ck_assert_str_eq(says, said);
    }
}
END_TEST

UNIT_MAIN_WITH("fault/damage_index", set_up, spooled_tear_down,
               UNIT_LOOP(each_byte_may_be_changed, PAGES_MAX),
               UNIT_TEST(each_bit_of_the_meta_pages_may_be_changed),
               UNIT_LOOP(an_index_may_be_cut_at_each_length, PAGES_MAX),
               UNIT_TEST(pages_may_be_lost_or_swapped),
               UNIT_LOOP(work_with_a_changed_byte_ends_well_or_not_at_all, 4),
               UNIT_TEST(what_was_in_the_lock_file_does_not_matter))
