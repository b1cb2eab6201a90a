/* json.c: see json.h. */
#include "encode/json.h"

#include "encode/copytext.h"
#include "encode/scan.h"
#include "encode/utf8.h"

enum { LONGEST_ESCAPE = 6 }; // bytes: \u001f

static const char not_utf8[] = "the value is not valid UTF-8";

/* From input to output. Invariant: OUT has room for all that is left of the input and a quote, so
 * only an escape that is longer than its source must ask for more. */
struct cursor {
    const char *in;
    const char *end;
    char *at;    // where the next byte goes
    char *limit; // the end of the room
    struct buffer *out;
    bool has_high;
};

static bool cursor_reserve(struct cursor *c, size_t more)
{
    if ((size_t)(c->limit - c->at) >= more)
        return true;
    c->out->size = (size_t)(c->at - c->out->data);
    if (!buffer_reserve(c->out, more))
        return false;
    c->at = c->out->data + c->out->size;
    c->limit = c->out->data + c->out->capacity;
    return true;
}

static bool cursor_start(struct cursor *c, struct buffer *out, struct slice input)
{
    const char *in = input.size > 0 ? input.data : "";
    *c = (struct cursor){.in = in, .end = in + input.size, .out = out};
    if (!buffer_reserve(out, input.size + 2))
        return false;
    c->at = out->data + out->size;
    c->limit = out->data + out->capacity;
    return true;
}

/* Keep what was written; or, when it is not UTF-8, go back to START. */
static const char *cursor_finish(struct cursor *c, size_t start)
{
    c->out->size = (size_t)(c->at - c->out->data);
    struct slice written = {c->out->data + start, c->out->size - start};
    if (!c->has_high || utf8_is_valid(written))
        return NULL;
    c->out->size = start;
    return not_utf8;
}

static inline void cursor_copy_run(struct cursor *c, bool stops_at_quote)
{
    size_t run = scan_copy(c->at, c->in, (size_t)(c->end - c->in), stops_at_quote, &c->has_high);
    c->at += run;
    c->in += run;
}

static void put_control(struct cursor *c, unsigned char byte)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    *c->at++ = '\\';
    if (letters[byte] != '\0') {
        *c->at++ = letters[byte];
        return;
    }
    memcpy(c->at, "u00", 3);
    c->at[3] = (char)('0' + byte / 16);
    c->at[4] = "0123456789abcdef"[byte % 16];
    c->at += 5;
}

/* Write one byte of a string, escaped when JSON asks for it. */
static bool put_string_byte(struct cursor *c, unsigned char byte)
{
    if (!cursor_reserve(c, (size_t)(c->end - c->in) + LONGEST_ESCAPE + 1))
        return false;
    if (byte < 0x20) {
        put_control(c, byte);
        return true;
    }
    if (byte == '"' || byte == '\\')
        *c->at++ = '\\';
    *c->at++ = (char)byte;
    c->has_high |= byte >= 0x80;
    return true;
}

/* COPY's escapes for these characters are JSON's own. */
static inline bool copy_shared_escape(struct cursor *c)
{
    static const bool is_shared[256] = {
        ['b'] = true, ['f'] = true, ['n'] = true, ['r'] = true, ['t'] = true, ['\\'] = true};
    if (c->end - c->in < 2 || c->in[0] != '\\' || !is_shared[(unsigned char)c->in[1]])
        return false;
    memcpy(c->at, c->in, 2);
    c->at += 2;
    c->in += 2;
    return true;
}

static inline const char *append_string(struct buffer *out, struct slice input, bool is_copytext)
{
    size_t start = out->size;
    struct cursor c;
    if (!cursor_start(&c, out, input))
        return NULL;
    *c.at++ = '"';
    for (;;) {
        cursor_copy_run(&c, true);
        if (c.in == c.end)
            break;
        if (is_copytext && copy_shared_escape(&c))
            continue;
        bool is_escape = is_copytext && *c.in == '\\';
        unsigned char byte =
            is_escape ? copytext_decode_escape(&c.in, c.end) : (unsigned char)*c.in++;
        if (!put_string_byte(&c, byte))
            return NULL;
    }
    *c.at++ = '"';
    return cursor_finish(&c, start);
}

const char *json_append_string(struct buffer *out, struct slice bytes)
{
    return append_string(out, bytes, false);
}

const char *json_append_copytext(struct buffer *out, struct slice raw)
{
    return append_string(out, raw, true);
}

const char *json_append_embedded(struct buffer *out, struct slice raw)
{
    size_t start = out->size;
    struct cursor c;
    if (raw.size == 0)
        return "the JSON value is empty";
    if (!cursor_start(&c, out, raw))
        return NULL;
    for (;;) {
        cursor_copy_run(&c, false);
        if (c.in == c.end)
            break;
        unsigned char byte =
            *c.in == '\\' ? copytext_decode_escape(&c.in, c.end) : (unsigned char)*c.in++;
        if (byte == '\n' || byte == '\r' || byte == '\t')
            byte = ' ';
        if (byte < 0x20)
            return "the JSON value has a raw control character"; // OUT's size was not touched
        c.has_high |= byte >= 0x80;
        *c.at++ = (char)byte;
    }
    return cursor_finish(&c, start);
}
