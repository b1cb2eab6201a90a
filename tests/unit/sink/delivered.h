/* delivered.h: for the tests of delivery: a delivery, frames of numbered documents for it, and the
 * answers of a cluster. */
#ifndef BOBBIN_TESTS_DELIVERED_H
#define BOBBIN_TESTS_DELIVERED_H

#include <inttypes.h>

#include <jansson.h>

#include "sink/delivery.h"
#include "spool/compress.h"
#include "unit.h"

enum { MOST = 1 << 20 };

static struct error err;
static struct delivery *delivery;
static struct buffer lines; // the frame's text
static struct buffer frame_bytes;
static struct slice frame; // of them
static struct buffer sent; // of the latest request
static const struct http_body *body;
static const struct slice frame_keys[2] = {{"0", 1}, {"9", 1}}; // what dead letters are sealed with

static inline void set_up(void)
{
    unit_assert_ok(delivery_new(&delivery, &err), err);
    buffer_init(&lines, MOST);
    buffer_init(&sent, MOST);
    buffer_init(&frame_bytes, MOST);
}

static inline void tear_down(void)
{
    delivery_free(delivery);
    delivery_free(NULL);
    buffer_free(&lines);
    buffer_free(&sent);
    buffer_free(&frame_bytes);
}

/* Every third document is a delete: one line. */
static inline void put_document(struct buffer *out, size_t number)
{
    bool is_delete = number % 3 == 2;
    buffer_append_format(out, "{\"%s\":{\"_id\":\"%zu\"}}\n", is_delete ? "delete" : "index",
                         number);
    if (!is_delete)
        buffer_append_format(out, "{\"n\":%zu}\n", number);
}

static inline bool read_frame(void *context, uint64_t at, struct slice *piece,
                              struct error *ignored)
{
    (void)context;
    (void)ignored;
    *piece = (struct slice){frame.data + at, frame.size - (size_t)at};
    return true;
}

/* Begin with the first SIZE of the frame's bytes. */
static inline void begin_frame(size_t size, size_t documents)
{
    frame = (struct slice){frame_bytes.data, size};
    struct body_source source = {.read = read_frame, .size = size};
    unit_assert_ok(delivery_begin(delivery, &source, documents, lines.size, &err), err);
}

/* Begin with the text in `lines`, said to hold DOCUMENTS. */
static inline void begin_lines(size_t documents)
{
    struct compressor *c;
    struct slice made;
    unit_assert_ok(compressor_new(&c, 1, &err), err);
    unit_assert_ok(compressor_append(c, buffer_slice(&lines), &err), err);
    unit_assert_ok(compressor_finish(c, &made, &err), err);
    buffer_clear(&frame_bytes);
    buffer_append(&frame_bytes, made.data, made.size);
    compressor_free(c);
    begin_frame(frame_bytes.size, documents);
}

static inline void begin(size_t documents)
{
    buffer_clear(&lines);
    for (size_t i = 0; i < documents; i++)
        put_document(&lines, i);
    begin_lines(documents);
}

static inline void read_body(size_t piece)
{
    long got;
    buffer_clear(&sent);
    ck_assert(buffer_reserve(&sent, MOST));
    while ((got = body->read(body->context, sent.data + sent.size,
                             piece < MOST - sent.size ? piece : MOST - sent.size)) > 0)
        sent.size += (size_t)got;
    ck_assert_int_eq(got, 0);
    ck_assert_uint_eq(sent.size, body->size);
}

static inline void prepare(uint64_t max_bytes)
{
    unit_assert_ok(delivery_prepare(delivery, max_bytes, &body, &err), err);
    read_body(1000);
}

/* Is what was sent the documents that NUMBERS lists ("0 3 4")? */
static inline void assert_sent(const char *numbers)
{
    struct buffer expected;
    buffer_init(&expected, MOST);
    for (const char *at = numbers; *at != '\0'; at += strspn(at, " ")) {
        put_document(&expected, strtoul(at, NULL, 10));
        at += strcspn(at, " ");
    }
    unit_assert_slice(buffer_slice(&sent), buffer_string(&expected));
    buffer_free(&expected);
}

/* A response with an item for each letter: o done, r retry, d dead, m no such index, x denied. */
static inline void put_response(struct buffer *out, const char *letters)
{
    buffer_append_string(out, "{\"took\":1,\"errors\":true,\"items\":[");
    for (const char *c = letters; *c != '\0'; c++) {
        const char *item =
            *c == 'o'   ? "\"status\":201"
            : *c == 'r' ? "\"status\":429,\"error\":{\"type\":\"es_rejected\",\"reason\":\"full\"}"
            : *c == 'd' ? "\"status\":400,\"error\":{\"type\":\"mapper\",\"reason\":\"bad\"}"
            : *c == 'm' ? "\"status\":404,\"error\":{\"type\":\"index_not_found_exception\"}"
                        : "\"status\":403,\"error\":{\"type\":\"security_exception\"}";
        buffer_append_format(out, "%s{\"index\":{%s}}", c > letters ? "," : "", item);
    }
    buffer_append_string(out, "]}");
}

static inline struct delivery_outcome settle(const char *letters)
{
    struct delivery_outcome outcome;
    struct buffer response;
    buffer_init(&response, MOST);
    put_response(&response, letters);
    unit_assert_ok(delivery_settle(delivery, buffer_slice(&response), &outcome, &err), err);
    buffer_free(&response);
    return outcome;
}

static inline void assert_count(size_t expected_done, size_t expected_dead)
{
    size_t done, dead;
    delivery_count(delivery, &done, &dead);
    ck_assert_uint_eq(done, expected_done);
    ck_assert_uint_eq(dead, expected_dead);
}

/* Append all dead letters to OUT. */
static inline bool put_dead_letters(struct buffer *out, struct error *error)
{
    bool found = true;
    bool ok = true;
    delivery_open_dead_letters(delivery);
    while (ok && found)
        ok = delivery_next_dead_letter(delivery, frame_keys, out, &found, error);
    return ok;
}

/* The dead letter at *AT, which moves behind it. */
static inline json_t *load_letter(const char **at)
{
    const char *end = strchr(*at, '\n');
    json_t *letter = json_loadb(*at, (size_t)(end - *at), 0, NULL);
    ck_assert_ptr_nonnull(letter);
    *at = end + 1;
    return letter;
}

static inline const char *text_of(json_t *letter, const char *name)
{
    return json_string_value(json_object_get(letter, name));
}

#endif
