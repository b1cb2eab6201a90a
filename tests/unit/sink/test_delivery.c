/* test_delivery.c: of one frame, what is sent, what is sent again, and what is done or dead; each
 * document has one verdict, and it is the cluster's. */
#include "sink/delivery.h"

#include "delivered.h"

/* --- what is sent --- */

START_TEST(the_first_request_is_the_whole_frame)
{
    begin(6);
    prepare(UINT64_MAX);
    ck_assert(slice_equal(buffer_slice(&sent), buffer_slice(&lines)));
    ck_assert(!delivery_is_complete(delivery));
    settle("oooooo");
    ck_assert(delivery_is_complete(delivery));
    assert_count(6, 0);
}
END_TEST

START_TEST(a_body_can_be_read_again_from_its_start_in_any_pieces)
{
    static const size_t pieces[] = {1, 3, 17, 100, MOST};
    begin(7);
    prepare(UINT64_MAX);
    settle("orrdror");
    unit_assert_ok(delivery_prepare(delivery, UINT64_MAX, &body, &err), err);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        char some[20];
        read_body(pieces[i]);
        assert_sent("1 2 4 6");
        ck_assert(body->rewind(body->context));
        ck_assert_int_gt(body->read(body->context, some, sizeof some), 0);
        ck_assert(body->rewind(body->context));
    }
}
END_TEST

START_TEST(only_what_was_not_taken_is_sent_again_in_order)
{
    begin(7);
    prepare(UINT64_MAX);
    struct delivery_outcome outcome = settle("orodrro");
    ck_assert_uint_eq(outcome.done, 3);
    ck_assert_uint_eq(outcome.retried, 3);
    ck_assert_uint_eq(outcome.dead, 1);
    prepare(UINT64_MAX);
    assert_sent("1 4 5");
    outcome = settle("ror");
    ck_assert_uint_eq(outcome.done, 1);
    prepare(UINT64_MAX);
    assert_sent("1 5");
    settle("do");
    ck_assert(delivery_is_complete(delivery));
    assert_count(5, 2);
}
END_TEST

START_TEST(one_document_among_many_that_wait_is_not_sent_again)
{
    char letters[101], again[101];
    memset(letters, 'r', 100);
    letters[100] = '\0';
    letters[42] = 'o';
    begin(100);
    prepare(UINT64_MAX);
    struct delivery_outcome outcome = settle(letters);
    ck_assert_uint_eq(outcome.done, 1);
    ck_assert_uint_eq(outcome.retried, 99);
    prepare(UINT64_MAX);
    ck_assert_ptr_null(strstr(buffer_string(&sent), "\"_id\":\"42\""));
    memset(again, 'o', 99);
    again[99] = '\0';
    settle(again);
    ck_assert(delivery_is_complete(delivery));
    assert_count(100, 0);
}
END_TEST

START_TEST(a_request_holds_at_most_so_many_bytes_but_one_document)
{
    begin(6);
    size_t size = strlen("{\"index\":{\"_id\":\"0\"}}\n{\"n\":0}\n");
    prepare(2 * size);
    assert_sent("0 1");
    settle("oo");
    prepare(1);
    assert_sent("2");
    settle("o");
    prepare(2 * size - 1);
    assert_sent("3");
    settle("r");
    prepare(3 * size);
    assert_sent("3 4 5");
    settle("ooo");
    ck_assert(delivery_is_complete(delivery));
}
END_TEST

START_TEST(what_had_no_usable_answer_is_sent_again_whole)
{
    begin(4);
    prepare(UINT64_MAX);
    delivery_return(delivery);
    prepare(UINT64_MAX);
    assert_sent("0 1 2 3");
    settle("orro");
    prepare(UINT64_MAX);
    delivery_return(delivery);
    prepare(UINT64_MAX);
    assert_sent("1 2");
}
END_TEST

START_TEST(a_delivery_takes_frame_after_frame)
{
    static const size_t sizes[] = {1, 100, 3, 1000, 2};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char letters[1001];
        begin(sizes[i]);
        assert_count(0, 0);
        prepare(UINT64_MAX);
        ck_assert(slice_equal(buffer_slice(&sent), buffer_slice(&lines)));
        memset(letters, 'd', sizes[i]);
        letters[sizes[i]] = '\0';
        settle(letters);
        ck_assert(delivery_is_complete(delivery));
        assert_count(0, sizes[i]);
    }
}
END_TEST

