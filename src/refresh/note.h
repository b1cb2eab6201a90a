/* note.h: how far a refresh is: noted in the new index itself (index/look.h), so that it is known after a kill, and on any
 * machine. {"alias": ..., "query": its hash, "done": the last step that is done, "old": indices to delete} */
#ifndef BOBBIN_REFRESH_NOTE_H
#define BOBBIN_REFRESH_NOTE_H

#include "index/look.h"

#define REFRESH_NOTE "refresh"

struct note {
    char *index; // NULL: there is no unfinished refresh
    json_t *json;
};

/* Find the refresh of ALIAS among the indices ALIAS-*: of INDEX, or, when that is NULL, the one whose "done" is not LAST. To
 * be freed. ERROR_CONFIG: another refresh of ALIAS than INDEX's is unfinished, or several are. */
MUST_CHECK bool note_find(struct question_hosts *hosts, const char *alias, const char *index,
                          const char *last, struct note *out, struct error *err);
void note_free(struct note *n);

/* The name of the last step that is done; "" at the beginning. */
const char *note_done(const struct note *n);

/* Write N into its index. */
MUST_CHECK bool note_write(struct question_hosts *hosts, const struct note *n, struct error *err);

/* STEP is done. */
MUST_CHECK bool note_put_done(struct question_hosts *hosts, struct note *n, const char *step,
                              struct error *err);

#endif
