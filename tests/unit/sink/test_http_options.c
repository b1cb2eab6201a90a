/* test_http_options.c: options that can't work are refused before anything is sent. */
#include "sink/http_options.h"

#include "unit.h"

static const struct {
    struct http_options options;
    const char *words;
} bad_options[] = {
    {{.ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
    {{.cert_file = "/nowhere/cert.pem"}, "/nowhere/cert.pem"},
    {{.cert_key_file = "/nowhere/key.pem"}, "/nowhere/key.pem"},
    {{.api_key = "secret\n"}, "API key"},
    {{.bearer = "secret\r\nX: y"}, "bearer token"},
    {{.headers = (const char *const[]){"A: b", "secret", NULL}}, "header number 2"},
    {{.headers = (const char *const[]){"A: b\r\nsecret: d", NULL}}, "header number 1"},
    {{.headers = (const char *const[]){": secret", NULL}}, "header number 1"},
    {{.timeout_ms = 0}, "time limit"},
};

START_TEST(options_that_can_not_work_are_refused_and_secrets_not_shown)
{
    struct error err;
    unit_assert_error(http_options_check(&bad_options[_i].options, &err), err, ERROR_CONFIG,
                      bad_options[_i].words);
    ck_assert_ptr_null(strstr(err.message, "secret"));
}
END_TEST

UNIT_MAIN("sink/http_options",
          UNIT_EACH(options_that_can_not_work_are_refused_and_secrets_not_shown, bad_options))
