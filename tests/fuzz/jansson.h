/* jansson.h: what jansson refuses and other readers of JSON take. */
#ifndef BOBBIN_TESTS_FUZZ_JANSSON_H
#define BOBBIN_TESTS_FUZZ_JANSSON_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* Is WHY one of jansson's own bounds: the size of numbers, the depth, an escaped zero byte in a name, a lone
 * surrogate in an escape (RFC 8259, section 8.2: the grammar allows it)? */
static inline bool jansson_is_bound(const json_error_t *why)
{
    enum json_error_code code = json_error_code(why);
    return code == json_error_numeric_overflow || code == json_error_stack_overflow ||
           code == json_error_null_byte_in_key || strstr(why->text, "invalid Unicode") != NULL;
}

#endif
