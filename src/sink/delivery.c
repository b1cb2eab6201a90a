/* delivery.c: see delivery.h; the letters of what is refused are in delivery_dead.c. */
#include "sink/delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "encode/json.h"
#include "sink/bulk.h"
#include "sink/delivery_internal.h"

enum {
    ERRORS_MAX_BYTES = 64 << 20,  // the cluster's words about one frame's documents
    ERRORS_WHOLE_BYTES = 2 << 20, // so much of them is kept as it is; what comes then, in short
    ERROR_MAX_BYTES = 2048,       // about one document: a longer text is put in short
};

/* --- making --- */

bool delivery_new(struct delivery **out, struct error *err)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_set_memory(err);
    buffer_init(&d->errors, ERRORS_MAX_BYTES);
    if (!body_new(&d->body, err)) {
        free(d);
        return false;
    }
    *out = d;
    return true;
}

void delivery_free(struct delivery *d)
{
    if (d == NULL)
        return;
    body_free(d->body);
    buffer_free(&d->errors);
    free(d->states);
    free(d->items);
    free(d->refusals);
    free(d);
}

static bool need_capacity(struct delivery *d, size_t documents, struct error *err)
{
    if (documents <= d->capacity)
        return true;
    free(d->states);
    free(d->items);
    d->capacity = 0;
    d->states = calloc(documents, sizeof *d->states);
    d->items = calloc(documents, sizeof *d->items);
    if (d->states == NULL || d->items == NULL)
        return error_set_memory(err);
    d->capacity = documents;
    return true;
}

bool delivery_begin(struct delivery *d, const struct body_source *frame, size_t documents,
                    uint64_t raw_size, struct error *err)
{
    if (!need_capacity(d, documents, err))
        return false;
    d->frame = *frame;
    d->documents = d->most_documents = documents;
    d->raw_size = raw_size;
    d->is_unreadable = false;
    memset(d->states, DOCUMENT_WAITING, documents);
    memset(d->counts, 0, sizeof d->counts);
    d->counts[DOCUMENT_WAITING] = documents;
    buffer_clear(&d->errors);
    return true;
}

static void set_state(struct delivery *d, size_t document, uint8_t state)
{
    d->counts[d->states[document]]--;
    d->counts[state]++;
    d->states[document] = state;
}

/* --- the request's body --- */

static long read_all(void *context, char *out, size_t size)
{
    struct delivery *d = context;
    struct error err = {.kind = ERROR_NONE};
    size_t got;
    d->is_unreadable |= !body_read(d->body, out, size, &got, &err);
    return d->is_unreadable ? -1 : (long)got;
}

/* Copy the runs of documents that are being sent. */
static long read_chosen(void *context, char *out, size_t size)
{
    struct delivery *d = context;
    struct error err = {.kind = ERROR_NONE};
    size_t done = 0;
    while (done < size) {
        struct slice *left = &d->run.bytes;
        if (left->size == 0) {
            bool found;
            d->is_unreadable |= !body_next(d->body, &d->run, &found, &err);
            if (d->is_unreadable)
                return -1;
            if (!found || d->run.document >= d->documents)
                break;
            if (d->states[d->run.document] != DOCUMENT_SENDING)
                left->size = 0;
            continue;
        }
        size_t n = left->size < size - done ? left->size : size - done;
        memcpy(out + done, left->data, n);
        left->data += n;
        left->size -= n;
        done += n;
    }
    return (long)done;
}

static bool rewind_body(void *context)
{
    struct delivery *d = context;
    body_open_source(d->body, &d->frame);
    d->run.bytes.size = 0;
    return true;
}

/* Walk over the frame and mark the waiting documents that fit. */
static bool choose_documents(struct delivery *d, uint64_t max_bytes, struct error *err)
{
    struct body_run run;
    bool found = true;
    uint64_t size = 0; // of the current document
    body_open_source(d->body, &d->frame);
    while (d->counts[DOCUMENT_SENDING] < d->most_documents) {
        if (!body_next(d->body, &run, &found, err))
            return false;
        if (!found)
            break;
        if (run.document >= d->documents)
            return error_set(err, ERROR_DAMAGED, "a frame has more documents than its header says");
        size += run.bytes.size;
        if (!run.is_last)
            continue;
        if (d->states[run.document] == DOCUMENT_WAITING) {
            if (d->counts[DOCUMENT_SENDING] > 0 && d->sent_bytes + size > max_bytes)
                break;
            set_state(d, run.document, DOCUMENT_SENDING);
            d->sent_bytes += size;
        }
        size = 0;
    }
    return true;
}

static void choose_all(struct delivery *d)
{
    memset(d->states, DOCUMENT_SENDING, d->documents);
    d->counts[DOCUMENT_SENDING] = d->documents;
    d->counts[DOCUMENT_WAITING] = 0;
    d->sent_bytes = d->raw_size;
}

bool delivery_prepare(struct delivery *d, uint64_t max_bytes, const struct http_body **body,
                      struct error *err)
{
    assert(d->counts[DOCUMENT_SENDING] == 0);
    d->sent_bytes = 0;
    d->sends_all = d->counts[DOCUMENT_WAITING] == d->documents && d->raw_size <= max_bytes &&
                   d->documents <= d->most_documents;
    if (d->sends_all)
        choose_all(d);
    else if (!choose_documents(d, max_bytes, err))
        return false;
    if (d->counts[DOCUMENT_SENDING] == 0)
        return error_set(err, ERROR_DAMAGED, "a frame has fewer documents than its header says");
    rewind_body(d);
    d->http_body = (struct http_body){
        .size = d->sent_bytes,
        .read = d->sends_all ? read_all : read_chosen,
        .rewind = rewind_body,
        .context = d,
    };
    *body = &d->http_body;
    return true;
}

