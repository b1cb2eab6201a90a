/* aws.c: see aws.h. */
#include "sink/aws.h"

#include <stdlib.h>

#include "base/clock.h"
#include "sink/aws_metadata.h"
#include "sink/sigv4.h"

enum { CHUNK_BYTES = 16 << 10 };

_Static_assert((int)HTTP_SIGNED_HEADERS == (int)SIGV4_HEADERS, "http has room for each header");

struct aws_signer {
    const char *region;
    const char *service;
    struct aws_credentials credentials;
    int64_t try_again_ms; // monotonic: not before
    struct http_signer for_http;
};

/* --- credentials --- */

static bool find_credentials(struct aws_credentials *out, struct error *err)
{
    if (!aws_credentials_from_environment(out, err))
        return false;
    if (out->key_id == NULL && !aws_credentials_from_file(out, err))
        return false;
    if (out->key_id != NULL || aws_metadata_fetch(out, err))
        return true;
    if (err->kind == ERROR_UNAVAILABLE)
        err->kind = ERROR_CONFIG;
    return error_hint(err, "no AWS credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                           "nor in ~/.aws/credentials");
}

/* New ones take the old ones' place only when they are there. */
static bool renew(struct aws_signer *s, struct error *err)
{
    struct aws_credentials found;
    int64_t now = clock_monotonic_ms();
    if (now < s->try_again_ms)
        return error_set(err, ERROR_UNAVAILABLE, "the last try has just failed");
    if (!aws_metadata_fetch(&found, err)) {
        s->try_again_ms = now + AWS_RENEW_AGAIN_MS;
        return false;
    }
    aws_credentials_free(&s->credentials);
    s->credentials = found;
    return true;
}

static bool keep_fresh(struct aws_signer *s, struct error *err)
{
    struct error why = {.kind = ERROR_NONE};
    int64_t expires = s->credentials.expires_ms;
    if (expires == 0 || clock_wall_ms() < expires - AWS_RENEW_BEFORE_MS || renew(s, &why))
        return true;
    if (clock_wall_ms() < expires)
        return true;
    *err = why;
    return error_wrap(err, "the role's AWS credentials have expired and can't be renewed");
}

/* --- signing --- */

static bool hash_body(const struct http_body *body, struct digest *out, struct error *err)
{
    struct digest_stream *stream;
    char chunk[CHUNK_BYTES];
    uint64_t left = body->size;
    if (!digest_begin(&stream, err))
        return false;
    bool ok = true;
    while (ok && left > 0) {
        long got = body->read(body->context, chunk, left < sizeof chunk ? left : sizeof chunk);
        if (got == 0 && body->size == HTTP_SIZE_UNKNOWN)
            break;
        ok = got > 0 ? digest_add(stream, chunk, (size_t)got, err)
                     : error_set(err, ERROR_BUG, "the body to sign ends early");
        left -= ok ? (uint64_t)got : 0;
    }
    if (ok && !body->rewind(body->context))
        ok = error_set(err, ERROR_BUG, "the body to sign can't be read again");
    return digest_end(stream, ok ? out : NULL, err) && ok;
}

static bool sign(void *context, const struct http_request *q, struct buffer *out, struct error *err)
{
    struct aws_signer *s = context;
    struct sigv4_request r = {
        .method = q->method, .url = q->url, .region = s->region, .service = s->service};
    if (!keep_fresh(s, err) || !(q->body != NULL ? hash_body(q->body, &r.body, err)
                                                 : digest_of(slice_of(""), &r.body, err)))
        return false;
    r.wall_ms = clock_wall_ms();
    struct sigv4_credentials c = {s->credentials.key_id, s->credentials.secret,
                                  s->credentials.token};
    return sigv4_sign(&r, &c, out, err);
}

bool aws_signer_new(struct aws_signer **out, const char *region, const char *service,
                    struct error *err)
{
    struct aws_signer *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set_memory(err);
    s->region = region;
    s->service = service;
    s->for_http = (struct http_signer){sign, s};
    if (find_credentials(&s->credentials, err)) {
        *out = s;
        return true;
    }
    aws_signer_free(s);
    return false;
}

void aws_signer_free(struct aws_signer *s)
{
    if (s == NULL)
        return;
    aws_credentials_free(&s->credentials);
    free(s);
}

const struct http_signer *aws_signer_for_http(const struct aws_signer *s)
{
    return &s->for_http;
}

const char *aws_remedy(struct slice answer)
{
    static const char *const words[] = {"Signature expired", "Signature not yet current",
                                        "RequestTimeTooSkewed", "RequestExpired"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (answer.size > 0 && memmem(answer.data, answer.size, words[i], strlen(words[i])) != NULL)
            return "this machine's clock is wrong: set it (timedatectl)";
    return NULL;
}
