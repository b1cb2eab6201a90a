/* dumped.h: for the tests of the dump: a canned PostgreSQL with a table of the keys 1 to DUMPED_ROWS, and
 * a spool to dump it into. */
#ifndef BOBBIN_TESTS_DUMPED_H
#define BOBBIN_TESTS_DUMPED_H

#include "../source/canned_postgres.h"
#include "../spool/spooled.h"
#include "base/clock.h"
#include "base/stop.h"
#include "encode/action.h"
#include "job/dump.h"

enum { DUMPED_ROWS = SPOOLED_DOCUMENTS };

static struct canned_postgres dumped_server;
static struct job_options dumped_options;
static struct job_live dumped_live;
static struct dump *dumped;
static struct spool *dumped_spool;
static struct error dumped_err;

/* The bounds of a statement's range, as the table's first and last key. */
static inline void dumped_read_range(const char *sql, long *first, long *last)
{
    const char *from = strstr(sql, "q.\"id\" >");
    const char *to = strstr(sql, "q.\"id\" <= '");
    const char *before = strstr(sql, "q.\"id\" < '");
    *first = 1;
    *last = DUMPED_ROWS;
    if (from != NULL) {
        bool is_inclusive = from[strlen("q.\"id\" >")] == '=';
        *first = strtol(strchr(from, '\'') + 1, NULL, 10) + !is_inclusive;
    }
    if (to != NULL)
        *last = strtol(to + strlen("q.\"id\" <= '"), NULL, 10);
    if (before != NULL)
        *last = strtol(before + strlen("q.\"id\" < '"), NULL, 10) - 1;
    *first = *first < 1 ? 1 : *first;
    *last = *last > DUMPED_ROWS ? DUMPED_ROWS : *last;
}

static inline void dumped_answer_copy(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    for (; first <= last; first++)
        buffer_append_format(rows, "%ld\ttitle\n", first);
}

static inline void dumped_answer_bound(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    first += strtol(strstr(sql, "OFFSET ") + 7, NULL, 10);
    if (first <= last)
        buffer_append_format(rows, "%ld\n", first);
}

static inline void dumped_answer_count(const char *sql, struct buffer *rows)
{
    long first, last;
    dumped_read_range(sql, &first, &last);
    buffer_append_format(rows, "%ld\n", first <= last ? last - first + 1 : 0);
}

#define DUMPED_COPY                                                                                \
    {                                                                                              \
        .sql = "COPY (", .is_copy = true, .answer = dumped_answer_copy                             \
    }

/* All that a dump asks but for COPY. */
#define DUMPED_RULES                                                                               \
    {.sql = "OFFSET", .columns = "a", .answer = dumped_answer_bound},                              \
        {.sql = "LIMIT 0", .columns = "id:20:16385:1 title:25:16385:2"},                           \
        {.sql = "format_type", .columns = "a b", .rows = "bigint\ttext\n"},                        \
        {.sql = "pg_index", .columns = "a", .rows = "1\n"},                                        \
        {.sql = "q.\"id\" IS NULL", .columns = "a"},                                               \
        {.sql = "SELECT '", .columns = "a", .rows = "t\n"},                                        \
        {.sql = "EXPLAIN", .columns = "p", .rows = "[{\"Plan\":{\"Plan Rows\":90}}]\n"},           \
        {.sql = "count(*)", .columns = "a", .answer = dumped_answer_count},                        \
    {                                                                                              \
        .sql = "pg_export_snapshot", .columns = "a b", .rows = "0003-1B-1\tf\n"                    \
    }

static inline void dumped_set_options(void)
{
    dumped_options = (struct job_options){.dsn = dumped_server.dsn,
                                          .table = "image",
                                          .key = "id",
                                          .index = "images",
                                          .op = BULK_INDEX,
                                          .jobs = 1,
                                          .window_rows = 30,
                                          .statement_timeout_ms = 60000,
                                          .spool = spooled_path,
                                          .frame_bytes = 300,
                                          .level = 1,
                                          .give_up_after_ms = 20000,
                                          .max_dead = 10000};
}

static inline void dumped_set_up(void)
{
    spooled_set_up();
    dumped_server = (struct canned_postgres){.password = NULL};
    dumped_set_options();
    dumped_live = (struct job_live){.rows = 0};
    dumped_err = (struct error){.kind = ERROR_NONE};
    dumped = NULL;
    dumped_spool = NULL;
}

static inline void dumped_tear_down(void)
{
    dump_close(dumped);
    spool_close(dumped_spool);
    if (dumped_server.directory != NULL)
        canned_postgres_stop(&dumped_server);
    spooled_tear_down();
}

static inline bool dumped_open(void)
{
    return dump_open(&dumped, &dumped_options, "SELECT * FROM image", &dumped_live, &dumped_err);
}

/* Connect, and begin the spool when it is new. */
static inline bool dumped_begin(void)
{
    if (!dumped_open())
        return false;
    dumped_spool = spooled_open();
    return !spool_is_new(dumped_spool) ||
           (dump_plan(dumped, &dumped_err) &&
            dump_begin_spool(dumped, dumped_spool, &spooled_job, slice_of("{\"index\":\"images\"}"),
                             &dumped_err));
}

static inline bool dumped_run(void)
{
    return dumped_begin() && dump_run(dumped, dumped_spool, &dumped_err);
}

/* As a new process would: what was not committed is gone. */
static inline void dumped_end_process(void)
{
    dump_close(dumped);
    spool_close(dumped_spool);
    dumped = NULL;
    dumped_spool = NULL;
}

/* Each row from FIRST to LAST is pending once, and no other. */
static inline void dumped_assert_rows(int first, int last)
{
    uint64_t count = (uint64_t)(last - first + 1);
    memset(spooled_sent, 0, SPOOLED_SENT_BYTES);
    spooled_assert_ledger(dumped_spool, count, 0, 0, count);
    unit_assert_ok(spooled_replay(dumped_spool, &dumped_err), dumped_err);
    for (int i = 1; i <= DUMPED_ROWS; i++)
        ck_assert_msg(spooled_sent[i] == (i >= first && i <= last), "row %d: %u times", i,
                      spooled_sent[i]);
}

#endif
