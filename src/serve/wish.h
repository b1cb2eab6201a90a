/* wish.h: what a client wants done: the body of POST /task. Pure.
 *
 * Everything that a child's command line or a file's name is made of is checked here, and letter by
 * letter: nothing that passes can mean more to them than a name or a number. */
#ifndef BOBBIN_SERVE_WISH_H
#define BOBBIN_SERVE_WISH_H

#include <stdint.h>

#include "base/buffer.h"

enum {
    WISH_BODY_MAX_BYTES = 64 << 10,
    WISH_MODEL_BYTES = 64 + 1, // each with the zero byte at its end
    WISH_TABLE_BYTES = 63 + 1, // PostgreSQL's longest name (NAMEDATALEN)
    WISH_INDEX_BYTES = 255 + 1 // Elasticsearch's
};

struct wish {
    char model[WISH_MODEL_BYTES];
    char table[WISH_TABLE_BYTES];
    char index[WISH_INDEX_BYTES];
    int64_t start_id, end_id; // both inclusive
};

/* Read BODY: JSON, or a form when TYPE (its Content-Type, or NULL) says so; in both the ids may be text. Fields
 * that aren't known are passed over. ERROR_USAGE that names the field and what is wrong with it. */
MUST_CHECK bool wish_read(struct wish *out, const char *type, struct slice body, struct error *err);

/* The same of jansson's json_t, borrowed: an object with these fields. */
struct json_t;
MUST_CHECK bool wish_take_json(struct wish *out, const struct json_t *json, struct error *err);

#endif
