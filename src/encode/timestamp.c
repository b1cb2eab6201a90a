/* timestamp.c: see timestamp.h. */
#include "encode/timestamp.h"

enum {
    YEAR_DIGITS_MIN = 4,
    YEAR_DIGITS_MAX = 6, // PostgreSQL ends in 294276 AD
    LONGEST_BYTES = 64,  // of the output, without the fractional digits
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Does TEXT begin as PATTERN does, where 0 stands for any digit? Takes that part off. */
static bool take(struct slice *text, const char *pattern)
{
    size_t size = strlen(pattern);
    if (text->size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (pattern[i] == '0' ? !is_digit(text->data[i]) : text->data[i] != pattern[i])
            return false;
    text->data += size;
    text->size -= size;
    return true;
}

static bool take_suffix(struct slice *text, const char *suffix)
{
    size_t size = strlen(suffix);
    if (text->size < size || memcmp(text->data + text->size - size, suffix, size) != 0)
        return false;
    text->size -= size;
    return true;
}

static bool take_year(struct slice *text, int *year)
{
    size_t digits = 0;
    *year = 0;
    while (digits < text->size && digits <= YEAR_DIGITS_MAX && is_digit(text->data[digits]))
        *year = *year * 10 + (text->data[digits++] - '0');
    text->data += digits;
    text->size -= digits;
    return digits >= YEAR_DIGITS_MIN && digits <= YEAR_DIGITS_MAX;
}

static bool take_fraction(struct slice *text)
{
    if (!take(text, "."))
        return true;
    if (!take(text, "0"))
        return false;
    while (take(text, "0"))
        continue;
    return true;
}

/* The offset; *HAS_MINUTES: are they there? */
static bool take_zone(struct slice *text, bool *has_minutes)
{
    if (!take(text, "+00") && !take(text, "-00"))
        return false;
    *has_minutes = take(text, ":00");
    if (*has_minutes)
        (void)take(text, ":00");
    return true;
}

static char *put_year(char *at, int year)
{
    if (year < 0 || year > 9999)
        *at++ = year < 0 ? '-' : '+';
    int positive = year < 0 ? -year : year;
    int size = positive > 99999 ? 6 : positive > 9999 ? 5 : 4;
    for (int i = size - 1; i >= 0; i--, positive /= 10)
        at[i] = (char)('0' + positive % 10);
    return at + size;
}

/* Begin the string of YEAR and REST, which is what follows the year. Its end so far: there is room behind
 * it. NULL when OUT fails. */
static char *put_string(struct buffer *out, int year, struct slice rest)
{
    if (!buffer_reserve(out, LONGEST_BYTES + rest.size))
        return NULL;
    char *at = out->data + out->size;
    *at++ = '"';
    at = put_year(at, year);
    memcpy(at, rest.data, rest.size);
    return at + rest.size;
}

static void end_string(struct buffer *out, char *at)
{
    *at++ = '"';
    out->size = (size_t)(at - out->data);
}

/* Take the year off TEXT and the BC that belongs to it. */
static bool take_astronomical_year(struct slice *text, int *year)
{
    bool is_bc = take_suffix(text, " BC");
    if (!take_year(text, year))
        return false;
    if (is_bc)
        *year = 1 - *year;
    return true;
}

bool timestamp_append(struct buffer *out, struct slice text, bool has_zone)
{
    int year;
    bool has_minutes = true;
    if (!take_astronomical_year(&text, &year))
        return false;
    struct slice rest = text;
    if (!take(&text, "-00-00 00:00:00") || !take_fraction(&text))
        return false;
    if (has_zone && !take_zone(&text, &has_minutes))
        return false;
    if (text.size != 0)
        return false;
    char *end = put_string(out, year, rest);
    if (end == NULL)
        return true; // OUT has failed: its user will see
    (end - rest.size)[sizeof "-00-00" - 1] = 'T';
    if (!has_minutes) {
        memcpy(end, ":00", 3);
        end += 3;
    }
    end_string(out, end);
    return true;
}

bool timestamp_append_date(struct buffer *out, struct slice text)
{
    int year;
    if (!take_astronomical_year(&text, &year))
        return false;
    struct slice rest = text;
    if (!take(&text, "-00-00") || text.size != 0)
        return false;
    char *end = put_string(out, year, rest);
    if (end != NULL)
        end_string(out, end);
    return true;
}
