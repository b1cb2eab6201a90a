/* test_scroll.c: all documents of an index are seen once, and an end that comes too early is no end. */
#include "client.h"
#include "sink/search.h"

#define PAGE(total, hits)                                                                          \
    "{\"_scroll_id\":\"c2Nyb2xs==\",\"took\":1,\"timed_out\":false,"                               \
    "\"_shards\":{\"total\":1,\"successful\":1,\"skipped\":0,\"failed\":0},"                       \
    "\"hits\":{\"total\":{\"value\":" total ",\"relation\":\"eq\"},\"hits\":[" hits "]}}"
#define HIT(id) "{\"_index\":\"i\",\"_id\":\"" id "\",\"_score\":null,\"_source\":{\"n\":1}}"
#define GOOD(total, hits)                                                                          \
    {                                                                                              \
        .status = 200, .body = PAGE(total, hits)                                                   \
    }

static struct error err;
static struct scroll *scroll;
static struct buffer seen; // a line for each document

static void set_up(void)
{
    client_set_up();
    buffer_init(&seen, 1 << 16);
    err = (struct error){.kind = ERROR_NONE};
}

static void tear_down(void)
{
    buffer_free(&seen);
}

static void put(struct slice s)
{
    buffer_append_byte(&seen, ' ');
    if (s.data == NULL)
        buffer_append_byte(&seen, '-');
    buffer_append(&seen, s.data, s.size);
}

static bool see(void *context, const struct scroll_document *d, struct error *e)
{
    ck_assert_ptr_eq(context, &seen);
    ck_assert_ptr_eq(e, &err);
    put(d->index);
    put(d->id);
    put(d->routing);
    put(d->source);
    buffer_append_byte(&seen, '\n');
    return slice_equal(d->id, slice_of("refused")) ? error_set(e, ERROR_DISK, "no") : true;
}

static bool read_all_sized(uint64_t average_bytes, uint64_t largest_bytes)
{
    bool is_end = false, ok = true;
    unit_assert_ok(
        scroll_new(&scroll, http, server.host, "the index", average_bytes, largest_bytes, &err),
        err);
    while (ok && !is_end)
        ok = scroll_next(scroll, see, &seen, &is_end, &err);
    scroll_free(scroll);
    return ok;
}

static void assert_body(int request, const char *text)
{
    const struct canned_request *q = &server.requests[request];
    ck_assert_msg(memmem(q->body, q->body_size, text, strlen(text)) != NULL, "%.*s",
                  (int)q->body_size, q->body);
}

static bool read_all(void)
{
    return read_all_sized(1000, 1000);
}

START_TEST(pages_are_asked_for_until_one_is_empty_and_the_scroll_is_given_back)
{
    const struct canned_answer answers[] = {GOOD("3", HIT("a") "," HIT("b")),
                                            GOOD("3", HIT("c")),
                                            GOOD("3", ""),
                                            {.status = 200, .body = "{\"succeeded\":true}"}};
    client_begin(answers, COUNT_OF(answers));
    unit_assert_ok(read_all(), err);
    unit_assert_slice(buffer_slice(&seen),
                      " i a - {\"n\":1}\n i b - {\"n\":1}\n i c - {\"n\":1}\n");
    ck_assert_int_eq(server.request_count, 4);
    ck_assert(canned_was_asked(
        &server, 0, "POST /the%20index/_search?scroll=5m&allow_partial_search_results=false "));
    assert_body(0, "\"sort\":[\"_doc\"]");
    ck_assert(canned_was_asked(&server, 1, "POST /_search/scroll "));
    assert_body(1, "{\"scroll\":\"5m\",\"scroll_id\":\"c2Nyb2xs==\"}");
    ck_assert(canned_was_asked(&server, 3, "DELETE /_search/scroll "));
    assert_body(3, "{\"scroll_id\":\"c2Nyb2xs==\"}");
    client_end();
}
END_TEST

static const struct {
    uint64_t average_bytes, largest_bytes;
    const char *size;
} sizes[] = {
    {0, 0, "\"size\":6553,"},
    {1000, 1000, "\"size\":903,"},
    {1000, 1 << 20, "\"size\":31,"}, // neighbours may be as large: 32 MiB
    {1000, 1 << 30, "\"size\":1,"},
    {1 << 20, 1 << 20, "\"size\":1,"},
    {UINT64_MAX / 2, UINT64_MAX / 2, "\"size\":1,"},
};

START_TEST(a_page_holds_about_a_mebibyte)
{
    const struct canned_answer answers[] = {GOOD("0", "")};
    client_begin(answers, 1);
    unit_assert_ok(read_all_sized(sizes[_i].average_bytes, sizes[_i].largest_bytes), err);
    assert_body(0, sizes[_i].size);
    client_end();
}
END_TEST

