/* values.h: the texts of option values -> numbers. Pure. */
#ifndef BOBBIN_CLI_VALUES_H
#define BOBBIN_CLI_VALUES_H

#include <stdint.h>

#include "base/error.h"

/* Digits only. False when TEXT is no such number or too large. */
bool value_parse_count(const char *text, uint64_t *out);

/* Bytes: digits and, perhaps, K, M, G or T (powers of 1024), any case, with or without "B" or "iB". */
bool value_parse_size(const char *text, uint64_t *out);

/* Milliseconds: digits and ms, s, m, h or d; digits alone are seconds. */
bool value_parse_duration(const char *text, int64_t *out);

/* Which of CHOICES ("a|b|c") TEXT is. */
bool value_parse_choice(const char *text, const char *choices, int *out);

/* true, yes, on, 1 or false, no, off, 0. */
bool value_parse_flag(const char *text, bool *out);

#endif
