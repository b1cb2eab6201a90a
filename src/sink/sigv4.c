/* sigv4.c: see sigv4.h. */
#include "sink/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sink/url.h"

enum {
    DATE_BYTES = sizeof "20260102T030405Z",
    DAY_BYTES = sizeof "20260102" - 1,
    QUERY_PAIRS = 64,
    TEXT_MAX_BYTES = 1 << 20,
};

static void format_date(int64_t wall_ms, char out[DATE_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    strftime(out, DATE_BYTES, "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
}

/* --- the canonical request --- */

/* The path's segments are encoded once more (for every service but s3), though they are encoded. */
static void append_path(struct buffer *out, struct slice path)
{
    if (path.size == 0)
        buffer_append_byte(out, '/');
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '/')
            buffer_append_byte(out, '/');
        else
            url_append_encoded(out, path.data[i]);
    }
}

/* By name, then by value: "a=2" before "a-b=1", which strcmp alone sees otherwise. */
static int compare_pairs(const void *a, const void *b)
{
    const char *one = *(char *const *)a, *other = *(char *const *)b;
    size_t size = strcspn(one, "="), others = strcspn(other, "=");
    int order = memcmp(one, other, size < others ? size : others);
    if (order == 0 && size != others)
        return size < others ? -1 : 1;
    return order != 0 ? order : strcmp(one, other);
}

/* One "name=value" in the one way to encode it, to be freed; NULL: no memory. */
static char *encode_pair(struct slice pair)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX_BYTES);
    bool has_value = false;
    for (size_t i = 0; i < pair.size; i++) {
        if (pair.data[i] == '=' && !has_value) {
            has_value = true;
            buffer_append_byte(&text, '=');
        } else {
            url_append_encoded(&text, url_decode_at(pair, &i));
        }
    }
    if (!has_value)
        buffer_append_byte(&text, '=');
    char *copy = text.has_failed ? NULL : strdup(buffer_string(&text));
    buffer_free(&text);
    return copy;
}

static void append_query(struct buffer *out, struct slice query)
{
    char *pairs[QUERY_PAIRS];
    size_t count = 0;
    while (query.size > 0 && count < QUERY_PAIRS && !out->has_failed) {
        const char *end = memchr(query.data, '&', query.size);
        size_t size = end != NULL ? (size_t)(end - query.data) : query.size;
        pairs[count] = encode_pair((struct slice){query.data, size});
        out->has_failed |= pairs[count++] == NULL;
        size += size < query.size;
        query = (struct slice){query.data + size, query.size - size};
    }
    out->has_failed |= query.size > 0; // more parameters than bobbin sends
    if (!out->has_failed)
        qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        if (!out->has_failed)
            buffer_append_format(out, "%s%s", i > 0 ? "&" : "", pairs[i]);
        free(pairs[i]);
    }
}

void sigv4_append_canonical(struct buffer *out, const struct sigv4_request *r,
                            const struct sigv4_credentials *c, const char *date, const char *names)
{
    struct slice path, query;
    url_split_target(r->url, &path, &query);
    buffer_append_format(out, "%s\n", r->method);
    append_path(out, path);
    buffer_append_byte(out, '\n');
    append_query(out, query);
    buffer_append_string(out, "\nhost:");
    url_append_authority(out, r->url);
    buffer_append_string(out, "\nx-amz-content-sha256:");
    digest_append(out, &r->body);
    buffer_append_format(out, "\nx-amz-date:%s\n", date);
    if (c->token != NULL)
        buffer_append_format(out, "x-amz-security-token:%s\n", c->token);
    buffer_append_format(out, "\n%s\n", names);
    digest_append(out, &r->body);
}

/* --- the signature --- */

static struct slice slice_of_digest(const struct digest *d)
{
    return (struct slice){(const char *)d->bytes, DIGEST_BYTES};
}

/* The key of this day, region and service. */
static bool derive_key(const struct sigv4_request *r, const char *secret, const char *date,
                       struct digest *key, struct error *err)
{
    struct buffer first;
    buffer_init(&first, TEXT_MAX_BYTES);
    buffer_append_format(&first, "AWS4%s", secret);
    bool ok = buffer_check(&first, "a key", err) &&
              digest_hmac(buffer_slice(&first), (struct slice){date, DAY_BYTES}, key, err) &&
              digest_hmac(slice_of_digest(key), slice_of(r->region), key, err) &&
              digest_hmac(slice_of_digest(key), slice_of(r->service), key, err) &&
              digest_hmac(slice_of_digest(key), slice_of("aws4_request"), key, err);
    if (first.data != NULL)
        explicit_bzero(first.data, first.size);
    buffer_free(&first);
    return ok;
}

static bool compute(const struct sigv4_request *r, const struct sigv4_credentials *c,
                    const char *date, const char *scope, const char *names,
                    struct digest *signature, struct error *err)
{
    struct buffer text;
    struct digest key, request;
    buffer_init(&text, TEXT_MAX_BYTES);
    sigv4_append_canonical(&text, r, c, date, names);
    bool ok = buffer_check(&text, "a request to sign", err) &&
              digest_of(buffer_slice(&text), &request, err);
    buffer_clear(&text);
    if (ok) {
        buffer_append_format(&text, "AWS4-HMAC-SHA256\n%s\n%s\n", date, scope);
        digest_append(&text, &request);
    }
    ok = ok && buffer_check(&text, "a request to sign", err) &&
         derive_key(r, c->secret, date, &key, err) &&
         digest_hmac(slice_of_digest(&key), buffer_slice(&text), signature, err);
    explicit_bzero(&key, sizeof key);
    buffer_free(&text);
    return ok;
}

bool sigv4_sign(const struct sigv4_request *r, const struct sigv4_credentials *c,
                struct buffer out[SIGV4_HEADERS], struct error *err)
{
    char date[DATE_BYTES], scope[256];
    struct digest signature;
    const char *names = c->token == NULL
                            ? "host;x-amz-content-sha256;x-amz-date"
                            : "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    format_date(r->wall_ms, date);
    snprintf(scope, sizeof scope, "%.*s/%s/%s/aws4_request", DAY_BYTES, date, r->region,
             r->service);
    if (!compute(r, c, date, scope, names, &signature, err))
        return false;
    buffer_append_format(&out[SIGV4_AUTHORIZATION],
                         "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
                         "Signature=",
                         c->key_id, scope, names);
    digest_append(&out[SIGV4_AUTHORIZATION], &signature);
    buffer_append_format(&out[SIGV4_DATE], "X-Amz-Date: %s", date);
    buffer_append_string(&out[SIGV4_BODY], "X-Amz-Content-Sha256: ");
    digest_append(&out[SIGV4_BODY], &r->body);
    if (c->token != NULL)
        buffer_append_format(&out[SIGV4_TOKEN], "X-Amz-Security-Token: %s", c->token);
    return true;
}
