/* aws_metadata.c: see aws_metadata.h. */
#include "sink/aws_metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"
#include "sink/http.h"
#include "sink/url.h"

enum { ANSWER_BYTES = 64 << 10, HEADER_BYTES = 16 << 10, URL_BYTES = 4096, TOKEN_BYTES = 16 << 10 };

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* One question with one header (or NULL). Any answer but 200 is an error that names WHAT. */
static bool ask(const char *method, const char *url, const char *header, const char *what,
                struct buffer *answer, int *status, struct error *err)
{
    const char *headers[] = {header, NULL};
    struct http_options options = {.headers = headers, .proxy = "", .timeout_ms = AWS_METADATA_MS};
    struct http *http = NULL;
    bool ok = http_new(&http, &options, err) &&
              http_call(http, method, url, NULL, (struct slice){NULL, 0}, status, answer, err);
    http_free(http);
    if (ok && *status != 200)
        ok = error_set(err, ERROR_UNAVAILABLE, "it answered %d to the question for %s", *status,
                       what);
    return ok;
}

static bool fetch(const char *url, const char *header, struct aws_credentials *out,
                  struct error *err)
{
    struct buffer answer;
    int status;
    buffer_init(&answer, ANSWER_BYTES);
    bool ok = ask("GET", url, header, "credentials", &answer, &status, err) &&
              aws_credentials_from_json(out, buffer_slice(&answer), err);
    if (answer.data != NULL)
        explicit_bzero(answer.data, answer.size);
    buffer_free(&answer);
    return ok;
}

/* --- containers --- */

/* The container's token goes to where AWS's own programs let it go. */
static bool is_trusted(const char *url)
{
    static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    struct buffer authority;
    bool found = strncasecmp(url, "https:", 6) == 0 || url_is_local(url);
    buffer_init(&authority, URL_BYTES);
    url_append_authority(&authority, url);
    const char *host = buffer_string(&authority);
    size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        found |= length == strlen(hosts[i]) && strncmp(host, hosts[i], length) == 0;
    buffer_free(&authority);
    return found;
}

static bool put_container_header(struct buffer *header, struct error *err)
{
    const char *token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct buffer content;
    buffer_init(&content, TOKEN_BYTES);
    bool ok = file == NULL || file_read_whole(file, &content, err);
    while (ok && content.size > 0 && strchr("\r\n", content.data[content.size - 1]) != NULL)
        content.size--;
    if (ok && file != NULL)
        token = buffer_string(&content);
    if (ok && token != NULL)
        buffer_append_format(header, "Authorization: %s", token);
    buffer_free(&content);
    return ok && buffer_check(header, "an HTTP header", err);
}

static bool fetch_of_container(const char *url, struct aws_credentials *out, struct error *err)
{
    struct buffer header;
    if (!url_check(url, err) || !is_trusted(url))
        return error_set(err, ERROR_CONFIG,
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https nor a host of AWS's or "
                         "this machine");
    buffer_init(&header, HEADER_BYTES);
    bool ok = put_container_header(&header, err) &&
              fetch(url, header.size > 0 ? buffer_string(&header) : NULL, out, err);
    buffer_free(&header);
    return ok || error_wrap(err, "AWS credentials of the container");
}

/* --- EC2: IMDSv2 --- */

static bool ask_instance(const char *endpoint, const char *path, const char *header,
                         const char *what, struct buffer *answer, int *status, struct error *err)
{
    struct buffer url;
    buffer_init(&url, URL_BYTES);
    buffer_append_format(&url, "%s%s", endpoint, path);
    buffer_clear(answer);
    bool ok = buffer_check(&url, "a URL", err) &&
              ask(path[0] == '/' && strstr(path, "/api/token") != NULL ? "PUT" : "GET",
                  buffer_string(&url), header, what, answer, status, err);
    buffer_free(&url);
    return ok;
}

/* The token, as the header that all other questions need. */
static bool put_session_header(const char *endpoint, struct buffer *header, struct error *err)
{
    struct buffer token;
    int status;
    buffer_init(&token, TOKEN_BYTES);
    bool ok =
        ask_instance(endpoint, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 300",
                     "a token", &token, &status, err);
    if (ok)
        buffer_append_format(header, "X-aws-ec2-metadata-token: %s", buffer_string(&token));
    buffer_free(&token);
    return ok && buffer_check(header, "an HTTP header", err);
}

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

/* Append the URL path of the attached role's credentials. */
static bool put_role_path(const char *endpoint, const char *header, struct buffer *path,
                          struct error *err)
{
    struct buffer roles;
    int status = 0;
    buffer_init(&roles, ANSWER_BYTES);
    bool ok = ask_instance(endpoint, role_path, header, "the role", &roles, &status, err);
    size_t length = ok ? strcspn(buffer_string(&roles), "\r\n") : 0;
    if (status == 404 || (ok && length == 0))
        ok = error_set(err, ERROR_CONFIG, "this instance has no role: attach one");
    buffer_append_string(path, role_path);
    for (size_t i = 0; i < length; i++)
        url_append_encoded(path, roles.data[i]);
    buffer_free(&roles);
    return ok && buffer_check(path, "a URL", err);
}

static bool fetch_of_instance(const char *endpoint, struct aws_credentials *out, struct error *err)
{
    struct buffer header, url;
    buffer_init(&header, HEADER_BYTES);
    buffer_init(&url, URL_BYTES);
    buffer_append_string(&url, endpoint);
    bool ok = put_session_header(endpoint, &header, err) &&
              put_role_path(endpoint, buffer_string(&header), &url, err) &&
              fetch(buffer_string(&url), buffer_string(&header), out, err);
    buffer_free(&header);
    buffer_free(&url);
    return ok || error_wrap(err, "AWS credentials of this instance");
}

bool aws_metadata_fetch(struct aws_credentials *out, struct error *err)
{
    const char *relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *endpoint = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *disabled = variable("AWS_EC2_METADATA_DISABLED");
    char url[URL_BYTES];
    *out = (struct aws_credentials){NULL, NULL, NULL, 0};
    if (relative != NULL) {
        snprintf(url, sizeof url, "http://169.254.170.2%s", relative);
        return fetch_of_container(url, out, err);
    }
    if (full != NULL)
        return fetch_of_container(full, out, err);
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return error_set(err, ERROR_UNAVAILABLE, "AWS_EC2_METADATA_DISABLED is true");
    snprintf(url, sizeof url, "%s", endpoint != NULL ? endpoint : "http://169.254.169.254");
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        url[--length] = '\0';
    return fetch_of_instance(url, out, err);
}
