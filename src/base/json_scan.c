/* json_scan.c: see json_scan.h. */
#include "base/json_scan.h"

static bool take_value(struct json_scan *s, unsigned depth);

struct json_scan json_scan_over(struct slice text)
{
    static const char nothing[] = "";
    const char *start = text.data ? text.data : nothing; // no arithmetic on NULL
    return (struct json_scan){start, start + text.size};
}

static void skip_space(struct json_scan *s)
{
    while (s->next < s->end &&
           (*s->next == ' ' || *s->next == '\n' || *s->next == '\r' || *s->next == '\t'))
        s->next++;
}

/* The next byte, or a zero byte at the end: no token begins with one. */
static char peek(const struct json_scan *s)
{
    return s->next < s->end ? *s->next : '\0';
}

static bool take_byte(struct json_scan *s, char byte)
{
    if (s->next == s->end || *s->next != byte)
        return false;
    s->next++;
    return true;
}

bool json_scan_expect(struct json_scan *s, char byte)
{
    skip_space(s);
    return take_byte(s, byte);
}

static bool take_literal(struct json_scan *s, const char *word)
{
    for (; *word != '\0'; word++)
        if (!take_byte(s, *word))
            return false;
    return true;
}

static bool take_digits(struct json_scan *s)
{
    const char *start = s->next;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->next++;
    return s->next > start;
}

static bool take_number(struct json_scan *s)
{
    (void)take_byte(s, '-'); // optional
    if (!take_byte(s, '0') && !take_digits(s))
        return false;
    if (take_byte(s, '.') && !take_digits(s))
        return false;
    if (!take_byte(s, 'e') && !take_byte(s, 'E'))
        return true;
    if (!take_byte(s, '+'))
        (void)take_byte(s, '-'); // optional
    return take_digits(s);
}

static bool is_hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_escape(struct json_scan *s)
{
    char kind = peek(s);
    if (kind == '\0' || strchr("\"\\/bfnrtu", kind) == NULL)
        return false;
    s->next++;
    for (int i = 0; kind == 'u' && i < 4; i++) {
        if (!is_hexadecimal(peek(s)))
            return false;
        s->next++;
    }
    return true;
}

static bool take_string(struct json_scan *s)
{
    if (!take_byte(s, '"'))
        return false;
    while (s->next < s->end && (unsigned char)*s->next >= ' ') {
        char c = *s->next++;
        if (c == '"')
            return true;
        if (c == '\\' && !take_escape(s))
            return false;
    }
    return false;
}

static enum json_scan_step next_item(struct json_scan *s, bool is_first, char closing)
{
    skip_space(s);
    if (take_byte(s, closing))
        return JSON_SCAN_END;
    if (!is_first && !take_byte(s, ','))
        return JSON_SCAN_BROKEN;
    skip_space(s);
    return JSON_SCAN_ITEM;
}

enum json_scan_step json_scan_element(struct json_scan *s, bool is_first)
{
    return next_item(s, is_first, ']');
}

enum json_scan_step json_scan_member(struct json_scan *s, bool is_first, struct slice *name)
{
    enum json_scan_step step = next_item(s, is_first, '}');
    if (step != JSON_SCAN_ITEM)
        return step;
    const char *quote = s->next;
    if (!take_string(s))
        return JSON_SCAN_BROKEN;
    *name = (struct slice){quote + 1, (size_t)(s->next - quote) - 2};
    return json_scan_expect(s, ':') ? JSON_SCAN_ITEM : JSON_SCAN_BROKEN;
}

static bool take_object(struct json_scan *s, unsigned depth)
{
    struct slice name;
    enum json_scan_step step = json_scan_member(s, true, &name);
    while (step == JSON_SCAN_ITEM && take_value(s, depth))
        step = json_scan_member(s, false, &name);
    return step == JSON_SCAN_END;
}

static bool take_array(struct json_scan *s, unsigned depth)
{
    enum json_scan_step step = json_scan_element(s, true);
    while (step == JSON_SCAN_ITEM && take_value(s, depth))
        step = json_scan_element(s, false);
    return step == JSON_SCAN_END;
}

static bool take_value(struct json_scan *s, unsigned depth)
{
    if (depth == 0)
        return false;
    skip_space(s);
    switch (peek(s)) {
    case '{':
        s->next++;
        return take_object(s, depth - 1);
    case '[':
        s->next++;
        return take_array(s, depth - 1);
    case '"':
        return take_string(s);
    case 't':
        return take_literal(s, "true");
    case 'f':
        return take_literal(s, "false");
    case 'n':
        return take_literal(s, "null");
    default:
        return take_number(s);
    }
}

bool json_scan_value(struct json_scan *s, struct slice *value)
{
    skip_space(s);
    const char *start = s->next;
    if (!take_value(s, JSON_SCAN_MAX_DEPTH))
        return false;
    *value = (struct slice){start, (size_t)(s->next - start)};
    return true;
}

bool json_scan_is_at_end(struct json_scan *s)
{
    skip_space(s);
    return s->next == s->end;
}

bool json_scan_is_whole(struct slice text)
{
    struct json_scan s = json_scan_over(text);
    struct slice value;
    return json_scan_value(&s, &value) && json_scan_is_at_end(&s);
}

bool json_scan_find(struct slice object, const char *name, struct slice *value)
{
    struct json_scan s = json_scan_over(object);
    struct slice found, content;
    if (!json_scan_expect(&s, '{'))
        return false;
    bool is_first = true;
    while (json_scan_member(&s, is_first, &found) == JSON_SCAN_ITEM &&
           json_scan_value(&s, &content)) {
        if (slice_equal(found, slice_of(name))) {
            *value = content;
            return true;
        }
        is_first = false;
    }
    return false;
}

struct slice json_scan_string(struct slice value)
{
    if (value.size < 2 || value.data[0] != '"')
        return (struct slice){NULL, 0};
    return (struct slice){value.data + 1, value.size - 2};
}
