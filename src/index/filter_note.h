/* filter_note.h: what is noted in an index that a filter made, or is making. See steps.h. */
#ifndef BOBBIN_INDEX_FILTER_NOTE_H
#define BOBBIN_INDEX_FILTER_NOTE_H

#include <stdint.h>

#include "index/look.h"

#define FILTER_NOTE "filter" // its name

enum { FILTER_NAME_BYTES = 256, FILTER_UUID_BYTES = 64, FILTER_HASH_BYTES = 17 };

struct filter_note {
    bool is_made;                        // there is such a note: the index was created by a filter
    char source[FILTER_NAME_BYTES];      // the index that it is copied from
    char source_uuid[FILTER_UUID_BYTES]; // which no other index of that name has
    char query[FILTER_HASH_BYTES];       // a hash of the fields and terms
    char task[FILTER_NAME_BYTES];        // the cluster's task that copies; empty: none does
    bool is_done;                        // all is copied, and was counted:
    uint64_t documents, left_out;
};

/* Read it. There is none: all of NOTE is empty. */
void filter_read_note(const struct look *l, struct filter_note *note);

/* NOTE as it stands in the index: a new reference, NULL when there is no memory. */
json_t *filter_json_of_note(const struct filter_note *note);

#endif
