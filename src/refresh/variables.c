/* variables.c: see variables.h. As psql's own scanner reads SQL (PostgreSQL manual, "Lexical Structure"). */
#include "refresh/variables.h"

/* --- what is skipped --- */

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9');
}

static const char *skip_name(const char *at, const char *end)
{
    while (at < end && is_name_part(*at))
        at++;
    return at;
}

/* AT stands behind the opening QUOTE; a doubled one is none. */
static const char *skip_quoted(const char *at, const char *end, char quote, bool has_escapes)
{
    while (at < end) {
        bool is_pair =
            end - at > 1 && ((has_escapes && at[0] == '\\') || (at[0] == quote && at[1] == quote));
        if (!is_pair && *at == quote)
            return at + 1;
        at += is_pair ? 2 : 1;
    }
    return end;
}

/* Comments have others within them. AT: at the first. */
static const char *skip_comment(const char *at, const char *end)
{
    int depth = 0;
    while (end - at > 1) {
        bool begins = at[0] == '/' && at[1] == '*', ends = at[0] == '*' && at[1] == '/';
        depth += begins - ends;
        at += begins || ends ? 2 : 1;
        if (ends && depth == 0)
            return at;
    }
    return end;
}

static const char *skip_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline != NULL ? newline + 1 : end;
}

/* $$ or $name$, up to the next that is equal. AT: at the first dollar. */
static const char *skip_dollars(const char *at, const char *end)
{
    bool has_name = end - at > 1 && is_name_start(at[1]);
    const char *behind = has_name ? skip_name(at + 1, end) : at + 1;
    if (behind == end || *behind != '$')
        return at + 1; // a parameter's
    size_t size = (size_t)(behind + 1 - at);
    const char *found = memmem(behind + 1, (size_t)(end - behind - 1), at, size);
    return found != NULL ? found + size : end;
}

/* A word; one that is E makes the literal behind it one with escapes. Dollars may be in it. */
static const char *skip_word(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && (is_name_part(*at) || *at == '$'))
        at++;
    bool has_escapes = at - begin == 1 && (*begin == 'e' || *begin == 'E');
    return has_escapes && at < end && *at == '\'' ? skip_quoted(at + 1, end, '\'', true) : at;
}

/* What begins AT and has no variable in it: at least one byte. */
static const char *skip_token(const char *at, const char *end)
{
    char next = end - at > 1 ? at[1] : '\0';
    if (is_name_part(*at))
        return skip_word(at, end);
    if (*at == '\'' || *at == '"')
        return skip_quoted(at + 1, end, *at, false);
    if (*at == '$')
        return skip_dollars(at, end);
    if (*at == '-' && next == '-')
        return skip_line(at, end);
    if (*at == '/' && next == '*')
        return skip_comment(at, end);
    return at + (*at == ':' && (next == ':' || next == '=') ? 2 : 1);
}

/* --- variables --- */

struct reference {
    struct slice name;
    char quote; // ' or " or 0
};

/* Is there a variable AT a colon? Then *BEHIND it. */
static bool read_reference(const char *at, const char *end, struct reference *out,
                           const char **behind)
{
    if (end - at < 2)
        return false;
    out->quote = at[1] == '\'' || at[1] == '"' ? at[1] : '\0';
    const char *name = at + 1 + (out->quote != '\0');
    if (name == end || !is_name_start(*name))
        return false;
    *behind = skip_name(name, end);
    out->name = (struct slice){name, (size_t)(*behind - name)};
    if (out->quote == '\0')
        return true;
    return *behind < end && *(*behind)++ == out->quote;
}

static const char *value_of(const char *const *variables, struct slice name)
{
    const char *value = NULL;
    for (; *variables != NULL; variables++)
        if (strncmp(*variables, name.data, name.size) == 0 && (*variables)[name.size] == '=')
            value = *variables + name.size + 1;
    return value;
}

/* As PQescapeLiteral and PQescapeIdentifier do. */
static void put_quoted(const char *value, char quote, struct buffer *out)
{
    bool has_escapes = quote == '\'' && strchr(value, '\\') != NULL;
    if (has_escapes)
        buffer_append_string(out, " E");
    buffer_append_byte(out, quote);
    for (; *value != '\0'; value++) {
        if (*value == quote || (has_escapes && *value == '\\'))
            buffer_append_byte(out, *value);
        buffer_append_byte(out, *value);
    }
    buffer_append_byte(out, quote);
}

static bool put_value(const struct reference *reference, const char *const *variables,
                      struct buffer *out)
{
    const char *value = value_of(variables, reference->name);
    if (value != NULL && reference->quote != '\0')
        put_quoted(value, reference->quote, out);
    else if (value != NULL)
        buffer_append_string(out, value);
    return value != NULL;
}

static size_t line_of(struct slice text, const char *at)
{
    size_t line = 1;
    for (const char *c = text.data; c < at; c++)
        line += *c == '\n';
    return line;
}

bool variables_put(struct slice sql, const char *where, const char *const *variables,
                   struct buffer *out, struct error *err)
{
    const char *behind, *end = sql.data + sql.size;
    struct reference reference;
    for (const char *at = sql.data; at < end; at = behind) {
        bool is_reference = *at == ':' && read_reference(at, end, &reference, &behind);
        if (!is_reference) {
            behind = skip_token(at, end);
            buffer_append(out, at, (size_t)(behind - at));
        } else if (!put_value(&reference, variables, out)) {
            return error_set(err, ERROR_CONFIG,
                             "%s line %zu: there is no variable \"%.*s\": give it with --set "
                             "NAME=VALUE",
                             where, line_of(sql, at), (int)reference.name.size,
                             reference.name.data);
        }
    }
    return buffer_check(out, where, err);
}

bool variables_check(const char *const *variables, struct error *err)
{
    for (; *variables != NULL; variables++) {
        size_t size = strcspn(*variables, "=");
        bool is_name = is_name_start(**variables) &&
                       skip_name(*variables, *variables + size) == *variables + size;
        if (!is_name || (*variables)[size] == '\0')
            return error_set(err, ERROR_USAGE, "--set %.*s: give it as NAME=VALUE", (int)size,
                             *variables);
    }
    return true;
}
