/* copytext.c: see copytext.h. */
#include "encode/copytext.h"

#include "encode/scan.h"

enum { OCTAL_DIGITS = 3, HEX_DIGITS = 2 }; // at most, of one escape

struct slice copytext_trim_newline(struct slice row)
{
    if (row.size > 0 && row.data[row.size - 1] == '\n')
        row.size--;
    return row;
}

/* Does an odd number of backslashes stand before AT? */
static bool is_escaped(const char *start, const char *at)
{
    const char *c = at;
    while (c > start && c[-1] == '\\')
        c--;
    return (at - c) % 2 == 1;
}

static const char *field_end(const char *start, const char *end)
{
    const char *from = start;
    while (from < end) {
        const char *tab = memchr(from, '\t', (size_t)(end - from));
        if (tab == NULL)
            return end;
        if (!is_escaped(start, tab))
            return tab;
        from = tab + 1;
    }
    return end;
}

static bool is_null(const char *start, const char *end)
{
    return end - start == 2 && start[0] == '\\' && start[1] == 'N';
}

size_t copytext_split(struct slice row, struct slice *fields, size_t capacity)
{
    row = copytext_trim_newline(row);
    const char *start = row.size > 0 ? row.data : ""; // so that only a NULL has no data
    const char *end = start + row.size;
    for (size_t count = 0;; count++) {
        const char *stop = field_end(start, end);
        if (count < capacity)
            fields[count] = is_null(start, stop) ? (struct slice){NULL, 0}
                                                 : (struct slice){start, (size_t)(stop - start)};
        if (stop == end)
            return count + 1;
        start = stop + 1;
    }
}

static int octal_value(char c)
{
    return c >= '0' && c <= '7' ? c - '0' : -1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number that starts at *IN in base BASE, its low eight bits; reads at most MOST digits. */
static unsigned char decode_number(const char **in, const char *end, int base, int most)
{
    unsigned value = 0;
    for (int i = 0; i < most && *in < end; i++, ++*in) {
        int digit = base == 8 ? octal_value(**in) : hex_value(**in);
        if (digit < 0)
            break;
        value = value * (unsigned)base + (unsigned)digit;
    }
    return (unsigned char)value;
}

static unsigned char decode_letter(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    default:
        return (unsigned char)letter;
    }
}

unsigned char copytext_decode_escape(const char **in, const char *end)
{
    ++*in;
    if (*in == end)
        return '\\';
    if (octal_value(**in) >= 0)
        return decode_number(in, end, 8, OCTAL_DIGITS);
    char letter = *(*in)++;
    if (letter == 'x' && *in < end && hex_value(**in) >= 0)
        return decode_number(in, end, 16, HEX_DIGITS);
    return decode_letter(letter);
}

void copytext_unescape(struct buffer *out, struct slice raw)
{
    if (raw.size == 0 || !buffer_reserve(out, raw.size))
        return;
    char *at = out->data + out->size;
    const char *in = raw.data;
    const char *end = raw.data + raw.size;
    bool has_high = false;
    while (in < end) {
        size_t run = scan_copy(at, in, (size_t)(end - in), false, &has_high);
        at += run;
        in += run;
        if (in < end)
            *at++ = *in == '\\' ? (char)copytext_decode_escape(&in, end) : *in++;
    }
    out->size = (size_t)(at - out->data);
}
