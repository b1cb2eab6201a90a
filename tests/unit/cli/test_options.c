/* test_options.c: where an option's value comes from, and what is refused on the way. */
#include "cli/options.h"

#include "encode/action.h"
#include "optioned.h"

START_TEST(without_any_source_defaults_hold)
{
    assert_read(COMMAND_RUN, "run");
    const struct job_options *o = &options.job;
    ck_assert_str_eq(o->key, "id");
    ck_assert_ptr_null(o->table);
    ck_assert_ptr_null(o->spool);
    ck_assert_ptr_null(o->urls[0]);
    ck_assert_uint_eq(o->jobs, 1);
    ck_assert_uint_eq(o->window_rows, 50000);
    ck_assert_int_eq(o->statement_timeout_ms, 30 * 60 * 1000);
    ck_assert_int_eq(o->snapshot, JOB_SNAPSHOT_WINDOW);
    ck_assert_int_eq(o->op, BULK_INDEX);
    ck_assert_uint_eq(o->spool_max, 4ull << 30);
    ck_assert_uint_eq(o->segment_bytes, 64 << 20);
    ck_assert_uint_eq(o->frame_bytes, 4 << 20);
    ck_assert_uint_eq(o->level, 1);
    ck_assert_uint_eq(o->in_flight, 8);
    ck_assert_int_eq(o->give_up_after_ms, 600000);
    ck_assert_uint_eq(o->max_dead, 10000);
    ck_assert(!o->keep && !o->insecure && !o->dry_run && !o->again && !options.json);
}
END_TEST

START_TEST(every_default_is_good_for_every_command)
{
    unit_assert_ok(read_line((enum command)_i, "command"), err);
}
END_TEST

/* --- precedence --- */

static const struct {
    const char *file, *environment, *line;
    const char *key;
} sources[] = {
    {"", NULL, "run --config @", "id"},
    {"key = file\n", NULL, "run --config @", "file"},
    {"key = file\n", "environment", "run --config @", "environment"},
    {"key = file\n", "environment", "run --config @ --key argument", "argument"},
    {"key = file\n", "environment", "run --key argument --config @", "argument"},
    {"key = file\n", NULL, "run --config @ --key argument", "argument"},
    {"key = file\n", "", "run --config @", "file"}, // an empty variable is none
    {"key = one\nkey = two\n", NULL, "run --config @", "two"},
    {"", NULL, "run --key one --key two", "two"},
    {"", NULL, "run --key=equals", "equals"},
    {"", NULL, "run --key=", ""},
};

START_TEST(arguments_go_before_environment_before_file_before_default)
{
    put_file(config, sources[_i].file);
    if (sources[_i].environment != NULL)
        setenv("BOBBIN_KEY", sources[_i].environment, 1);
    assert_read(COMMAND_RUN, sources[_i].line);
    ck_assert_str_eq(options.job.key, sources[_i].key);
}
END_TEST

START_TEST(the_config_file_may_be_named_by_the_environment)
{
    char other[4200];
    snprintf(other, sizeof other, "%s.other", config);
    put_file(config, "key = one\n");
    put_file(other, "key = other\n");
    setenv("BOBBIN_CONFIG", other, 1);
    assert_read(COMMAND_RUN, "run");
    ck_assert_str_eq(options.job.key, "other");
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_str_eq(options.job.key, "one");
}
END_TEST

