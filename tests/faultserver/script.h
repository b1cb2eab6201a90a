/* script.h: the fault server's script: which requests get which fault. Pure.
 *
 * One rule a line, `when WHICH do WHAT`; empty lines and those that begin with # are skipped. The first
 * rule that fits a request decides; without one the server is a search engine in good health.
 *
 *     when bulk 3 do status 429 retry-after 1
 *     when bulk 2.. larger 5000 do status 413 early
 *     when bulk every 2 times 3 do drop-answer
 *     when bulk do documents 7,9 400 mapper_parsing_exception
 *     when lookup do status 200 body <html>hello</html>
 *
 * WHICH begins with what the request is: `bulk`, `lookup` (is the index there?), `create` (the index), or
 * `request` (any of them), each counted on its own from 1 since the script was read. Then, all to be met:
 *
 *     3, 2..5, 2..      its number
 *     every N           its number is a multiple of N
 *     larger BYTES      its Content-Length is more (not 0)
 *     with ID           it has this document; such rules are looked at after all others, when the
 *                       request was read
 *     times N           the rule was used fewer than N times
 *
 * WHAT is one or more of these. First, what is answered:
 *
 *     status N          for the request as a whole: no document is stored
 *     stored            but they are, in spite of `status`
 *     error TYPE        the type of the error that goes with `status`
 *     retry-after N     the header, N seconds; retry-after-date N: as the date that is N seconds off
 *     location URL      the header
 *     padding BYTES     so much more text in the reason of each error
 *     documents WHICH N TYPE
 *                       these get status N and an error of TYPE and are not stored; WHICH: `all`, `first`,
 *                       `rest` (all but the first) or ids joined by commas
 *     items N           so many items in the answer, whatever was sent
 *     encoding NAME     Content-Encoding; gzip is done, others are only said
 *     body TEXT         this instead of JSON, to the end of the line
 *
 * Then, how it is answered:
 *
 *     early             as soon as the head is there, without reading the body
 *     http-1.0          HTTP/1.0, no Content-Length, connection closed
 *     pace BYTES MS     BYTES of the answer each MS milliseconds
 *     drop-MOMENT       the connection is closed, or (stall-MOMENT) nothing more ever happens, at:
 *                       -head (nothing but the head was read), -reading BYTES (so much of the body was
 *                       read), -answer (all was done, nothing answered), -sending BYTES (so much of the
 *                       answer's body was sent) */
#ifndef BOBBIN_TESTS_FAULTSERVER_SCRIPT_H
#define BOBBIN_TESTS_FAULTSERVER_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum request_kind { REQUEST_LOOKUP, REQUEST_CREATE, REQUEST_BULK, REQUEST_KINDS, REQUEST_ANY };

enum moment { MOMENT_NEVER, MOMENT_HEAD, MOMENT_READING, MOMENT_ANSWER, MOMENT_SENDING };

/* At a moment; BYTES: after so many, when it is -reading or -sending. */
struct break_off {
    enum moment moment;
    size_t bytes;
};

/* Strings are parts of the script. Zero, but for `items` (-1), is what a sound server does. */
struct rule {
    unsigned line; // of the script, from 1; 0: no rule
    /* which */
    enum request_kind kind;
    unsigned first, last, every;
    size_t larger;
    const char *with;
    unsigned times, used;
    /* what */
    unsigned status;
    bool is_stored;
    const char *error;
    const char *retry_after, *retry_after_date;
    const char *location;
    size_t padding;
    const char *documents;
    unsigned document_status;
    const char *document_error;
    long items;
    const char *encoding;
    const char *body;
    bool is_early, is_http_1_0;
    size_t pace_bytes;
    unsigned pace_ms;
    struct break_off drop, stall;
};

struct script;

/* Read TEXT. NULL when a line makes no sense: then WHY (of SIZE) names it. Scripts are never freed: a
 * request that stalls may keep its rule for ever. */
struct script *script_read(const char *text, char *why, size_t size);

/* What the rules see of a request. */
struct seen {
    enum request_kind kind;
    unsigned number;     // among those of its kind
    unsigned number_any; // among all
    size_t size;         // its Content-Length
};

/* Find the rule for a request whose head was read, leaving out those `with` an ID. *RULE: a copy, or all
 * zero (`items` -1). */
void script_choose(struct script *s, const struct seen *seen, struct rule *rule);

/* The same among the rules `with` an ID, when the request was read; HAS tells what it holds. */
void script_choose_with(struct script *s, const struct seen *seen,
                        bool (*has)(const void *context, const char *id), const void *context,
                        struct rule *rule);

/* Does RULE's `documents` name the document ID, number PLACE (from 0) of the request? */
bool rule_names_document(const struct rule *rule, const char *id, size_t place);

#endif
