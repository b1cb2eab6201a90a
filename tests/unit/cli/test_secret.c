/* test_secret.c: what counts as a secret on the command line, and how one is read from a file. */
#include "cli/secret.h"

#include <sys/stat.h>

#include "unit.h"

static const struct {
    const char *option, *value;
    const char *remedy; // NULL: it may stand there
} arguments[] = {
    {"dsn", "host=db user=me password=hunter2", "PGPASSWORD"},
    {"dsn", "host=db sslpassword = 'hunter2'", "PGPASSWORD"},
    {"dsn", "postgresql://me:hunter2@db/shop", "BOBBIN_DSN"},
    {"dsn", "postgresql://db/shop?user=me&password=hunter2", "BOBBIN_DSN"},
    {"dsn", "postgresql://me@db:5432/shop", NULL},
    {"dsn", "service=shop passfile=/etc/pgpass", NULL},
    {"coordinator", "host=db user=me password=hunter2", "BOBBIN_COORDINATOR"},
    {"coordinator", "postgresql://me@db:5432/shop", NULL},
    {"url", "https://me:hunter2@es:9200", "--password-file"},
    {"url", "https://me:hun/ter2@es:9200", "--password-file"},
    {"url", "me:hunter2@es:9200", "--password-file"},
    {"url", "https://me@es:9200", NULL},
    {"url", "https://es:9200/a:b@c", NULL},
    {"proxy", "http://me:hunter2@proxy:3128", "--proxy-password-file"},
    {"proxy", "http://proxy:3128", NULL},
    {"terms", "https://me:hunter2@lists.example/terms", "BOBBIN_TERMS"},
    {"terms", "me:or@you.txt", NULL},
    {"header", "Authorization: Basic hunter2", "BOBBIN_HEADER"},
    {"header", "authorization:hunter2", "BOBBIN_HEADER"},
    {"header", "Proxy-Authorization : hunter2", "BOBBIN_HEADER"},
    {"header", "COOKIE: id=hunter2", "BOBBIN_HEADER"},
    {"header", "X-Authorization-Level: 3", NULL},
    {"user", "me:hunter2@", NULL},
};

START_TEST(an_argument_with_a_secret_is_refused_with_a_remedy)
{
    struct error err = {.kind = ERROR_NONE};
    bool ok = secret_check_argument(arguments[_i].option, arguments[_i].value, &err);
    ck_assert_msg(ok == (arguments[_i].remedy == NULL), "%s", arguments[_i].value);
    if (ok)
        return;
    ck_assert_int_eq(err.kind, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.message, arguments[_i].remedy));
    ck_assert_ptr_null(strstr(err.message, "hun"));
}
END_TEST

START_TEST(a_secret_is_read_without_its_newline)
{
    char *directory = unit_make_directory(), *path, *secret;
    struct error err;
    ck_assert_int_gt(asprintf(&path, "%s/secret", directory), 0);
    FILE *file = fopen(path, "w");
    fputs("hunter2\r\n", file);
    fclose(file);
    unit_assert_ok(secret_read_file(path, &secret, &err), err);
    ck_assert_str_eq(secret, "hunter2");
    secret_free(secret);
    unit_assert_error(secret_read_file("/nonexistent", &secret, &err), err, ERROR_CONFIG,
                      "/nonexistent");
    secret_free(secret);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert(!secret_is_exposed(path));
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert(secret_is_exposed(path));
    ck_assert(!secret_is_exposed("/nonexistent"));
    free(path);
    unit_remove_directory(directory);
}
END_TEST

UNIT_MAIN("cli/secret", UNIT_EACH(an_argument_with_a_secret_is_refused_with_a_remedy, arguments),
          UNIT_TEST(a_secret_is_read_without_its_newline))