START_TEST(every_type_comes_from_every_source)
{
    put_file(config, "jobs = 4\nsnapshot = dump\nspool-max = 1G\ngive-up-after = 1h\nkeep = yes\n"
                     "table = image\npassword = from file\n");
    assert_read(COMMAND_RUN, "run --config @");
    const struct job_options *o = &options.job;
    ck_assert_uint_eq(o->jobs, 4);
    ck_assert_int_eq(o->snapshot, JOB_SNAPSHOT_DUMP);
    ck_assert_uint_eq(o->spool_max, 1 << 30);
    ck_assert_int_eq(o->give_up_after_ms, 3600000);
    ck_assert(o->keep);
    ck_assert_str_eq(o->table, "image");
    ck_assert_str_eq(o->password, "from file");
    setenv("BOBBIN_JOBS", "5", 1);
    setenv("BOBBIN_SNAPSHOT", "window", 1);
    setenv("BOBBIN_SPOOL_MAX", "2G", 1);
    setenv("BOBBIN_GIVE_UP_AFTER", "5s", 1);
    setenv("BOBBIN_KEEP", "no", 1);
    setenv("BOBBIN_PASSWORD", "from environment", 1);
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_uint_eq(o->jobs, 5);
    ck_assert_int_eq(o->snapshot, JOB_SNAPSHOT_WINDOW);
    ck_assert_uint_eq(o->spool_max, 2ull << 30);
    ck_assert_int_eq(o->give_up_after_ms, 5000);
    ck_assert(!o->keep);
    ck_assert_str_eq(o->password, "from environment");
    assert_read(COMMAND_RUN, "run --config @ --jobs 6 --snapshot dump --spool-max 3G "
                             "--give-up-after 6s --keep");
    ck_assert_uint_eq(o->jobs, 6);
    ck_assert_int_eq(o->snapshot, JOB_SNAPSHOT_DUMP);
    ck_assert_uint_eq(o->spool_max, 3ull << 30);
    ck_assert_int_eq(o->give_up_after_ms, 6000);
    ck_assert(o->keep);
}
END_TEST

/* --- lists --- */

static const struct {
    const char *file, *environment, *line;
    const char *urls; // with blanks between
} lists[] = {
    {"url = http://a\nurl = http://b\n", NULL, "replay --config @", "http://a http://b"},
    {"url = http://a, http://b\n", NULL, "replay --config @", "http://a http://b"},
    {"url = http://a\n", "http://b,http://c  http://d", "replay --config @",
     "http://b http://c http://d"},
    {"url = http://a\n", "http://b", "replay --config @ --url http://c --url http://d",
     "http://c http://d"},
    {"url = http://a\n", " , ", "replay --config @", "http://a"},
    {"", NULL, "replay --url http://a,b", "http://a,b"}, // repeatable there
};

START_TEST(a_list_grows_within_a_source_and_a_later_source_begins_it_anew)
{
    struct buffer urls;
    buffer_init(&urls, 1000);
    put_file(config, lists[_i].file);
    if (lists[_i].environment != NULL)
        setenv("BOBBIN_URL", lists[_i].environment, 1);
    assert_read(COMMAND_REPLAY, lists[_i].line);
    for (size_t i = 0; options.job.urls[i] != NULL; i++)
        buffer_append_format(&urls, "%s%s", i > 0 ? " " : "", options.job.urls[i]);
    unit_assert_slice(buffer_slice(&urls), lists[_i].urls);
    buffer_free(&urls);
}
END_TEST

START_TEST(a_header_is_one_though_it_has_commas_and_blanks)
{
    put_file(config, "header = X-One: a, b c\nheader = X-Two: d\n");
    assert_read(COMMAND_REPLAY, "replay --config @");
    ck_assert_str_eq(options.job.headers[0], "X-One: a, b c");
    ck_assert_str_eq(options.job.headers[1], "X-Two: d");
    ck_assert_ptr_null(options.job.headers[2]);
    setenv("BOBBIN_HEADER", "X-Three: e, f", 1);
    assert_read(COMMAND_REPLAY, "replay --config @");
    ck_assert_str_eq(options.job.headers[0], "X-Three: e, f");
    ck_assert_ptr_null(options.job.headers[1]);
}
END_TEST

START_TEST(a_list_has_a_bound)
{
    struct buffer urls;
    buffer_init(&urls, 10000);
    for (int i = 0; i < JOB_URLS_MAX; i++)
        buffer_append_format(&urls, "http://%d ", i);
    setenv("BOBBIN_URL", buffer_string(&urls), 1);
    assert_read(COMMAND_REPLAY, "replay");
    ck_assert_str_eq(options.job.urls[JOB_URLS_MAX - 1], "http://63");
    buffer_append_string(&urls, "http://more");
    setenv("BOBBIN_URL", buffer_string(&urls), 1);
    unit_assert_error(read_line(COMMAND_REPLAY, "replay"), err, ERROR_USAGE, "--url: more than 64");
    buffer_free(&urls);
}
END_TEST

/* --- the config file --- */

