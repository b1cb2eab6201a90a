/* test_options_refused.c: secrets where others can see them, and what is wrong in each source. */
#include "cli/options.h"

#include <sys/stat.h>

#include "optioned.h"

/* --- secrets --- */

static const char *const secret_lines[] = {
    "run --password hunter2", "run --password=hunter2",       "run --api-key hunter2",
    "run --bearer=hunter2",   "run --table image --bearer x", "run --passw hunter2",
};

START_TEST(a_secret_on_the_command_line_is_refused_and_not_repeated)
{
    ck_assert(!read_line(COMMAND_RUN, secret_lines[_i]));
    ck_assert_int_eq(err.kind, ERROR_USAGE);
    ck_assert_ptr_null(strstr(err.message, "hunter2"));
    if (_i < 5)
        ck_assert_ptr_nonnull(strstr(err.message, "-file FILE"));
}
END_TEST

static const struct {
    const char *content, *secret;
} secret_files[] = {
    {"hunter2", "hunter2"}, {"hunter2\n", "hunter2"},     {"hunter2\r\n\n", "hunter2"},
    {"a b\nc\n", "a b\nc"}, {" hunter2 \n", " hunter2 "}, {"", ""},
};

START_TEST(a_secret_comes_from_a_file_without_the_newline_at_its_end)
{
    char line[4200];
    put_file(config, secret_files[_i].content);
    assert_read(COMMAND_RUN, "run --password-file @");
    ck_assert_str_eq(options.job.password, secret_files[_i].secret);
    setenv("BOBBIN_API_KEY_FILE", config, 1);
    assert_read(COMMAND_RUN, "run");
    ck_assert_str_eq(options.job.api_key, secret_files[_i].secret);
    unsetenv("BOBBIN_API_KEY_FILE");
    char other[4200];
    snprintf(other, sizeof other, "%s.other", config);
    snprintf(line, sizeof line, "bearer-file = %s\n", config);
    put_file(other, line);
    setenv("BOBBIN_CONFIG", other, 1);
    assert_read(COMMAND_RUN, "run");
    ck_assert_str_eq(options.job.bearer, secret_files[_i].secret);
}
END_TEST

START_TEST(a_secrets_file_that_cannot_be_read_is_named_with_its_option)
{
    unit_assert_error(read_line(COMMAND_RUN, "run --password-file /nonexistent"), err, ERROR_CONFIG,
                      "--password-file: file /nonexistent can't be read");
    setenv("BOBBIN_BEARER_FILE", "/nonexistent", 1);
    unit_assert_error(read_line(COMMAND_RUN, "run"), err, ERROR_CONFIG, "bearer-file");
}
END_TEST

START_TEST(a_secret_inside_an_argument_is_refused_and_elsewhere_taken)
{
    static const char dsn[] = "postgresql://u:hunter2@db/images";
    unit_assert_error(read_line(COMMAND_RUN, "run --dsn postgresql://u:hunter2@db/images"), err,
                      ERROR_USAGE, "PGPASSWORD");
    ck_assert_ptr_null(strstr(err.message, "hunter2"));
    setenv("BOBBIN_DSN", dsn, 1);
    assert_read(COMMAND_RUN, "run");
    ck_assert_str_eq(options.job.dsn, dsn);
    unsetenv("BOBBIN_DSN");
    put_file(config, "dsn = postgresql://u:hunter2@db/images\n");
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_str_eq(options.job.dsn, dsn);
}
END_TEST

static const struct {
    mode_t mode;
    bool is_exposed;
} file_modes[] = {{0600, false}, {0640, false}, {0644, true}, {0604, true}};

START_TEST(a_file_with_a_secret_that_everybody_can_read_is_noted)
{
    put_file(config, "hunter2\n");
    ck_assert_int_eq(chmod(config, file_modes[_i].mode), 0);
    assert_read(COMMAND_RUN, "run --password-file @");
    ck_assert_int_eq(options.exposed_file != NULL, file_modes[_i].is_exposed);
    put_file(config, "password = hunter2\n");
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_int_eq(options.exposed_file != NULL, file_modes[_i].is_exposed);
    put_file(config, "user = me\n");
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_ptr_null(options.exposed_file);
}
END_TEST

/* --- refusals --- */