/* --- answers --- */

#define DONE "{\"index\":{\"status\":201}}"

static const char *const unreadable[] = {
    "",
    "<html>502 Bad Gateway</html>",
    "{\"took\":1,\"errors\":false}",
    "{\"took\":1,\"errors\":false,\"items\":[]}",
    "{\"items\":[" DONE "," DONE "]}",
    "{\"items\":[" DONE "," DONE "," DONE "," DONE "]}",
    "{\"items\":[" DONE "," DONE "," DONE "]",
};

START_TEST(an_unreadable_response_means_unknown_so_all_wait_again)
{
    struct delivery_outcome outcome;
    begin(3);
    prepare(UINT64_MAX);
    unit_assert_error(delivery_settle(delivery, slice_of(unreadable[_i]), &outcome, &err), err,
                      ERROR_UNAVAILABLE, "");
    assert_count(0, 0);
    prepare(UINT64_MAX);
    assert_sent("0 1 2");
}
END_TEST

static const struct {
    const char *letters;
    bool is_index_missing, is_denied;
    const char *error;
} verdicts[] = {
    {"ooo", false, false, ""},
    {"oro", false, false, "es_rejected: full"},
    {"rdo", false, false, "es_rejected: full"},
    {"odr", false, false, "mapper: bad"},
    {"omo", true, false, "index_not_found_exception"},
    {"oxo", false, true, "security_exception"},
};

START_TEST(the_outcome_says_what_is_to_be_done_and_the_first_error)
{
    begin(3);
    prepare(UINT64_MAX);
    struct delivery_outcome outcome = settle(verdicts[_i].letters);
    ck_assert_int_eq(outcome.is_index_missing, verdicts[_i].is_index_missing);
    ck_assert_int_eq(outcome.is_denied, verdicts[_i].is_denied);
    ck_assert_msg(strncmp(outcome.error, verdicts[_i].error, strlen(verdicts[_i].error)) == 0, "%s",
                  outcome.error);
    ck_assert_int_eq(outcome.error[0] == '\0', verdicts[_i].error[0] == '\0');
    ck_assert_uint_eq(outcome.done + outcome.retried + outcome.dead, 3);
}
END_TEST

/* --- requests that are refused as a whole --- */

START_TEST(a_refused_request_is_halved_until_one_document_is_to_blame)
{
    static const struct slice response = {"{\"error\":{\"type\":\"bad\",\"reason\":\"no\"}}", 38};
    size_t requests = 0;
    uint64_t bytes;
    begin(16);
    while (!delivery_is_complete(delivery)) {
        char letters[17];
        unit_assert_ok(delivery_prepare(delivery, UINT64_MAX, &body, &err), err);
        read_body(50);
        size_t count = 0;
        for (const char *at = buffer_string(&sent); (at = strstr(at, "_id")) != NULL; at++)
            count++;
        ck_assert_uint_lt(++requests, 20);
        if (strstr(buffer_string(&sent), "\"_id\":\"11\"") != NULL) { // the one to blame
            unit_assert_ok(delivery_split(delivery, 400, response, &bytes, &err), err);
            ck_assert_uint_eq(bytes, sent.size);
            continue;
        }
        memset(letters, 'o', count);
        letters[count] = '\0';
        settle(letters);
    }
    assert_count(15, 1);
    buffer_clear(&sent);
    unit_assert_ok(put_dead_letters(&sent, &err), err);
    ck_assert_ptr_nonnull(strstr(buffer_string(&sent), "\"status\":400"));
    ck_assert_ptr_nonnull(strstr(buffer_string(&sent), "\"id\":\"11\""));
    ck_assert_ptr_nonnull(strstr(buffer_string(&sent), "\"reason\":\"no\""));
}
END_TEST

START_TEST(splitting_nothing_is_a_bug)
{
    uint64_t bytes;
    begin(2);
    unit_assert_error(delivery_split(delivery, 413, slice_of(""), &bytes, &err), err, ERROR_BUG,
                      "");
}
END_TEST

/* --- frames that are not what they say --- */

START_TEST(a_frame_with_another_number_of_documents_is_damage)
{
    buffer_clear(&lines);
    for (size_t i = 0; i < 4; i++)
        put_document(&lines, i);
    begin_lines(_i == 0 ? 3 : 5);
    bool ok = true;
    while (ok && !delivery_is_complete(delivery)) {
        ok = delivery_prepare(delivery, 1, &body, &err); // one document a request
        if (ok)
            settle("o");
    }
    ck_assert(!ok);
    ck_assert_int_eq(err.kind, ERROR_DAMAGED);
}
END_TEST

