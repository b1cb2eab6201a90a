/* json_unescape.c: json_scan_unescape of json_scan.h: what stands between quotes -> UTF-8 text. */
#include "base/json_scan.h"

enum {
    REPLACEMENT = 0xFFFD,
    HIGH_FIRST = 0xD800, // surrogates: RFC 8259, section 7
    LOW_FIRST = 0xDC00,
    LOW_LAST = 0xDFFF,
    PLANE_1 = 0x10000,
    SURROGATE_SPAN = 0x400,
    ESCAPE_BYTES = 6, // \uXXXX
    UTF8_STEP = 64,   // what a continuation byte holds
};

static unsigned digit_of(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}

/* Is there \uXXXX at AT? Its digits were checked by the scan. */
static bool take_unit(const char *at, const char *end, unsigned *unit)
{
    if (end - at < ESCAPE_BYTES || at[0] != '\\' || at[1] != 'u')
        return false;
    *unit = 0;
    for (int i = 2; i < ESCAPE_BYTES; i++)
        *unit = *unit * 16 + digit_of(at[i]);
    return true;
}

static void append_utf8(struct buffer *out, unsigned c)
{
    char bytes[4];
    size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < PLANE_1 ? 3 : 4;
    static const unsigned firsts[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 + c % UTF8_STEP);
        c /= UTF8_STEP;
    }
    bytes[0] = (char)(firsts[count] + c);
    buffer_append(out, bytes, count);
}

/* Append the character of the \uXXXX at AT, or of a pair of them; returns what lies behind. */
static const char *unescape_unit(struct buffer *out, const char *at, const char *end)
{
    unsigned unit = 0, low;
    if (!take_unit(at, end, &unit))
        return end; // no string that the scan has found
    at += ESCAPE_BYTES;
    if (unit < HIGH_FIRST || unit > LOW_LAST) {
        append_utf8(out, unit);
    } else if (unit < LOW_FIRST && take_unit(at, end, &low) && low >= LOW_FIRST &&
               low <= LOW_LAST) {
        append_utf8(out, PLANE_1 + (unit - HIGH_FIRST) * SURROGATE_SPAN + (low - LOW_FIRST));
        at += ESCAPE_BYTES;
    } else {
        append_utf8(out, REPLACEMENT);
    }
    return at;
}

static char plain_of(char escape)
{
    static const char escapes[] = "bfnrt", plains[] = "\b\f\n\r\t";
    const char *found = escape != '\0' ? strchr(escapes, escape) : NULL;
    return found != NULL ? plains[found - escapes] : escape;
}

void json_scan_unescape(struct buffer *out, struct slice inside)
{
    const char *at = inside.data, *end = at + inside.size;
    while (at < end) {
        const char *backslash = memchr(at, '\\', (size_t)(end - at));
        const char *stop = backslash != NULL ? backslash : end;
        buffer_append(out, at, (size_t)(stop - at));
        at = stop;
        if (end - at < 2)
            return;
        if (at[1] == 'u') {
            at = unescape_unit(out, at, end);
        } else {
            buffer_append_byte(out, plain_of(at[1]));
            at += 2;
        }
    }
}
