/* delivery.h: one frame on its way into the cluster: which of its documents wait, are being sent, are
 * in, are refused. A request carries the documents that wait, up to a limit; what the cluster did not
 * take now is sent again without the rest. No verdict leaves here before it is final for all. */
#ifndef BOBBIN_SINK_DELIVERY_H
#define BOBBIN_SINK_DELIVERY_H

#include "sink/http.h"
#include "spool/compress.h"

struct delivery;

MUST_CHECK bool delivery_new(struct delivery **out, struct error *err);
void delivery_free(struct delivery *d);

/* Begin with FRAME (its body, read each time that it is sent; its context is borrowed) of DOCUMENTS operations,
 * RAW_SIZE bytes. */
MUST_CHECK bool delivery_begin(struct delivery *d, const struct body_source *frame,
                               size_t documents, uint64_t raw_size, struct error *err);

/* Choose the documents of the next request: those that wait, in order, at most MAX_BYTES of them (one at
 * least). *BODY: their bytes, to be read by http; good until the next prepare. */
MUST_CHECK bool delivery_prepare(struct delivery *d, uint64_t max_bytes,
                                 const struct http_body **body, struct error *err);

/* How many documents are being sent, and how many bytes they have. */
size_t delivery_sending(const struct delivery *d, uint64_t *bytes);

/* Has the frame's body failed to be read since delivery_begin? */
bool delivery_is_unreadable(const struct delivery *d);

/* No usable answer: the documents that were sent wait again. */
void delivery_return(struct delivery *d);

struct delivery_outcome {
    size_t done, retried, dead;
    bool is_blocked, is_index_missing, is_misconfigured, is_denied;
    char error[320]; // the first error of an item, in words; "" when there was none
};

/* Read the bulk RESPONSE to what was sent. ERROR_UNAVAILABLE when it can't be read whole: then nothing has
 * changed but that the documents wait again. */
MUST_CHECK bool delivery_settle(struct delivery *d, struct slice response,
                                struct delivery_outcome *outcome, struct error *err);

/* Fewer documents next: those that were sent wait again, and at most half as many go into a request.
 * False, nothing changed, when it was one. *BYTES: the size of what was sent. */
MUST_CHECK bool delivery_halve(struct delivery *d, uint64_t *bytes);

/* The cluster refused the request as a whole, for good (400, 413): its halves are sent next; if it was
 * one document, that is refused with STATUS and RESPONSE. *BYTES: the size of what was refused. */
MUST_CHECK bool delivery_split(struct delivery *d, int status, struct slice response,
                               uint64_t *bytes, struct error *err);

/* Has every document its final verdict? */
bool delivery_is_complete(const struct delivery *d);

/* How many documents are in, and how many are refused. */
void delivery_count(const struct delivery *d, size_t *done, size_t *dead);

/* The REFUSAL-th refused document, counted from 0 in the order in which they were refused: what the cluster
 * says is wrong (JSON, or what it was if it was none; borrowed). */
struct slice delivery_refusal(const struct delivery *d, size_t refusal);

/* Begin with the first dead letter of a complete delivery, once. */
void delivery_open_dead_letters(struct delivery *d);

/* Append the next one to OUT, sealed with the frame's first and last key; *FOUND false at the end, when what the
 * cluster said is forgotten. */
MUST_CHECK bool delivery_next_dead_letter(struct delivery *d, const struct slice keys[2],
                                          struct buffer *out, bool *found, struct error *err);

#endif
