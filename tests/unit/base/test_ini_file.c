/* test_ini_file.c: a config file's lines come one by one and whole, however long they are. */
#include "base/ini_file.h"

#include "unit.h"

static char *directory;
static char path[4096];
static struct error err;
static struct buffer seen; // "name=value;" or "section/name=value;" for each line

static void set_up(void)
{
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/bobbin.conf", directory);
    buffer_init(&seen, 1 << 20);
}

static void tear_down(void)
{
    buffer_free(&seen);
    unit_remove_directory(directory);
}

static void write_file(struct slice content)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content.data, 1, content.size, file), content.size);
    fclose(file);
}

static bool see(void *context, const char *section, const char *name, const char *value,
                struct error *e)
{
    if (section[0] != '\0')
        buffer_append_format(&seen, "%s/", section);
    ck_assert_ptr_eq(context, &seen);
    buffer_append_format(&seen, "%s=%s;", name, value);
    return strcmp(name, "bad") != 0 || error_set(e, ERROR_USAGE, "%s is bad", value);
}

static bool read_file(void)
{
    return ini_file_read(path, see, &seen, &err);
}

static const struct {
    const char *content, *lines;
} files[] = {
    {"", ""},
    {"a = 1\n", "a=1;"},
    {"a=1", "a=1;"},
    {"a = 1\nb = 2\na = 3\n", "a=1;b=2;a=3;"},
    {"x = 0\n[section]\na = 1\n[other]\nb = 2\n", "x=0;section/a=1;other/b=2;"},
    {"# comment\n; comment\n\n   \na = 1\n", "a=1;"},
    {"a = x ; why\nb = x;y\nc = x # no comment\n", "a=x;b=x;y;c=x # no comment;"},
    {"a =\n", "a=;"},
    {"a = host=db port=5432\n", "a=host=db port=5432;"},
    {"url = http://a:9200\n", "url=http://a:9200;"},
    {"a = 1\r\nb = 2\r\n", "a=1;b=2;"},
    {"[s]\n  a = 1\n  b = 2\n\tc = 3\n", "s/a=1;s/b=2;s/c=3;"}, // indented, not continued
    {"\xef\xbb\xbf"
     "a = 1\n",
     "a=1;"},
};

START_TEST(lines_are_names_and_values)
{
    write_file(slice_of(files[_i].content));
    unit_assert_ok(read_file(), err);
    unit_assert_slice(buffer_slice(&seen), files[_i].lines);
}
END_TEST

/* From well under inih's limit to far above it. */
static const size_t lengths[] = {1,   150, 190, 191, 192, 193, 194, 195, 196, 197,  198,
                                 199, 200, 201, 202, 203, 250, 399, 400, 401, 1000, 100000};

static const struct {
    const char *before, *behind;
} around[] = {{"a = ", "\n"}, {"  a=", " ; why = not\n"}, {"a\t=\t ", "\r\n"}, {"a = ", ""}};

START_TEST(a_value_may_be_of_any_length)
{
    for (size_t k = 0; k < COUNT_OF(around); k++) {
        struct buffer content, expected;
        buffer_init(&content, 1 << 20);
        buffer_init(&expected, 1 << 20);
        buffer_append_string(&content, "first = 1\n");
        buffer_append_string(&content, around[k].before);
        buffer_append_string(&expected, "first=1;a=");
        for (size_t i = 0; i < lengths[_i]; i++) {
            char c = "host=db user=x"[i % 14];
            buffer_append_byte(&content, i + 1 == lengths[_i] ? '.' : c);
            buffer_append_byte(&expected, i + 1 == lengths[_i] ? '.' : c);
        }
        buffer_append_string(&content, around[k].behind);
        buffer_append_string(&expected, ";");
        if (around[k].behind[0] != '\0') {
            buffer_append_string(&content, "last = 2\n");
            buffer_append_string(&expected, "last=2;");
        }
        buffer_clear(&seen);
        write_file(buffer_slice(&content));
        unit_assert_ok(read_file(), err);
        unit_assert_slice(buffer_slice(&seen), buffer_string(&expected));
        buffer_free(&content);
        buffer_free(&expected);
    }
}
END_TEST

START_TEST(a_comment_may_be_of_any_length)
{
    struct buffer content;
    buffer_init(&content, 1 << 20);
    buffer_append_string(&content, _i % 2 == 0 ? "#" : "  ; a = ");
    for (int i = 0; i < 100 * (1 + _i); i++)
        buffer_append_string(&content, "b = 2 ; ");
    buffer_append_string(&content, "\na = 1\n");
    write_file(buffer_slice(&content));
    unit_assert_ok(read_file(), err);
    unit_assert_slice(buffer_slice(&seen), "a=1;");
    buffer_free(&content);
}
END_TEST

static const struct {
    const char *content;
    size_t filler; // so many "x" behind
    const char *text;
} broken[] = {
    {"a = 1\nno pair\n", 0, "line 2 is no \"name = value\""},
    {"[section\n", 0, "line 1"},
    {"a = 1\n\n", 300, "line 3"},
    {"[", 300, "line 1"},
};

START_TEST(a_line_that_is_no_pair_is_named)
{
    struct buffer content;
    buffer_init(&content, 1000);
    buffer_append_string(&content, broken[_i].content);
    for (size_t i = 0; i < broken[_i].filler; i++)
        buffer_append_byte(&content, 'x');
    write_file(buffer_slice(&content));
    unit_assert_error(read_file(), err, ERROR_CONFIG, broken[_i].text);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    buffer_free(&content);
}
END_TEST

START_TEST(a_name_too_long_for_any_option_is_no_pair)
{
    struct buffer content;
    buffer_init(&content, 1000);
    for (int i = 0; i < 500; i++)
        buffer_append_byte(&content, 'n');
    buffer_append_string(&content, " = 1\n");
    write_file(buffer_slice(&content));
    unit_assert_error(read_file(), err, ERROR_CONFIG, "line 1");
    buffer_free(&content);
}
END_TEST

START_TEST(the_first_error_ends_it)
{
    write_file(slice_of("a = 1\nbad = x\nbad = y\nb = 2\nno pair\n"));
    unit_assert_error(read_file(), err, ERROR_USAGE, "x is bad");
    unit_assert_slice(buffer_slice(&seen), "a=1;bad=x;");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
    unit_assert_error(ini_file_read("/nonexistent/bobbin.conf", see, &seen, &err), err,
                      ERROR_CONFIG, "/nonexistent/bobbin.conf");
    unit_assert_error(ini_file_read(directory, see, &seen, &err), err, ERROR_CONFIG, directory);
}
END_TEST

UNIT_MAIN_WITH("base/ini_file", set_up, tear_down, UNIT_EACH(lines_are_names_and_values, files),
               UNIT_EACH(a_value_may_be_of_any_length, lengths),
               UNIT_LOOP(a_comment_may_be_of_any_length, 4),
               UNIT_EACH(a_line_that_is_no_pair_is_named, broken),
               UNIT_TEST(a_name_too_long_for_any_option_is_no_pair),
               UNIT_TEST(the_first_error_ends_it), UNIT_TEST(a_file_that_cannot_be_read_is_named))
