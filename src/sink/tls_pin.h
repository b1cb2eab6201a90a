/* tls_pin.h: trust one certificate authority that is known by its fingerprint alone, as Elasticsearch
 * prints it when its security is set up. The only TLS of OpenSSL. */
#ifndef BOBBIN_SINK_TLS_PIN_H
#define BOBBIN_SINK_TLS_PIN_H

#include <stdbool.h>

enum { TLS_PIN_BYTES = 32 }; // SHA-256

struct tls_pin {
    unsigned char bytes[TLS_PIN_BYTES];
};

/* Read TEXT, 64 hexadecimal digits of any case, with or without ":" between each two. False when it
 * is something else. */
bool tls_pin_parse(const char *text, struct tls_pin *out);

/* Make CONTEXT, an SSL_CTX of a client, trust the certificate with fingerprint PIN (borrowed, as long
 * as the context lives) and no other: the server has to show it, in its chain, and the chain must
 * lead from the server's own certificate to it, each valid today. That happens in the handshake,
 * before anything is sent. Whether the certificate is for the host is for the caller to check, as
 * ever. */
void tls_pin_apply(void *context, const struct tls_pin *pin);

#endif
