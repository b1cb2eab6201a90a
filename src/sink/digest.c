/* digest.c: see digest.h. The functions' manual pages are OpenSSL's. */
#include "sink/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.h"

bool digest_begin(struct digest_stream **out, struct error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *out = (struct digest_stream *)context; // nothing but it
    if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
        return true;
    EVP_MD_CTX_free(context);
    return error_set_memory(err);
}

bool digest_add(struct digest_stream *d, const void *bytes, size_t size, struct error *err)
{
    return EVP_DigestUpdate((EVP_MD_CTX *)d, bytes, size) == 1 || error_set_memory(err);
}

bool digest_end(struct digest_stream *d, struct digest *out, struct error *err)
{
    bool ok = out == NULL || EVP_DigestFinal_ex((EVP_MD_CTX *)d, out->bytes, NULL) == 1;
    EVP_MD_CTX_free((EVP_MD_CTX *)d);
    return ok || error_set_memory(err);
}

bool digest_of(struct slice text, struct digest *out, struct error *err)
{
    return EVP_Digest(text.data, text.size, out->bytes, NULL, EVP_sha256(), NULL) == 1 ||
           error_set_memory(err);
}

bool digest_hmac(struct slice key, struct slice text, struct digest *out, struct error *err)
{
    unsigned size = DIGEST_BYTES;
    return HMAC(EVP_sha256(), key.data, (int)key.size, (const unsigned char *)text.data, text.size,
                out->bytes, &size) != NULL ||
           error_set_memory(err);
}

void digest_append(struct buffer *out, const struct digest *d)
{
    char digits[2 * DIGEST_BYTES + 1];
    store_hexadecimal(digits, d->bytes, DIGEST_BYTES);
    buffer_append_string(out, digits);
}
