/* delivery_internal.h: what delivery.c and delivery_dead.c share. Nobody else includes it. */
#ifndef BOBBIN_SINK_DELIVERY_INTERNAL_H
#define BOBBIN_SINK_DELIVERY_INTERNAL_H

#include "sink/body.h"
#include "sink/delivery.h"

enum { DOCUMENT_WAITING, DOCUMENT_SENDING, DOCUMENT_DONE, DOCUMENT_DEAD };

enum { FRAME_BYTES_MAX = 1 << 30 };

struct refusal {
    size_t document;
    int status;
    size_t error_at, error_size; // in `errors`
};

struct delivery {
    struct body_source frame;
    uint64_t raw_size;
    size_t documents;
    size_t capacity;         // of the arrays
    uint8_t *states;         // DOCUMENT_..., one for each document
    struct bulk_item *items; // of one response
    size_t counts[4];        // documents by state
    size_t most_documents;   // in one request: halved when one is refused as a whole

    struct body *body; // what http reads
    uint64_t sent_bytes;
    struct body_run run; // what is left to copy of the current run
    bool sends_all;
    bool is_unreadable;
    struct http_body http_body;

    struct refusal *refusals;
    size_t refusal_capacity;
    struct buffer errors;
};

#endif
