/* digest.h: SHA-256, and HMAC with it. The only hashes of OpenSSL; frames have faster ones. */
#ifndef BOBBIN_SINK_DIGEST_H
#define BOBBIN_SINK_DIGEST_H

#include "base/buffer.h"

enum { DIGEST_BYTES = 32 };

struct digest {
    unsigned char bytes[DIGEST_BYTES];
};

/* A hash of what comes in pieces. digest_end frees it, and may be given OUT as NULL to give up. */
struct digest_stream;
MUST_CHECK bool digest_begin(struct digest_stream **out, struct error *err);
MUST_CHECK bool digest_add(struct digest_stream *d, const void *bytes, size_t size,
                           struct error *err);
MUST_CHECK bool digest_end(struct digest_stream *d, struct digest *out, struct error *err);

/* ERROR_MEMORY, here and above, is all that can go wrong. */
MUST_CHECK bool digest_of(struct slice text, struct digest *out, struct error *err);
MUST_CHECK bool digest_hmac(struct slice key, struct slice text, struct digest *out,
                            struct error *err);

/* Append it as 64 hexadecimal digits in lower case. */
void digest_append(struct buffer *out, const struct digest *d);

#endif
