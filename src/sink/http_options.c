/* http_options.c: see http_options.h. */
#include "sink/http_options.h"

#include <unistd.h>

#include "sink/tls_pin.h"
#include "sink/url.h"

static bool check_file(const char *path, const char *what, struct error *err)
{
    if (path == NULL || access(path, R_OK) == 0)
        return true;
    return error_set_errno(err, ERROR_CONFIG, "%s %s can't be read", what, path);
}

static bool check_secret(const char *secret, const char *what, struct error *err)
{
    if (secret == NULL || strpbrk(secret, "\r\n") == NULL)
        return true;
    return error_set(err, ERROR_CONFIG, "the %s has a line end in it", what);
}

static bool check_headers(const char *const *headers, struct error *err)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        size_t name = strcspn(headers[i], ":; \t");
        if (name == 0 || headers[i][name] != ':' || strpbrk(headers[i], "\r\n") != NULL)
            return error_set(err, ERROR_CONFIG,
                             "header number %zu is not \"Name: value\" on one line", i + 1);
    }
    return true;
}

static bool check_authority(const struct http_options *o, struct error *err)
{
    struct tls_pin pin;
    if (o->ca_fingerprint == NULL)
        return check_file(o->ca_file, "CA file", err);
    if (!tls_pin_parse(o->ca_fingerprint, &pin))
        return error_set(
            err, ERROR_CONFIG,
            "the CA's fingerprint is no SHA-256: 64 hexadecimal digits, with or without "
            "\":\" between each two");
    if (o->ca_file != NULL || o->is_insecure)
        return error_set(err, ERROR_CONFIG, "give the CA's fingerprint or %s, not both",
                         o->is_insecure ? "--insecure" : "a CA file");
    return true;
}

static bool check_proxy(const char *url, struct error *err)
{
    return url == NULL || url[0] == '\0' || url_check(url, err) || error_wrap(err, "proxy");
}

static bool check_signer(const struct http_options *o, struct error *err)
{
    bool has_other = o->user != NULL || o->api_key != NULL || o->bearer != NULL;
    return o->signer == NULL || !has_other ||
           error_set(
               err, ERROR_CONFIG,
               "requests are signed for AWS: a user, API key or bearer token has no place then");
}

static bool check_timeout(int64_t timeout_ms, struct error *err)
{
    if (timeout_ms > 0)
        return true;
    return error_set(err, ERROR_CONFIG, "the time limit of a request must be more than 0");
}

bool http_options_check(const struct http_options *o, struct error *err)
{
    return check_authority(o, err) && check_proxy(o->proxy, err) &&
           check_file(o->cert_file, "certificate file", err) &&
           check_file(o->cert_key_file, "certificate key file", err) &&
           check_secret(o->api_key, "API key", err) &&
           check_secret(o->bearer, "bearer token", err) && check_signer(o, err) &&
           check_headers(o->headers, err) && check_timeout(o->timeout_ms, err);
}

bool http_options_header(const struct http_options *o, size_t index, struct buffer *text)
{
    buffer_clear(text);
    // libcurl's "Expect: 100-continue" would cost each request a round trip, or a second
    if (index-- == 0)
        buffer_append_string(text, "Expect:");
    else if (o->api_key != NULL && index-- == 0)
        buffer_append_format(text, "Authorization: ApiKey %s", o->api_key);
    else if (o->bearer != NULL && index-- == 0)
        buffer_append_format(text, "Authorization: Bearer %s", o->bearer);
    else if (o->headers != NULL && o->headers[index] != NULL)
        buffer_append_string(text, o->headers[index]);
    else
        return false;
    return true;
}
