/* cluster.h: the way to the cluster that the job's options describe: HTTP with its credentials, TLS
 * and proxies, signed for AWS when asked. What is risky about it is logged. */
#ifndef BOBBIN_JOB_CLUSTER_H
#define BOBBIN_JOB_CLUSTER_H

#include "job/job.h"
#include "sink/aws.h"
#include "sink/question.h"

struct cluster {
    struct http *http;
    struct http_options options; // borrowed by http
    struct aws_signer *signer;
};

/* Connects to nobody yet, but for AWS's metadata service. O is borrowed, and C must stay where it is.
 * ERROR_CONFIG that names the option or file at fault; ERROR_MEMORY. C can be closed after an error,
 * too. */
MUST_CHECK bool cluster_open(struct cluster *c, const struct job_options *o, struct error *err);

/* Abandons what is in flight. */
void cluster_close(struct cluster *c);

/* A way of its own for small questions whose answers nobody can wait for: other hosts are tried for a second. */
struct cluster_questions {
    struct question_hosts hosts;
    struct job_options options; // with a shorter timeout
    struct cluster cluster;
};

/* As cluster_open; each request may take TIMEOUT_MS at most. */
MUST_CHECK bool cluster_questions_open(struct cluster_questions *q, const struct job_options *o,
                                       int64_t timeout_ms, struct error *err);
void cluster_questions_close(struct cluster_questions *q);

#endif
