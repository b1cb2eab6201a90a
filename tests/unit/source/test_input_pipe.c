/* test_input_pipe.c: pipes and standard input give lines as they are written, and go forward only. */
#include "source/input.h"

#include <signal.h>
#include <sys/time.h>

#include "base/stop.h"
#include "opened.h"

static const enum unpack_kind kinds[] = {UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD};

static int writer; // the other end of a pipe

static void open_standard_input(int fd)
{
    ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    opened_open("-");
    ck_assert_str_eq(input_name(opened), "standard input");
}

/* A pipe as standard input, in which the bytes are already. */
static void open_pipe(void)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    writer = fds[1];
    opened_write(writer);
    open_standard_input(fds[0]);
    ck_assert(!input_is_file(opened));
}

static void pack(enum unpack_kind kind, const char *text)
{
    buffer_clear(&opened_bytes);
    packed_add(&opened_bytes, kind, slice_of(text));
}

static void open_pipe_with(enum unpack_kind kind, const char *text)
{
    pack(kind, text);
    open_pipe();
    ck_assert_int_eq(input_kind(opened), kind);
}

static void write_pipe(enum unpack_kind kind, const char *text)
{
    pack(kind, text);
    opened_write(writer);
}

START_TEST(a_pipe_gives_lines_as_they_are_written)
{
    enum unpack_kind kind = kinds[_i];
    open_pipe_with(kind, "one\ntwo\nthr");
    opened_require_line("one\n", 0);
    opened_require_line("two\n", 4);
    opened_require(INPUT_IDLE);
    write_pipe(kind, "e");
    opened_require(INPUT_IDLE);
    write_pipe(kind, "e\n");
    opened_require_line("three\n", 8);
    opened_require(INPUT_IDLE);
    ck_assert_uint_eq(input_estimate_lines(opened), 0);
    write_pipe(kind, "\nlast");
    opened_require_line("\n", 14);
    opened_require(INPUT_IDLE);
    close(writer);
    opened_require_line("last", 15);
    opened_require(INPUT_END);
}
END_TEST

START_TEST(a_pipe_can_be_sought_only_in_what_is_held)
{
    enum unpack_kind kind = kinds[_i];
    open_pipe_with(kind, "one\ntwo\nthree\n");
    for (int i = 0; i < 2; i++) {
        opened_require_line("one\n", 0);
        opened_require_line("two\n", 4);
        opened_seek(0);
    }
    opened_seek(8);
    opened_require_line("three\n", 8);
    write_pipe(kind, "four\n");
    opened_require_line("four\n", 14);
    opened_seek(14);
    opened_require_line("four\n", 14);
    unit_assert_error(input_seek(opened, 8, &opened_err), opened_err, ERROR_BUG,
                      "can't be read again");
    write_pipe(kind, "five\nsix\n");
    opened_seek(24);
    opened_require_line("six\n", 24);
    close(writer);
    unit_assert_error(input_seek(opened, 29, &opened_err), opened_err, ERROR_INPUT,
                      "ends before byte 29");
}
END_TEST

START_TEST(a_named_pipe_is_read_as_any_other)
{
    ck_assert_int_eq(mkfifo(opened_path, 0600), 0);
    writer = open(opened_path, O_RDWR); // so that nobody waits for the other
    write_pipe(UNPACK_PLAIN, "one\n");
    opened_open(opened_path);
    ck_assert(!input_is_file(opened));
    opened_require_line("one\n", 0);
    opened_require(INPUT_IDLE);
    write_pipe(UNPACK_PLAIN, "two\n");
    close(writer);
    opened_require_line("two\n", 4);
    opened_require(INPUT_END);
}
END_TEST

START_TEST(a_pipe_that_is_closed_unwritten_has_no_lines)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    close(fds[1]);
    open_standard_input(fds[0]);
    opened_require(INPUT_END);
}
END_TEST

/* zstd decodes a block as a whole: when the room that it is given ends within one, lines stay behind in it. */
START_TEST(lines_come_though_the_unpacker_has_taken_all_bytes)
{
    struct buffer text;
    ZSTD_CCtx *c = ZSTD_createCCtx();
    buffer_init(&text, 2 * OPENED_CHUNK_BYTES);
    while (text.size < OPENED_CHUNK_BYTES + 40000)
        buffer_append_string(&text, "a line that can be packed very well\n");
    struct slice first = {text.data, 200000};
    struct slice second = {text.data + first.size, text.size - first.size};
    packed_add_to_frame(c, &opened_bytes, first, ZSTD_e_flush);
    packed_add_to_frame(c, &opened_bytes, second, ZSTD_e_flush);
    open_pipe();
    opened_require_lines(buffer_slice(&text), 0, SIZE_MAX);
    opened_require(INPUT_IDLE);
    ZSTD_freeCCtx(c);
    buffer_free(&text);
}
END_TEST

/* --- standard input that is a file --- */