static const struct {
    enum command command;
    const char *line;
    const char *text;
} refusals[] = {
    {COMMAND_RUN, "run --nosuch", "there is no option \"--nosuch\""},
    {COMMAND_RUN, "run --nosuch=value", "there is no option \"--nosuch\""},
    {COMMAND_RUN, "run --in 5", "there is no option \"--in\""}, // index, in-flight, insecure
    {COMMAND_RUN, "run -x", "there is no option \"-x\""},
    {COMMAND_RUN, "run --table", "--table needs a value"},
    {COMMAND_RUN, "run --keep=yes", "--keep takes no value"},
    {COMMAND_RUN, "run image", "unexpected argument \"image\""},
    {COMMAND_RUN, "run --jobs many", "--jobs: \"many\" is not a whole number"},
    {COMMAND_RUN, "run --jobs -1", "--jobs: \"-1\" is not a whole number"},
    {COMMAND_RUN, "run --spool-max lots", "--spool-max: \"lots\" is not a size such as 64M"},
    {COMMAND_RUN, "run --give-up-after never", "--give-up-after: \"never\" is not a time"},
    {COMMAND_RUN, "run --snapshot all", "--snapshot: \"all\" is not window|dump"},
    {COMMAND_RUN, "run --jobs x --in-flight y", "--jobs"}, // the first one
    {COMMAND_REPLAY, "replay --table image", "--table does not belong to this command"},
    {COMMAND_DUMP, "dump --url http://a", "--url does not belong to this command"},
    {COMMAND_STATUS, "status one two", "unexpected argument \"two\""},
    {COMMAND_DEAD_SHOW, "show one 2 three", "unexpected argument \"three\""},
    {COMMAND_DEAD_RETRY, "retry one two", "unexpected argument \"two\""},
    {COMMAND_DEAD_DROP, "drop s --url http://a", "--url does not belong"},
    {COMMAND_STATUS, "status --frame 1", "--frame does not belong"},
    {COMMAND_VERIFY, "verify --watch", "--watch does not belong"},
    {COMMAND_STATUS, "status --rebuild", "--rebuild does not belong"},
    {COMMAND_VERIFY, "verify --create-index f", "--create-index does not belong"},
    {COMMAND_VERIFY, "verify --again", "--again does not belong"},
    {COMMAND_RUN, "run --deep", "--deep does not belong"},
};

START_TEST(what_is_wrong_on_the_command_line_is_named)
{
    unit_assert_error(read_line(refusals[_i].command, refusals[_i].line), err, ERROR_USAGE,
                      refusals[_i].text);
}
END_TEST

static const struct {
    const char *content;
    enum error_kind kind;
    const char *text;
} bad_files[] = {
    {"nosuch = 1\n", ERROR_CONFIG, ": there is no option \"nosuch\""},
    {"keyy = x\nnosuch = 1\n", ERROR_CONFIG, "\"keyy\""},
    {"jobs = many\n", ERROR_USAGE, "jobs: \"many\" is not a whole number"},
    {"jobs = many\nnosuch = 1\n", ERROR_USAGE, "jobs"}, // the first error wins
    {"keep = perhaps\n", ERROR_USAGE, "keep: \"perhaps\" is not yes or no"},
    {"no pair\n", ERROR_CONFIG, "line 1"},
};

START_TEST(what_is_wrong_in_the_config_file_is_named_with_it)
{
    put_file(config, bad_files[_i].content);
    unit_assert_error(read_line(COMMAND_RUN, "run --config @"), err, bad_files[_i].kind,
                      bad_files[_i].text);
    ck_assert_ptr_nonnull(strstr(err.message, config));
    ck_assert_ptr_null(strstr(err.message, ": :"));
}
END_TEST

START_TEST(an_absent_config_file_is_an_error)
{
    unit_assert_error(read_line(COMMAND_RUN, "run --config @"), err, ERROR_CONFIG, config);
}
END_TEST

START_TEST(what_is_wrong_in_the_environment_is_named)
{
    setenv("BOBBIN_IN_FLIGHT", "some", 1);
    unit_assert_error(read_line(COMMAND_RUN, "run"), err, ERROR_USAGE,
                      "BOBBIN_* variable for --in-flight: \"some\" is not a whole number");
    assert_read(COMMAND_DUMP, "dump"); // which doesn't look at it
}
END_TEST

UNIT_MAIN_WITH("cli/options_refused", set_up, tear_down,
               UNIT_EACH(a_secret_on_the_command_line_is_refused_and_not_repeated, secret_lines),
               UNIT_EACH(a_secret_comes_from_a_file_without_the_newline_at_its_end, secret_files),
               UNIT_TEST(a_secrets_file_that_cannot_be_read_is_named_with_its_option),
               UNIT_TEST(a_secret_inside_an_argument_is_refused_and_elsewhere_taken),
               UNIT_EACH(a_file_with_a_secret_that_everybody_can_read_is_noted, file_modes),
               UNIT_EACH(what_is_wrong_on_the_command_line_is_named, refusals),
               UNIT_EACH(what_is_wrong_in_the_config_file_is_named_with_it, bad_files),
               UNIT_TEST(an_absent_config_file_is_an_error),
               UNIT_TEST(what_is_wrong_in_the_environment_is_named))