START_TEST(one_config_file_serves_all_commands)
{
    put_file(config, "table = image\nurl = http://a\nindex = i\nspool = /s\nframe = 7\n");
    assert_read(COMMAND_DUMP, "dump --config @");
    ck_assert_str_eq(options.job.table, "image");
    ck_assert_ptr_null(options.job.urls[0]);
    assert_read(COMMAND_REPLAY, "replay --config @");
    ck_assert_ptr_null(options.job.table);
    ck_assert_str_eq(options.job.urls[0], "http://a");
    assert_read(COMMAND_INSPECT, "inspect --config @");
    ck_assert_uint_eq(options.frame, 7);
    ck_assert_str_eq(options.job.spool, "/s");
}
END_TEST

START_TEST(a_config_line_may_be_longer_than_200_characters)
{
    struct buffer line;
    buffer_init(&line, 10000);
    buffer_append_string(&line, "dsn = host=db sslcert=/");
    for (int i = 0; i < 1000; i++)
        buffer_append_byte(&line, 'x');
    buffer_append_string(&line, " dbname=images\nkey = k\n");
    put_file(config, buffer_string(&line));
    assert_read(COMMAND_RUN, "run --config @");
    ck_assert_uint_eq(strlen(options.job.dsn), strlen("host=db sslcert=/ dbname=images") + 1000);
    ck_assert_str_eq(options.job.key, "k");
    buffer_free(&line);
}
END_TEST

/* --- operands and help --- */

START_TEST(a_looking_command_takes_the_spool_as_its_operand)
{
    static const enum command looking[] = {COMMAND_STATUS, COMMAND_VERIFY, COMMAND_INSPECT};
    setenv("BOBBIN_SPOOL", "/environment", 1);
    for (size_t i = 0; i < COUNT_OF(looking); i++) {
        assert_read(looking[i], "look /operand --json");
        ck_assert_str_eq(options.job.spool, "/operand");
        ck_assert(options.json);
        assert_read(looking[i], "look -- --odd");
        ck_assert_str_eq(options.job.spool, "--odd");
    }
    assert_read(COMMAND_STATUS, "status");
    ck_assert_str_eq(options.job.spool, "/environment");
}
END_TEST

static const char *const help_lines[] = {"run --help", "run -h", "run --table x --help",
                                         "run --config /nonexistent --help", "run --jobs x -h"};

START_TEST(help_is_given_whatever_else_is_wrong)
{
    assert_read(COMMAND_RUN, help_lines[_i]);
    ck_assert(options.wants_help);
}
END_TEST

START_TEST(help_lists_the_commands_options_with_their_defaults)
{
    struct buffer help;
    buffer_init(&help, 1 << 20);
    options_put_help(COMMAND_RUN, &help);
    const char *text = buffer_string(&help);
    ck_assert_ptr_nonnull(strstr(text, "  --key COLUMN"));
    ck_assert_ptr_nonnull(strstr(text, "(id)\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --password-file FILE"));
    ck_assert_ptr_null(strstr(text, "  --password "));
    ck_assert_ptr_nonnull(strstr(text, "  --keep "));
    ck_assert_ptr_null(strstr(text, "--json"));
    buffer_clear(&help);
    options_put_help(COMMAND_STATUS, &help);
    ck_assert_ptr_nonnull(strstr(buffer_string(&help), "  --json "));
    ck_assert_ptr_null(strstr(buffer_string(&help), "--table"));
    buffer_free(&help);
}
END_TEST

UNIT_MAIN_WITH("cli/options", set_up, tear_down, UNIT_TEST(without_any_source_defaults_hold),
               UNIT_LOOP(every_default_is_good_for_every_command, COMMANDS),
               UNIT_EACH(arguments_go_before_environment_before_file_before_default, sources),
               UNIT_TEST(the_config_file_may_be_named_by_the_environment),
               UNIT_TEST(every_type_comes_from_every_source),
               UNIT_EACH(a_list_grows_within_a_source_and_a_later_source_begins_it_anew, lists),
               UNIT_TEST(a_header_is_one_though_it_has_commas_and_blanks),
               UNIT_TEST(a_list_has_a_bound), UNIT_TEST(one_config_file_serves_all_commands),
               UNIT_TEST(a_config_line_may_be_longer_than_200_characters),
               UNIT_TEST(a_looking_command_takes_the_spool_as_its_operand),
               UNIT_EACH(help_is_given_whatever_else_is_wrong, help_lines),
               UNIT_TEST(help_lists_the_commands_options_with_their_defaults))
