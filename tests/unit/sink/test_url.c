/* test_url.c: which URLs are good, and that no message shows a password. */
#include "sink/url.h"

#include "unit.h"

static const char *const good[] = {
    "http://localhost",
    "http://localhost:9200",
    "https://es.example.com:65535/prefix/path?x=y",
    "HTTPS://ES.EXAMPLE.COM",
    "http://[::1]:9200",
    "http://[fe80::1%25eth0]/x",
    "http://user:secret@host:9200",
    "http://user@host",
    "http://user:s%40cret@host/path@with:at",
    "http://127.0.0.1:9200/a:b",
};

START_TEST(a_good_url_is_accepted)
{
    struct error err;
    unit_assert_ok(url_check(good[_i], &err), err);
}
END_TEST

static const struct {
    const char *url;
    const char *words;
} bad[] = {
    {"", "must begin"},
    {"localhost:9200", "must begin"},
    {"user:secret@localhost:9200", "must begin"},
    {"ftp://user:secret@localhost", "must begin"},
    {"http:/localhost", "must begin"},
    {"http://", "no host"},
    {"http:///path", "no host"},
    {"http://:9200", "no host"},
    {"http://user:secret@", "no host"},
    {"http://user:secret@:9200", "no host"},
    {"http://[]:9200", "no host"},
    {"http://[::1", "no host"},
    {"http://host:", "port"},
    {"http://host:0", "port"},
    {"http://host:65536", "port"},
    {"http://host:123456", "port"},
    {"http://host:http", "port"},
    {"http://user:sec/ret@host:9200", "%2F"},
    {"http://user:secret#@host:9200", "%23"},
    {"http://ho st", "space"},
    {"http://host\n", "space"},
    {"http://user:secret @host", "space"},
};

START_TEST(a_bad_url_is_refused_and_its_password_is_not_shown)
{
    struct error err;
    unit_assert_error(url_check(bad[_i].url, &err), err, ERROR_CONFIG, bad[_i].words);
    ck_assert_ptr_null(strstr(err.message, "sec"));
}
END_TEST

static const struct {
    const char *url;
    const char *host;
} names[] = {
    {"http://localhost:9200/index/_bulk?filter_path=took", "http://localhost:9200"},
    {"https://user:secret@host:9200/x@y", "https://user:***@host:9200"},
    {"http://user:s@cret@host", "http://user:***@host"},
    {"http://[::1]:9200?x", "http://[::1]:9200"},
};

START_TEST(a_host_is_named_without_path_and_password)
{
    struct buffer out;
    buffer_init(&out, 1000);
    url_append_host(&out, names[_i].url);
    unit_assert_slice(buffer_slice(&out), names[_i].host);
    buffer_free(&out);
}
END_TEST

static const struct {
    const char *target;
    const char *named;
} targets[] = {
    {"https://host/es/index/_bulk?filter_path=took", "https://host/es/index/_bulk;"},
    {"http://user:secret@host/#top", "http://user:***@host/;"},
    {"/somewhere", "/somewhere;"},
};

START_TEST(a_redirect_is_named_without_query_and_password)
{
    struct buffer out;
    buffer_init(&out, 1000);
    url_append_redirect(&out, targets[_i].target);
    ck_assert_ptr_nonnull(strstr(buffer_string(&out), targets[_i].named));
    buffer_free(&out);
}
END_TEST

START_TEST(a_user_is_seen_before_the_host_only)
{
    ck_assert(url_has_user("http://user:secret@host"));
    ck_assert(url_has_user("http://user@host:9200/x"));
    ck_assert(!url_has_user("http://host/user@x"));
    ck_assert(!url_has_user("http://host"));
}
END_TEST

START_TEST(a_password_is_suspected_where_a_url_is_torn)
{
    ck_assert(url_may_have_password("http://user:secret@host"));
    ck_assert(url_may_have_password("http://user:se/cret@host"));
    ck_assert(url_may_have_password("user:secret@host"));
    ck_assert(!url_may_have_password("http://user@host:9200/a:b@c"));
    ck_assert(!url_may_have_password("http://host:9200"));
    ck_assert(!url_may_have_password("host:port"));
}
END_TEST

UNIT_MAIN("sink/url", UNIT_EACH(a_good_url_is_accepted, good),
          UNIT_EACH(a_bad_url_is_refused_and_its_password_is_not_shown, bad),
          UNIT_EACH(a_host_is_named_without_path_and_password, names),
          UNIT_EACH(a_redirect_is_named_without_query_and_password, targets),
          UNIT_TEST(a_user_is_seen_before_the_host_only),
          UNIT_TEST(a_password_is_suspected_where_a_url_is_torn))
