/* test_store.c: what all stores have in common: a document's version decides whether it is written. Each of the
 * two real ones: test_store_cluster.c, test_store_postgres.c. */
#include "fleet/store.h"

#include "stored.h"

static json_t *body, *got;
static struct store_version version;
static struct error err;

static void set_up(void)
{
    stored_set_up();
    body = json_pack("{s:s, s:{s:i}}", "id", "7", "plan", "a", 1);
    version = (struct store_version){0, 0};
    got = NULL;
}

static void tear_down(void)
{
    json_decref(body);
    json_decref(got);
    stored_tear_down();
}

static bool put(void)
{
    bool is_done;
    unit_assert_ok(store_put(stored_store, "x", body, &version, &is_done, &err), err);
    return is_done;
}

START_TEST(a_new_document_is_made_once)
{
    ck_assert(put());
    version.number = 0;
    ck_assert(!put());
}
END_TEST

START_TEST(a_document_is_replaced_by_who_saw_it_last)
{
    ck_assert(put() && put());
    struct store_version seen = version;
    ck_assert(put());
    version = seen;
    ck_assert(!put());
}
END_TEST

START_TEST(it_is_read_whole_or_without_its_plan)
{
    ck_assert(put());
    unit_assert_ok(store_get(stored_store, "x", _i == 1, &got, &version, &err), err);
    ck_assert_int_eq(json_object_get(got, "plan") == NULL, _i == 1);
    ck_assert_str_eq(json_string_value(json_object_get(got, "id")), "7");
}
END_TEST

START_TEST(what_is_not_there_has_no_version)
{
    version.number = 5;
    unit_assert_ok(store_remove(stored_store, "x", &err), err);
    unit_assert_ok(store_get(stored_store, "x", false, &got, &version, &err), err);
    ck_assert(got == NULL && version.number == 0);
}
END_TEST

START_TEST(a_coordinator_is_in_place_of_the_cluster)
{
    const struct store_options options = {
        .job = &stored_options, .coordinator = "host=/nonexistent", .timeout_ms = 1000};
    struct store *s;
    unit_assert_error(store_open(&s, &options, &err), err, ERROR_UNAVAILABLE,
                      "PostgreSQL at /nonexistent");
    ck_assert_ptr_null(s);
    store_close(s);
}
END_TEST

UNIT_MAIN_WITH("fleet/store", set_up, tear_down, UNIT_TEST(a_new_document_is_made_once),
               UNIT_TEST(a_document_is_replaced_by_who_saw_it_last),
               UNIT_LOOP(it_is_read_whole_or_without_its_plan, 2),
               UNIT_TEST(what_is_not_there_has_no_version),
               UNIT_TEST(a_coordinator_is_in_place_of_the_cluster))
