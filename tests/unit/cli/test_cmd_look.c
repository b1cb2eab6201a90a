/* test_cmd_look.c: status and inspect tell what a spool holds, and like verify change nothing in it. */
#include "cli/commands.h"

#include <jansson.h>

#include "../spool/spooled.h"
#include "captured.h"

static struct options options;
static struct error err;

static void set_up(void)
{
    spooled_set_up();
    options = (struct options){.job = {.spool = spooled_path}};
}

static int look(int (*command)(struct options *o))
{
    captured_begin();
    int status = command(&options);
    captured_end();
    return status;
}

static json_int_t number(json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

/* --- no spool --- */

static int (*const commands[])(struct options *o) = {command_status, command_verify,
                                                     command_inspect};

START_TEST(a_spool_that_is_none_is_said_to_be_none_and_not_made)
{
    ck_assert_int_eq(look(commands[_i]), 78);
    ck_assert_ptr_nonnull(strstr(captured_err, "there is none"));
    ck_assert_int_eq(spooled_size(spooled_path), -1);
    options.job.spool = NULL;
    ck_assert_int_eq(look(commands[_i]), 64);
    ck_assert_ptr_nonnull(strstr(captured_err, "name the spool"));
}
END_TEST

START_TEST(looking_changes_nothing)
{
    spooled_make_two_segments();
    int fd = open(spooled_segment(1), O_WRONLY | O_APPEND);
    ck_assert_int_eq(write(fd, "torn", 4), 4);
    close(fd);
    int64_t size = spooled_size(spooled_segment(1));
    look(commands[_i]);
    ck_assert_int_eq(spooled_size(spooled_segment(1)), size);
}
END_TEST

/* --- status --- */

START_TEST(status_ends_with_the_ledger)
{
    spooled_make_two_segments();
    ck_assert_int_eq(look(command_status), 0);
    captured_assert_printed("state     stopped\n");
    captured_assert_printed("index     images\n");
    captured_assert_printed("parts     0 of 1 dumped\n");
    captured_assert_printed("requests  1, retries 0\n");
    captured_assert_printed("rows read 16 = acknowledged 4 + dead 0 + pending 12\n");
}
END_TEST

START_TEST(status_is_json_too)
{
    options.json = true;
    spooled_make_two_segments();
    ck_assert_int_eq(look(command_status), 0);
    json_t *json = captured_json();
    ck_assert_str_eq(json_string_value(json_object_get(json, "state")), "stopped");
    ck_assert_int_eq(number(json, "rows_read"), 16);
    ck_assert_int_eq(number(json, "acknowledged"), 4);
    ck_assert_int_eq(number(json, "pending"), 12);
    ck_assert_int_eq(number(json, "dead"), 0);
    ck_assert_int_eq(number(json, "frames"), 4);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "job"), "index")),
                     "images");
    ck_assert(json_is_null(json_object_get(json, "dumped")));
    ck_assert(json_is_string(json_object_get(json, "started")));
    json_decref(json);
}
END_TEST

static const struct {
    unsigned roles;
    const char *state;
} workers[] = {
    {SPOOL_DUMP, "dumping"}, {SPOOL_REPLAY, "replaying"}, {SPOOL_DUMP | SPOOL_REPLAY, "running"}};

START_TEST(status_sees_who_is_at_work)
{
    char expected[64];
    spooled_make_two_segments();
    spooled.roles = workers[_i].roles;
    struct spool *s = spooled_open();
    look(command_status);
    snprintf(expected, sizeof expected, "state     %s\n", workers[_i].state);
    captured_assert_printed(expected);
    spool_close(s);
}
END_TEST

START_TEST(status_knows_a_dumped_and_a_finished_job)
{
    bool is_finished;
    spooled_make_two_segments();
    struct spool *s = spooled_open();
    unit_assert_ok(spool_finish_part(s, 0, &err), err);
    unit_assert_ok(spool_finish_dump(s, &err), err);
    spool_close(s);
    look(command_status);
    captured_assert_printed("state     dumped\n");
    s = spooled_open();
    unit_assert_ok(spooled_replay(s, &err), err);
    unit_assert_ok(spool_finish_replay(s, &is_finished, &err), err);
    spool_close(s);
    look(command_status);
    captured_assert_printed("state     finished\n");
    captured_assert_printed("rows read 16 = acknowledged 16 + dead 0 + pending 0\n");
}
END_TEST

/* --- inspect --- */

START_TEST(inspect_lists_segments_and_frames)
{
    spooled_make_two_segments();
    ck_assert_int_eq(look(command_inspect), 0);
    captured_assert_printed("00000001.seg.zst     sealed");
    captured_assert_printed("00000002.seg.zst     sealed");
    captured_assert_printed("frame        1 done     segment 1 at 0: 4 documents");
    captured_assert_printed("frame        4 pending  segment 2 at ");
    captured_assert_printed("keys 13 .. 16\n");
    options.json = true;
    ck_assert_int_eq(look(command_inspect), 0);
    json_t *json = captured_json();
    ck_assert_uint_eq(json_array_size(json_object_get(json, "segments")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "frames")), 4);
    json_t *first = json_array_get(json_object_get(json, "frames"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "state")), "done");
    ck_assert_str_eq(json_string_value(json_object_get(first, "first_key")), "1");
    json_decref(json);
}
END_TEST

START_TEST(inspect_prints_a_frames_documents_as_they_are_sent)
{
    struct buffer expected;
    buffer_init(&expected, 1000);
    spooled_make_two_segments();
    for (uint64_t n = 0; n < 2; n++) { // one that is done, one that is pending
        options.frame = 1 + n;
        buffer_clear(&expected);
        for (uint64_t i = 1; i <= 4; i++)
            spooled_put_document(&expected, 4 * n + i);
        ck_assert_int_eq(look(command_inspect), 0);
        ck_assert_str_eq(captured_out, buffer_string(&expected));
    }
    buffer_free(&expected);
}
END_TEST

START_TEST(inspect_has_no_frame_that_is_none_or_damaged)
{
    spooled_make_two_segments();
    options.frame = 99;
    ck_assert_int_eq(look(command_inspect), 64);
    ck_assert_ptr_nonnull(strstr(captured_err, "no frame 99"));
    ck_assert_int_eq(truncate(spooled_segment(2), 10), 0);
    options.frame = 3;
    ck_assert_int_eq(look(command_inspect), 74);
    ck_assert_ptr_nonnull(strstr(captured_err, "frame 3: the file ends within"));
    ck_assert_str_eq(captured_out, "");
}
END_TEST

UNIT_MAIN_WITH("cli/cmd_look", set_up, spooled_tear_down,
               UNIT_EACH(a_spool_that_is_none_is_said_to_be_none_and_not_made, commands),
               UNIT_EACH(looking_changes_nothing, commands), UNIT_TEST(status_ends_with_the_ledger),
               UNIT_TEST(status_is_json_too), UNIT_EACH(status_sees_who_is_at_work, workers),
               UNIT_TEST(status_knows_a_dumped_and_a_finished_job),
               UNIT_TEST(inspect_lists_segments_and_frames),
               UNIT_TEST(inspect_prints_a_frames_documents_as_they_are_sent),
               UNIT_TEST(inspect_has_no_frame_that_is_none_or_damaged))
