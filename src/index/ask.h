/* ask.h: a question about one index, by its parts; asked as sink/question.h says. */
#ifndef BOBBIN_INDEX_ASK_H
#define BOBBIN_INDEX_ASK_H

#include "sink/question.h"

enum { ASK_ANSWER_MAX_BYTES = 16 << 20 }; // the mappings of thousands of fields

struct ask {
    const char *method;
    const char *path; // whole; or NULL, and it is made of these three:
    const char *
        before; // the index, which stands in the path percent-encoded: "/_cluster/health/"; NULL: "/"
    const char *index;             // what it is about, for messages too
    const char *after;             // "/_settings", or a query that begins with "?"; NULL: nothing
    const json_t *body;            // or NULL
    int answers[QUESTION_ANSWERS]; // statuses that are answers, besides 2xx
    const char *privilege;         // that the question needs on the index
};

/* As question_ask; A is initialised. ERROR_MEMORY. */
MUST_CHECK bool ask_cluster(struct question_hosts *hosts, const struct ask *ask,
                            struct question_answer *a, struct error *err);

/* Ask for a change, of which only that it was made is to be known. ERROR_UNAVAILABLE when the cluster says
 * that not all of its nodes know of it yet. */
MUST_CHECK bool ask_for_change(struct question_hosts *hosts, const struct ask *ask,
                               struct error *err);

/* What INDEX has acknowledged is on disk. ERROR_UNAVAILABLE when not all of its shards could; ERROR_DENIED. */
MUST_CHECK bool ask_to_flush(struct question_hosts *hosts, const char *index, struct error *err);

#endif
