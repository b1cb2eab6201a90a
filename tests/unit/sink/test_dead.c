/* test_dead.c: dead letters are whole JSON lines, and durable to the byte that is told. */
#include "sink/dead.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <jansson.h>

#include "unit.h"

static char *directory;
static int dir;

static void set_up(void)
{
    directory = unit_make_directory();
    dir = open(directory, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
}

static void tear_down(void)
{
    close(dir);
    unit_remove_directory(directory);
}

static size_t read_file(char *out, size_t size)
{
    int fd = openat(dir, DEAD_FILE, O_RDONLY);
    ssize_t got = read(fd, out, size);
    ck_assert_int_ge(got, 0);
    close(fd);
    return (size_t)got;
}

static void assert_file(const char *expected)
{
    char content[1024];
    unit_assert_slice(((struct slice){content, read_file(content, sizeof content)}), expected);
}

static void append(struct dead_file *d, const char *lines, uint64_t expected_size)
{
    struct error err;
    uint64_t size;
    unit_assert_ok(dead_append(d, slice_of(lines), &size, &err), err);
    ck_assert_uint_eq(size, expected_size);
}

START_TEST(letters_are_appended_and_their_end_is_told)
{
    struct dead_file *d;
    struct error err;
    unit_assert_ok(dead_open(&d, dir, 0, &err), err);
    assert_file("");
    append(d, "one\n", 4);
    append(d, "two\nthree\n", 14);
    assert_file("one\ntwo\nthree\n");
    dead_close(d);
    dead_close(NULL);
}
END_TEST

START_TEST(what_lies_behind_the_durable_end_is_cut)
{
    struct dead_file *d;
    struct error err;
    unit_assert_ok(dead_open(&d, dir, 0, &err), err);
    append(d, "known\nnot known\n", 16);
    dead_close(d);
    unit_assert_ok(dead_open(&d, dir, 6, &err), err);
    assert_file("known\n");
    append(d, "again\n", 12);
    dead_close(d);
    assert_file("known\nagain\n");
}
END_TEST

START_TEST(a_file_shorter_than_its_durable_size_is_damage_and_stays_as_it_is)
{
    struct dead_file *d;
    struct error err;
    unit_assert_ok(dead_open(&d, dir, 0, &err), err);
    append(d, "known\n", 6);
    dead_close(d);
    unit_assert_error(dead_open(&d, dir, 7, &err), err, ERROR_DAMAGED, "6 bytes");
    assert_file("known\n");
}
END_TEST

START_TEST(a_missing_file_with_a_durable_size_is_damage)
{
    struct dead_file *d;
    struct error err;
    unit_assert_error(dead_open(&d, dir, 1, &err), err, ERROR_DAMAGED, DEAD_FILE);
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
    struct dead_file *d;
    struct error err;
    ck_assert_int_eq(symlinkat("/dev/null", dir, DEAD_FILE), 0);
    unit_assert_error(dead_open(&d, dir, 0, &err), err, ERROR_CONFIG, DEAD_FILE);
}
END_TEST

/* Append when files may not grow beyond LIMIT bytes: the write fails with EFBIG, as with a full disk. */
static bool append_within(struct dead_file *d, rlim_t limit, const char *lines, struct error *err)
{
    uint64_t size = 77;
    struct rlimit before, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = limit;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = dead_append(d, slice_of(lines), &size, err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert(ok || size == 77);
    return ok;
}

START_TEST(a_failure_is_told_again_at_each_later_call_and_its_bytes_are_cut)
{
    struct dead_file *d;
    struct error err;
    uint64_t size;
    unit_assert_ok(dead_open(&d, dir, 0, &err), err);
    append(d, "known\n", 6);
    unit_assert_error(append_within(d, 8, "torn\n", &err), err, ERROR_DISK, DEAD_FILE);
    assert_file("known\nto");
    unit_assert_error(dead_append(d, slice_of("later\n"), &size, &err), err, ERROR_DISK, DEAD_FILE);
    assert_file("known\nto");
    dead_close(d);
    unit_assert_ok(dead_open(&d, dir, 6, &err), err);
    assert_file("known\n");
    dead_close(d);
}
END_TEST

static const struct {
    const char *action;
    const char *source;
    const char *error;
    const char *expected; // behind the time
} letters[] = {
    {"{\"index\":{\"_id\":\"42\"}}", "{\"a\":1.10,\"big\":123456789012345678901234567890}",
     "{\"type\":\"t\",\"reason\":\"r\",\"caused_by\":{\"type\":\"c\"}}",
     "\"id\":\"42\",\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"r\",\"caused_by\":{"
     "\"type\":\"c\"}},\"action\":{\"index\":{\"_id\":\"42\"}},\"source\":{\"a\":1.10,\"big\":"
     "123456789012345678901234567890}}\n"},
    {"{\"delete\":{\"_index\":\"i\",\"_id\":\"a\\\"\\u00e9\"}}", "", "\"Old[style]\"",
     "\"id\":\"a\\\"\\u00e9\",\"status\":400,\"error\":{\"reason\":\"Old[style]\"},\"action\":{"
     "\"delete\":{\"_index\":\"i\",\"_id\":\"a\\\"\\u00e9\"}}}\n"},
    {"{\"index\":{}}", "{}", "",
     "\"id\":null,\"status\":400,\"error\":{\"reason\":\"no error was given\"},\"action\":{"
     "\"index\":{}},\"source\":{}}\n"},
    {"{\"index\":{\"_id\":\"1\"}}", "{}", "not \"JSON\"\n",
     "\"id\":\"1\",\"status\":400,\"error\":{\"reason\":\"not \\\"JSON\\\"\\n\"},\"action\":{"
     "\"index\":{\"_id\":\"1\"}},\"source\":{}}\n"},
    {"{\"index\":{\"_id\":\"1\"}}", "{}", "[1]",
     "\"id\":\"1\",\"status\":400,\"error\":{\"reason\":\"[1]\"},\"action\":{\"index\":{\"_id\":"
     "\"1\"}},\"source\":{}}\n"},
    {"{\"index\":{\"_id\":\"1\"}}", "{}", "{\n \"type\" : \"t\"\r\n}",
     "\"id\":\"1\",\"status\":400,\"error\":{  \"type\" : \"t\"  },\"action\":{\"index\":{\"_id\":"
     "\"1\"}},\"source\":{}}\n"},
    {"{\"index\":", "{\"a\":", "{}",
     "\"id\":null,\"status\":400,\"error\":{},\"action\":\"{\\\"index\\\":\",\"source\":\"{"
     "\\\"a\\\":\"}\n"},
    {"{\"index\":{\"_id\":\"1\"}}", "{\"a\":\"\xFF\xC3\xA9\xE2\x82\"}", "\"\xED\xA0\x80\"",
     "\"id\":\"1\",\"status\":400,\"error\":{\"reason\":\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"},"
     "\"action\":{\"index\":{\"_id\":\"1\"}},\"source\":{\"a\":\"\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD"
     "\xEF\xBF\xBD\"}}\n"},
    {"null", "{}", "{}",
     "\"id\":null,\"status\":400,\"error\":{},\"action\":null,\"source\":{}}\n"},
};

START_TEST(a_letter_is_one_line_of_json_that_keeps_every_digit)
{
    struct buffer out;
    struct error err;
    buffer_init(&out, 10000);
    dead_format(&out, slice_of(letters[_i].action), slice_of(letters[_i].source), 400,
                slice_of(letters[_i].error));
    unit_assert_ok(buffer_check(&out, "a letter", &err), err);
    const char *text = buffer_string(&out);
    const size_t time_size = strlen("{\"time\":\"2026-01-02T03:04:05.678Z\",");
    ck_assert_int_eq(strncmp(text, "{\"time\":\"20", 11), 0);
    ck_assert_str_eq(text + time_size, letters[_i].expected);
    json_t *json = json_loadb(text, out.size, JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_ptr_nonnull(json_object_get(json, "time"));
    json_decref(json);
    buffer_free(&out);
}
END_TEST

/* Cut and damaged in every way, what goes in comes out as one line of JSON in UTF-8. */
START_TEST(whatever_the_bytes_a_letter_is_one_line_of_json)
{
    static const char letters_used[] = "{}[]\",:\\n1 \n\r\xC3\xA9\xF0\x9F\x98\x80\xFF\x01u";
    uint64_t random = 3;
    struct buffer out;
    buffer_init(&out, 100000);
    for (int round = 0; round < 20000; round++) {
        char bytes[3][24];
        struct slice text[3];
        for (size_t i = 0; i < 3; i++) {
            text[i] = (struct slice){bytes[i], unit_random(&random) % sizeof bytes[i]};
            for (size_t j = 0; j < text[i].size; j++)
                bytes[i][j] = letters_used[unit_random(&random) % (sizeof letters_used - 1)];
        }
        buffer_clear(&out);
        dead_format(&out, text[0], text[1], 400, text[2]);
        ck_assert(!out.has_failed);
        ck_assert_ptr_eq(memchr(out.data, '\n', out.size), out.data + out.size - 1);
        json_t *json = json_loadb(out.data, out.size, 0, NULL);
        ck_assert_msg(json != NULL, "%.*s", (int)out.size, out.data);
        json_decref(json);
    }
    buffer_free(&out);
}
END_TEST

START_TEST(a_document_in_a_failure_store_says_so)
{
    struct buffer out;
    buffer_init(&out, 1000);
    dead_format(&out, slice_of("{\"create\":{\"_id\":\"1\"}}"), slice_of("{}"), 201, slice_of(""));
    ck_assert_ptr_nonnull(strstr(buffer_string(&out), "failure store"));
    buffer_free(&out);
}
END_TEST

START_TEST(a_letter_that_does_not_fit_fails_the_buffer)
{
    struct buffer out;
    struct error err;
    for (size_t maximum = 0; maximum < 100; maximum++) {
        buffer_init(&out, maximum);
        dead_format(&out, slice_of("{\"index\":{\"_id\":\"1\"}}"), slice_of("{}"), 400,
                    slice_of("{\"type\":\"t\"}"));
        ck_assert(!buffer_check(&out, "a letter", &err));
        buffer_free(&out);
    }
}
END_TEST

UNIT_MAIN_WITH("sink/dead", set_up, tear_down,
               UNIT_TEST(letters_are_appended_and_their_end_is_told),
               UNIT_TEST(what_lies_behind_the_durable_end_is_cut),
               UNIT_TEST(a_file_shorter_than_its_durable_size_is_damage_and_stays_as_it_is),
               UNIT_TEST(a_missing_file_with_a_durable_size_is_damage),
               UNIT_TEST(a_symbolic_link_is_not_followed),
               UNIT_TEST(a_failure_is_told_again_at_each_later_call_and_its_bytes_are_cut),
               UNIT_EACH(a_letter_is_one_line_of_json_that_keeps_every_digit, letters),
               UNIT_TEST(whatever_the_bytes_a_letter_is_one_line_of_json),
               UNIT_TEST(a_document_in_a_failure_store_says_so),
               UNIT_TEST(a_letter_that_does_not_fit_fails_the_buffer))
