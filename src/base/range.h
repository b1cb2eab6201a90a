/* range.h: a range of keys, each as the text that PostgreSQL prints. Only the server can compare
 * them (types, collations): bobbin passes them back as literals. */
#ifndef BOBBIN_BASE_RANGE_H
#define BOBBIN_BASE_RANGE_H

#include "base/buffer.h"

struct key_range {
    bool has_from;          // else it begins at the first key
    bool is_from_inclusive; // key >= from, else key > from
    bool has_to;            // else it has no end
    bool is_to_exclusive;   // key < to, else key <= to
    struct slice from;
    struct slice to;
};

#endif
