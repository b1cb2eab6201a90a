/* query.c: see query.h. */
#include "source/query_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* --- types --- */

static const struct {
    uint32_t oid; // src/include/catalog/pg_type.dat
    enum value_type type;
} plain_types[] = {
    {16, VALUE_BOOLEAN}, {20, VALUE_INTEGER}, {21, VALUE_INTEGER},     {23, VALUE_INTEGER},
    {26, VALUE_INTEGER}, {700, VALUE_NUMBER}, {701, VALUE_NUMBER},     {1700, VALUE_NUMBER},
    {114, VALUE_JSON},   {3802, VALUE_JSON},  {1114, VALUE_TIMESTAMP}, {1184, VALUE_TIMESTAMPTZ},
    {17, VALUE_BYTEA},   {18, VALUE_TEXT},    {19, VALUE_TEXT},        {25, VALUE_TEXT},
    {1042, VALUE_TEXT},  {1043, VALUE_TEXT},  {2950, VALUE_TEXT},      {1082, VALUE_DATE},
    {1083, VALUE_TEXT},  {1266, VALUE_TEXT},  {1186, VALUE_TEXT},      {869, VALUE_TEXT},
    {650, VALUE_TEXT},   {829, VALUE_TEXT},   {774, VALUE_TEXT},       {142, VALUE_TEXT},
};

/* False for a type that only the server can turn into JSON. */
static bool find_plain_type(uint32_t oid, enum value_type *type)
{
    for (size_t i = 0; i < sizeof plain_types / sizeof *plain_types; i++) {
        if (plain_types[i].oid == oid) {
            *type = plain_types[i].type;
            return true;
        }
    }
    return false;
}

static bool find_role(const char *name, enum column_role *role, struct error *err)
{
    static const struct {
        const char *name;
        enum column_role role;
    } roles[] = {{"_id", COLUMN_ID},
                 {"_index", COLUMN_INDEX},
                 {"_routing", COLUMN_ROUTING},
                 {"_version", COLUMN_VERSION},
                 {"_op", COLUMN_OP}};
    *role = COLUMN_FIELD;
    if (name[0] != '_')
        return true;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(name, roles[i].name) == 0) {
            *role = roles[i].role;
            return true;
        }
    }
    return error_set(
        err, ERROR_CONFIG,
        "column \"%s\": a name that begins with _ is bulk metadata, and only _id, _index, "
        "_routing, _version and _op are known; give it another name",
        name);
}

/* --- describing --- */

/* Behind the quoted text that begins at AT; at the text's end when it is not closed (manual, 4.1.2). */
static const char *skip_quoted(const char *at, bool has_escapes)
{
    char quote = *at++;
    for (; *at != '\0' && *at != quote; at++)
        if (has_escapes && *at == '\\' && at[1] != '\0')
            at++;
    return *at != '\0' ? at + 1 : at; // a doubled quote begins the next quoted text
}

/* Behind $tag$...$tag$, or behind a $ that begins none. */
static const char *skip_dollar_quoted(const char *at)
{
    size_t length = 1;
    while (isalnum((unsigned char)at[length]) || at[length] == '_' || (at[length] & 0x80) != 0)
        length++;
    if (at[length++] != '$')
        return at + 1;
    for (const char *end = at + length; *end != '\0'; end++)
        if (strncmp(end, at, length) == 0)
            return end + length;
    return at + strlen(at);
}

/* Behind the comment that begins at AT; AT when none does. */
static const char *skip_comment(const char *at)
{
    unsigned depth = 0;
    if (at[0] == '-' && at[1] == '-')
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return at;
    while (*at != '\0') {
        bool opens = at[0] == '/' && at[1] == '*';
        bool closes = at[0] == '*' && at[1] == '/';
        at += opens || closes ? 2 : 1;
        depth += opens;
        if (closes && --depth == 0)
            break;
    }
    return at;
}

/* Behind a name, a keyword or a number, which may hold dollars but begin with none; AT when none begins. */
static const char *skip_word(const char *at)
{
    if (*at == '$')
        return at;
    while (isalnum((unsigned char)*at) || *at == '_' || *at == '$' || (*at & 0x80) != 0)
        at++;
    return at;
}