START_TEST(standard_input_begins_where_it_stands)
{
    char before[sizeof "before\n" - 1];
    buffer_append_string(&opened_bytes, "before\n");
    packed_add(&opened_bytes, kinds[_i], slice_of("one\ntwo\n"));
    opened_write_file(O_TRUNC);
    int fd = open(opened_path, O_RDONLY);
    ck_assert_int_eq(read(fd, before, sizeof before), sizeof before);
    open_standard_input(fd);
    ck_assert_int_eq(input_kind(opened), kinds[_i]);
    ck_assert(input_is_file(opened));
    for (int round = 0; round < 2; round++) {
        opened_require_line("one\n", 0);
        opened_require_line("two\n", 4);
        opened_require(INPUT_END);
        ck_assert_uint_eq(input_estimate_lines(opened), 2);
        opened_seek(4);
        opened_require_line("two\n", 4);
        opened_seek(0);
    }
    unit_assert_error(input_seek(opened, 9, &opened_err), opened_err, ERROR_INPUT,
                      "standard input ends before byte 9");
}
END_TEST

START_TEST(standard_input_is_left_open)
{
    open_pipe_with(UNPACK_PLAIN, "one\n");
    opened_close();
    ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), 0);
}
END_TEST

START_TEST(standard_input_that_is_closed_is_told)
{
    close(STDIN_FILENO);
    unit_assert_error(input_open(&opened, "-", &opened_err), opened_err, ERROR_DISK,
                      "standard input can't be read");
}
END_TEST

/* --- waiting --- */

static void (*on_alarm)(void);
static volatile sig_atomic_t alarms;

static void take_alarm(int number)
{
    (void)number;
    alarms = alarms + 1;
    on_alarm();
}

/* Do WHAT in a signal handler again and again, whether it comes before or within the wait that follows. */
static void begin_alarms(void (*action)(void))
{
    static const struct itimerval often = {{.tv_usec = 10000}, {.tv_usec = 10000}};
    struct sigaction handler = {.sa_handler = take_alarm};
    on_alarm = action;
    ck_assert_int_eq(sigaction(SIGALRM, &handler, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void write_line_at_third_alarm(void)
{
    if (alarms == 3 && write(writer, "late line\n", 10) != 10)
        abort();
}

START_TEST(signals_that_ask_for_nothing_end_no_wait)
{
    open_pipe_with(UNPACK_PLAIN, "one\n");
    opened_require_line("one\n", 0);
    begin_alarms(write_line_at_third_alarm);
    unit_assert_ok(opened_read(-1), opened_err);
    ck_assert_int_eq(opened_what, INPUT_LINE);
    unit_assert_slice(opened_line, "late line\n");
}
END_TEST

START_TEST(a_stop_request_ends_the_wait_for_a_line)
{
    unit_assert_ok(stop_install(&opened_err), opened_err);
    open_pipe_with(UNPACK_PLAIN, "one\ntwo\n");
    opened_require_line("one\n", 0);
    opened_require_line("two\n", 4);
    begin_alarms(stop_request);
    unit_assert_error(opened_read(-1), opened_err, ERROR_STOPPED, "asked to stop");
    opened_seek(4); // the line that is held needs no wait
    opened_require_line("two\n", 4);
}
END_TEST

START_TEST(a_stop_request_ends_the_wait_for_the_first_bytes)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    unit_assert_ok(stop_install(&opened_err), opened_err);
    begin_alarms(stop_request);
    unit_assert_error(input_open(&opened, "-", &opened_err), opened_err, ERROR_STOPPED,
                      "asked to stop");
}
END_TEST

START_TEST(a_stop_request_ends_the_reading_of_a_file)
{
    unit_assert_ok(stop_install(&opened_err), opened_err);
    buffer_append_string(&opened_bytes, "one\n");
    opened_write_file(O_TRUNC);
    opened_open(opened_path);
    stop_request();
    opened_require_line("one\n", 0);
    unit_assert_error(opened_read(-1), opened_err, ERROR_STOPPED, "asked to stop");
}
END_TEST

UNIT_MAIN_WITH("source/input_pipe", opened_begin, opened_end,
               UNIT_OWN_PROCESS(a_pipe_gives_lines_as_they_are_written, COUNT_OF(kinds)),
               UNIT_OWN_PROCESS(a_pipe_can_be_sought_only_in_what_is_held, COUNT_OF(kinds)),
               UNIT_TEST(a_named_pipe_is_read_as_any_other),
               UNIT_OWN_PROCESS(a_pipe_that_is_closed_unwritten_has_no_lines, 1),
               UNIT_OWN_PROCESS(lines_come_though_the_unpacker_has_taken_all_bytes, 1),
               UNIT_OWN_PROCESS(standard_input_begins_where_it_stands, COUNT_OF(kinds)),
               UNIT_OWN_PROCESS(standard_input_is_left_open, 1),
               UNIT_OWN_PROCESS(standard_input_that_is_closed_is_told, 1),
               UNIT_OWN_PROCESS(signals_that_ask_for_nothing_end_no_wait, 1),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_wait_for_a_line, 1),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_wait_for_the_first_bytes, 1),
               UNIT_OWN_PROCESS(a_stop_request_ends_the_reading_of_a_file, 1))
