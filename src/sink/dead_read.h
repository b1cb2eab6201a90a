/* dead_read.h: read dead letters back, one after the other: the file may be larger than the memory, one
 * letter is held at a time. What is no sealed letter (dead.h), or was changed, is damage. */
#ifndef BOBBIN_SINK_DEAD_READ_H
#define BOBBIN_SINK_DEAD_READ_H

#include <stdint.h>

#include "base/buffer.h"

struct dead_reader;

/* A letter; its slices borrow from the line and end with the next one. */
struct dead_letter {
    struct slice line;                // without its newline
    struct slice content;             // of it, what stands before the seal and the "}"
    struct slice id;                  // JSON: a string, or null; a row's that has none is its key
    bool has_no_id;                   // of a row: its key stands in `id`
    struct slice status;              // of the HTTP answer; empty for a row
    struct slice error;               // a JSON object
    struct slice action;              // JSON; empty for a row that could not become a document
    struct slice source;              // JSON; empty for a delete, too
    struct slice first_key, last_key; // JSON strings
    uint64_t offset;                  // of the line in the file
};

/* Read the bytes [FROM, UPTO) of the file in directory DIR (borrowed for the call only), which are whole
 * letters. ERROR_DAMAGED when the file is absent; ERROR_DISK; ERROR_MEMORY. */
MUST_CHECK bool dead_reader_open(struct dead_reader **out, int dir, uint64_t from, uint64_t upto,
                                 struct error *err);
void dead_reader_close(struct dead_reader *r);

/* The next letter; *FOUND false at the end. ERROR_DAMAGED for a file that ends too early, and for a line
 * that is no letter as it was written. */
MUST_CHECK bool dead_reader_next(struct dead_reader *r, struct dead_letter *letter, bool *found,
                                 struct error *err);

/* Take LINE (without newline) apart. False when it is no letter as it was written. */
bool dead_letter_parse(struct slice line, struct dead_letter *letter);

/* Append what JSON string stands for. False when it is none. */
MUST_CHECK bool dead_append_string(struct slice json, struct buffer *out);

/* Append LETTER's operation as a bulk request has it: action line and perhaps source line. False when it
 * can't be: it has no action. */
MUST_CHECK bool dead_append_operation(const struct dead_letter *letter, struct buffer *out);

#endif