/* Behind one piece of SQL that is no comment. */
static const char *skip_piece(const char *at)
{
    if (*at == '\'' || *at == '"')
        return skip_quoted(at, false);
    if (*at == '$')
        return skip_dollar_quoted(at);
    const char *behind = skip_word(at);
    bool has_escapes = behind == at + 1 && (*at == 'e' || *at == 'E') && *behind == '\'';
    if (has_escapes)
        return skip_quoted(behind, true);
    return behind != at ? behind : at + 1;
}

/* The text without the semicolons and comments that follow its last word. */
static char *copy_select(const char *select)
{
    const char *end = select;
    const char *at = select;
    while (*at != '\0') {
        const char *behind = skip_comment(at);
        bool is_comment = behind != at;
        if (!is_comment)
            behind = skip_piece(at);
        if (!is_comment && strchr(" \t\r\n\f\v;", *at) == NULL)
            end = behind;
        at = behind;
    }
    return strndup(select, (size_t)(end - select));
}

static bool add_column(struct query *q, const char *name, enum value_type type,
                       enum column_role role, const char *expression, const char *origin,
                       struct error *err)
{
    struct query_column *c = &q->columns[q->count];
    q->document_columns[q->count] = (struct document_column){NULL, type, role};
    q->count++;
    c->name = strdup(name);
    c->expression = strdup(expression);
    c->origin = strdup(origin);
    if (c->name == NULL || c->expression == NULL || c->origin == NULL)
        return error_set_memory(err);
    q->document_columns[q->count - 1].name = c->name;
    return true;
}

/* Describe column I of RESULT: its expression in the COPY, its type there, its role. */
static bool describe_column(struct query *q, struct pg *pg, const struct pg_result *result, int i,
                            const char *type_name, struct error *err)
{
    const char *name = pg_result_name(result, i);
    enum value_type type = VALUE_TEXT;
    enum column_role role;
    struct buffer expression;
    if (!find_role(name, &role, err))
        return false;
    bool is_plain = find_plain_type(pg_result_type(result, i), &type);
    buffer_init(&expression, 4096);
    buffer_append_string(&expression, role == COLUMN_FIELD && !is_plain ? "to_jsonb(q." : "q.");
    bool ok = pg_append_identifier(pg, &expression, name, err);
    if (role != COLUMN_FIELD) {
        buffer_append_string(&expression, "::text");
        type = VALUE_TEXT;
    } else if (!is_plain) {
        buffer_append_string(&expression, ")");
        type = VALUE_JSON;
    }
    char origin[256];
    snprintf(origin, sizeof origin, "%s%s", type_name,
             role == COLUMN_FIELD && !is_plain ? " by to_jsonb()" : "");
    ok = ok && add_column(q, name, type, role, buffer_string(&expression), origin, err);
    buffer_free(&expression);
    return ok;
}

/* The names of RESULT's column types, one row. */
static bool query_type_names(struct pg *pg, const struct pg_result *result,
                             struct pg_result **names, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, QUERY_MAX_BYTES);
    buffer_append_string(&sql, "SELECT ");
    for (int i = 0; i < pg_result_columns(result); i++)
        buffer_append_format(&sql, "%spg_catalog.format_type(%u, -1)", i == 0 ? "" : ", ",
                             pg_result_type(result, i));
    bool ok =
        buffer_check(&sql, "a statement", err) && pg_query(pg, buffer_string(&sql), names, err);
    buffer_free(&sql);
    return ok;
}

static bool find_unique_index(struct query *q, struct pg *pg, struct error *err)
{
    char sql[512];
    struct pg_result *found;
    if (q->key_table == 0)
        return true;
    snprintf(sql, sizeof sql,
             "SELECT 1 FROM pg_catalog.pg_index WHERE indrelid = %u AND indisunique AND indisvalid "
             "AND indimmediate AND indpred IS NULL AND indnkeyatts = 1 AND indkey[0] = %d LIMIT 1",
             q->key_table, q->key_attribute);
    if (!pg_query(pg, sql, &found, err))
        return false;
    q->is_unique = pg_result_rows(found) == 1;
    pg_result_free(found);
    return true;
}

