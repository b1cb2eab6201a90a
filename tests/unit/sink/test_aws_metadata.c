/* test_aws_metadata.c: what is asked of a metadata service, and what its answers mean. */
#include "sink/aws_metadata.h"

#include "canned_server.h"

extern char **environ;

static struct canned_server server;
static struct aws_credentials found;
static struct error err;

static void setup(void)
{
    static char *nothing[] = {NULL};
    environ = nothing;
}

static void teardown(void)
{
    aws_credentials_free(&found);
}

#define KEYS                                                                                       \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\",\"Token\":\"t\"," \
    "\"Expiration\":\"2026-01-02T03:04:05Z\"}"

static const struct canned_answer token = {.status = 200, .body = "t0ken"};
static const struct canned_answer role = {.status = 200, .body = "my role\n"};
static const struct canned_answer keys = {.status = 200, .body = KEYS};

static void begin(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", canned_url(&server, "http://", "/"), 1);
}

START_TEST(an_instance_is_asked_for_token_role_and_credentials)
{
    const struct canned_answer answers[] = {token, role, keys};
    begin(answers, 3);
    setenv("http_proxy", "http://127.0.0.1:1", 1); // never used
    unit_assert_ok(aws_metadata_fetch(&found, &err), err);
    ck_assert_str_eq(found.key_id, "A");
    ck_assert_int_eq(found.expires_ms, 1767323045000);
    ck_assert_int_eq(canned_count(&server), 3);
    ck_assert(canned_was_asked(&server, 0, "PUT /latest/api/token HTTP/1.1\r\n"));
    ck_assert(canned_was_asked(&server, 0, "X-aws-ec2-metadata-token-ttl-seconds: 300\r\n"));
    ck_assert(canned_was_asked(&server, 1, "GET /latest/meta-data/iam/security-credentials/ "));
    ck_assert(canned_was_asked(&server, 1, "X-aws-ec2-metadata-token: t0ken\r\n"));
    ck_assert(
        canned_was_asked(&server, 2, "GET /latest/meta-data/iam/security-credentials/my%20role "));
    ck_assert(canned_was_asked(&server, 2, "X-aws-ec2-metadata-token: t0ken\r\n"));
    canned_stop(&server);
}
END_TEST

static const struct {
    struct canned_answer answers[3];
    enum error_kind kind;
    const char *words;
} failures[] = {
    {{{.status = 403}}, ERROR_UNAVAILABLE, "403 to the question for a token"},
    {{{.status = 200, .body = "t0ken"}, {.status = 404}}, ERROR_CONFIG, "has no role"},
    {{{.status = 200, .body = "t0ken"}, {.status = 200, .body = "\n"}},
     ERROR_CONFIG,
     "has no role"},
    {{{.status = 200, .body = "t0ken"}, {.status = 500}}, ERROR_UNAVAILABLE, "500"},
    {{{.status = 200, .body = "t0ken"}, {.status = 200, .body = "r"}, {.status = 503}},
     ERROR_UNAVAILABLE,
     "503 to the question for credentials"},
    {{{.status = 200, .body = "t0ken"}, {.status = 200, .body = "r"}, {.status = 200, .body = "{"}},
     ERROR_UNAVAILABLE,
     "no credentials"},
    {{{.status = 200, .body = "t\r\nX: y"},
      {.status = 200, .body = "r"},
      {.status = 200, .body = "{"}},
     ERROR_CONFIG,
     "header number 1"},
};

START_TEST(a_failing_service_is_named)
{
    begin(failures[_i].answers, 3);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, failures[_i].kind, failures[_i].words);
    ck_assert_ptr_nonnull(strstr(err.message, "this instance"));
    ck_assert_ptr_null(strstr(err.message, "t0ken"));
    ck_assert_ptr_null(found.key_id);
    canned_stop(&server);
}
END_TEST

START_TEST(a_service_that_is_not_there_does_not_hold_us_up)
{
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, ERROR_UNAVAILABLE, "127.0.0.1:1");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, ERROR_UNAVAILABLE, "DISABLED");
    const struct canned_answer silent = {.stalls = true};
    unsetenv("AWS_EC2_METADATA_DISABLED");
    begin(&silent, 1);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, ERROR_UNAVAILABLE, "timed out");
    canned_stop(&server);
}
END_TEST

START_TEST(a_container_is_asked_with_its_token)
{
    char *directory = unit_make_directory(), path[4096];
    canned_start(&server, &keys, 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", canned_url(&server, "http://", "/v1/c"), 1);
    unit_assert_ok(aws_metadata_fetch(&found, &err), err);
    aws_credentials_free(&found);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic first", 1);
    unit_assert_ok(aws_metadata_fetch(&found, &err), err);
    aws_credentials_free(&found);
    snprintf(path, sizeof path, "%s/token", directory);
    FILE *file = fopen(path, "w");
    fputs("second\n", file);
    fclose(file);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    unit_assert_ok(aws_metadata_fetch(&found, &err), err);
    ck_assert_str_eq(found.secret, "hunter2");
    ck_assert(canned_was_asked(&server, 0, "GET /v1/c HTTP/1.1\r\n"));
    ck_assert(!canned_was_asked(&server, 0, "Authorization"));
    ck_assert(canned_was_asked(&server, 1, "Authorization: Basic first\r\n"));
    ck_assert(canned_was_asked(&server, 2, "Authorization: second\r\n"));
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent", 1);
    aws_credentials_free(&found);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, ERROR_CONFIG, "/nonexistent");
    canned_stop(&server);
    unit_remove_directory(directory);
}
END_TEST

static const char *const strangers[] = {
    "http://example.com/c",      "http://127.0.0.1.example.com/", "http://169.254.170.20/",
    "http://localhost.evil/",    "http://[fd00:ec2::231]/",       "ftp://localhost/",
    "http://127.0.0.1@evil.com/"};

START_TEST(a_containers_token_goes_to_no_stranger)
{
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", strangers[_i], 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2", 1);
    unit_assert_error(aws_metadata_fetch(&found, &err), err, ERROR_CONFIG, "FULL_URI");
}
END_TEST

UNIT_MAIN_WITH("sink/aws_metadata", setup, teardown,
               UNIT_TEST(an_instance_is_asked_for_token_role_and_credentials),
               UNIT_EACH(a_failing_service_is_named, failures),
               UNIT_TEST(a_service_that_is_not_there_does_not_hold_us_up),
               UNIT_TEST(a_container_is_asked_with_its_token),
               UNIT_EACH(a_containers_token_goes_to_no_stranger, strangers))