/* --- verdicts --- */

size_t delivery_sending(const struct delivery *d, uint64_t *bytes)
{
    *bytes = d->sent_bytes;
    return d->counts[DOCUMENT_SENDING];
}

bool delivery_is_unreadable(const struct delivery *d)
{
    return d->is_unreadable;
}

void delivery_return(struct delivery *d)
{
    for (size_t i = 0; i < d->documents; i++)
        if (d->states[i] == DOCUMENT_SENDING)
            set_state(d, i, DOCUMENT_WAITING);
}

/* Append type and reason of an error, which are what it is grouped by and told with. */
static void put_in_short(struct slice error_json, struct buffer *out)
{
    struct slice type, reason;
    struct buffer words;
    buffer_init(&words, ERROR_MAX_BYTES);
    bool has_type =
        json_scan_find(error_json, "type", &type) && json_scan_string(type).data != NULL;
    if (has_type && json_scan_find(error_json, "reason", &reason))
        bulk_describe_error(reason, &words);
    else
        bulk_describe_error(error_json, &words);
    size_t start = out->size;
    buffer_append_format(out, "{\"type\":%.*s,\"reason\":", has_type ? (int)type.size : 2,
                         has_type ? type.data : "\"\"");
    if (json_append_string(out, buffer_slice(&words)) == NULL) {
        buffer_append_byte(out, '}');
    } else {
        out->size = start;
        buffer_append(out, words.data, words.size);
    }
    buffer_free(&words);
}

/* Keep why DOCUMENT is refused; what is too long is put in short. */
static bool refuse(struct delivery *d, size_t document, int status, struct slice error_json,
                   struct error *err)
{
    size_t count = d->counts[DOCUMENT_DEAD];
    if (count == d->refusal_capacity) {
        size_t capacity = count == 0 ? 16 : 2 * count;
        struct refusal *grown = realloc(d->refusals, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(err);
        d->refusals = grown;
        d->refusal_capacity = capacity;
    }
    struct refusal *r = &d->refusals[count];
    *r = (struct refusal){document, status, d->errors.size, 0};
    if (error_json.size <= ERROR_MAX_BYTES &&
        d->errors.size + error_json.size <= ERRORS_WHOLE_BYTES)
        buffer_append(&d->errors, error_json.data, error_json.size);
    else
        put_in_short(error_json, &d->errors);
    r->error_size = d->errors.size - r->error_at;
    set_state(d, document, DOCUMENT_DEAD);
    return buffer_check(&d->errors, "the errors of refused documents", err);
}

static void note_error(struct delivery_outcome *outcome, struct slice error_json)
{
    struct buffer words;
    if (outcome->error[0] != '\0' || error_json.size == 0)
        return;
    buffer_init(&words, sizeof outcome->error);
    bulk_describe_error(error_json, &words);
    snprintf(outcome->error, sizeof outcome->error, "%s", buffer_string(&words));
    buffer_free(&words);
}

static bool settle_document(struct delivery *d, size_t document, const struct bulk_item *item,
                            struct slice response, struct delivery_outcome *outcome,
                            struct error *err)
{
    struct slice error_json = {response.data + item->error_offset, item->error_size};
    enum bulk_outcome verdict = (enum bulk_outcome)item->outcome;
    if (verdict == BULK_DONE) {
        outcome->done++;
        set_state(d, document, DOCUMENT_DONE);
        return true;
    }
    note_error(outcome, error_json);
    if (verdict == BULK_DEAD) {
        outcome->dead++;
        return refuse(d, document, item->status, error_json, err);
    }
    outcome->is_blocked |= verdict == BULK_BLOCKED;
    outcome->is_index_missing |= verdict == BULK_INDEX_MISSING;
    outcome->is_misconfigured |= verdict == BULK_MISCONFIGURED;
    outcome->is_denied |= verdict == BULK_DENIED;
    outcome->retried++;
    set_state(d, document, DOCUMENT_WAITING);
    return true;
}

bool delivery_settle(struct delivery *d, struct slice response, struct delivery_outcome *outcome,
                     struct error *err)
{
    *outcome = (struct delivery_outcome){.done = 0};
    size_t sent = d->counts[DOCUMENT_SENDING];
    if (!bulk_parse_response(response, sent, d->items, err)) {
        delivery_return(d);
        return false;
    }
    size_t item = 0;
    for (size_t i = 0; i < d->documents; i++)
        if (d->states[i] == DOCUMENT_SENDING &&
            !settle_document(d, i, &d->items[item++], response, outcome, err))
            return false;
    if (d->most_documents < d->documents)
        d->most_documents *= 2;
    return true;
}

bool delivery_halve(struct delivery *d, uint64_t *bytes)
{
    size_t sent = d->counts[DOCUMENT_SENDING];
    *bytes = d->sent_bytes;
    if (sent <= 1)
        return false;
    d->most_documents = sent / 2;
    delivery_return(d);
    return true;
}

bool delivery_split(struct delivery *d, int status, struct slice response, uint64_t *bytes,
                    struct error *err)
{
    if (delivery_halve(d, bytes))
        return true;
    for (size_t i = 0; i < d->documents; i++)
        if (d->states[i] == DOCUMENT_SENDING)
            return refuse(d, i, status, response, err);
    return error_set(err, ERROR_BUG, "nothing was sent that could be split");
}

bool delivery_is_complete(const struct delivery *d)
{
    return d->counts[DOCUMENT_WAITING] == 0 && d->counts[DOCUMENT_SENDING] == 0;
}

void delivery_count(const struct delivery *d, size_t *done, size_t *dead)
{
    *done = d->counts[DOCUMENT_DONE];
    *dead = d->counts[DOCUMENT_DEAD];
}
