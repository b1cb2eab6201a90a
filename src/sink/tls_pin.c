/* tls_pin.c: see tls_pin.h. The functions' manual pages are OpenSSL's. */
#include "sink/tls_pin.h"

#include <stdint.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tls_pin_parse(const char *text, struct tls_pin *out)
{
    bool has_colons = strchr(text, ':') != NULL;
    for (size_t i = 0; i < TLS_PIN_BYTES; i++) {
        if (i > 0 && has_colons && *text++ != ':')
            return false;
        int high = digit(text[0]);
        int low = high < 0 ? -1 : digit(text[1]);
        if (low < 0)
            return false;
        out->bytes[i] = (unsigned char)(high * 16 + low);
        text += 2;
    }
    return *text == '\0';
}

static X509 *find_pinned(STACK_OF(X509) * shown, const struct tls_pin *pin)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;
    for (int i = 0; i < sk_X509_num(shown); i++) {
        X509 *one = sk_X509_value(shown, i);
        if (X509_digest(one, EVP_sha256(), digest, &size) == 1 && size == TLS_PIN_BYTES &&
            memcmp(digest, pin->bytes, TLS_PIN_BYTES) == 0)
            return one;
    }
    return NULL;
}

/* In place of OpenSSL's check against its store: SSL_CTX_set_cert_verify_callback(3). The pinned
 * certificate need not be a root: it may be one that another authority has signed. */
static int verify(X509_STORE_CTX *chain, void *pin)
{
    X509 *pinned = find_pinned(X509_STORE_CTX_get0_untrusted(chain), pin);
    STACK_OF(X509) *trusted = pinned != NULL ? sk_X509_new_null() : NULL;
    int ok = 0;
    if (trusted == NULL || sk_X509_push(trusted, pinned) == 0) {
        X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
    } else {
        X509_STORE_CTX_set0_trusted_stack(chain, trusted);
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(chain), X509_V_FLAG_PARTIAL_CHAIN);
        ok = X509_verify_cert(chain) == 1;
    }
    sk_X509_free(trusted);
    return ok;
}

void tls_pin_apply(void *context, const struct tls_pin *pin)
{
    // the argument is handed back as it is, and never written to
    SSL_CTX_set_cert_verify_callback(context, verify, (void *)(uintptr_t)pin);
}
