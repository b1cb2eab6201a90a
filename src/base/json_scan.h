/* json_scan.h: walk over JSON bytes where they lie: strict (RFC 8259), without memory or copies.
 *
 * It says where values begin and end, which jansson can't, and refuses the text that jansson would
 * refuse, but for three things: it doesn't look at UTF-8 nor for lone surrogates in escapes, and takes numbers of any size. Never reads
 * past the slice, whatever the bytes are. Names and strings come as they stand between their quotes;
 * json_scan_unescape makes text of them. */
#ifndef BOBBIN_BASE_JSON_SCAN_H
#define BOBBIN_BASE_JSON_SCAN_H

#include "base/buffer.h"

/* Deeper text is refused, as by Elasticsearch itself (Jackson, StreamReadConstraints): each level
 * takes two calls on the stack. */
enum { JSON_SCAN_MAX_DEPTH = 1000 };

/* A place in JSON text. After a function has returned false (or JSON_SCAN_BROKEN) it must not be
 * used. */
struct json_scan {
    const char *next;
    const char *end;
};

enum json_scan_step { JSON_SCAN_BROKEN, JSON_SCAN_ITEM, JSON_SCAN_END };

struct json_scan json_scan_over(struct slice text);

/* Step over white space and BYTE. False when something else stands there. */
MUST_CHECK bool json_scan_expect(struct json_scan *s, char byte);

/* Step over white space and one whole value. *VALUE: its bytes, without white space around it. */
MUST_CHECK bool json_scan_value(struct json_scan *s, struct slice *value);

/* Behind the "{" of an object: step to the next member's value. *NAME: the bytes between the
 * quotes, not unescaped. IS_FIRST: no member was stepped to before. JSON_SCAN_END: the "}" was
 * stepped over. */
MUST_CHECK enum json_scan_step json_scan_member(struct json_scan *s, bool is_first,
                                                struct slice *name);

/* The same behind the "[" of an array. */
MUST_CHECK enum json_scan_step json_scan_element(struct json_scan *s, bool is_first);

/* Is there nothing left but white space? */
bool json_scan_is_at_end(struct json_scan *s);

/* Is TEXT exactly one value, with nothing but white space around it? */
bool json_scan_is_whole(struct slice text);

/* Find member NAME of OBJECT (not unescaped, the first of that name). False, *VALUE untouched, when
 * there is none, or OBJECT is no object or broken before it. */
bool json_scan_find(struct slice object, const char *name, struct slice *value);

/* The bytes between the quotes when VALUE, as json_scan_value gave it, is a string; else an empty
 * slice with data NULL. */
struct slice json_scan_string(struct slice value);

/* Append to OUT the UTF-8 text for which INSIDE stands: what is between the quotes of a string that a
 * function above has found. Half of a surrogate pair becomes U+FFFD. A full buffer is not told here:
 * buffer_check. */
void json_scan_unescape(struct buffer *out, struct slice inside);

#endif
