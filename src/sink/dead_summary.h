/* dead_summary.h: dead letters counted by the type of their error. Holds one example of each, and no more
 * than DEAD_GROUPS_MAX of them, however many letters there are. Pure. */
#ifndef BOBBIN_SINK_DEAD_SUMMARY_H
#define BOBBIN_SINK_DEAD_SUMMARY_H

#include <stdint.h>

#include "base/buffer.h"

enum { DEAD_GROUPS_MAX = 64, DEAD_TYPE_BYTES = 100, DEAD_WORDS_BYTES = 301, DEAD_ID_BYTES = 100 };

struct dead_group {
    uint64_t count;
    char type[DEAD_TYPE_BYTES];   // "": the error has none
    char words[DEAD_WORDS_BYTES]; // of the first one: "type: reason"
    char id[DEAD_ID_BYTES]; // of the first one, as JSON has it between the quotes; "": not known
};

struct dead_summary {
    struct dead_group groups[DEAD_GROUPS_MAX];
    size_t group_count;
    uint64_t count;  // all letters
    uint64_t others; // of them, those whose type found no room
};

/* Count a letter: ERROR is its error, JSON; ID is JSON, empty when not known. */
void dead_summary_add(struct dead_summary *s, struct slice error_json, struct slice id);

/* Put the groups in order, the largest first. */
void dead_summary_sort(struct dead_summary *s);

/* Append GROUP in words: "12 mapper_parsing_exception: failed to parse ... (first: id 42)". */
void dead_group_put(const struct dead_group *group, struct buffer *out);

#endif
