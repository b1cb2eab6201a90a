/* test_load.c: the lines of a file come into the spool, each once, whatever parts they are asked for in. */
#include "job/load.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "../spool/spooled.h"
#include "job/feed.h"

enum { LINES = 9, LINE_BYTES = 30 };

static char path[4200];
static struct job_options options;
static struct job_live live;
static struct load *l;
static struct spool *s;
static struct error err;

/* Documents with the ids 1 to LINES, of LINE_BYTES each; a blank line before the fifth. */
static void write_documents(void)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 1; i <= LINES; i++)
        fprintf(file, "%s{\"id\":%d,\"text\":\"%011d\"}\n", i == 5 ? "\n" : "", i, i);
    fclose(file);
}

static void set_up(void)
{
    spooled_set_up();
    snprintf(path, sizeof path, "%s.ndjson", spooled_path);
    options = (struct job_options){.spool = spooled_path,
                                   .input = path,
                                   .id_field = "id",
                                   .index = "images",
                                   .frame_bytes = 100,
                                   .level = 1};
    live = (struct job_live){.rows = 0};
    err = (struct error){.kind = ERROR_NONE};
    l = NULL;
    s = NULL;
    write_documents();
}

static void tear_down(void)
{
    load_close(l);
    spool_close(s);
    unlink(path);
    spooled_tear_down();
}

/* As a process does that begins or goes on. */
static void open_all(void)
{
    struct feed feed = {.dump = NULL};
    unit_assert_ok(feed_open(&feed, &options, "", &live, &err), err);
    l = feed.load;
    s = spooled_open();
}

static void begin(void)
{
    open_all();
    unit_assert_ok(load_begin_spool(l, s, &spooled_job, slice_of("{\"index\":\"images\"}"), &err),
                   err);
}

static void go_on(void)
{
    load_close(l);
    spool_close(s);
    open_all();
}

static void collect(void *context, struct slice piece)
{
    buffer_append(context, piece.data, piece.size);
}

/* The ids of all pending documents, in the order of their frames: "1 2 3". */
static const char *list_ids(void)
{
    static char list[256];
    struct index_frame frame = {.number = 0};
    struct buffer bytes, text;
    struct slice body;
    const char *why;
    bool found = true;
    list[0] = '\0';
    buffer_init(&bytes, 1 << 20);
    buffer_init(&text, 1 << 20);
    for (uint64_t number = 1;; number = frame.number + 1) {
        unit_assert_ok(spool_next_frame(s, FRAMES_PENDING, number, &frame, &found, &err), err);
        if (!found)
            break;
        buffer_clear(&bytes);
        unit_assert_ok(spool_read_frame(s, &frame, &bytes, &body, &why, &err), err);
        ck_assert_ptr_null(why);
        unit_assert_ok(decompress_all(body, collect, &text, &err), err);
    }
    const char *at = buffer_string(&text);
    while ((at = strstr(at, "\"_id\":\"")) != NULL) {
        at += strlen("\"_id\":\"");
        size_t size = strlen(list);
        snprintf(list + size, sizeof list - size, "%s%.*s", size > 0 ? " " : "",
                 (int)strcspn(at, "\""), at);
    }
    buffer_free(&bytes);
    buffer_free(&text);
    return list;
}

START_TEST(all_lines_come_once_and_blank_ones_do_not_count)
{
    begin();
    unit_assert_ok(load_run(l, s, &err), err);
    ck_assert_str_eq(list_ids(), "1 2 3 4 5 6 7 8 9");
    spooled_assert_ledger(s, LINES, 0, 0, LINES);
    ck_assert_uint_eq(atomic_load(&live.rows), LINES);
    unit_assert_ok(load_run(l, s, &err), err); // no part is left
    spooled_assert_ledger(s, LINES, 0, 0, LINES);
}
END_TEST

START_TEST(a_frame_that_the_disk_lost_is_read_from_the_file_again)
{
    begin();
    unit_assert_ok(load_run(l, s, &err), err);
    for (uint64_t number = 1; number <= 3; number += 2)
        unit_assert_ok(spool_lose_frame(s, number, "a test", &err), err);
    go_on();
    unit_assert_ok(load_run(l, s, &err), err);
    spooled_assert_ledger(s, LINES, 0, 0, LINES);
    char ids[64];
    snprintf(ids, sizeof ids, " %s ", list_ids());
    for (int i = 1; i <= LINES; i++) {
        char id[16];
        snprintf(id, sizeof id, " %d ", i);
        ck_assert_msg(strstr(ids, id) != NULL, "%d is not in %s", i, ids);
    }
    ck_assert_uint_eq(strlen(ids), 2 * LINES + 1);
}
END_TEST

START_TEST(what_a_pipe_gave_once_can_not_be_read_again)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR); // holds the pipe open on both sides
    ck_assert_int_eq(write(fd, "{\"id\":1}\n{\"id\":2}\n", 18), 18);
    begin();
    close(fd);
    unit_assert_ok(load_run(l, s, &err), err);
    ck_assert_str_eq(list_ids(), "1 2");
    unit_assert_ok(spool_lose_frame(s, 1, "a test", &err), err);
    unit_assert_error(load_run(l, s, &err), err, ERROR_INPUT, "no file that can be read once more");
}
END_TEST

