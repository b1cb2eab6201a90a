/* sample.c: see sample.h. */
#include "source/sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/query_internal.h"

enum {
    STATEMENT_MAX_BYTES = 4 << 20,
    LEAST_KEYS = 10000,
    KEYS_OF_A_PART = 100,
    LEAST_KEYS_OF_A_PART = 10, // of the query's: with fewer the parts' sizes are chance
    KEYS_OF_A_PAGE = 4,        // as neighbours on a page tell little more than one of them
    TABLE_NAME_BYTES = 1024,
};

/* The table that the key is a column of. */
struct sampled_table {
    bool can_be_sampled;
    char name[TABLE_NAME_BYTES]; // as SQL writes it
    char column[TABLE_NAME_BYTES];
    double pages;
};

/* What of the table is a partition counts too. Only ordinary tables, partitioned ones and materialized views can
 * be sampled (manual, SELECT, TABLESAMPLE). */
static const char table_question[] =
    "SELECT c.relkind IN ('r', 'p', 'm'), c.oid::regclass::text, quote_ident(a.attname), "
    "coalesce((SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree(c.oid) AS t), "
    "pg_relation_size(c.oid)) / current_setting('block_size')::bigint "
    "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid "
    "WHERE c.oid = %u AND a.attnum = %d";

static bool look_at_table(struct pg *pg, const struct query *q, struct sampled_table *table,
                          struct error *err)
{
    char sql[sizeof table_question + 32];
    struct pg_result *result;
    *table = (struct sampled_table){.can_be_sampled = false};
    if (q->key_table == 0)
        return true;
    snprintf(sql, sizeof sql, table_question, q->key_table, q->key_attribute);
    if (!pg_query(pg, sql, &result, err))
        return false;
    if (pg_result_rows(result) == 1) {
        table->can_be_sampled = strcmp(pg_result_value(result, 0, 0), "t") == 0;
        snprintf(table->name, sizeof table->name, "%s", pg_result_value(result, 0, 1));
        snprintf(table->column, sizeof table->column, "%s", pg_result_value(result, 0, 2));
        table->pages = strtod(pg_result_value(result, 0, 3), NULL);
    }
    pg_result_free(result);
    return true;
}

static double percent_of(double wanted, double all)
{
    return all <= wanted ? 100 : 100 * wanted / all;
}

/* The sampled keys: WANTED of the rows of some pages, chosen at random. */
static void put_sample(const struct sampled_table *table, double wanted, struct buffer *sql)
{
    buffer_append_format(
        sql,
        "WITH sampled AS MATERIALIZED (SELECT t.%s AS key FROM %s AS t TABLESAMPLE "
        "SYSTEM (%.9f)), chosen AS MATERIALIZED (SELECT key FROM sampled WHERE "
        "random() * (SELECT count(*) FROM sampled) < %.0f) ",
        table->column, table->name, percent_of(wanted / KEYS_OF_A_PAGE, table->pages), wanted);
}

/* How many of them the query has within RANGE, and at each COUNTth of these the key: number N of TOTAL ends a part when
 * N * COUNT / TOTAL has just become greater. The last one ends none: the last part has no end. */
static bool put_question(struct pg *pg, const struct query *q, const struct key_range *range,
                         const struct sampled_table *table, size_t count, struct buffer *sql,
                         struct error *err)
{
    double wanted = (double)count * KEYS_OF_A_PART;
    put_sample(table, wanted < LEAST_KEYS ? LEAST_KEYS : wanted, sql);
    buffer_append_string(
        sql, "SELECT s.total, s.key::text FROM (SELECT m.key, m.n, max(m.n) OVER () AS total "
             "FROM (SELECT k.key, row_number() OVER (ORDER BY k.key) AS n FROM (");
    if (!query_put_select(q, pg, QUERY_KEY " AS key", range, "", sql, err))
        return false;
    buffer_append_format(sql,
                         ") AS k JOIN chosen ON chosen.key = k.key) AS m) AS s "
                         "WHERE s.n * %zu / s.total > (s.n - 1) * %zu / s.total ORDER BY s.n",
                         count, count);
    return buffer_check(sql, "a statement", err);
}

/* Parts that end with the keys of RESULT's rows but the last. */
static bool take_parts(const struct pg_result *result, const struct key_range *range,
                       struct key_range *parts, size_t *part_count, struct buffer *keys,
                       struct error *err)
{
    struct key_range left = *range;
    size_t room = 0;
    int ends = pg_result_rows(result) - 1;
    for (int i = 0; i < ends; i++)
        room += strlen(pg_result_value(result, i, 1)) + 1;
    if (!buffer_reserve(keys, room)) // parts borrow the keys, which then don't move
        return buffer_check(keys, "the parts' keys", err);
    *part_count = 0;
    for (int i = 0; i < ends; i++) {
        struct key_range *part = &parts[(*part_count)++];
        *part = left;
        part->has_to = true;
        part->is_to_exclusive = false;
        part->to = (struct slice){keys->data + keys->size, strlen(pg_result_value(result, i, 1))};
        buffer_append_string(keys, pg_result_value(result, i, 1));
        left.has_from = true;
        left.is_from_inclusive = false;
        left.from = part->to;
    }
    parts[(*part_count)++] = left;
    return buffer_check(keys, "the parts' keys", err);
}

bool sample_split(struct pg *pg, const struct query *q, const struct key_range *range, size_t count,
                  struct key_range *parts, size_t *part_count, struct buffer *keys, bool *told,
                  const char **why, struct error *err)
{
    struct sampled_table table;
    struct pg_result *result = NULL;
    struct buffer sql;
    *told = false;
    if (!look_at_table(pg, q, &table, err))
        return false;
    *why = "its key is no column of a table";
    if (!table.can_be_sampled)
        return true;
    buffer_init(&sql, STATEMENT_MAX_BYTES);
    bool ok = put_question(pg, q, range, &table, count, &sql, err) &&
              pg_query(pg, buffer_string(&sql), &result, err);
    buffer_free(&sql);
    const char *total = ok && pg_result_rows(result) > 0 ? pg_result_value(result, 0, 0) : "0";
    *why = "too few rows of a sample are the query's";
    *told = ok && strtoull(total, NULL, 10) >= count * LEAST_KEYS_OF_A_PART;
    ok = ok && (!*told || take_parts(result, range, parts, part_count, keys, err));
    pg_result_free(result);
    return ok;
}
