/* aws_metadata.h: credentials of a role, asked from the metadata service of the container or the
 * EC2 instance that this runs on. These calls go through no proxy, and carry nothing that belongs
 * to the cluster. */
#ifndef BOBBIN_SINK_AWS_METADATA_H
#define BOBBIN_SINK_AWS_METADATA_H

#include "sink/aws_credentials.h"

enum { AWS_METADATA_MS = 1000 }; // for each of at most three requests

/* A container says so with AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI, the latter with a
 * token in AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE; by plain HTTP it goes to this machine
 * and the addresses that AWS names only. Else IMDSv2 at AWS_EC2_METADATA_SERVICE_ENDPOINT
 * (http://169.254.169.254), unless AWS_EC2_METADATA_DISABLED is true. ERROR_UNAVAILABLE: no good answer;
 * ERROR_CONFIG: a variable is wrong, or no role is attached. */
MUST_CHECK bool aws_metadata_fetch(struct aws_credentials *out, struct error *err);

#endif
