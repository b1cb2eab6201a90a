/* target.h: what stands behind the name that a job writes to: an index, or those of an alias or a
 * data stream. Pure: reads the answer to GET /NAME?filter_path=TARGET_FILTER.
 *
 * A name is not an identity: an index that was deleted and made anew, perhaps by the cluster
 * itself, has the old name and none of the old documents. Its uuid is another one. */
#ifndef BOBBIN_SINK_TARGET_H
#define BOBBIN_SINK_TARGET_H

#include <jansson.h>

#include "base/buffer.h"

/* *.settings.index.uuid,*.aliases,*.data_stream, encoded in the one way that a signature allows. */
#define TARGET_FILTER "%2A.settings.index.uuid%2C%2A.aliases%2C%2A.data_stream"

/* Uuids as text: each with a newline behind it. */
struct target {
    struct buffer uuids; // of all indices behind the name
    struct buffer write; // of the one that takes new documents; empty: there is none
};

/* Empty: nothing stands behind the name. */
void target_init(struct target *t);
void target_free(struct target *t);

/* Fill T from ANSWER, for NAME. False, T empty, when ANSWER shows no index with a uuid. Documents go
 * to the index itself; of an alias to its write index, or to its only one unless that says that it
 * is not; of a data stream to the backing index of the highest generation. */
bool target_read(struct target *t, const char *name, json_t *answer);

/* Does nothing stand behind the name? */
bool target_is_missing(const struct target *t);

/* Are all of the UUIDS among those behind the name? */
bool target_covers(const struct target *t, struct slice uuids);

/* Append to UUIDS the one that takes new documents, unless it is there: *ADDED says. */
void target_add_write(const struct target *t, struct buffer *uuids, bool *added);

#endif
