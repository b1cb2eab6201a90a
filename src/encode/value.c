/* value.c: see value.h. */
#include "encode/value.h"

#include "encode/base64.h"
#include "encode/json.h"
#include "encode/timestamp.h"

static bool equals(struct slice raw, const char *text)
{
    return slice_equal(raw, slice_of(text));
}

static bool is_infinite(struct slice raw, const char *name)
{
    if (raw.size > 0 && raw.data[0] == '-')
        raw = (struct slice){raw.data + 1, raw.size - 1};
    return equals(raw, name);
}

static void append_null(struct buffer *out, unsigned *nulled)
{
    buffer_append(out, "null", 4);
    ++*nulled;
}

/* How many digits RAW has from FROM on. */
static size_t count_digits(struct slice raw, size_t from)
{
    size_t i = from;
    while (i < raw.size && raw.data[i] >= '0' && raw.data[i] <= '9')
        i++;
    return i - from;
}

static bool has_one_of(struct slice raw, size_t at, char a, char b)
{
    return at < raw.size && (raw.data[at] == a || raw.data[at] == b);
}

/* RFC 8259, section 6: -? (0 | [1-9][0-9]*) fraction? exponent? */
static bool is_json_number(struct slice raw, bool is_integer)
{
    size_t at = has_one_of(raw, 0, '-', '-') ? 1 : 0;
    size_t digits = count_digits(raw, at);
    if (digits == 0 || (digits > 1 && raw.data[at] == '0'))
        return false;
    at += digits;
    if (is_integer)
        return at == raw.size;
    if (has_one_of(raw, at, '.', '.')) {
        digits = count_digits(raw, at + 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (has_one_of(raw, at, 'e', 'E')) {
        at += has_one_of(raw, at + 1, '+', '-') ? 2 : 1;
        digits = count_digits(raw, at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == raw.size;
}

static const char *append_boolean(struct buffer *out, struct slice raw)
{
    if (equals(raw, "t"))
        buffer_append(out, "true", 4);
    else if (equals(raw, "f"))
        buffer_append(out, "false", 5);
    else
        return "the boolean is neither t nor f";
    return NULL;
}

static const char *append_number(struct buffer *out, struct slice raw, bool is_integer,
                                 unsigned *nulled)
{
    if (is_json_number(raw, is_integer))
        buffer_append(out, raw.data, raw.size);
    else if (!is_integer && (equals(raw, "NaN") || is_infinite(raw, "Infinity")))
        append_null(out, nulled);
    else
        return is_integer ? "the integer has more than digits" : "the number is not a JSON number";
    return NULL;
}

static const char *append_time(struct buffer *out, struct slice raw, enum value_type type,
                               unsigned *nulled)
{
    if (type == VALUE_DATE ? timestamp_append_date(out, raw)
                           : timestamp_append(out, raw, type == VALUE_TIMESTAMPTZ))
        return NULL;
    if (!is_infinite(raw, "infinity"))
        return type == VALUE_DATE ? "the date is not in PostgreSQL's ISO form (DateStyle)"
                                  : "the timestamp is not in PostgreSQL's ISO form (DateStyle)";
    append_null(out, nulled);
    return NULL;
}

static const char *append_bytea(struct buffer *out, struct slice raw)
{
    static const char prefix[] = "\\\\x"; // \x, its backslash escaped by COPY
    size_t start = out->size;
    size_t skip = sizeof prefix - 1;
    if (raw.size >= skip && memcmp(raw.data, prefix, skip) == 0) {
        buffer_append_byte(out, '"');
        if (base64_append_hex(out, (struct slice){raw.data + skip, raw.size - skip})) {
            buffer_append_byte(out, '"');
            return NULL;
        }
        out->size = start;
    }
    return "the bytea value is not hex (bytea_output)";
}

const char *value_append(struct buffer *out, enum value_type type, struct slice raw,
                         unsigned *nulled)
{
    switch (type) {
    case VALUE_TEXT:
        return json_append_copytext(out, raw);
    case VALUE_BOOLEAN:
        return append_boolean(out, raw);
    case VALUE_INTEGER:
        return append_number(out, raw, true, nulled);
    case VALUE_NUMBER:
        return append_number(out, raw, false, nulled);
    case VALUE_JSON:
        return json_append_embedded(out, raw);
    case VALUE_DATE:
    case VALUE_TIMESTAMP:
    case VALUE_TIMESTAMPTZ:
        return append_time(out, raw, type, nulled);
    case VALUE_BYTEA:
        return append_bytea(out, raw);
    }
    return "the column has a type that bobbin does not know";
}
