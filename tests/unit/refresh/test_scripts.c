/* test_scripts.c: a file and its record are one transaction; what is done is skipped, what changed refused. Real
 * transactions are for tests/integration/test_table_steps.py. */
#include "refresh/scripts.h"

#include "../source/canned_postgres.h"
#include "job/job.h"
#include "scripted.h"

enum { RULES = 7 };

#define LOCKED                                                                                     \
    {                                                                                              \
        .sql = "pg_try_advisory_xact_lock", .columns = "a", .rows = "t\n"                          \
    }
#define HAS_RECORDS                                                                                \
    {                                                                                              \
        .sql = "to_regclass", .columns = "a", .rows = "t\n"                                        \
    }
#define NOT_DONE                                                                                   \
    {                                                                                              \
        .sql = "SELECT hash", .columns = "a b"                                                     \
    }
#define SAME                                                                                       \
    {.sql = "txid_current() = 7", .columns = "a", .rows = "t\n"},                                  \
    {                                                                                              \
        .sql = "txid_current()", .columns = "a", .rows = "7\n"                                     \
    }
#define RECORDED                                                                                   \
    {                                                                                              \
        .sql = "INSERT INTO bobbin_steps"                                                          \
    }
#define SCRIPT                                                                                     \
    {                                                                                              \
        .sql = "UPDATE image"                                                                      \
    }

static const char *const variables[] = {"table=image", NULL};
static struct canned_postgres server;
static struct scripts scripts;
static struct error err;

static void start(const struct canned_rule *rules)
{
    size_t count = 0;
    while (count < RULES && rules[count].sql != NULL)
        count++;
    scripted_begin();
    scripted_make_step("before");
    scripted_put_text("before/10-a.sql", "UPDATE :table SET a = :'refresh'");
    server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&server, rules, count);
    scripts = (struct scripts){.dsn = server.dsn,
                               .directory = scripted_directory,
                               .refresh = "image-2",
                               .variables = variables};
}

static void end(void)
{
    canned_postgres_stop(&server);
    scripted_end();
}

/* Where in the statements of the server is SQL? */
static size_t place_of(const char *sql)
{
    for (size_t i = 0; i < server.statement_count; i++)
        if (strstr(server.statements[i], sql) != NULL)
            return i;
    ck_abort_msg("no statement has %s", sql);
}

START_TEST(a_file_and_its_record_are_one_transaction)
{
    static const struct canned_rule rules[RULES] = {RECORDED, LOCKED, HAS_RECORDS,
                                                    NOT_DONE, SAME,   SCRIPT};
    start(rules);
    unit_assert_ok(scripts_run(&scripts, "before", &err), err);
    size_t script = place_of("UPDATE image SET a = 'image-2'");
    ck_assert_uint_eq(place_of("VALUES ('image-2', 'before', '10-a.sql', '"), script + 3);
    ck_assert_str_eq(server.statements[script + 2], "RESET ALL");
    ck_assert_str_eq(server.statements[script + 4], "COMMIT");
    ck_assert_str_eq(server.statements[script - 5], "BEGIN");
    ck_assert_int_eq(canned_count_statements(&server, "CREATE TABLE"), 0);
    end();
}
END_TEST

START_TEST(the_records_table_is_made_when_it_is_missing)
{
    static const struct canned_rule rules[RULES] = {
        {.sql = "to_regclass", .columns = "a", .rows = "f\n"},
        {.sql = "CREATE TABLE bobbin_steps"},
        RECORDED,
        LOCKED,
        NOT_DONE,
        {.sql = "txid_current()", .columns = "a", .rows = "t\n"},
        SCRIPT};
    start(rules);
    unit_assert_ok(scripts_run(&scripts, "before", &err), err);
    ck_assert_str_eq(server.statements[place_of("CREATE TABLE") + 1], "COMMIT");
    end();
}
END_TEST

static void put_hash(const char *sql, struct buffer *rows)
{
    char hash[JOB_HASH_BYTES];
    (void)sql;
    job_hash_text(slice_of("UPDATE image SET a = 'image-2'"), hash);
    buffer_append_format(rows, "%s\t2026-01-02\n", hash);
}

START_TEST(what_is_done_is_skipped)
{
    static const struct canned_rule rules[RULES] = {
        {.sql = "SELECT hash", .columns = "a b", .answer = put_hash}, LOCKED, HAS_RECORDS, SCRIPT};
    start(rules);
    unit_assert_ok(scripts_run(&scripts, "before", &err), err);
    ck_assert_int_eq(canned_count_statements(&server, "UPDATE"), 0);
    end();
}
END_TEST