START_TEST(a_frame_that_is_damaged_gives_no_body)
{
    begin(100);
    begin_frame(frame_bytes.size / 2, 100);
    unit_assert_error(delivery_prepare(delivery, 100, &body, &err), err, ERROR_DAMAGED, "zstd");
    begin_frame(frame_bytes.size / 2, 100);
    unit_assert_ok(delivery_prepare(delivery, UINT64_MAX, &body, &err), err);
    static char out[MOST];
    long got;
    while ((got = body->read(body->context, out, sizeof out)) > 0)
        continue;
    ck_assert_int_eq(got, -1);
}
END_TEST

/* --- all together --- */

/* A cluster with moods: every document is done or dead once, and nothing is sent after that. */
START_TEST(whatever_the_answers_each_document_has_one_verdict)
{
    enum { DOCUMENTS = 200 };
    uint64_t random = 0x123456789u + (uint64_t)_i;
    char verdict[DOCUMENTS] = {0};
    size_t expected_done = 0, expected_dead = 0;
    uint64_t bytes;
    begin(DOCUMENTS);
    for (int round = 0; !delivery_is_complete(delivery); round++) {
        char letters[DOCUMENTS + 1];
        size_t count = 0;
        ck_assert_int_lt(round, 5000);
        unit_assert_ok(delivery_prepare(delivery, unit_random(&random) % 8000, &body, &err), err);
        read_body(1 + unit_random(&random) % 500);
        if (unit_random(&random) % 8 == 0) {
            delivery_return(delivery);
            continue;
        }
        bool is_single = strstr(strstr(buffer_string(&sent), "_id") + 1, "_id") == NULL;
        if (!is_single && unit_random(&random) % 8 == 0) {
            unit_assert_ok(delivery_split(delivery, 413, slice_of(""), &bytes, &err), err);
            continue;
        }
        for (const char *at = buffer_string(&sent); (at = strstr(at, "_id\":\"")) != NULL;) {
            size_t number = strtoul(at += 6, NULL, 10);
            ck_assert_msg(verdict[number] == 0, "document %zu was sent again", number);
            letters[count] = "oord"[unit_random(&random) % 4];
            verdict[number] = letters[count] == 'r' ? 0 : letters[count];
            expected_done += letters[count] == 'o';
            expected_dead += letters[count] == 'd';
            count++;
        }
        letters[count] = '\0';
        settle(letters);
        assert_count(expected_done, expected_dead);
    }
    ck_assert_uint_eq(expected_done + expected_dead, DOCUMENTS);
    buffer_clear(&sent);
    unit_assert_ok(put_dead_letters(&sent, &err), err);
    const char *at = buffer_string(&sent);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        if (verdict[i] != 'd')
            continue;
        json_t *letter = load_letter(&at);
        ck_assert_uint_eq(strtoul(text_of(letter, "id"), NULL, 10), i);
        json_decref(letter);
    }
    ck_assert_str_eq(at, "");
}
END_TEST

UNIT_MAIN_WITH("sink/delivery", set_up, tear_down, UNIT_TEST(the_first_request_is_the_whole_frame),
               UNIT_TEST(a_body_can_be_read_again_from_its_start_in_any_pieces),
               UNIT_TEST(only_what_was_not_taken_is_sent_again_in_order),
               UNIT_TEST(one_document_among_many_that_wait_is_not_sent_again),
               UNIT_TEST(a_request_holds_at_most_so_many_bytes_but_one_document),
               UNIT_TEST(what_had_no_usable_answer_is_sent_again_whole),
               UNIT_TEST(a_delivery_takes_frame_after_frame),
               UNIT_EACH(an_unreadable_response_means_unknown_so_all_wait_again, unreadable),
               UNIT_EACH(the_outcome_says_what_is_to_be_done_and_the_first_error, verdicts),
               UNIT_TEST(a_refused_request_is_halved_until_one_document_is_to_blame),
               UNIT_TEST(splitting_nothing_is_a_bug),
               UNIT_LOOP(a_frame_with_another_number_of_documents_is_damage, 2),
               UNIT_TEST(a_frame_that_is_damaged_gives_no_body),
               UNIT_LOOP(whatever_the_answers_each_document_has_one_verdict, 20))
