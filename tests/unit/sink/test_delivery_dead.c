/* test_delivery_dead.c: the dead letters of a delivery: each refused document, whole, with its error. */
#include "sink/delivery.h"

#include "delivered.h"

START_TEST(dead_letters_have_document_status_and_error)
{
    begin(6);
    prepare(UINT64_MAX);
    settle("odddro");
    prepare(UINT64_MAX);
    settle("d");
    buffer_clear(&sent);
    unit_assert_ok(put_dead_letters(&sent, &err), err);
    const char *at = buffer_string(&sent);
    for (int i = 1; i <= 4; i++) {
        char id[16];
        json_t *letter = load_letter(&at);
        snprintf(id, sizeof id, "%d", i);
        ck_assert_str_eq(text_of(letter, "id"), id);
        ck_assert_int_eq(json_integer_value(json_object_get(letter, "status")), i == 4 ? 400 : 400);
        ck_assert_str_eq(text_of(json_object_get(letter, "error"), "reason"), "bad");
        json_t *source = json_object_get(letter, "source");
        ck_assert_int_eq(source == NULL, i == 2); // a delete
        if (source != NULL)
            ck_assert_int_eq(json_integer_value(json_object_get(source, "n")), i);
        json_decref(letter);
    }
    ck_assert_str_eq(at, "");
}
END_TEST

START_TEST(without_dead_documents_there_are_no_letters)
{
    begin(3);
    prepare(UINT64_MAX);
    settle("ooo");
    buffer_clear(&sent);
    unit_assert_ok(put_dead_letters(&sent, &err), err);
    ck_assert_uint_eq(sent.size, 0);
}
END_TEST

START_TEST(a_long_error_is_kept_in_short)
{
    struct delivery_outcome outcome;
    struct buffer response;
    buffer_init(&response, MOST);
    buffer_append_string(&response,
                         "{\"items\":[{\"index\":{\"status\":400,\"error\":{\"type\":\"t\","
                         "\"reason\":\"");
    for (int i = 0; i < 5000; i++)
        buffer_append_byte(&response, 'x');
    buffer_append_string(&response, "\"}}}]}");
    begin(1);
    prepare(UINT64_MAX);
    unit_assert_ok(delivery_settle(delivery, buffer_slice(&response), &outcome, &err), err);
    ck_assert_uint_eq(outcome.dead, 1);
    buffer_clear(&sent);
    unit_assert_ok(put_dead_letters(&sent, &err), err);
    ck_assert_uint_lt(sent.size, 1000);
    ck_assert_ptr_nonnull(strstr(buffer_string(&sent), "{\"type\":\"t\",\"reason\":\"xxx"));
    const char *at = buffer_string(&sent);
    json_decref(load_letter(&at));
    buffer_free(&response);
}
END_TEST

START_TEST(the_errors_of_many_documents_find_room_however_long)
{
    enum { DOCUMENTS = 40000, REASON = 2000 };
    struct delivery_outcome outcome;
    struct buffer response;
    char reason[REASON + 1] = {0};
    memset(reason, 'x', REASON);
    buffer_init(&response, SIZE_MAX);
    buffer_append_string(&response, "{\"items\":[");
    for (int i = 0; i < DOCUMENTS; i++)
        buffer_append_format(&response,
                             "%s{\"index\":{\"status\":400,\"error\":{\"reason\":\"%s\"}}}",
                             i > 0 ? "," : "", reason);
    buffer_append_string(&response, "]}");
    begin(DOCUMENTS);
    unit_assert_ok(delivery_prepare(delivery, UINT64_MAX, &body, &err), err);
    unit_assert_ok(delivery_settle(delivery, buffer_slice(&response), &outcome, &err), err);
    assert_count(0, DOCUMENTS);
    buffer_free(&response);
}
END_TEST

/* A frame of documents whose errors are long each: all have a letter with the error's type. */
START_TEST(many_long_errors_are_kept_in_short)
{
    enum { DOCUMENTS = 10000, REASON_BYTES = 1900 };
    static char reason[REASON_BYTES + 1];
    struct delivery_outcome outcome;
    struct buffer response, letters;
    buffer_init(&response, 64 << 20);
    buffer_init(&letters, 64 << 20);
    memset(reason, 'x', REASON_BYTES);
    for (int i = 0; i < DOCUMENTS; i++)
        buffer_append_format(
            &response,
            "%s{\"index\":{\"status\":400,\"error\":{\"type\":\"t\",\"reason\":\"%s\"}}}",
            i == 0 ? "{\"items\":[" : ",", reason);
    buffer_append_string(&response, "]}");
    begin(DOCUMENTS);
    prepare(UINT64_MAX);
    unit_assert_ok(delivery_settle(delivery, buffer_slice(&response), &outcome, &err), err);
    ck_assert_uint_eq(outcome.dead, DOCUMENTS);
    unit_assert_ok(put_dead_letters(&letters, &err), err);
    ck_assert_uint_lt(letters.size, 12 << 20);
    const char *at = buffer_string(&letters);
    for (int i = 0; i < DOCUMENTS; i++) {
        json_t *letter = load_letter(&at);
        ck_assert_str_eq(text_of(json_object_get(letter, "error"), "type"), "t");
        ck_assert_int_ge((int)strlen(text_of(json_object_get(letter, "error"), "reason")), 300);
        json_decref(letter);
    }
    buffer_free(&response);
    buffer_free(&letters);
}
END_TEST

START_TEST(letters_that_find_no_room_are_an_error)
{
    struct buffer small;
    begin(3);
    prepare(UINT64_MAX);
    settle("odo");
    buffer_init(&small, 50);
    unit_assert_error(put_dead_letters(&small, &err), err, ERROR_MEMORY, "dead letters");
    buffer_free(&small);
}
END_TEST

UNIT_MAIN_WITH("sink/delivery_dead", set_up, tear_down,
               UNIT_TEST(dead_letters_have_document_status_and_error),
               UNIT_TEST(without_dead_documents_there_are_no_letters),
               UNIT_TEST(a_long_error_is_kept_in_short),
               UNIT_TEST(the_errors_of_many_documents_find_room_however_long),
               UNIT_TEST(many_long_errors_are_kept_in_short),
               UNIT_TEST(letters_that_find_no_room_are_an_error))