START_TEST(what_changed_since_is_refused)
{
    static const struct canned_rule rules[RULES] = {
        {.sql = "SELECT hash", .columns = "a b", .rows = "00\t2026-01-02\n"},
        LOCKED,
        HAS_RECORDS,
        SCRIPT};
    start(rules);
    unit_assert_error(scripts_run(&scripts, "before", &err), err, ERROR_CONFIG,
                      "/before/10-a.sql, or a variable in it, is not what was run for image-2 at "
                      "2026-01-02");
    ck_assert_int_eq(canned_count_statements(&server, "UPDATE"), 0);
    end();
}
END_TEST

static const struct {
    struct canned_rule rules[RULES];
    enum error_kind kind;
    const char *text;
} failures[] = {
    {{{.sql = "pg_try_advisory_xact_lock", .columns = "a", .rows = "f\n"}},
     ERROR_BUSY,
     "another bobbin runs the steps of image-2"},
    {{{.sql = "pg_try_advisory_xact_lock", .state = "57014", .message = "timeout"}},
     ERROR_UNAVAILABLE,
     "timeout"},
    {{LOCKED,
      {.sql = "to_regclass", .columns = "a", .rows = "f\n"},
      {.sql = "CREATE", .state = "42501", .message = "permission denied"}},
     ERROR_DENIED,
     "permission denied"},
    {{{.sql = "UPDATE", .state = "42P01", .message = "no table", .position = "8"},
      LOCKED,
      HAS_RECORDS,
      NOT_DONE,
      SAME},
     ERROR_CONFIG,
     "/before/10-a.sql line 1: PostgreSQL"},
    {{{.sql = "UPDATE", .state = "23505", .message = "duplicate"},
      LOCKED,
      HAS_RECORDS,
      NOT_DONE,
      SAME},
     ERROR_CONFIG,
     "/before/10-a.sql: PostgreSQL"},
    {{{.sql = "txid_current() =", .columns = "a", .rows = "f\n"},
      LOCKED,
      HAS_RECORDS,
      NOT_DONE,
      SAME,
      SCRIPT},
     ERROR_CONFIG,
     "10-a.sql ends its transaction"},
    {{{.sql = "txid_current()", .state = "XX000", .message = "broken"},
      LOCKED,
      HAS_RECORDS,
      NOT_DONE,
      SCRIPT},
     ERROR_UNAVAILABLE,
     "broken"},
    {{{.sql = "INSERT", .state = "53100", .message = "disk full"},
      LOCKED,
      HAS_RECORDS,
      NOT_DONE,
      SAME,
      SCRIPT},
     ERROR_UNAVAILABLE,
     "disk full"},
    {{{.sql = "SELECT hash", .state = "42501", .message = "not allowed"},
      LOCKED,
      HAS_RECORDS,
      SCRIPT},
     ERROR_DENIED,
     "not allowed"},
};

START_TEST(a_failure_is_told_and_nothing_is_recorded)
{
    start(failures[_i].rules);
    unit_assert_error(scripts_run(&scripts, "before", &err), err, failures[_i].kind,
                      failures[_i].text);
    ck_assert(server.statement_count == 0 ||
              strcmp(server.statements[server.statement_count - 1], "COMMIT") != 0);
    end();
}
END_TEST

START_TEST(without_files_nobody_is_asked)
{
    start(failures[0].rules);
    unit_assert_ok(scripts_run(&scripts, "after", &err), err);
    scripts.directory = NULL;
    unit_assert_ok(scripts_run(&scripts, "before", &err), err);
    unit_assert_ok(scripts_check(&scripts, &err), err);
    ck_assert_int_eq(server.session_count, 0);
    end();
}
END_TEST

START_TEST(all_steps_are_checked_before_any_is_run)
{
    start(failures[0].rules);
    unit_assert_ok(scripts_check(&scripts, &err), err);
    scripted_make_step("promote");
    scripted_put_text("promote/10.sql", "SELECT :nothing");
    unit_assert_error(scripts_check(&scripts, &err), err, ERROR_CONFIG, "no variable \"nothing\"");
    ck_assert_int_eq(server.session_count, 0);
    end();
}
END_TEST

UNIT_MAIN("refresh/scripts", UNIT_TEST(a_file_and_its_record_are_one_transaction),
          UNIT_TEST(the_records_table_is_made_when_it_is_missing),
          UNIT_TEST(what_is_done_is_skipped), UNIT_TEST(what_changed_since_is_refused),
          UNIT_EACH(a_failure_is_told_and_nothing_is_recorded, failures),
          UNIT_TEST(without_files_nobody_is_asked),
          UNIT_TEST(all_steps_are_checked_before_any_is_run))
