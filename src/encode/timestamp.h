/* timestamp.h: PostgreSQL's timestamps and dates (DateStyle ISO) -> ISO 8601 in a JSON string. Pure; it
 * checks the form, not the calendar, and never converts between time zones.
 *
 * PostgreSQL manual, "Date/Time Output" (8.5.2): a blank where ISO 8601 has T, an offset that drops
 * zero minutes (+00), years before 1 AD written with BC. */
#ifndef BOBBIN_ENCODE_TIMESTAMP_H
#define BOBBIN_ENCODE_TIMESTAMP_H

#include "base/buffer.h"

/* Append TEXT as a JSON string: T in place of the blank; fractional digits as they are; with
 * HAS_ZONE the offset as +HH:MM (with :SS where PostgreSQL gives seconds, as for local mean time).
 * Years are astronomical: 44 BC is -0043, 1 BC is 0000; those over 9999 get a "+" (ISO 8601,
 * expanded representation). False, and OUT as it was, when TEXT is anything else; infinity is. */
MUST_CHECK bool timestamp_append(struct buffer *out, struct slice text, bool has_zone);

/* The same for a date: only its year may change. */
MUST_CHECK bool timestamp_append_date(struct buffer *out, struct slice text);

#endif
