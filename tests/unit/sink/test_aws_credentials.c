/* test_aws_credentials.c: credentials are found as AWS's own programs find them, whole or not at all. */
#include "sink/aws_credentials.h"

#include "unit.h"

extern char **environ;

static char *directory;
static char path[4096];
static struct aws_credentials found;
static struct error err;

static void setup(void)
{
    static char *nothing[] = {NULL};
    environ = nothing;
    directory = unit_make_directory();
    snprintf(path, sizeof path, "%s/credentials", directory);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
}

static void teardown(void)
{
    aws_credentials_free(&found);
    unit_remove_directory(directory);
}

static void assert_found(const char *key_id, const char *secret, const char *token)
{
    ck_assert_pstr_eq(found.key_id, key_id);
    ck_assert_pstr_eq(found.secret, secret);
    ck_assert_pstr_eq(found.token, token);
}

START_TEST(the_environment_has_them_whole_or_not_at_all)
{
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    unit_assert_ok(aws_credentials_from_environment(&found, &err), err);
    assert_found(NULL, NULL, NULL);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "", 1);
    unit_assert_ok(aws_credentials_from_environment(&found, &err), err);
    assert_found("AKID", "secret", NULL);
    aws_credentials_free(&found);
    assert_found(NULL, NULL, NULL);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    unit_assert_ok(aws_credentials_from_environment(&found, &err), err);
    assert_found("AKID", "secret", "token");
    ck_assert_int_eq(found.expires_ms, 0);
}
END_TEST

static void put_file(const char *content)
{
    FILE *file = fopen(path, "w");
    fputs(content, file);
    fclose(file);
}

static const char file[] = "[default]\naws_access_key_id = A\naws_secret_access_key = s1\n"
                           "[ other ]\nregion = eu-west-1\n"
                           "[role]\naws_access_key_id=B\naws_secret_access_key=s/2+\n"
                           "aws_session_token=tok\n[half]\naws_access_key_id=C\n";

START_TEST(a_profile_of_the_shared_file_has_them)
{
    put_file(file);
    unit_assert_ok(aws_credentials_from_file(&found, &err), err);
    assert_found("A", "s1", NULL);
    aws_credentials_free(&found);
    setenv("AWS_PROFILE", "role", 1);
    unit_assert_ok(aws_credentials_from_file(&found, &err), err);
    assert_found("B", "s/2+", "tok");
    aws_credentials_free(&found);
    static const char *const empty[] = {"half", "other", "nobody"};
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        setenv("AWS_PROFILE", empty[i], 1);
        unit_assert_error(aws_credentials_from_file(&found, &err), err, ERROR_CONFIG, empty[i]);
        assert_found(NULL, NULL, NULL);
    }
}
END_TEST

START_TEST(without_a_file_there_are_none_unless_a_profile_is_asked_for)
{
    unit_assert_ok(aws_credentials_from_file(&found, &err), err);
    assert_found(NULL, NULL, NULL);
    setenv("AWS_PROFILE", "role", 1);
    unit_assert_error(aws_credentials_from_file(&found, &err), err, ERROR_CONFIG, path);
}
END_TEST

START_TEST(the_file_is_in_the_home_directory)
{
    char name[4200];
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    setenv("HOME", directory, 1);
    snprintf(name, sizeof name, "mkdir %s/.aws", directory);
    ck_assert_int_eq(system(name), 0);
    snprintf(path, sizeof path, "%s/.aws/credentials", directory);
    put_file(file);
    unit_assert_ok(aws_credentials_from_file(&found, &err), err);
    assert_found("A", "s1", NULL);
}
END_TEST

START_TEST(a_services_answer_has_them_with_their_end)
{
    struct slice json = slice_of(
        "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
        "\"Expiration\":\"2026-01-02T03:04:05Z\"}");
    unit_assert_ok(aws_credentials_from_json(&found, json, &err), err);
    assert_found("A", "s", "t");
    ck_assert_int_eq(found.expires_ms, 1767323045000);
}
END_TEST

static const struct {
    const char *json, *words;
} bad_answers[] = {
    {"", "no credentials"},
    {"<html>secret</html>", "no credentials"},
    {"[]", "no credentials"},
    {"{\"AccessKeyId\":\"A\"}", "no credentials"},
    {"{\"AccessKeyId\":1,\"SecretAccessKey\":\"secret\"}", "no credentials"},
    {"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role\"}",
     "AssumeRoleUnauthorizedAccess: EC2 cannot assume"},
    {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"secret\",\"Expiration\":\"soon\"}",
     "no credentials"},
};

START_TEST(an_answer_that_is_none_is_told_of_without_secrets)
{
    unit_assert_error(aws_credentials_from_json(&found, slice_of(bad_answers[_i].json), &err), err,
                      ERROR_UNAVAILABLE, bad_answers[_i].words);
    ck_assert_ptr_null(strstr(err.message, "secret"));
    assert_found(NULL, NULL, NULL);
}
END_TEST

UNIT_MAIN_WITH("sink/aws_credentials", setup, teardown,
               UNIT_TEST(the_environment_has_them_whole_or_not_at_all),
               UNIT_TEST(a_profile_of_the_shared_file_has_them),
               UNIT_TEST(without_a_file_there_are_none_unless_a_profile_is_asked_for),
               UNIT_TEST(the_file_is_in_the_home_directory),
               UNIT_TEST(a_services_answer_has_them_with_their_end),
               UNIT_EACH(an_answer_that_is_none_is_told_of_without_secrets, bad_answers))
