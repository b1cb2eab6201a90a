/* aws_credentials.h: AWS credentials as texts: from the environment, the shared file, or the JSON that
 * metadata services answer. Asks nobody over the network: that is aws_metadata.h. */
#ifndef BOBBIN_SINK_AWS_CREDENTIALS_H
#define BOBBIN_SINK_AWS_CREDENTIALS_H

#include <stdint.h>

#include "base/buffer.h"

struct aws_credentials {
    char *key_id; // owned, as all three; NULL: there are none
    char *secret;
    char *token;        // of a role; or NULL
    int64_t expires_ms; // clock_wall_ms; 0: never
};

/* Overwrite and free them; C is empty again. */
void aws_credentials_free(struct aws_credentials *c);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. OUT stays empty when the first two
 * are not there. ERROR_MEMORY. */
MUST_CHECK bool aws_credentials_from_environment(struct aws_credentials *out, struct error *err);

/* The profile AWS_PROFILE (default) of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). OUT stays
 * empty when there is no such file or profile, unless AWS_PROFILE asks for it: ERROR_CONFIG. */
MUST_CHECK bool aws_credentials_from_file(struct aws_credentials *out, struct error *err);

/* {"AccessKeyId": ..., "SecretAccessKey": ..., "Token": ..., "Expiration": "2026-01-02T03:04:05Z"},
 * as metadata services answer. ERROR_UNAVAILABLE when it is something else; nothing of it is shown,
 * but for the code and message of a refusal. */
MUST_CHECK bool aws_credentials_from_json(struct aws_credentials *out, struct slice json,
                                          struct error *err);

#endif