/* Where the lines of 1 to 9 begin: a key of the spool. */
static const struct {
    bool has_from, is_from_inclusive;
    int from;
    bool has_to, is_to_exclusive;
    int to;
    const char *ids;
} ranges[] = {
    {false, false, 0, false, false, 0, "1 2 3 4 5 6 7 8 9"},
    {true, true, 0, false, false, 0, "1 2 3 4 5 6 7 8 9"},
    {true, false, 0, false, false, 0, "2 3 4 5 6 7 8 9"},
    {true, true, 60, true, false, 90, "3 4"},
    {true, true, 60, true, true, 90, "3"},
    {true, false, 60, true, true, 151, "4 5"}, // behind the blank line
    {true, false, 60, true, false, 151, "4 5 6"},
    {false, false, 0, true, true, 0, ""},
    {false, false, 0, true, false, 0, "1"},
    {true, false, 241, false, false, 0, ""},
};

START_TEST(a_part_is_a_range_of_the_file)
{
    char from[16], to[16];
    snprintf(from, sizeof from, "%d", ranges[_i].from);
    snprintf(to, sizeof to, "%d", ranges[_i].to);
    const struct key_range range = {.has_from = ranges[_i].has_from,
                                    .is_from_inclusive = ranges[_i].is_from_inclusive,
                                    .from = slice_of(from),
                                    .has_to = ranges[_i].has_to,
                                    .is_to_exclusive = ranges[_i].is_to_exclusive,
                                    .to = slice_of(to)};
    open_all();
    unit_assert_ok(
        spool_begin(s, &spooled_job, slice_of("{\"index\":\"images\"}"), &range, 1, 9, &err), err);
    unit_assert_ok(load_run(l, s, &err), err);
    ck_assert_str_eq(list_ids(), ranges[_i].ids);
}
END_TEST

START_TEST(a_part_at_no_place_of_a_file_is_damage)
{
    const struct key_range range = {.has_from = true, .from = slice_of("7 up")};
    open_all();
    unit_assert_ok(
        spool_begin(s, &spooled_job, slice_of("{\"index\":\"images\"}"), &range, 1, 9, &err), err);
    unit_assert_error(load_run(l, s, &err), err, ERROR_DAMAGED, "no place");
}
END_TEST

START_TEST(a_file_is_the_same_until_it_changes)
{
    bool is_same = false;
    begin();
    unit_assert_ok(load_is_same(l, s, &is_same, &err), err);
    ck_assert(is_same);
    FILE *file = fopen(path, "a");
    fputs("{\"id\":10}\n", file);
    fclose(file);
    go_on();
    unit_assert_ok(load_is_same(l, s, &is_same, &err), err);
    ck_assert(!is_same);
    unit_assert_error(load_refuse(l, &err), err, ERROR_INPUT, "has changed since the job began");
}
END_TEST

START_TEST(of_an_index_made_anew_the_file_is_not_known_and_taken)
{
    const struct key_range whole = {.has_from = false};
    bool is_same = false;
    open_all();
    unit_assert_ok(
        spool_begin(s, &spooled_job, slice_of("{\"index\":\"images\"}"), &whole, 1, 9, &err), err);
    unit_assert_ok(load_is_same(l, s, &is_same, &err), err);
    ck_assert(is_same);
}
END_TEST

START_TEST(the_last_action_may_lack_its_source)
{
    FILE *file = fopen(path, "w");
    fputs("{\"index\":{\"_id\":\"1\"}}\n{\"n\":1}\n\n{\"delete\":{\"_id\":\"2\"}}\n"
          "{\"index\":{\"_id\":\"3\"}}\n",
          file);
    fclose(file);
    options.id_field = NULL;
    options.frame_bytes = 10000;
    begin();
    unit_assert_ok(load_run(l, s, &err), err);
    spooled_assert_ledger(s, 3, 0, 0, 3);
    struct index_frame frame;
    ck_assert(spooled_find_frame(s, FRAMES_PENDING, 2, &frame));
    ck_assert_int_eq(frame.kind, FRAME_DEAD_ROWS);
}
END_TEST

UNIT_MAIN_WITH("job/load", set_up, tear_down,
               UNIT_TEST(all_lines_come_once_and_blank_ones_do_not_count),
               UNIT_TEST(a_frame_that_the_disk_lost_is_read_from_the_file_again),
               UNIT_TEST(what_a_pipe_gave_once_can_not_be_read_again),
               UNIT_EACH(a_part_is_a_range_of_the_file, ranges),
               UNIT_TEST(a_part_at_no_place_of_a_file_is_damage),
               UNIT_TEST(a_file_is_the_same_until_it_changes),
               UNIT_TEST(of_an_index_made_anew_the_file_is_not_known_and_taken),
               UNIT_TEST(the_last_action_may_lack_its_source))
