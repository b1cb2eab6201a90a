/* certified.h: keys and certificates for the tests of TLS, made on the spot. */
#ifndef BOBBIN_TESTS_CERTIFIED_H
#define BOBBIN_TESTS_CERTIFIED_H

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "unit.h"

struct certified {
    EVP_PKEY *key;
    X509 *certificate;
};

static inline void certified_add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* A certificate of NAME, by ISSUER (NULL: by itself), good for DAYS from yesterday on. */
static inline struct certified certified_make(const char *name, bool is_authority,
                                              const struct certified *issuer, int days)
{
    struct certified c = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject = X509_get_subject_name(c.certificate);
    X509_set_version(c.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(c.certificate), (long)strlen(name));
    X509_gmtime_adj(X509_getm_notBefore(c.certificate), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(c.certificate), 24L * 3600 * (days - 1));
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(c.certificate,
                         issuer ? X509_get_subject_name(issuer->certificate) : subject);
    X509_set_pubkey(c.certificate, c.key);
    certified_add_extension(c.certificate, NID_basic_constraints,
                            is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    ck_assert_int_gt(X509_sign(c.certificate, issuer ? issuer->key : c.key, EVP_sha256()), 0);
    return c;
}

static inline void certified_free(struct certified *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->certificate);
}

#endif
