/* question.h: a question to the cluster: one request with a small answer in JSON, what is wrong with an answer that
 * nobody wants, and the patience to ask one host after the other until one answers.
 *
 * "Question" is also what changes something (create an index, write a small document). Bulk requests go
 * another way (delivery.h). Nothing is logged here: `tell` is told of what was tried in vain. */
#ifndef BOBBIN_SINK_QUESTION_H
#define BOBBIN_SINK_QUESTION_H

#include <jansson.h>

#include "sink/http.h"

enum { QUESTION_ANSWERS = 4, QUESTION_ANSWER_MAX_BYTES = 1 << 20 };

struct question {
    const char *method;
    const char *path;  // behind the host: from "/" on, encoded, with its query
    struct slice body; // JSON, borrowed; size 0: none

    /* Statuses that are answers, as all of 200 to 299 are: 404 where "it is not there" is one. 0 at the
     * end, unless all are used. */
    int answers[QUESTION_ANSWERS];

    const char *index;     // what it is about, for messages
    const char *privilege; // what a user needs there, for messages
};

struct question_answer {
    int status;
    struct buffer text;
    json_t *json; // TEXT; NULL when it is no JSON
    bool
        is_repeated; // an earlier try ended without an answer: it may have done already what was asked
};

/* Room for answers of MAXIMUM bytes; a longer one is no answer (http_call). */
void question_answer_init(struct question_answer *a, size_t maximum);
void question_answer_free(struct question_answer *a);

/* Take what an http_response or http_call brought: A is as after question_ask_host. */
void question_answer_read(struct question_answer *a, int status, struct slice text);

/* The type of the error that A tells of ("index_not_found_exception"), or NULL. */
const char *question_error_type(const struct question_answer *a);
bool question_has_error(const struct question_answer *a, const char *type);

/* --- one host --- */

/* Ask HOST, a base URL without a slash at its end. *A, initialised, is filled anew. Any status is an answer. Errors: those
 * of http_call. */
MUST_CHECK bool question_ask_host(struct http *h, const char *host, const struct question *q,
                                  struct question_answer *a, struct error *err);

/* Fill ERR, in the cluster's words, for an answer that is none of those that Q wants: ERROR_DENIED: 401, 403, 407
 * (names the privilege); ERROR_UNAVAILABLE: 408, 429, 5xx or a cluster block; ERROR_CONFIG: refused, or
 * no answer that a search engine would give. Returns false. */
bool question_refused(const struct question *q, const char *host, const struct question_answer *a,
                      struct error *err);

/* Fill ERR: HOST answered so, and in which words; then WHAT that means. Returns false. */
bool question_answered(const char *host, const struct question_answer *a, enum error_kind kind,
                       const char *what, struct error *err);

/* --- one host after the other --- */

/* The way to the cluster. One thread uses it. */
struct question_hosts {
    struct http *http;
    const char *const
        *urls; // base URLs, whatever slashes are at their ends; NULL at the end; at least one
    int64_t give_up_after_ms;              // without an answer
    void (*tell)(const struct error *why); // before another try; or NULL
    size_t next; // which of the urls is asked first: the one that answered last
};

/* Ask HOST, a base URL without a slash at its end, whatever CONTEXT says. */
typedef bool question_try(void *context, struct http *h, const char *host, struct error *err);

/* Call TRY for one host after the other until it succeeds: while it fails with ERROR_UNAVAILABLE the next host is
 * tried, after a growing rest (backoff_delay_ms, up to 10 s) when all were. Errors: TRY's other ones; the last
 * ERROR_UNAVAILABLE when give_up_after_ms are over; ERROR_STOPPED on a stop request, at once. */
MUST_CHECK bool question_persist(struct question_hosts *hosts, question_try *try, void *context,
                                 struct error *err);

/* Ask Q so. True: A's status is 200 to 299, or one of Q's answers, and A's text is JSON unless it is empty. Else ERR, as
 * question_refused and question_persist say, and A is empty. What changes something must bear being
 * asked twice: A's is_repeated says whether it may have been. */
MUST_CHECK bool question_ask(struct question_hosts *hosts, const struct question *q,
                             struct question_answer *a, struct error *err);

#endif