START_TEST(ids_and_routing_are_text_and_may_be_absent)
{
    const struct canned_answer answers[] = {
        GOOD("2", "{\"_source\":{\"a\":\"}\"},\"_routing\":\"\\u00e9\\\\\",\"_id\":\"a\\n\\\"\","
                  "\"_index\":\".ds-1\"},{\"_index\":\"i\",\"_type\":\"_doc\",\"_id\":\"\","
                  "\"_routing\":\"\"}"),
        GOOD("2", "")};
    client_begin(answers, COUNT_OF(answers));
    unit_assert_ok(read_all(), err);
    unit_assert_slice(buffer_slice(&seen), " .ds-1 a\n\" \xC3\xA9\\ {\"a\":\"}\"}\n i   -\n");
    client_end();
}
END_TEST

/* The second page; the first has one of two documents. */
static const struct {
    struct canned_answer answer;
    enum error_kind kind;
    const char *text;
} ends[] = {
    {GOOD("2", ""), ERROR_UNAVAILABLE, "2 documents were announced and 1 came"},
    {{.status = 200,
      .body = "{\"_scroll_id\":\"x\",\"_shards\":{\"failed\":1},\"hits\":{\"hits\":[]}}"},
     ERROR_UNAVAILABLE,
     "some of its shards did not answer"},
    {{.status = 200,
      .body = "{\"_scroll_id\":\"x\",\"timed_out\":true,\"_shards\":{\"failed\":0},"
              "\"hits\":{\"hits\":[]}}"},
     ERROR_UNAVAILABLE,
     "shards"},
    {{.status = 200,
      .body = "{\"_scroll_id\":\"x\",\"_shards\":{\"failed\":0},\"hits\":{\"hits\":["},
     ERROR_UNAVAILABLE,
     "can't be read"},
    {{.status = 200, .body = "{\"_shards\":{\"failed\":0},\"hits\":{\"hits\":[]}}"},
     ERROR_UNAVAILABLE,
     "can't be read"},
    {{.status = 200, .body = "{\"_scroll_id\":\"x\",\"_shards\":{\"failed\":0}}"},
     ERROR_UNAVAILABLE,
     "can't be read"},
    {{.status = 200, .body = "<html>"}, ERROR_UNAVAILABLE, "can't be read"},
    {GOOD("2", "{\"_index\":\"i\",\"_source\":{}}"), ERROR_UNAVAILABLE, "can't be read"},
    {GOOD("2", "{\"_index\":\"i\",\"_id\":7}"), ERROR_UNAVAILABLE, "can't be read"},
    {GOOD("2", "{\"_id\":\"7\"}"), ERROR_UNAVAILABLE, "can't be read"},
    {GOOD("2", "{\"_index\":\"i\",\"_id\":\"7\",\"_routing\":1}"), ERROR_UNAVAILABLE, "read"},
    {GOOD("2", "7"), ERROR_UNAVAILABLE, "can't be read"},
    {GOOD("2", HIT("refused")), ERROR_DISK, "no"},
    {{.status = 404, .body = "{\"error\":{\"type\":\"search_phase_execution_exception\"}}"},
     ERROR_UNAVAILABLE,
     "lost the scroll"},
    {{.status = 503, .body = ""}, ERROR_UNAVAILABLE, "answered 503"},
    {{.status = 403, .body = ""}, ERROR_DENIED, "read"},
    {{.status = 0}, ERROR_UNAVAILABLE, "no answer"},
};

START_TEST(a_page_that_is_not_whole_is_no_end)
{
    const struct canned_answer answers[] = {GOOD("2", HIT("a")), ends[_i].answer};
    client_begin(answers, COUNT_OF(answers));
    unit_assert_error(read_all(), err, ends[_i].kind, ends[_i].text);
    client_end();
}
END_TEST

static const struct {
    struct canned_answer answer;
    enum error_kind kind;
} starts[] = {
    {{.status = 404, .body = "{\"error\":{\"type\":\"index_not_found_exception\"}}"}, ERROR_CONFIG},
    {{.status = 200,
      .body = "{\"_scroll_id\":\"x\",\"_shards\":{\"failed\":0},\"hits\":{\"hits\":[]}}"},
     ERROR_UNAVAILABLE},
    {{.status = 200,
      .body = "{\"_scroll_id\":\"x\",\"_shards\":{\"failed\":0},\"hits\":{\"total\":"
              "{\"value\":10000,\"relation\":\"gte\"},\"hits\":[]}}"},
     ERROR_UNAVAILABLE},
};

START_TEST(a_first_page_says_how_many_come_or_is_none)
{
    client_begin(&starts[_i].answer, 1);
    unit_assert_error(read_all(), err, starts[_i].kind, "index the index");
    client_end();
}
END_TEST

UNIT_MAIN_WITH("sink/scroll", set_up, tear_down,
               UNIT_TEST(pages_are_asked_for_until_one_is_empty_and_the_scroll_is_given_back),
               UNIT_EACH(a_page_holds_about_a_mebibyte, sizes),
               UNIT_TEST(ids_and_routing_are_text_and_may_be_absent),
               UNIT_EACH(a_page_that_is_not_whole_is_no_end, ends),
               UNIT_EACH(a_first_page_says_how_many_come_or_is_none, starts))
