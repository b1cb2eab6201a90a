/* cluster.c: see cluster.h. */
#include "job/cluster.h"

#include <strings.h>

#include "base/log.h"
#include "sink/url.h"

enum {
    HOST_MAX_BYTES = 1024,
    QUESTIONS_PATIENCE_MS = 1000, // so long other hosts are tried
};

/* Everybody on the way could read the credentials. */
static bool is_in_the_clear(const struct job_options *o, const char *url)
{
    bool has_credentials =
        o->user != NULL || o->api_key != NULL || o->bearer != NULL || url_has_user(url);
    return has_credentials && strncasecmp(url, "http://", 7) == 0 && !url_is_local(url);
}

static void warn_of_risks(const struct job_options *o)
{
    if (o->insecure)
        log_message(LOG_WARNING,
                    "--insecure: the cluster's certificate is not verified: whoever is on the way "
                    "can read and change what is sent, credentials too");
    for (size_t i = 0; o->urls[i] != NULL; i++) {
        struct buffer host;
        if (!is_in_the_clear(o, o->urls[i]))
            continue;
        buffer_init(&host, HOST_MAX_BYTES);
        url_append_host(&host, o->urls[i]);
        log_message(LOG_WARNING, "%s: credentials go there unencrypted: use https",
                    buffer_string(&host));
        buffer_free(&host);
    }
}

static bool begin_signing(struct cluster *c, const struct job_options *o, struct error *err)
{
    if (o->aws_region == NULL)
        return true;
    if (!aws_signer_new(&c->signer, o->aws_region, o->aws_service == 0 ? "es" : "aoss", err))
        return false;
    c->options.signer = aws_signer_for_http(c->signer);
    return true;
}

bool cluster_open(struct cluster *c, const struct job_options *o, struct error *err)
{
    *c = (struct cluster){.options = {
                              .user = o->user,
                              .password = o->password,
                              .api_key = o->api_key,
                              .bearer = o->bearer,
                              .ca_file = o->ca_file,
                              .ca_fingerprint = o->ca_fingerprint,
                              .cert_file = o->cert_file,
                              .cert_key_file = o->cert_key_file,
                              .cert_password = o->cert_password,
                              .is_insecure = o->insecure,
                              .proxy = o->proxy,
                              .proxy_user = o->proxy_user,
                              .proxy_password = o->proxy_password,
                              .headers = o->headers,
                              .timeout_ms = o->request_timeout_ms,
                          }};
    warn_of_risks(o);
    return begin_signing(c, o, err) && http_new(&c->http, &c->options, err);
}

void cluster_close(struct cluster *c)
{
    http_free(c->http);
    aws_signer_free(c->signer);
    *c = (struct cluster){.http = NULL};
}

bool cluster_questions_open(struct cluster_questions *q, const struct job_options *o,
                            int64_t timeout_ms, struct error *err)
{
    q->options = *o;
    if (q->options.request_timeout_ms > timeout_ms)
        q->options.request_timeout_ms = timeout_ms;
    bool ok = cluster_open(&q->cluster, &q->options, err);
    q->hosts = (struct question_hosts){.http = q->cluster.http,
                                       .urls = q->options.urls,
                                       .give_up_after_ms = QUESTIONS_PATIENCE_MS};
    return ok;
}

void cluster_questions_close(struct cluster_questions *q)
{
    cluster_close(&q->cluster);
}
