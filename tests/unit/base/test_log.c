/* test_log.c: one line for each message, as people and programs want it, and no password in it. */
#include "base/log.h"

#include <sys/stat.h>

#include <jansson.h>

#include "unit.h"

static FILE *lines; // what went to standard error
static int standard_error;

static void setup(void)
{
    lines = tmpfile();
    ck_assert_ptr_nonnull(lines);
    standard_error = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(lines), STDERR_FILENO), 0);
    unsetenv("JOURNAL_STREAM");
    log_configure(LOG_TEXT, LOG_INFO);
}

static void teardown(void)
{
    log_set_display(NULL, NULL);
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    fclose(lines);
}

/* All that was logged so far; the caller's until the next call. */
static const char *logged(void)
{
    static char text[20000];
    ssize_t size = pread(fileno(lines), text, sizeof text - 1, 0);
    ck_assert_int_ge(size, 0);
    text[size] = '\0';
    return text;
}

/* Behind the time of the only line. */
static const char *message(void)
{
    const char *text = logged();
    ck_assert_uint_gt(strlen(text), 25);
    ck_assert_msg(text[10] == 'T' && text[23] == 'Z' && text[24] == ' ', "%s", text);
    return text + 25;
}

START_TEST(a_message_is_a_line_with_its_time)
{
    log_message(LOG_INFO, "%d rows", 7);
    ck_assert_str_eq(message(), "7 rows\n");
}
END_TEST

static const struct {
    enum log_level level;
    const char *line;
} levels[] = {
    {LOG_ERROR, "error: x\n"},
    {LOG_WARNING, "warning: x\n"},
    {LOG_INFO, "x\n"},
    {LOG_DEBUG, "debug: x\n"},
};

START_TEST(what_is_no_information_says_what_it_is)
{
    log_configure(LOG_TEXT, LOG_DEBUG);
    log_message(levels[_i].level, "x");
    ck_assert_str_eq(message(), levels[_i].line);
}
END_TEST

START_TEST(less_important_messages_are_left_out)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        log_configure(LOG_TEXT, levels[i].level);
        for (size_t k = i + 1; k < COUNT_OF(levels); k++)
            log_message(levels[k].level, "x");
    }
    ck_assert_str_eq(logged(), "");
}
END_TEST

START_TEST(control_characters_cannot_make_lines_or_steer_a_terminal)
{
    log_message(LOG_INFO, "a\nb\r\tc\x1b[2Jd\x7f");
    ck_assert_str_eq(message(), "a b  c [2Jd \n");
}
END_TEST

static const struct {
    const char *given, *logged;
} messages[] = {
    {"plain", "plain"},
    {"\"quoted\" \\ back", "\"quoted\" \\ back"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"cut \xc3", "cut ?"},
    {"\xff\xfe", "??"},
};

START_TEST(a_json_line_is_json_whatever_the_message_is)
{
    log_configure(LOG_JSON, LOG_INFO);
    log_message(LOG_WARNING, "%s", messages[_i].given);
    json_t *line = json_loads(logged(), 0, NULL);
    ck_assert(json_is_object(line));
    ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "warning");
    ck_assert_ptr_nonnull(json_string_value(json_object_get(line, "time")));
    const char *text = json_string_value(json_object_get(line, "message"));
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, messages[_i].logged);
    json_decref(line);
}
END_TEST

START_TEST(a_message_that_is_too_long_is_still_one_line)
{
    char text[10001];
    memset(text, 'x', sizeof text);
    text[10000] = '\0';
    log_message(LOG_INFO, "%s", text);
    size_t size = strlen(logged());
    ck_assert_uint_gt(size, 4000);
    ck_assert_ptr_eq(strchr(logged(), '\n'), logged() + size - 1);
}
END_TEST

START_TEST(the_journal_gets_a_priority_and_no_time)
{
    struct stat st;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_message(LOG_WARNING, "x");
    ck_assert_str_eq(logged(), "<4>bobbin: x\n");
}
END_TEST

START_TEST(a_journal_that_is_somewhere_else_does_not_count)
{
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_message(LOG_INFO, "x");
    ck_assert_str_eq(message(), "x\n");
}
END_TEST

static void hide(void)
{
    fprintf(stderr, "(hide)");
}

static void show(void)
{
    fprintf(stderr, "(show)");
}

START_TEST(a_display_steps_aside_for_a_line)
{
    log_set_display(hide, show);
    log_message(LOG_INFO, "x");
    const char *text = logged();
    ck_assert_msg(strncmp(text, "(hide)", 6) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, " x\n(show)"));
}
END_TEST

static const struct {
    const char *text;
    const char *redacted;
} secrets[] = {
    {"", ""},
    {"no secret here", "no secret here"},
    {"postgresql://me:secret@host/db", "postgresql://me:***@host/db"},
    {"https://me:se:cr@et@host:9200/a", "https://me:***@host:9200/a"},
    {"https://host:9200/a@b", "https://host:9200/a@b"},
    {"https://me@host:9200", "https://me@host:9200"},
    {"https://a:s1@h and https://b:s2@h", "https://a:***@h and https://b:***@h"},
    {"postgresql://h/db?user=me&password=secret&sslmode=require",
     "postgresql://h/db?user=me&password=***&sslmode=require"},
    {"postgresql://me:one@h/db?password=two", "postgresql://me:***@h/db?password=***"},
    {"host=h password=secret user=me", "host=h password=*** user=me"},
    {"host=h password=a&b#c user=me", "host=h password=*** user=me"},
    {"password = 'two words' user=me", "password = *** user=me"},
    {"password='it\\'s' user=me", "password=*** user=me"},
    {"password=two\\ words user=me", "password=*** user=me"},
    {"password='never closed", "password=***"},
    {"PASSWORD=secret\tuser=me", "PASSWORD=***\tuser=me"},
    {"sslpassword=secret", "sslpassword=***"},
    {"password=", "password=***"},
    {"password\\", "password\\"},
    {"password=a\\", "password=***"},
    {"the password is wrong", "the password is wrong"},
    {"see https://h/ then password=a&b", "see https://h/ then password=***"},
};

START_TEST(passwords_do_not_get_through)
{
    struct buffer out;
    buffer_init(&out, 1000);
    log_redact(&out, secrets[_i].text);
    ck_assert_int_eq(log_has_secret(secrets[_i].text),
                     strcmp(secrets[_i].text, buffer_string(&out)) != 0);
    ck_assert_str_eq(buffer_string(&out), secrets[_i].redacted);
    buffer_free(&out);
}
END_TEST

UNIT_MAIN_WITH("base/log", setup, teardown, UNIT_TEST(a_message_is_a_line_with_its_time),
               UNIT_EACH(what_is_no_information_says_what_it_is, levels),
               UNIT_TEST(less_important_messages_are_left_out),
               UNIT_TEST(control_characters_cannot_make_lines_or_steer_a_terminal),
               UNIT_EACH(a_json_line_is_json_whatever_the_message_is, messages),
               UNIT_TEST(a_message_that_is_too_long_is_still_one_line),
               UNIT_TEST(the_journal_gets_a_priority_and_no_time),
               UNIT_TEST(a_journal_that_is_somewhere_else_does_not_count),
               UNIT_TEST(a_display_steps_aside_for_a_line),
               UNIT_EACH(passwords_do_not_get_through, secrets))
