/* aws.h: signs the requests of an http for Amazon OpenSearch Service, with credentials that it finds as
 * AWS's own programs do, and renews when they are a role's. */
#ifndef BOBBIN_SINK_AWS_H
#define BOBBIN_SINK_AWS_H

#include "sink/http.h"

struct aws_signer;

enum {
    AWS_RENEW_BEFORE_MS = 5 * 60 * 1000, // the metadata service has new ones by then
    AWS_RENEW_AGAIN_MS = 60 * 1000,      // after a failure; each may take three seconds
};

/* Find credentials: the environment's, the shared file's, the container's, the instance's. SERVICE:
 * "es", or "aoss" of OpenSearch Serverless. Strings are borrowed. ERROR_CONFIG when there are none, which
 * says where they were looked for. */
MUST_CHECK bool aws_signer_new(struct aws_signer **out, const char *region, const char *service,
                               struct error *err);
void aws_signer_free(struct aws_signer *s);

/* For http_options: signs each request anew. A role's credentials are renewed AWS_RENEW_BEFORE_MS
 * before they expire; while that fails the old ones serve, until they have expired:
 * ERROR_UNAVAILABLE. */
const struct http_signer *aws_signer_for_http(const struct aws_signer *s);

/* Is the clock of this machine to blame for ANSWER, that of a 403? The remedy then, else NULL. */
const char *aws_remedy(struct slice answer);

#endif
