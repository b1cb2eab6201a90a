/* test_dsn.c: a URI that a password has torn apart is refused, and nothing else. */
#include "source/dsn.h"

#include "unit.h"

static const struct {
    const char *dsn;
    bool is_good;
} dsns[] = {
    {"", true},
    {"host=db password='a/b@c'", true},
    {"service=shop", true},
    {"postgresql://", true},
    {"postgresql:///shop", true},
    {"postgresql://me:hunter2@db:5432/shop", true},
    {"postgresql://me:hun%2Fter2@db/shop", true},
    {"postgresql://db:5432/shop?user=me@azure", true},
    {"postgresql://a:1,b:2/shop?user=me@azure", true},
    {"postgresql://[::1]:5432/shop?user=me@azure", true},
    {"postgresql://[::1]/shop?user=me@azure", true},
    {"postgresql://db/shop?user=me@azure", true},
    {"postgresql://me:hun/ter2@db/shop", false},
    {"postgres://me:hun?ter2@db/shop", false},
    {"postgresql://me:hun#ter2@db/shop", false},
    {"postgresql://me:12/ter2@db/shop", false},
    {"postgresql://a/ter2@db", false},
};

START_TEST(a_uri_torn_by_its_password_is_refused)
{
    struct error err = {.kind = ERROR_NONE};
    ck_assert_msg(dsn_check(dsns[_i].dsn, &err) == dsns[_i].is_good, "%s", dsns[_i].dsn);
    if (dsns[_i].is_good)
        return;
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.message, "as %2F"));
    ck_assert_ptr_null(strstr(err.message, "ter2"));
}
END_TEST

START_TEST(words_that_may_hold_a_part_of_a_password_are_dropped)
{
    struct error err;
    const char *words = "missing \"=\" after \"ter2\" in connection info string";
    ck_assert(dsn_is_to_blame(words));
    ck_assert(!dsn_is_to_blame("connection to server at \"db\" failed"));
    ck_assert(!dsn_is_to_blame("could not translate host name \"db\""));
    error_set(&err, ERROR_UNAVAILABLE, "%s", words);
    ck_assert(!dsn_refuse("host=db nonsense", &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_str_eq(err.message, words);
    ck_assert(!dsn_refuse("host=db password=hun ter2", &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_ptr_null(strstr(err.message, "ter2"));
    ck_assert_ptr_nonnull(strstr(err.message, "single quotes"));
}
END_TEST

UNIT_MAIN("source/dsn", UNIT_EACH(a_uri_torn_by_its_password_is_refused, dsns),
          UNIT_TEST(words_that_may_hold_a_part_of_a_password_are_dropped))
