/* test_cluster.c: the options reach the requests, and what is risky is refused or warned of. */
#include "job/cluster.h"

#include "sink/canned_server.h"

static struct job_options options;
static struct cluster cluster;
static struct error err;
static char said[65536];

static void setup(void)
{
    options = (struct job_options){.urls = {"https://es:9200"}, .request_timeout_ms = 1000};
}

static void teardown(void)
{
    cluster_close(&cluster);
}

/* Open the cluster, and keep what is logged. */
static bool open_and_listen(void)
{
    int own = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    dup2(fileno(file), STDERR_FILENO);
    bool ok = cluster_open(&cluster, &options, &err);
    fflush(stderr);
    dup2(own, STDERR_FILENO);
    close(own);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return ok;
}

START_TEST(insecure_is_warned_of_at_each_start)
{
    options.insecure = true;
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(open_and_listen(), err);
        ck_assert_ptr_nonnull(strstr(said, "warning: --insecure: the cluster's certificate"));
        cluster_close(&cluster);
    }
    options.insecure = false;
    unit_assert_ok(open_and_listen(), err);
    ck_assert_str_eq(said, "");
}
END_TEST

static const struct {
    const char *url, *user, *warning; // NULL: none
} plain[] = {
    {"http://es.example:9200", "me", "http://es.example:9200: credentials go there unencrypted"},
    {"http://me:hunter2@es.example", NULL, "http://me:***@es.example: credentials"},
    {"http://es.example:9200", NULL, NULL},
    {"https://es.example:9200", "me", NULL},
    {"http://localhost:9200", "me", NULL},
    {"http://127.0.0.1:9200", "me", NULL},
    {"http://[::1]:9200", "me", NULL},
    {"http://127.0.0.1.example", "me", "unencrypted"},
};

START_TEST(credentials_in_the_clear_are_warned_of)
{
    options.urls[0] = plain[_i].url;
    options.user = plain[_i].user;
    unit_assert_ok(open_and_listen(), err);
    if (plain[_i].warning == NULL)
        ck_assert_str_eq(said, "");
    else
        ck_assert_msg(strstr(said, plain[_i].warning) != NULL, "%s", said);
    ck_assert_ptr_null(strstr(said, "hunter2"));
}
END_TEST

START_TEST(requests_are_signed_when_a_region_is_given)
{
    struct canned_server server;
    struct buffer answer;
    int status;
    const struct canned_answer good = {.status = 200, .body = "{}"};
    canned_start(&server, &good, 1);
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
    options.aws_region = "eu-west-1";
    options.aws_service = 1;
    unit_assert_ok(open_and_listen(), err);
    buffer_init(&answer, 100);
    unit_assert_ok(http_call(cluster.http, "GET", canned_url(&server, "http://", "/i"), NULL,
                             (struct slice){NULL, 0}, &status, &answer, &err),
                   err);
    buffer_free(&answer);
    ck_assert(canned_was_asked(&server, 0, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    ck_assert(canned_was_asked(&server, 0, "/eu-west-1/aoss/aws4_request, "));
    ck_assert(!canned_was_asked(&server, 0, "hunter2"));
    cluster_close(&cluster);
    options.user = "me";
    unit_assert_error(open_and_listen(), err, ERROR_CONFIG, "signed for AWS");
    canned_stop(&server);
}
END_TEST

static const struct {
    struct job_options options;
    const char *words;
} wrong[] = {
    {{.ca_fingerprint = "ab:cd"}, "fingerprint is no SHA-256"},
    {{.ca_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
      .ca_file = "/dev/null"},
     "not both"},
    {{.ca_fingerprint = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
      .insecure = true},
     "--insecure, not both"},
    {{.proxy = "proxy:3128"}, "proxy: URL"},
    {{.cert_file = "/nowhere.pem"}, "/nowhere.pem"},
};

START_TEST(options_that_can_not_be_are_refused)
{
    options = wrong[_i].options;
    options.request_timeout_ms = 1000;
    unit_assert_error(open_and_listen(), err, ERROR_CONFIG, wrong[_i].words);
}
END_TEST

START_TEST(questions_wait_no_longer_than_told_nor_than_any_request)
{
    static const int64_t told[] = {500, 2000}, expected[] = {500, 1000};
    for (int i = 0; i < 2; i++) {
        struct cluster_questions q;
        unit_assert_ok(cluster_questions_open(&q, &options, told[i], &err), err);
        ck_assert_int_eq(q.cluster.options.timeout_ms, expected[i]);
        ck_assert_str_eq(q.hosts.urls[0], "https://es:9200");
        cluster_questions_close(&q);
    }
}
END_TEST

UNIT_MAIN_WITH("job/cluster", setup, teardown, UNIT_TEST(insecure_is_warned_of_at_each_start),
               UNIT_EACH(credentials_in_the_clear_are_warned_of, plain),
               UNIT_TEST(questions_wait_no_longer_than_told_nor_than_any_request),
               UNIT_OWN_PROCESS(requests_are_signed_when_a_region_is_given, 1),
               UNIT_EACH(options_that_can_not_be_are_refused, wrong))
