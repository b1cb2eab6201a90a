/* test_tls_pin.c: real handshakes, in memory, with an authority that is known by its fingerprint. */
#include "sink/tls_pin.h"

#include "certified.h"

static struct certified root, middle, leaf, stranger, strangers_leaf, expired, lone;

static void setup(void)
{
    root = certified_make("root", true, NULL, 10);
    middle = certified_make("middle", true, &root, 10);
    leaf = certified_make("leaf", false, &middle, 10);
    stranger = certified_make("root", true, NULL, 10); // of the same name
    strangers_leaf = certified_make("leaf", false, &stranger, 10);
    expired = certified_make("expired", false, &root, 0);
    lone = certified_make("lone", false, NULL, 10);
}

static void teardown(void)
{
    struct certified *all[] = {&root, &middle, &leaf, &stranger, &strangers_leaf, &expired, &lone};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        certified_free(all[i]);
}

static const struct {
    const char *what;
    const struct certified *server, *chain[2], *pinned;
    bool is_trusted;
} handshakes[] = {
    {"the root, shown", &leaf, {&middle, &root}, &root, true},
    {"one between", &leaf, {&middle, &root}, &middle, true},
    {"one between, root not shown", &leaf, {&middle}, &middle, true},
    {"the server's own", &leaf, {&middle}, &leaf, true},
    {"a self-signed one", &lone, {NULL}, &lone, true},
    {"the root, not shown", &leaf, {&middle}, &root, false},
    {"another root", &leaf, {&middle, &root}, &stranger, false},
    {"the root, shown but not in the chain", &strangers_leaf, {&stranger, &root}, &root, false},
    {"the root, of the same name", &strangers_leaf, {&root}, &root, false},
    {"an expired server", &expired, {&root}, &root, false},
};

static SSL *make_server(SSL_CTX *context, int i)
{
    ck_assert_int_eq(SSL_CTX_use_certificate(context, handshakes[i].server->certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, handshakes[i].server->key), 1);
    for (int k = 0; k < 2 && handshakes[i].chain[k] != NULL; k++)
        ck_assert_int_eq(SSL_CTX_add1_chain_cert(context, handshakes[i].chain[k]->certificate), 1);
    SSL *server = SSL_new(context);
    SSL_set_accept_state(server);
    return server;
}

static SSL *make_client(SSL_CTX *context, const struct tls_pin *pin)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); // as libcurl does
    tls_pin_apply(context, pin);
    SSL *client = SSL_new(context);
    SSL_set_connect_state(client);
    return client;
}

static bool shake_hands(SSL *client, SSL *server)
{
    BIO *one, *other;
    ck_assert_int_eq(BIO_new_bio_pair(&one, 0, &other, 0), 1);
    SSL_set_bio(client, one, one);
    SSL_set_bio(server, other, other);
    for (int round = 0; round < 10; round++) {
        int result = SSL_do_handshake(client);
        if (result == 1)
            return true;
        if (SSL_get_error(client, result) != SSL_ERROR_WANT_READ)
            return false;
        (void)SSL_do_handshake(server);
    }
    return false;
}

START_TEST(a_server_is_trusted_when_the_pinned_authority_vouches_for_it)
{
    struct tls_pin pin;
    SSL_CTX *ours = SSL_CTX_new(TLS_client_method()), *theirs = SSL_CTX_new(TLS_server_method());
    X509_digest(handshakes[_i].pinned->certificate, EVP_sha256(), pin.bytes, NULL);
    SSL *client = make_client(ours, &pin), *server = make_server(theirs, _i);
    ck_assert_msg(shake_hands(client, server) == handshakes[_i].is_trusted, "%s",
                  handshakes[_i].what);
    ck_assert_int_eq(SSL_get_verify_result(client) == X509_V_OK, handshakes[_i].is_trusted);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(ours);
    SSL_CTX_free(theirs);
}
END_TEST

#define HALF "00112233445566778899aAbBcCdDeEfF"
#define COLONS "00:11:22:33:44:55:66:77:88:99:aA:bB:cC:dD:eE:fF"

static const struct {
    const char *text;
    bool is_good;
} fingerprints[] = {
    {HALF HALF, true},      {COLONS ":" COLONS, true},      {"", false},
    {HALF, false},          {HALF HALF "0", false},         {HALF HALF "00", false},
    {COLONS COLONS, false}, {COLONS ":" COLONS ":", false}, {"g" HALF HALF, false},
    {HALF HALF " ", false}, {"sha256:" HALF HALF, false},   {COLONS ":" HALF, false},
};

START_TEST(a_fingerprint_is_read_with_and_without_colons)
{
    struct tls_pin pin;
    ck_assert_msg(tls_pin_parse(fingerprints[_i].text, &pin) == fingerprints[_i].is_good, "%s",
                  fingerprints[_i].text);
    if (fingerprints[_i].is_good)
        ck_assert_mem_eq(pin.bytes + 16,
                         "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd"
                         "\xee\xff",
                         16);
}
END_TEST

UNIT_MAIN_WITH("sink/tls_pin", setup, teardown,
               UNIT_EACH(a_server_is_trusted_when_the_pinned_authority_vouches_for_it, handshakes),
               UNIT_EACH(a_fingerprint_is_read_with_and_without_colons, fingerprints))