static bool missing_key(const struct pg_result *result, const char *key, struct error *err)
{
    struct buffer names;
    buffer_init(&names, 512);
    for (int i = 0; i < pg_result_columns(result); i++)
        buffer_append_format(&names, "%s%s", i == 0 ? "" : ", ", pg_result_name(result, i));
    error_set(
        err, ERROR_CONFIG,
        "the query has no column \"%s\" to be the key: name one of its columns with --key (%s)",
        key, names.has_failed ? "..." : buffer_string(&names));
    buffer_free(&names);
    return false;
}

/* Find the key among the columns; where its COPY text is not its plain text, add it once more. */
static bool describe_key(struct query *q, struct pg *pg, const struct pg_result *result,
                         const struct pg_result *types, const char *key, struct error *err)
{
    int at = 0;
    while (at < pg_result_columns(result) && strcmp(pg_result_name(result, at), key) != 0)
        at++;
    if (at == pg_result_columns(result))
        return missing_key(result, key, err);

    struct buffer quoted;
    enum value_type type;
    buffer_init(&quoted, 4096);
    buffer_append_string(&quoted, "q.");
    bool ok = pg_append_identifier(pg, &quoted, key, err);
    q->key = ok ? strdup(buffer_string(&quoted)) : NULL;
    q->key_type = strdup(pg_result_value(types, 0, at));
    q->key_column = (size_t)at;
    if (ok && (q->key == NULL || q->key_type == NULL))
        ok = error_set_memory(err);
    if (ok && q->document_columns[at].role == COLUMN_FIELD &&
        !find_plain_type(pg_result_type(result, at), &type)) {
        buffer_append_string(&quoted, "::text");
        q->key_column = q->count;
        ok =
            add_column(q, key, VALUE_TEXT, COLUMN_KEY_ONLY, buffer_string(&quoted), "the key", err);
    }
    buffer_free(&quoted);
    q->key_table = pg_result_table(result, at);
    q->key_attribute = pg_result_attribute(result, at);
    return ok && find_unique_index(q, pg, err);
}

static bool describe_columns(struct query *q, struct pg *pg, const struct pg_result *result,
                             const char *key, struct error *err)
{
    size_t count = (size_t)pg_result_columns(result);
    q->columns = calloc(count + 1, sizeof *q->columns);
    q->document_columns = calloc(count + 1, sizeof *q->document_columns);
    if (q->columns == NULL || q->document_columns == NULL)
        return error_set_memory(err);
    struct pg_result *types;
    if (count == 0)
        return missing_key(result, key, err);
    if (!query_type_names(pg, result, &types, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < (int)count; i++)
        ok = describe_column(q, pg, result, i, pg_result_value(types, 0, i), err);
    ok = ok && describe_key(q, pg, result, types, key, err);
    pg_result_free(types);
    return ok;
}

bool query_describe(struct query **out, struct pg *pg, const char *select, const char *key,
                    struct error *err)
{
    struct query *q = calloc(1, sizeof *q);
    struct pg_result *result = NULL;
    struct buffer sql;
    if (q == NULL)
        return error_set_memory(err);
    buffer_init(&sql, QUERY_MAX_BYTES + 4096);
    q->select = copy_select(select);
    bool ok = q->select != NULL || error_set_memory(err);
    if (ok) {
        buffer_append_format(&sql, "SELECT * FROM (%s\n) AS q LIMIT 0", q->select);
        ok = buffer_check(&sql, "the query", err) &&
             (pg_query(pg, buffer_string(&sql), &result, err) ||
              error_wrap(err, "the query can't be run")) &&
             describe_columns(q, pg, result, key, err);
    }
    pg_result_free(result);
    buffer_free(&sql);
    if (ok)
        *out = q;
    else
        query_free(q);
    return ok;
}

void query_free(struct query *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->count; i++) {
        free(q->columns[i].name);
        free(q->columns[i].expression);
        free(q->columns[i].origin);
    }
    free(q->columns);
    free(q->document_columns);
    free(q->select);
    free(q->key);
    free(q->key_type);
    free(q);
}

const struct document_column *query_columns(const struct query *q, size_t *count)
{
    *count = q->count;
    return q->document_columns;
}

size_t query_key_column(const struct query *q)
{
    return q->key_column;
}

const char *query_key_type(const struct query *q)
{
    return q->key_type;
}

const char *query_column_origin(const struct query *q, size_t i)
{
    return q->columns[i].origin;
}

bool query_key_is_unique(const struct query *q)
{
    return q->is_unique;
}
