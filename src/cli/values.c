/* values.c: see values.h. */
#include "cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits at the start of TEXT; *REST is what follows. */
static bool parse_digits(const char *text, uint64_t *out, const char **rest)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

bool value_parse_count(const char *text, uint64_t *out)
{
    const char *rest;
    return parse_digits(text, out, &rest) && *rest == '\0';
}

static bool multiply(uint64_t *value, uint64_t factor)
{
    return !__builtin_mul_overflow(*value, factor, value);
}

bool value_parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    const char *rest;
    if (!parse_digits(text, out, &rest))
        return false;
    const char *unit = *rest != '\0' ? strchr(units, toupper((unsigned char)*rest)) : NULL;
    if (unit != NULL) {
        rest++;
        for (const char *u = units; u <= unit; u++)
            if (!multiply(out, 1024))
                return false;
        if (strcasecmp(rest, "iB") == 0)
            rest += 2;
    }
    if (strcasecmp(rest, "B") == 0)
        rest++;
    return *rest == '\0';
}

bool value_parse_duration(const char *text, int64_t *out)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *rest;
    uint64_t value;
    if (!parse_digits(text, &value, &rest))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(rest, units[i].name) != 0)
            continue;
        *out = (int64_t)(value * units[i].ms);
        return multiply(&value, units[i].ms) && value <= INT64_MAX;
    }
    return false;
}

bool value_parse_choice(const char *text, const char *choices, int *out)
{
    size_t size = strlen(text);
    for (int i = 0; *choices != '\0'; i++) {
        size_t length = strcspn(choices, "|");
        if (length == size && memcmp(choices, text, size) == 0) {
            *out = i;
            return true;
        }
        choices += length + (choices[length] == '|');
    }
    return false;
}

bool value_parse_flag(const char *text, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    }
    return false;
}
