/* scripts.c: see scripts.h. */
#include "refresh/scripts.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "job/job.h"
#include "source/pg.h"

enum { NAME_BYTES = 4096, STATEMENT_BYTES = 1 << 20 };

struct run {
    const struct scripts *scripts;
    const char *step;
    struct pg *pg;
};

/* Append TEMPLATE, each $ of which is a literal: the refresh, the step, the file, the hash. */
static bool put_statement(const struct run *run, const char *template, const char *file,
                          const char *hash, struct buffer *out, struct error *err)
{
    const char *values[] = {run->scripts->refresh, run->step, file, hash};
    size_t count = 0;
    for (; *template != '\0'; template ++) {
        if (*template != '$')
            buffer_append_byte(out, *template);
        else if (!pg_append_literal(run->pg, out, slice_of(values[count++]), err))
            return false;
    }
    return buffer_check(out, "a statement", err);
}

static bool query(const struct run *run, const char *template, const char *file, const char *hash,
                  struct pg_result **out, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, STATEMENT_BYTES);
    bool ok = put_statement(run, template, file, hash, &sql, err) &&
              pg_query(run->pg, buffer_string(&sql), out, err);
    buffer_free(&sql);
    return ok;
}

/* *IS of the one truth value that a query gives; false without a row. */
static bool ask(const struct run *run, const char *template, bool *is, struct error *err)
{
    struct pg_result *result;
    if (!query(run, template, "", "", &result, err))
        return false;
    *is = pg_result_rows(result) > 0 && strcmp(pg_result_value(result, 0, 0), "t") == 0;
    pg_result_free(result);
    return true;
}

/* The lock and the settings are the transaction's, as a pooler may put another session behind each. No
 * statement is too long: it copies a table. */
static bool begin(const struct run *run, struct error *err)
{
    bool is_locked;
    if (!pg_execute(run->pg, "BEGIN", err) ||
        !pg_execute(run->pg,
                    "SELECT set_config('statement_timeout', '0', true), "
                    "set_config('idle_in_transaction_session_timeout', '0', true)",
                    err) ||
        !ask(run, "SELECT pg_try_advisory_xact_lock(hashtext('bobbin_steps'), hashtext($))",
             &is_locked, err))
        return false;
    return is_locked ||
           error_set(err, ERROR_BUSY, "another bobbin runs the steps of %s", run->scripts->refresh);
}

static bool commit(const struct run *run, struct error *err)
{
    return pg_execute(run->pg, "COMMIT", err);
}

/* Who has the table needs no right to make one. */
static bool make_records(const struct run *run, struct error *err)
{
    bool is_there;
    if (!begin(run, err) ||
        !ask(run, "SELECT to_regclass('bobbin_steps') IS NOT NULL", &is_there, err))
        return false;
    return (is_there ||
            pg_execute(run->pg,
                       "CREATE TABLE bobbin_steps (refresh text, step text, file text, "
                       "hash text NOT NULL, done_at timestamptz NOT NULL DEFAULT now(), "
                       "PRIMARY KEY (refresh, step, file))",
                       err)) &&
           commit(run, err);
}

static bool check_unchanged(const struct run *run, const char *path, const char *hash,
                            struct pg_result *record, struct error *err)
{
    return strcmp(pg_result_value(record, 0, 0), hash) == 0 ||
           error_set(err, ERROR_CONFIG,
                     "%s, or a variable in it, is not what was run for %s at %s: put it back, or "
                     "delete its row in bobbin_steps to have it run again",
                     path, run->scripts->refresh, pg_result_value(record, 0, 1));
}

static bool is_done(const struct run *run, const struct script_file *file, const char *hash,
                    bool *is, struct error *err)
{
    struct pg_result *record;
    if (!query(run,
               "SELECT hash, date_trunc('second', done_at) FROM bobbin_steps "
               "WHERE refresh = $ AND step = $ AND file = $",
               file->name, hash, &record, err))
        return false;
    *is = pg_result_rows(record) > 0;
    bool ok = !*is || check_unchanged(run, file->path, hash, record, err);
    pg_result_free(record);
    return ok;
}

