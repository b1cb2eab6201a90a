/* described.h: for tests that need a query: a canned server that describes one, of columns of many
 * types. */
#ifndef BOBBIN_TESTS_DESCRIBED_H
#define BOBBIN_TESTS_DESCRIBED_H

#include "canned_postgres.h"
#include "source/query.h"

#define DESCRIBED_SELECT "SELECT id, title, tags FROM image"

static struct canned_postgres described_server;
static struct pg *described_pg;
static struct error described_err;

/* What query_describe asks, of a query with a bigint, a text and an array. */
#define DESCRIBED_RULES                                                                            \
    {.sql = "LIMIT 0", .columns = "id:20:16385:1 title:25:16385:2 tags:1009:16385:3"},             \
        {.sql = "format_type", .columns = "a b c", .rows = "bigint\ttext\ttext[]\n"},              \
    {                                                                                              \
        .sql = "pg_index", .columns = "a", .rows = "1\n"                                           \
    }

static inline void described_begin(const struct canned_rule *rules, size_t count)
{
    described_server = (struct canned_postgres){.password = NULL};
    canned_postgres_start(&described_server, rules, count);
    unit_assert_ok(pg_connect(&described_pg, described_server.dsn, 1000, &described_err),
                   described_err);
}

static inline void described_end(void)
{
    pg_close(described_pg);
    canned_postgres_stop(&described_server);
}

static inline struct query *described_query(const char *key)
{
    struct query *q;
    unit_assert_ok(query_describe(&q, described_pg, DESCRIBED_SELECT, key, &described_err),
                   described_err);
    return q;
}

/* The latest statement that has SQL in it. */
static inline const char *described_statement(const char *sql)
{
    for (size_t i = described_server.statement_count; i-- > 0;)
        if (strstr(described_server.statements[i], sql) != NULL)
            return described_server.statements[i];
    return "(none)";
}

#endif
