/* test_join.c: what both streams have of an id comes together, in any order, for any number. */
#include "joined.h"

#include <xxhash.h>

#include "base/stop.h"

START_TEST(a_record_is_what_it_was)
{
    static const struct join_record records[] = {
        {.kind = JOIN_ROW, .id = {"7", 1}, .place = {"7", 1}, .hash = UINT64_MAX},
        {.kind = JOIN_CREATE, .id = {"a", 1}, .routing = {"", 0}, .place = {"8", 1}},
        {.kind = JOIN_DOCUMENT, .id = {"", 0}, .routing = {"r", 1}, .place = {"index-1", 7}},
        {.kind = JOIN_LETTER, .id = {"\0\n", 2}},
    };
    const struct join_record *in = &records[_i];
    struct join_record out;
    struct buffer bytes;
    buffer_init(&bytes, 1024);
    join_put_record(&bytes, in);
    ck_assert(join_get_record(buffer_slice(&bytes), &out));
    ck_assert_int_eq(out.kind, in->kind);
    ck_assert_uint_eq(out.hash, in->hash);
    ck_assert(slice_equal(out.id, in->id));
    ck_assert(slice_equal(out.routing, in->routing));
    ck_assert_int_eq(out.routing.data == NULL, in->routing.data == NULL);
    ck_assert(slice_equal(out.place, in->place));
    for (size_t size = 0; size < bytes.size; size++)
        ck_assert(!join_get_record((struct slice){bytes.data, size}, &out));
    buffer_free(&bytes);
}
END_TEST

/* ROWS ids: of each ten the row of the third is alone, the document of the fourth, and the fifth differ. */
static void add_streams(uint64_t rows)
{
    char id[64];
    for (uint64_t i = 0; i < rows; i++) {
        snprintf(id, sizeof id, "document-%llu", (unsigned long long)i);
        if (i % 10 != 4)
            joined_add(JOIN_ROW, id, NULL, i);
    }
    for (uint64_t i = rows; i-- > 0;) {
        snprintf(id, sizeof id, "document-%llu", (unsigned long long)i);
        if (i % 10 != 3)
            joined_add(JOIN_DOCUMENT, id, NULL, i % 10 == 5 ? ~i : i);
    }
}

static void assert_verdicts(uint64_t rows)
{
    struct buffer expected;
    size_t lines = 0;
    buffer_init(&expected, 256);
    for (const char *at = buffer_string(&joined_verdicts); *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, rows / 10 * 3);
    for (uint64_t i = 3; i < rows; i += i % 10 == 5 ? 8 : 1) {
        static const char *const names[] = {"missing", "extra", "different"};
        buffer_clear(&expected);
        buffer_append_format(&expected, "%s document-%llu\n", names[i % 10 - 3],
                             (unsigned long long)i);
        if (rows <= 1000)
            ck_assert_msg(strstr(joined_verdicts.data, buffer_string(&expected)) != NULL, "%s",
                          expected.data);
    }
    buffer_free(&expected);
    ck_assert_uint_eq(joined_counts.rows, rows / 10 * 9);
    ck_assert_uint_eq(joined_counts.documents, rows / 10 * 9);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_MISSING], rows / 10);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_EXTRA], rows / 10);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_DIFFERENT], rows / 10);
}

static const uint64_t counts[] = {0, 10, 1000, 20000};

START_TEST(both_streams_meet_whatever_their_order_and_number)
{
    add_streams(counts[_i]);
    joined_run();
    assert_verdicts(counts[_i]);
}
END_TEST

START_TEST(a_bucket_that_is_too_large_is_spread_again)
{
    enum { PADDING_BYTES = 20000, PAIRS = 200, SAME = 150 };
    char id[64];
    char *padding = calloc(1, PADDING_BYTES + 1);
    memset(padding, 'p', PADDING_BYTES);
    for (uint64_t i = 0, found = 0; found < PAIRS; i++) {
        int size = snprintf(id, sizeof id, "%llu", (unsigned long long)i);
        if (XXH3_64bits_withSeed(id, (size_t)size, 0) % JOIN_BUCKETS != 7)
            continue;
        found++;
        joined_add(JOIN_ROW, id, padding, i);
        joined_add(JOIN_DOCUMENT, id, padding, found % 10 == 0 ? ~i : i);
    }
    for (uint64_t i = 0; i < SAME; i++) // one id that no hash can spread
        joined_add(JOIN_DOCUMENT, "same", padding, i);
    uint64_t before = scratch_size(joined_scratch);
    joined_run();
    ck_assert_uint_gt(scratch_size(joined_scratch), before + (2 * PAIRS + SAME) * PADDING_BYTES);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_DIFFERENT], PAIRS / 10);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_EXTRA], SAME);
    ck_assert_uint_eq(joined_counts.verdicts[JOIN_MISSING], 0);
    ck_assert_uint_eq(joined_counts.rows, PAIRS);
    free(padding);
}
END_TEST

static bool refuse(void *context, enum join_verdict verdict, const struct join_record *row,
                   const struct join_record *document, struct error *err)
{
    (void)context;
    (void)verdict;
    (void)row;
    (void)document;
    return error_set(err, ERROR_DISK, "no room");
}

START_TEST(the_listener_may_end_it)
{
    add_streams(10);
    unit_assert_error(join_run(joined, refuse, NULL, &joined_counts, &joined_err), joined_err,
                      ERROR_DISK, "no room");
}
END_TEST

START_TEST(a_stop_request_ends_it)
{
    unit_assert_ok(stop_install(&joined_err), joined_err);
    add_streams(10);
    stop_request();
    unit_assert_error(join_run(joined, joined_tell, &joined_verdicts, &joined_counts, &joined_err),
                      joined_err, ERROR_STOPPED, "");
}
END_TEST

UNIT_MAIN_WITH("job/join", joined_set_up, joined_tear_down, UNIT_LOOP(a_record_is_what_it_was, 4),
               UNIT_EACH(both_streams_meet_whatever_their_order_and_number, counts),
               UNIT_TEST(a_bucket_that_is_too_large_is_spread_again),
               UNIT_TEST(the_listener_may_end_it), UNIT_OWN_PROCESS(a_stop_request_ends_it, 1))
