/* test_gzip.c: a body that is compressed while it is read comes out the same. */
#include "sink/gzip.h"

#include "client.h"
#include "source/unpack.h"

enum { MOST_BYTES = 4 << 20 };

static struct gzip *compressor;
static struct buffer packed, plain;
static struct error err;

static void set_up(void)
{
    client_set_up();
    buffer_init(&packed, MOST_BYTES);
    buffer_init(&plain, MOST_BYTES);
    unit_assert_ok(gzip_new(&compressor, &err), err);
}

static void tear_down(void)
{
    gzip_free(compressor);
    buffer_free(&packed);
    buffer_free(&plain);
}

/* All of BODY, in pieces of SIZE. */
static void read_packed(const struct http_body *body, size_t size)
{
    char piece[70000];
    long got;
    buffer_clear(&packed);
    while ((got = body->read(body->context, piece, size)) > 0)
        buffer_append(&packed, piece, (size_t)got);
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(body->read(body->context, piece, size), 0);
}

static void unpack_into_plain(struct slice in)
{
    struct unpack *u;
    char piece[10000];
    size_t got = 1;
    buffer_clear(&plain);
    unit_assert_ok(unpack_new(&u, UNPACK_GZIP, &err), err);
    while (in.size > 0 || got > 0) {
        unit_assert_ok(unpack_some(u, &in, piece, sizeof piece, &got, &err), err);
        buffer_append(&plain, piece, got);
    }
    ck_assert(unpack_is_between(u));
    unpack_free(u);
}

static void assert_plain(uint64_t size)
{
    ck_assert_uint_eq(plain.size, size);
    for (uint64_t i = 0; i < size; i++)
        if (plain.data[i] != source_byte(i))
            ck_abort_msg("byte %llu is another", (unsigned long long)i);
}

START_TEST(what_is_read_is_the_body_compressed)
{
    static const uint64_t sizes[] = {0, 1, 1000, 16384, 16385, 1000000};
    static const size_t pieces[] = {1, 100, 65536};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t j = 0; j < COUNT_OF(pieces); j++) {
            struct source s = {.size = sizes[i]};
            struct http_body body = source_body(&s);
            read_packed(gzip_body(compressor, &body), pieces[j]);
            unpack_into_plain(buffer_slice(&packed));
            assert_plain(sizes[i]);
            ck_assert(sizes[i] < 1000 || packed.size < sizes[i] / 5);
        }
}
END_TEST

START_TEST(it_can_be_read_again_from_any_place)
{
    struct source s = {.size = 300000};
    struct http_body body = source_body(&s);
    const struct http_body *compressed = gzip_body(compressor, &body);
    char some[500];
    ck_assert_int_gt(compressed->read(compressed->context, some, sizeof some), 0);
    ck_assert(compressed->rewind(compressed->context));
    ck_assert_int_eq(s.rewinds, 1);
    read_packed(compressed, 777);
    unpack_into_plain(buffer_slice(&packed));
    assert_plain(300000);
    s.cannot_rewind = true;
    ck_assert(!compressed->rewind(compressed->context));
}
END_TEST

START_TEST(a_body_that_cant_be_read_is_a_failure)
{
    struct source s = {.size = 300000, .fails_at = 100000};
    struct http_body body = source_body(&s);
    const struct http_body *compressed = gzip_body(compressor, &body);
    char some[65536];
    long got;
    while ((got = compressed->read(compressed->context, some, sizeof some)) > 0)
        continue;
    ck_assert_int_eq(got, -1);
}
END_TEST

START_TEST(a_request_is_sent_in_chunks_and_says_how_it_is_compressed)
{
    struct source s = {.size = 200000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    for (int i = 0; i < 2; i++) {
        s.sent = 0;
        client_start("POST", "/_bulk", gzip_body(compressor, &body), NULL);
        struct http_response r = client_response();
        ck_assert_int_eq(r.status, 200);
        http_release(http, &r);
        ck_assert(canned_was_asked(&server, i, "Content-Encoding: gzip\r\n"));
        ck_assert(canned_was_asked(&server, i, "Transfer-Encoding: chunked\r\n"));
        ck_assert(canned_was_asked(&server, i, "Content-Type: application/x-ndjson\r\n"));
        ck_assert(!canned_was_asked(&server, i, "Content-Length:"));
        unpack_into_plain((struct slice){server.requests[i].body, server.requests[i].body_size});
        assert_plain(200000);
    }
    struct http_response r = client_get("/");
    ck_assert_int_eq(r.status, 200);
    http_release(http, &r);
    ck_assert(!canned_was_asked(&server, 2, "Content-Encoding"));
    client_end();
}
END_TEST

START_TEST(a_body_of_unknown_size_that_fails_ends_its_request)
{
    struct source s = {.size = 300000, .fails_at = 100000};
    struct http_body body = source_body(&s);
    client_begin(&good, 1);
    client_start("POST", "/_bulk", gzip_body(compressor, &body), NULL);
    struct http_response r = client_response();
    ck_assert_int_eq(r.status, 0);
    ck_assert_ptr_nonnull(strstr(r.failure, "could not be read"));
    http_release(http, &r);
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/gzip", set_up, tear_down, UNIT_TEST(what_is_read_is_the_body_compressed),
               UNIT_TEST(it_can_be_read_again_from_any_place),
               UNIT_TEST(a_body_that_cant_be_read_is_a_failure),
               UNIT_TEST(a_request_is_sent_in_chunks_and_says_how_it_is_compressed),
               UNIT_TEST(a_body_of_unknown_size_that_fails_ends_its_request))
