/* test_aws.c: requests are signed, and a role's credentials renewed in time. That the signatures are
 * right, test_sigv4.c shows, and botocore in the integration tests. */
#include "sink/aws.h"

#include <time.h>

#include "base/clock.h"
#include "canned_server.h"

extern char **environ;

static struct canned_server server;
static struct aws_signer *signer;
static struct error err;
static struct buffer headers[HTTP_SIGNED_HEADERS];
static char answers_text[4][400];

static void setup(void)
{
    static char *nothing[] = {NULL};
    environ = nothing;
    signer = NULL;
    for (int i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_init(&headers[i], 10000);
}

static void teardown(void)
{
    aws_signer_free(signer);
    for (int i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_free(&headers[i]);
}

static bool sign(const struct http_body *body)
{
    const struct http_signer *s = aws_signer_for_http(signer);
    struct http_request q = {.method = "POST", .url = "https://es/i/_bulk", .body = body};
    for (int i = 0; i < HTTP_SIGNED_HEADERS; i++)
        buffer_clear(&headers[i]);
    return s->sign(s->context, &q, headers, &err);
}

static bool has_header(const char *text)
{
    for (int i = 0; i < HTTP_SIGNED_HEADERS; i++)
        if (strstr(buffer_string(&headers[i]), text) != NULL)
            return true;
    return false;
}

/* Token, role and keys that end in SECONDS, from answer AT on. */
static void put_answers(struct canned_answer *answers, int at, const char *key_id, int seconds)
{
    char expires[40];
    time_t end = time(NULL) + seconds;
    struct tm tm;
    strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
    snprintf(answers_text[at], sizeof *answers_text,
             "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t-%s\","
             "\"Expiration\":\"%s\"}",
             key_id, key_id, expires);
    answers[3 * at] = (struct canned_answer){.status = 200, .body = "t0ken"};
    answers[3 * at + 1] = (struct canned_answer){.status = 200, .body = "role"};
    answers[3 * at + 2] = (struct canned_answer){.status = 200, .body = answers_text[at]};
}

static bool begin(const struct canned_answer *answers, size_t count)
{
    canned_start(&server, answers, count);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.host, 1);
    return aws_signer_new(&signer, "eu-west-1", "aoss", &err);
}

START_TEST(the_environment_goes_before_the_metadata_service)
{
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    unit_assert_ok(aws_signer_new(&signer, "eu-west-1", "es", &err), err);
    unit_assert_ok(sign(NULL), err);
    ck_assert(has_header("Credential=AKID/"));
    ck_assert(has_header("/eu-west-1/es/aws4_request"));
    ck_assert(!has_header("Token"));
}
END_TEST

START_TEST(without_credentials_the_places_are_named)
{
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unit_assert_error(aws_signer_new(&signer, "r", "es", &err), err, ERROR_CONFIG,
                      "AWS_ACCESS_KEY_ID");
}
END_TEST

START_TEST(fresh_credentials_are_kept)
{
    struct canned_answer answers[3];
    put_answers(answers, 0, "FIRST", 3600);
    unit_assert_ok(begin(answers, 3), err);
    for (int i = 0; i < 3; i++) {
        unit_assert_ok(sign(NULL), err);
        ck_assert(has_header("Credential=FIRST/"));
        ck_assert(has_header("X-Amz-Security-Token: t-FIRST"));
    }
    ck_assert_int_eq(canned_count(&server), 3);
    canned_stop(&server);
}
END_TEST

START_TEST(credentials_are_renewed_before_they_expire)
{
    struct canned_answer answers[6];
    put_answers(answers, 0, "FIRST", 200);
    put_answers(answers, 1, "SECOND", 3600);
    unit_assert_ok(begin(answers, 6), err);
    unit_assert_ok(sign(NULL), err);
    ck_assert(has_header("Credential=SECOND/"));
    ck_assert(has_header("X-Amz-Security-Token: t-SECOND"));
    canned_stop(&server);
}
END_TEST

START_TEST(old_credentials_serve_while_new_ones_are_not_to_be_had)
{
    struct canned_answer answers[4];
    put_answers(answers, 0, "FIRST", 200);
    answers[3] = (struct canned_answer){.status = 500};
    unit_assert_ok(begin(answers, 4), err);
    for (int i = 0; i < 3; i++) { // and the service is asked once, not for each request
        unit_assert_ok(sign(NULL), err);
        ck_assert(has_header("Credential=FIRST/"));
    }
    ck_assert_int_eq(canned_count(&server), 4);
    canned_stop(&server);
}
END_TEST

START_TEST(expired_credentials_that_can_not_be_renewed_sign_nothing)
{
    struct canned_answer answers[4];
    put_answers(answers, 0, "FIRST", -1);
    answers[3] = (struct canned_answer){.status = 500};
    unit_assert_ok(begin(answers, 4), err);
    unit_assert_error(sign(NULL), err, ERROR_UNAVAILABLE, "have expired");
    ck_assert_ptr_nonnull(strstr(err.message, "500"));
    canned_stop(&server);
}
END_TEST

/* A body of three letters, which comes one by one and may fail. */
struct letters {
    int at, rewinds;
    bool ends_early, cannot_rewind;
};

static long read_letter(void *context, char *out, size_t size)
{
    struct letters *l = context;
    ck_assert_uint_gt(size, 0);
    if (l->at == 3 || (l->ends_early && l->at == 2))
        return 0;
    *out = "abc"[l->at++];
    return 1;
}

static bool rewind_letters(void *context)
{
    struct letters *l = context;
    l->at = 0;
    l->rewinds++;
    return !l->cannot_rewind;
}

START_TEST(a_body_is_read_to_be_signed_and_is_at_its_start_again)
{
    struct letters l = {0};
    struct http_body body = {
        .size = 3, .read = read_letter, .rewind = rewind_letters, .context = &l};
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    unit_assert_ok(aws_signer_new(&signer, "eu-west-1", "es", &err), err);
    unit_assert_ok(sign(&body), err);
    ck_assert(has_header("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    ck_assert_int_eq(l.at, 0);
    buffer_clear(&headers[0]);
    body.size = HTTP_SIZE_UNKNOWN;
    unit_assert_ok(sign(&body), err);
    ck_assert(has_header("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    ck_assert_int_eq(l.at, 0);
    body.size = 3;
    l.ends_early = true;
    unit_assert_error(sign(&body), err, ERROR_BUG, "ends early");
    l = (struct letters){.cannot_rewind = true};
    unit_assert_error(sign(&body), err, ERROR_BUG, "read again");
}
END_TEST

START_TEST(a_wrong_clock_is_recognized)
{
    const char *expired =
        "{\"message\":\"Signature expired: 20260102T030405Z is now earlier than\"}";
    ck_assert_ptr_nonnull(strstr(aws_remedy(slice_of(expired)), "clock"));
    ck_assert_ptr_nonnull(aws_remedy(slice_of("Signature not yet current: ")));
    ck_assert_ptr_null(aws_remedy(slice_of("{\"message\":\"User is not authorized\"}")));
    ck_assert_ptr_null(aws_remedy((struct slice){NULL, 0}));
}
END_TEST

UNIT_MAIN_WITH("sink/aws", setup, teardown,
               UNIT_TEST(the_environment_goes_before_the_metadata_service),
               UNIT_TEST(without_credentials_the_places_are_named),
               UNIT_TEST(fresh_credentials_are_kept),
               UNIT_TEST(credentials_are_renewed_before_they_expire),
               UNIT_TEST(old_credentials_serve_while_new_ones_are_not_to_be_had),
               UNIT_TEST(expired_credentials_that_can_not_be_renewed_sign_nothing),
               UNIT_TEST(a_body_is_read_to_be_signed_and_is_at_its_start_again),
               UNIT_TEST(a_wrong_clock_is_recognized))
