/* search_internal.h: what search.c and scroll.c share. Nobody else includes it. */
#ifndef BOBBIN_SINK_SEARCH_INTERNAL_H
#define BOBBIN_SINK_SEARCH_INTERNAL_H

#include "sink/search.h"

/* One question. */
struct search_call {
    const char *host;
    const char *index;
    const char *privilege; // that it needs
    int status;            // of the answer
};

/* Ask METHOD HOST/INDEX<PATH>, or HOST/<PATH> when PATH begins with "_". The status is the call's, the body is
 * appended to ANSWER. */
bool search_ask(struct http *h, struct search_call *c, const char *method, const char *path,
                struct slice body, struct buffer *answer, struct error *err);

/* Fill ERR for an ANSWER that is not the one asked for. Returns false. */
bool search_refused(const struct search_call *c, struct slice answer, struct error *err);

/* Did all shards answer, in time? */
bool search_check_shards(const struct search_call *c, struct slice answer, struct error *err);

/* Digits -> number. */
bool search_number(struct slice text, uint64_t *number);

#endif
