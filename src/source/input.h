/* input.h: a file or standard input -> its lines, each with its place. What it is packed with (unpack.h) its first
 * bytes say.
 *
 * A place is how many plain, unpacked bytes stand before it. A file can be read from any place on, a plain
 * one at once, a packed one by unpacking what stands before; a pipe only goes forward.
 *
 * Errors: ERROR_CONFIG (there is no such file, or it can't be read), ERROR_INPUT (it is damaged, or a line is too long),
 * ERROR_DISK (reading failed), ERROR_STOPPED on a stop request, ERROR_MEMORY. */
#ifndef BOBBIN_SOURCE_INPUT_H
#define BOBBIN_SOURCE_INPUT_H

#include <stdint.h>

#include "source/unpack.h"

enum { INPUT_LINE_MAX_BYTES = 256 << 20 }; // more than twice what a cluster takes by default

struct input;

/* Open PATH; "-" is standard input, from where it stands. */
MUST_CHECK bool input_open(struct input **out, const char *path, struct error *err);
void input_close(struct input *in);

/* PATH, or "standard input"; for messages. Borrowed. */
const char *input_name(const struct input *in);

/* Is it a file, which can be read again? */
bool input_is_file(const struct input *in);

/* Append to OUT what tells a changed file from one that is as it was: its size and the time of its last change. */
void input_put_state(const struct input *in, struct buffer *out);

/* The next line is the one at PLACE. ERROR_INPUT when the file ends before; ERROR_BUG for a pipe that is past it. */
MUST_CHECK bool input_seek(struct input *in, uint64_t place, struct error *err);

enum input_read { INPUT_LINE, INPUT_IDLE, INPUT_END };

/* The next line with its newline, if it has one, good until the next call; PLACE: where it begins. INPUT_IDLE: a
 * pipe gave no whole line for IDLE_MS. */
MUST_CHECK bool input_read_line(struct input *in, int idle_ms, enum input_read *what,
                                struct slice *line, uint64_t *place, struct error *err);

/* How many lines may the file have? By those that were read up to now; 0: unknown. */
uint64_t input_estimate_lines(const struct input *in);

enum unpack_kind input_kind(const struct input *in);

#endif