/* The number of this transaction, as a statement that asks whether it still is this one. */
static bool put_question(const struct run *run, struct buffer *out, struct error *err)
{
    struct pg_result *result;
    if (!pg_query(run->pg, "SELECT txid_current()", &result, err))
        return false;
    buffer_append_format(out, "SELECT txid_current() = %s", pg_result_value(result, 0, 0));
    pg_result_free(result);
    return true;
}

static bool run_statements(const struct run *run, struct script_file *file, struct error *err)
{
    size_t line;
    if (pg_run_script(run->pg, buffer_string(&file->sql), &line, err))
        return true;
    return line > 0 ? error_wrap(err, "%s line %zu", file->path, line)
                    : error_wrap(err, "%s", file->path);
}

/* A file that ends its transaction has made what nobody recorded. */
static bool run_in_transaction(const struct run *run, struct script_file *file, struct error *err)
{
    struct buffer question;
    bool is_same = false;
    buffer_init(&question, STATEMENT_BYTES);
    bool ok = put_question(run, &question, err) && run_statements(run, file, err) &&
              ask(run, buffer_string(&question), &is_same, err);
    buffer_free(&question);
    return ok &&
           (is_same ||
            error_set(err, ERROR_CONFIG,
                      "%s ends its transaction: take BEGIN, COMMIT and ROLLBACK out of it; what "
                      "it committed stays, and is not recorded",
                      file->path));
}

/* What the file has set (a search_path) is neither for the record nor for the next file. */
static bool record(const struct run *run, const char *name, const char *hash, struct error *err)
{
    struct pg_result *result;
    if (!pg_execute(run->pg, "RESET ALL", err) ||
        !query(run, "INSERT INTO bobbin_steps (refresh, step, file, hash) VALUES ($, $, $, $)",
               name, hash, &result, err))
        return false;
    pg_result_free(result);
    fault_point("refresh-script-recorded");
    if (!commit(run, err))
        return false;
    fault_point("refresh-script-committed");
    return true;
}

static bool run_file(const struct run *run, struct script_file *file, struct error *err)
{
    char hash[JOB_HASH_BYTES];
    bool is;
    int64_t begun_ms = clock_monotonic_ms();
    job_hash_text(buffer_slice(&file->sql), hash);
    if (!begin(run, err) || !is_done(run, file, hash, &is, err))
        return false;
    if (is) {
        log_message(LOG_INFO, "%s: done already", file->path);
        return commit(run, err);
    }
    log_message(LOG_INFO, "%s begins", file->path);
    if (!run_in_transaction(run, file, err) || !record(run, file->name, hash, err))
        return false;
    log_message(LOG_INFO, "%s: done in %.1f s", file->path,
                (double)(clock_monotonic_ms() - begun_ms) / 1000);
    return true;
}

/* --- steps --- */

/* The user's variables, and the refresh's name. */
static bool read_files(const struct scripts *s, const char *step, struct script_files **out,
                       struct error *err)
{
    const char *variables[SCRIPTS_VARIABLES_MAX + 2];
    char name[NAME_BYTES];
    size_t count = 0;
    snprintf(name, sizeof name, "refresh=%s", s->refresh);
    variables[count++] = name;
    for (const char *const *v = s->variables; *v != NULL && count <= SCRIPTS_VARIABLES_MAX; v++)
        variables[count++] = *v;
    variables[count] = NULL;
    return script_files_read(out, s->directory, step, variables, err);
}

bool scripts_check(const struct scripts *s, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && s->directory != NULL && i < SCRIPTS_STEPS; i++) {
        struct script_files *files;
        ok = read_files(s, scripts_steps[i], &files, err);
        script_files_free(files);
    }
    return ok;
}

static bool run_files(const struct run *run, struct script_files *files, struct error *err)
{
    bool ok = make_records(run, err);
    for (size_t i = 0; ok && i < files->count; i++)
        ok = run_file(run, &files->files[i], err);
    return ok;
}

bool scripts_run(const struct scripts *s, const char *step, struct error *err)
{
    struct script_files *files;
    struct run run = {.scripts = s, .step = step};
    if (s->directory == NULL)
        return true;
    bool ok = read_files(s, step, &files, err);
    if (ok && files->count > 0)
        ok = pg_connect(&run.pg, s->dsn, 0, err) && run_files(&run, files, err);
    pg_close(run.pg);
    script_files_free(files);
    return ok;
}
