/* test_sigv4.c: signatures as botocore 1.29 makes them of the same requests. */
#include "sink/sigv4.h"

#include "unit.h"

enum { LONG_BYTES = 100000 };

static struct error err;
static struct buffer headers[SIGV4_HEADERS];

static void setup(void)
{
    for (int i = 0; i < SIGV4_HEADERS; i++)
        buffer_init(&headers[i], 10000);
}

static void teardown(void)
{
    for (int i = 0; i < SIGV4_HEADERS; i++)
        buffer_free(&headers[i]);
}

#define DOMAIN "https://search-x.eu-west-1.es.amazonaws.com"

static const struct {
    const char *method, *url, *body; // NULL: LONG_BYTES times "x"
    const char *token, *region, *service, *signature;
} requests[] = {
    {"GET", DOMAIN "/products?filter_path=%2A.settings.index.uuid", "", NULL, "eu-west-1", "es",
     "431d7fa5ea6c0861e8e300c0aa12605cd43a16bc805e285598f524719396d823"},
    {"POST",
     DOMAIN "/products/_bulk?filter_path=took%2Cerrors%2Citems.%2A.status&pipeline=my%20pipe",
     "{\"index\":{\"_id\":\"1\"}}\n{\"a\":1}\n", "FQoGZXIvYXdzEJr//token", "eu-west-1", "es",
     "e02859edc73069e076356d1aefb9a4fe9d682ae033d2fade238684aed9486779"},
    {"POST", DOMAIN "/products/_bulk?pipeline=my%20pipe&filter_path=took,errors,items.*.status",
     "{\"index\":{\"_id\":\"1\"}}\n{\"a\":1}\n", "FQoGZXIvYXdzEJr//token", "eu-west-1", "es",
     "e02859edc73069e076356d1aefb9a4fe9d682ae033d2fade238684aed9486779"},
    {"POST", "https://id.us-east-1.aoss.amazonaws.com/products/_bulk", NULL, NULL, "us-east-1",
     "aoss", "d85cc4ba050bd178b3d518cde119f083bf15d69579428baa4114d68e325dddf7"},
    {"PUT", "http://localhost:9200/%3Clogs-%7Bnow%2Fd%7D%3E", "{}", "t", "eu-west-1", "es",
     "bbe1e9c91015a85d6065ffb18a34218072ba7d12cb8e0fc00c63b7317cd3f843"},
    {"GET", "http://localhost:80", "", NULL, "eu-west-1", "es",
     "9d56c4a1704c461dd6e0df534005630af654e13c55d4482b2e297d2c066692e6"},
    {"GET", "https://[::1]:8443/a?b=2&a-b=1&a=2&a=1&flag", "", NULL, "eu-west-1", "es",
     "a0cd02b685d8b6815ab79d01dde1c5b802024987d581971869fe0db68efe0e75"},
    {"GET", "https://me:pw@h:443/%C3%A4/~x?q=%e4%20+", "", NULL, "eu-west-1", "es",
     "ce70b72dad5ad431afb8b2d255c0fa57c48b5adeea7635b58611fad359104318"},
};

static bool sign(int i)
{
    static char long_body[LONG_BYTES];
    memset(long_body, 'x', sizeof long_body);
    struct slice body = requests[i].body != NULL ? slice_of(requests[i].body)
                                                 : (struct slice){long_body, sizeof long_body};
    struct sigv4_credentials c = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                  requests[i].token};
    struct sigv4_request r = {.method = requests[i].method,
                              .url = requests[i].url,
                              .region = requests[i].region,
                              .service = requests[i].service,
                              .wall_ms = 1767323045678}; // 2026-01-02T03:04:05
    unit_assert_ok(digest_of(body, &r.body, &err), err);
    return sigv4_sign(&r, &c, headers, &err);
}

START_TEST(a_request_has_the_signature_that_botocore_gives_it)
{
    char expected[500];
    const char *token = requests[_i].token;
    unit_assert_ok(sign(_i), err);
    snprintf(expected, sizeof expected,
             "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/%s/%s/aws4_request, "
             "SignedHeaders=host;x-amz-content-sha256;x-amz-date%s, Signature=%s",
             requests[_i].region, requests[_i].service,
             token != NULL ? ";x-amz-security-token" : "", requests[_i].signature);
    unit_assert_slice(buffer_slice(&headers[SIGV4_AUTHORIZATION]), expected);
    unit_assert_slice(buffer_slice(&headers[SIGV4_DATE]), "X-Amz-Date: 20260102T030405Z");
    snprintf(expected, sizeof expected, "X-Amz-Security-Token: %s", token != NULL ? token : "");
    unit_assert_slice(buffer_slice(&headers[SIGV4_TOKEN]), token != NULL ? expected : "");
}
END_TEST

START_TEST(the_bodys_hash_is_a_header)
{
    unit_assert_ok(sign(0), err);
    unit_assert_slice(buffer_slice(&headers[SIGV4_BODY]),
                      "X-Amz-Content-Sha256: "
                      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(more_parameters_than_there_are_is_an_error)
{
    char url[1000] = "http://h/?";
    for (int i = 0; i < 65; i++)
        strcat(url, "a=1&");
    struct sigv4_credentials c = {"a", "b", NULL};
    struct sigv4_request r = {.method = "GET", .url = url, .region = "r", .service = "es"};
    unit_assert_error(sigv4_sign(&r, &c, headers, &err), err, ERROR_MEMORY, "request to sign");
}
END_TEST

UNIT_MAIN_WITH("sink/sigv4", setup, teardown,
               UNIT_EACH(a_request_has_the_signature_that_botocore_gives_it, requests),
               UNIT_TEST(the_bodys_hash_is_a_header),
               UNIT_TEST(more_parameters_than_there_are_is_an_error))
